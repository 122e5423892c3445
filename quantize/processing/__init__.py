"""The numpy definition of what comes before and after a model; the C equals it bit for bit."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from edgekit.artefact import Port
from edgekit.processing import ImageInput, InputProcessing
from quantize.processing.audio import process_audio
from quantize.processing.image import byte_table, process_image


def process(raw: NDArray[Any], settings: InputProcessing, port: Port) -> NDArray[Any]:
    """Raw images or clips (n, ...) to a model's input (n, ...) as the artefact stores it."""
    if isinstance(settings, ImageInput):
        table = byte_table(settings, port.dtype, port.quant, port.half_even)
        return process_image(raw, settings, port.shape[1], port.shape[2], table)
    return process_audio(raw, settings, port)


__all__ = ["process"]
