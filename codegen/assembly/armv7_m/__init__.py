"""Kernels for Armv7-M (Cortex-M3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from codegen.assembly.armv7_m.add import add
from codegen.assembly.armv7_m.columns import COLUMNS
from codegen.assembly.armv7_m.dense import dense
from codegen.assembly.armv7_m.listed import DENSE_LIST, TILE_LIST
from codegen.assembly.armv7_m.row import PIXELS, row
from codegen.assembly.armv7_m.tile import FRAME, tile
from codegen.assembly.armv7_m.window import BOTH, TAPS, reaches, window
from codegen.assembly.armv7_m.window import PIXELS as WINDOW_PIXELS
from codegen.assembly.armv7_m.winograd import CONV_WINOGRAD
from codegen.assembly.cost import Cost
from codegen.assembly.dense import DenseCost
from codegen.assembly.isa import ARMV7_M
from codegen.assembly.matmul import MatmulCost
from codegen.assembly.rows import RowCost
from codegen.assembly.scalar import Scalar
from codegen.assembly.sums import SumCost
from codegen.assembly.tile_cost import TileCost
from codegen.assembly.window_kernel import Copies
from codegen.assembly.windows import WindowCore
from codegen.c.step import Variant
from edgekit.ir.op import Op
from edgekit.ir.ops import QConv2D

BITS = 31
"""Of multipliers."""
REACH = 4095
"""Bytes that a load reaches."""
SUM_COST = SumCost(18, Cost(products=4, requantize=2, control=0.5), clamped=6)
DENSE_COST = DenseCost(
    product=2, input=1.5, output=11, block=20, word_output=6, word_block=24, word_row=20,
    lists=DENSE_LIST, listed_output=9, signed=9, listed_filter=18, piece=3,
)  # fmt: skip
TILE_COST = TileCost(
    product=6, tap=8, filter=86, signed=34, clamped=36, call=239, row=160, copy=101, byte=4.2,
    tile=172, layer=130, waiting=14, unpacked=72, straight=273, straight_row=40,
)  # fmt: skip
LISTED_TILE_COST = replace(TILE_COST, product=0, filter=91, waiting=21)
"""The same where weights are listed, whose lists are counted apart."""
MATMUL_COST = MatmulCost(
    product=6, left=35, spread=11.75, column=146, signed=40, wait=70, call=51, tile=606, pack=5.4,
    add=3.9,
)  # fmt: skip
ROW_COST = RowCost(product=3, row=7, output=6, signed=5, clamped=6, channel=18, share=40)
WINDOWS = WindowCore(
    ARMV7_M, window, reaches, bits=BITS, pixels=WINDOW_PIXELS, taps=TAPS, both=BOTH,
    column=1, product=1, last=1, weight=1, piece=0, row=3, filter=14, channel=10, output=8,
    signed=ROW_COST.signed, clamped=ROW_COST.clamped,
    copies=Copies(
        patch=240, block=23, line=35, most=8, pixel=11, word=4, apart=50, byte=1.5, filled=4.6,
    ),
)  # fmt: skip

_SHARED = Scalar(
    ARMV7_M, BITS, by_filter=False, flip=0, packed=False, add=add, dense=dense, tile=tile, row=row,
    sum_cost=SUM_COST, dense_cost=DENSE_COST, tile_cost=TILE_COST,
    listed_tile_cost=LISTED_TILE_COST, tile_list=TILE_LIST, tile_frame=FRAME,
    matmul_cost=MATMUL_COST, row_pixels=PIXELS, row_reach=REACH, row_cost=ROW_COST,
    windows=WINDOWS, columns=COLUMNS,
).variants()  # fmt: skip
VARIANTS: Mapping[type[Op], tuple[Variant, ...]] = {
    **_SHARED,
    QConv2D: (*_SHARED[QConv2D], CONV_WINOGRAD),
}
"""What each operator may become, beside portable C."""
