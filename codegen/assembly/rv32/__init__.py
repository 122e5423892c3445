"""Kernels for RV32IMC (RISC-V microcontrollers)."""

from __future__ import annotations

from collections.abc import Mapping

from codegen.assembly.rv32.add import ADD
from codegen.assembly.rv32.conv import PACKED
from codegen.assembly.rv32.dense import DENSE
from codegen.assembly.rv32.depthwise import DEPTHWISE
from codegen.c.step import Variant
from edgekit.ir.op import Op
from edgekit.ir.ops import QAdd, QConv2D, QDense

VARIANTS: Mapping[type[Op], tuple[Variant, ...]] = {
    QAdd: (ADD,),
    QConv2D: (PACKED, DEPTHWISE),
    QDense: (DENSE,),
}
"""What each operator may become, beside portable C."""
