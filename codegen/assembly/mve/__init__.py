"""Kernels for Armv8.1-M with MVE (Cortex-M55, M85)."""

from __future__ import annotations

from collections.abc import Mapping

from codegen.assembly.flat import flat
from codegen.assembly.isa import MVE
from codegen.assembly.mve.columns import COLUMNS
from codegen.assembly.mve.dense import DENSE
from codegen.assembly.mve.depthwise import DEPTHWISE
from codegen.assembly.mve.layer import lacking
from codegen.assembly.mve.lookup import LOOKUP
from codegen.assembly.mve.lstm import LSTM
from codegen.assembly.mve.matmul import MATMUL
from codegen.assembly.mve.pointwise import POINTWISE
from codegen.assembly.mve.pooling import MEAN, POOL
from codegen.assembly.mve.spatial import SPATIAL
from codegen.assembly.mve.sums import ADD
from codegen.assembly.mve.taps import TAPS, WIDE_TAPS
from codegen.assembly.mve.wide_dense import WIDE_DENSE
from codegen.assembly.others import with_others
from codegen.c.step import Variant
from edgekit.ir.op import Op
from edgekit.ir.ops import (
    QAdd,
    QAvgPool2D,
    QConv2D,
    QDense,
    QLookup,
    QLstm,
    QMatMul,
    QMaxPool2D,
    QMean,
    QMeanPool2D,
)

VARIANTS: Mapping[type[Op], tuple[Variant, ...]] = {
    QAdd: (ADD,),
    QAvgPool2D: (POOL,),
    QConv2D: (
        COLUMNS,
        WIDE_TAPS,
        *(with_others(v, lacking, MVE) for v in (POINTWISE, SPATIAL, DEPTHWISE, TAPS)),
        flat(with_others(DENSE, lacking, MVE)),
    ),
    QDense: (WIDE_DENSE, *(with_others(v, lacking, MVE) for v in (DENSE, POINTWISE))),
    QLookup: (LOOKUP,),
    QLstm: (LSTM,),
    QMatMul: (MATMUL,),
    QMaxPool2D: (POOL,),
    QMean: (MEAN,),
    QMeanPool2D: (POOL,),
}
"""What each operator may become, beside portable C."""
