"""Element types and their numpy and C spellings."""

from __future__ import annotations

import enum

import numpy as np
from numpy.typing import DTypeLike


class DType(enum.Enum):
    """Element type of a value; the enum's value is numpy's name for it."""

    FLOAT32 = "float32"
    FLOAT64 = "float64"
    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    UINT64 = "uint64"
    BOOL = "bool"

    @property
    def numpy(self) -> np.dtype[np.generic]:
        """The numpy dtype."""
        return np.dtype(self.value)

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.numpy.itemsize

    @property
    def is_integer(self) -> bool:
        """True for the signed and unsigned integer types (not for bool)."""
        return self.numpy.kind in "iu"

    @property
    def c_name(self) -> str:
        """The C99 spelling, e.g. ``int8_t``; a truth value is a byte that holds 0 or 1."""
        spelled = {DType.FLOAT32: "float", DType.FLOAT64: "double", DType.BOOL: "uint8_t"}
        return spelled.get(self, f"{self.value}_t")

    @property
    def is_float(self) -> bool:
        """True for float32 and float64."""
        return self.numpy.kind == "f"

    @property
    def bounds(self) -> tuple[int, int]:
        """Smallest and largest representable integer.

        Raises:
            ValueError: for float and bool types.
        """
        info = np.iinfo(self.value)
        return int(info.min), int(info.max)

    @staticmethod
    def from_numpy(dtype: DTypeLike) -> DType:
        """The element type of a numpy dtype.

        Raises:
            ValueError: the dtype has no counterpart.
        """
        return DType(np.dtype(dtype).name)
