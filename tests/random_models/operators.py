"""What a random model is made of: one function for each operator or family.

Functions with poles or jumps get operands that keep away from them, so that a difference is an
error.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.random_models import elementwise, layers, moving
from tests.random_models.maker import Maker

Template = Callable[[Maker], bool]

INTEGER: tuple[Template, ...] = (*elementwise.INTEGER, *layers.INTEGER, *moving.INTEGER)
"""Operators that a calibrated model computes in integers: results are identical."""

REAL: tuple[Template, ...] = (*INTEGER, *elementwise.REAL, *layers.REAL, *moving.REAL)
"""Operators of float32 models."""
