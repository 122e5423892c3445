"""C arithmetic on integers that wraps in their own range, as numpy's does."""

from __future__ import annotations

from edgekit.ir import DType


def accumulator(dtype: DType) -> str:
    """The C type in which sums and products of elements are kept: their own for real ones; an
    unsigned one for integers, in which overflow is defined and the low bits are right."""
    if dtype.is_float:
        return dtype.c_name
    return "uint64_t" if dtype.itemsize == 8 else "uint32_t"


def modular(operator: str, dtype: DType, a: str, b: str) -> str:
    """``a operator b`` without undefined overflow."""
    if dtype.is_float:
        return f"{a} {operator} {b}"
    wide = accumulator(dtype)
    return f"({wide}){a} {operator} ({wide}){b}"
