"""Kernels for RV32IMC (RISC-V microcontrollers)."""

from __future__ import annotations

from collections.abc import Mapping

from codegen.assembly.flat import flat
from codegen.assembly.isa import RV32
from codegen.assembly.others import with_others
from codegen.assembly.rv32.add import ADD
from codegen.assembly.rv32.columns import COLUMNS
from codegen.assembly.rv32.conv import PACKED, PACKED_SPARSE
from codegen.assembly.rv32.dense import DENSE, dense_lacking
from codegen.assembly.rv32.dense_listed import DENSE_SPARSE
from codegen.assembly.rv32.depthwise import DEPTHWISE, depthwise_lacking
from codegen.assembly.rv32.depthwise_windows import WINDOWS, windows_lacking
from codegen.assembly.rv32.layer import conv_lacking
from codegen.assembly.rv32.lstm import LSTM
from codegen.assembly.rv32.matmul import MATMUL
from codegen.assembly.rv32.winograd import CONV_WINOGRAD
from codegen.c.step import Variant
from edgekit.ir.op import Op
from edgekit.ir.ops import QAdd, QConv2D, QDense, QLstm, QMatMul

_DENSE = with_others(DENSE, dense_lacking, RV32), with_others(DENSE_SPARSE, dense_lacking, RV32)
VARIANTS: Mapping[type[Op], tuple[Variant, ...]] = {
    QAdd: (ADD,),
    QConv2D: (
        with_others(PACKED, conv_lacking, RV32),
        with_others(PACKED_SPARSE, conv_lacking, RV32),
        with_others(DEPTHWISE, depthwise_lacking, RV32),
        with_others(WINDOWS, windows_lacking, RV32),
        COLUMNS,
        *map(flat, _DENSE),
        CONV_WINOGRAD,
    ),
    QDense: _DENSE,
    QLstm: (LSTM,),
    QMatMul: (MATMUL,),
}
"""What each operator may become, beside portable C."""
