"""The base of operators: a frozen dataclass of attributes with shape inference and MAC count."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.ir.dtype import DType

Shape = tuple[int, ...]


class ShapeError(ValueError):
    """Input shapes do not fit the operator; the message says what is allowed."""


@dataclass(frozen=True)
class Op:
    """One operator's attributes. Subclasses are frozen dataclasses."""

    @property
    def name(self) -> str:
        """The operator's name, e.g. ``Conv2D``."""
        return type(self).__name__

    @property
    def label(self) -> str:
        """What users know it as: integer operators are called like those that they stand for."""
        return re.sub("^Q(?=[A-Z])", "", self.name)

    def infer(self, shapes: Sequence[Shape]) -> tuple[Shape, ...]:
        """Output shapes from input shapes (``()`` stands for an absent optional input).

        Raises:
            ShapeError: the inputs do not fit.
        """
        raise ShapeError(f"{self.name} has no shape inference")

    def dtypes(self, dtypes: Sequence[DType | None]) -> tuple[DType, ...]:
        """Element types of the outputs from those of the inputs (None for an absent input).

        By default every output has the first input's type; `infer` and `dtypes` give equally many.
        """
        first = dtypes[0] if dtypes else None
        return (first or DType.FLOAT32,)

    def macs(self, shapes: Sequence[Shape]) -> int:
        """Multiply-accumulates for these input shapes; 0 where the operator has none."""
        return 0


def require(condition: bool, message: str) -> None:
    """Raise `ShapeError` with ``message`` unless ``condition`` holds."""
    if not condition:
        raise ShapeError(message)
