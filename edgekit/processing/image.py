"""What turns an image into a model's input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgekit.processing.settings import STRICT, Checker, numbers

Colour = Literal["rgb", "bgr", "gray"]
Resize = Literal["bilinear", "nearest"]
Layout = Literal["hwc", "chw"]
LARGEST = 4096
"""Largest height and width: sizes and offsets stay within int32."""


def channels_of(colour: Colour) -> int:
    """Bytes of one pixel."""
    return 1 if colour == "gray" else 3


@dataclass(frozen=True)
class ImageInput:
    """An image of bytes, resized, recoloured and normalised into one input of the model.

    The real value of an element is ``(byte - mean) * scale``, the byte being that of the resized
    image. Pixel centres lie at halves: output pixel i looks at ``(i + 0.5) * in / out - 0.5``.

    Attributes:
        kind: ``image``.
        height: rows of the source image.
        width: columns of the source image.
        colour: order of the bytes of a source pixel.
        layout: ``hwc`` for pixels one after the other, ``chw`` for planes.
        model_colour: order of the channels that the model was trained with.
        resize: how the source becomes as large as the model's input.
        mean: subtracted from a byte, one number or one for each channel of the model.
        scale: factor after that, one number or one for each channel of the model.
    """

    __pydantic_config__ = STRICT

    height: int
    width: int
    kind: Literal["image"] = "image"
    colour: Colour = "rgb"
    layout: Layout = "hwc"
    model_colour: Colour = "rgb"
    resize: Resize = "bilinear"
    mean: tuple[float, ...] = (0.0,)
    scale: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        check = Checker(self)
        check.between(1, LARGEST, "height", "width")
        for key, choices in (("colour", Colour), ("model_colour", Colour)):
            check.choice(key, choices)
        check.choice("layout", Layout)
        check.choice("resize", Resize)
        channels = channels_of(self.model_colour)
        counts = f"1 or {channels} numbers" if channels > 1 else "1 number"
        check.rule(numbers(self.mean, channels), "mean", counts)
        check.rule(
            numbers(self.scale, channels) and 0 not in self.scale, "scale", f"{counts}, not 0"
        )
        check.done("image")

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the source, with a batch axis of 1."""
        size = (self.height, self.width)
        count = channels_of(self.colour)
        return (1, *size, count) if self.layout == "hwc" else (1, count, *size)
