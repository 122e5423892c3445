"""Settings of every kind, over odd sizes, with the inputs of a graph that they fill."""

from __future__ import annotations

import itertools
from typing import Any, get_args

from edgekit.ir import DType
from edgekit.processing import AudioInput, ImageInput, InputProcessing
from edgekit.processing.audio import Arithmetic
from edgekit.processing.image import Colour, Layout, Resize
from tests.processing.helpers import Shapes

SIZES = (
    (1, 1, 3, 5),
    (7, 5, 3, 4),
    (13, 9, 19, 21),
    (24, 16, 24, 16),
    (31, 17, 8, 8),
    (4, 6, 1, 1),
)
"""Rows and columns of the source, then of the result."""
Kinds = tuple[Shapes, dict[str, InputProcessing]]


def images(dtype: DType) -> Kinds:
    """Every colour, layout and way to resize."""
    shapes: Shapes = {}
    settings: dict[str, InputProcessing] = {}
    colours: tuple[Colour, ...] = get_args(Colour)
    layouts: tuple[Layout, ...] = get_args(Layout)
    ways: tuple[Resize, ...] = get_args(Resize)
    kinds = itertools.product(colours, colours, layouts, ways)
    for index, (colour, model, layout, way) in enumerate(kinds):
        rows, columns, height, width = SIZES[index % len(SIZES)]
        channels = 1 if model == "gray" else 3
        settings[f"x{index}"] = ImageInput(
            rows,
            columns,
            colour=colour,
            model_colour=model,
            layout=layout,
            resize=way,
            mean=(1.5, 2.0, 100.0)[:channels] if index % 2 else (0.0,),
            scale=(0.017,),
        )
        shapes[f"x{index}"] = ((1, height, width, channels), dtype)
    return shapes, settings


def sounds(dtype: DType) -> Kinds:
    """Transforms of even and odd powers of two, windows, features of every kind."""
    shapes: Shapes = {}
    settings: dict[str, InputProcessing] = {}
    windows = ("hann", "hamming", "hann_centred")
    for index, length in enumerate((64, 128, 256, 512, 1024)):
        shared: dict[str, Any] = {
            "sample_rate_hz": 8000,
            "window_ms": length / 8 - (index % 2) * 1.125,
            "stride_ms": 4,
            "fft_length": length,
            "mel_bins": 5 + index,
            "lower_hz": 60,
            "upper_hz": 3900,
            "window": windows[index % 3],
            "coefficients": (0, 3)[index % 2],
            "feature_scale": 0.07,
        }
        made: dict[Arithmetic, dict[str, Any]] = {
            "fixed": {"log_bits": 4 + index, "noise_reduction": index > 1, "pcan": index > 2},
            "float": {"spectrum": ("power", "magnitude")[index % 2], "log_offset": 10.0**-index},
        }
        for arithmetic, own in made.items():
            name = f"{arithmetic}{length}"
            kind = AudioInput(**shared, **own, arithmetic=arithmetic)
            settings[name] = kind
            shapes[name] = ((1, 3, kind.features), dtype)
    return shapes, settings
