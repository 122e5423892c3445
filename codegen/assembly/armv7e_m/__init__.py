"""Kernels for Armv7E-M (Cortex-M4, M7, M33)."""

from __future__ import annotations

from collections.abc import Mapping

from codegen.assembly.armv7e_m.add import ADD
from codegen.assembly.armv7e_m.add_words import ADD_WORDS
from codegen.assembly.armv7e_m.columns import COLUMNS
from codegen.assembly.armv7e_m.conv import CONV, CONV_EVEN
from codegen.assembly.armv7e_m.dense import DENSE, DENSE_EVEN
from codegen.assembly.armv7e_m.dense_words import DENSE_WORDS
from codegen.assembly.armv7e_m.depthwise import DEPTHWISE_3X3
from codegen.assembly.armv7e_m.depthwise_areas import (
    DEPTHWISE_AREAS,
    DEPTHWISE_AREAS_TWICE,
    DEPTHWISE_WORDS,
)
from codegen.assembly.armv7e_m.depthwise_lines import DEPTHWISE_LINES
from codegen.assembly.armv7e_m.depthwise_pixels import DEPTHWISE_PIXELS
from codegen.assembly.armv7e_m.depthwise_windows import DEPTHWISE_TWICE, DEPTHWISE_WINDOWS
from codegen.assembly.armv7e_m.lstm import LSTM
from codegen.assembly.armv7e_m.matmul import MATMUL
from codegen.assembly.armv7e_m.mean import MEAN
from codegen.assembly.armv7e_m.mul_words import MUL_WORDS
from codegen.assembly.armv7e_m.sparse import CONV_SPARSE
from codegen.assembly.armv7e_m.sparse_dense import DENSE_SPARSE
from codegen.assembly.armv7e_m.winograd import CONV_WINOGRAD
from codegen.assembly.flat import flat
from codegen.c.step import Variant
from edgekit.ir.op import Op
from edgekit.ir.ops import QAdd, QAvgPool2D, QConv2D, QDense, QLstm, QMatMul, QMean, QMul

DEPTHWISE = (
    DEPTHWISE_3X3,
    DEPTHWISE_AREAS,
    DEPTHWISE_AREAS_TWICE,
    DEPTHWISE_WORDS,
    DEPTHWISE_LINES,
    DEPTHWISE_PIXELS,
    DEPTHWISE_WINDOWS,
    DEPTHWISE_TWICE,
)
VARIANTS: Mapping[type[Op], tuple[Variant, ...]] = {
    QAdd: (ADD, ADD_WORDS),
    QAvgPool2D: (MEAN,),
    QConv2D: (
        COLUMNS,
        CONV_EVEN,
        CONV,
        CONV_SPARSE,
        CONV_WINOGRAD,
        *DEPTHWISE,
        *map(flat, (DENSE_EVEN, DENSE, DENSE_SPARSE, DENSE_WORDS)),
    ),
    QDense: (CONV_EVEN, CONV, CONV_SPARSE, DENSE_EVEN, DENSE, DENSE_SPARSE, DENSE_WORDS),
    QLstm: (LSTM,),
    QMatMul: (MATMUL,),
    QMean: (MEAN,),
    QMul: (MUL_WORDS,),
}
"""What each operator may become, beside portable C."""
