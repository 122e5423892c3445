"""Kernels for Armv7-M (Cortex-M3)."""

from __future__ import annotations

from collections.abc import Mapping

from codegen.c.step import Variant
from edgekit.ir.op import Op

VARIANTS: Mapping[type[Op], tuple[Variant, ...]] = {}
"""What each operator may become, beside portable C."""
