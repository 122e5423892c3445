"""Infinite numbers are infinite in C too: padding for a maximum, open clamps."""

from __future__ import annotations

import numpy as np

from edgekit.ir import DType
from edgekit.ir.ops import Clamp, Clip, Pad
from tests.codegen.batch import compile_all
from tests.codegen.graphs import float32, single


def test_padding_with_infinity_and_open_clamps() -> None:
    pad = single(Pad((0, 0, 1, 0), (0, 0, 1, 0), -np.inf), [float32(1, 1, 2, 1)], DType.FLOAT32)
    clip = single(Clip(Clamp(0.0, None)), [float32(1, 3)], DType.FLOAT32)
    padded, clipped = compile_all([pad, clip])
    found = padded.run([np.array([1.0, 2.0], np.float32).reshape(1, 1, 2, 1)])[0]
    assert found.ravel().tolist() == [-np.inf, 1.0, 2.0, -np.inf]
    found = clipped.run([np.array([[np.inf, -1.0, 3.0]], np.float32)])[0]
    assert found.ravel().tolist() == [np.inf, 0.0, 3.0]
