"""Image processing as C."""

from __future__ import annotations

import numpy as np

from codegen.c.processing.helper import HelperWriter
from edgekit.processing import ImageInput
from edgekit.processing.image import channels_of
from quantize.processing.image import byte_table, luma_weights, positions


def check_image(writer: HelperWriter, settings: ImageInput) -> None:
    """Note where the model's input is no image of the given colour."""
    shape, channels = writer.port.shape, channels_of(settings.model_colour)
    if len(shape) != 4 or writer.port.layout != "NHWC" or shape[3] != channels:
        given = f"the model's input is {list(shape)} {writer.port.layout}".rstrip()
        wanted = f"an image of {channels} channels for model_colour '{settings.model_colour}'"
        writer.refuse(given, wanted)


def emit_image(writer: HelperWriter, settings: ImageInput) -> None:
    """Write the statements: one kernel does all of it."""
    port = writer.port
    _, height, width, channels = port.shape
    linear = settings.resize == "bilinear"
    table = byte_table(settings, port.dtype, port.quant, port.half_even)
    count = channels_of(settings.colour)
    planar = settings.layout == "chw"
    order = np.arange(channels, dtype=np.uint8) % count
    if {settings.colour, settings.model_colour} == {"rgb", "bgr"}:
        order = order[::-1]
    luma = channels == 1 and count == 3
    weights = np.array(luma_weights(settings), np.uint8)
    image = writer.declare(
        "ek_image",
        "image",
        row=settings.width if planar else settings.width * count,
        column=1 if planar else count,
        channel=settings.height * settings.width if planar else 1,
        out_h=height,
        out_w=width,
        out_c=channels,
        rows=writer.table(positions(settings.height, height, linear), "rows"),
        columns=writer.table(positions(settings.width, width, linear), "columns"),
        order=writer.table(np.ascontiguousarray(order), "order"),
        luma=writer.table(weights, "luma") if luma else "NULL",
        table_step=256 if len(table) > 1 else 0,
    )
    writer.call(f"ek_image_{writer.suffix}", image, writer.table(table, "bytes"), "raw", "out")
