"""Kernels for RV32IMC (RISC-V microcontrollers)."""

from __future__ import annotations

from collections.abc import Mapping

from codegen.assembly.rv32.conv import PACKED
from codegen.assembly.rv32.dense import DENSE
from codegen.c.step import Variant
from edgekit.ir.op import Op
from edgekit.ir.ops import QConv2D, QDense

VARIANTS: Mapping[type[Op], tuple[Variant, ...]] = {
    QConv2D: (PACKED,),
    QDense: (DENSE,),
}
"""What each operator may become, beside portable C."""
