"""Kernels for Armv6-M (Cortex-M0+)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from codegen.assembly.armv6_m.add import add
from codegen.assembly.armv6_m.columns import COLUMNS
from codegen.assembly.armv6_m.dense import FLIP, dense
from codegen.assembly.armv6_m.high_word import BITS
from codegen.assembly.armv6_m.listed import DENSE_LIST, TILE_LIST
from codegen.assembly.armv6_m.lstm import LSTM
from codegen.assembly.armv6_m.row import PIXELS, row
from codegen.assembly.armv6_m.tile import FRAME, tile
from codegen.assembly.armv6_m.window import BOTH, TAPS, reaches, window
from codegen.assembly.armv6_m.window import PIXELS as WINDOW_PIXELS
from codegen.assembly.cost import Cost
from codegen.assembly.dense import DenseCost
from codegen.assembly.isa import ARMV6_M
from codegen.assembly.matmul import MatmulCost
from codegen.assembly.rows import RowCost
from codegen.assembly.scalar import Scalar
from codegen.assembly.sums import SumCost
from codegen.assembly.tile_cost import TileCost
from codegen.assembly.window_kernel import Copies
from codegen.assembly.windows import WindowCore
from codegen.c.step import Variant
from edgekit.ir.op import Op
from edgekit.ir.ops import QLstm

SUM_COST = SumCost(47, Cost(products=6, requantize=6, control=2), clamped=6.5)
DENSE_COST = DenseCost(
    product=3, input=4, output=40, block=40, word_output=30, word_block=45, word_row=45,
    lists=DENSE_LIST, listed_output=36, signed=12, listed_filter=17, piece=5,
)  # fmt: skip
TILE_COST = TileCost(
    product=10, tap=32, filter=241, signed=44, clamped=39, call=168, row=232, copy=132, byte=2.9,
    tile=233, layer=262, waiting=62, unpacked=62, straight=378, straight_row=65, spared=74,
    bits=BITS,
)  # fmt: skip
LISTED_TILE_COST = replace(TILE_COST, product=0, tap=28, filter=221, signed=58, waiting=34)
"""The same where weights are listed, whose lists are counted apart."""
MATMUL_COST = MatmulCost(
    product=10, left=67, spread=25, column=306, signed=66, wait=97, call=392, tile=706, pack=10.6,
    add=5.7,
)  # fmt: skip
ROW_COST = RowCost(
    product=9, row=22, output=28, signed=9, clamped=6, channel=21, share=80, spared=14
)
WINDOWS = WindowCore(
    ARMV6_M, window, reaches, bits=BITS, pixels=WINDOW_PIXELS, taps=TAPS, both=BOTH,
    column=2, product=3, last=2, weight=2, piece=1, row=10, filter=15, channel=10,
    output=ROW_COST.output, signed=ROW_COST.signed, clamped=ROW_COST.clamped,
    copies=Copies(
        patch=469, block=60, line=54, most=15.5, pixel=9, word=5.3, apart=45, byte=4.5, filled=4.9,
    ),
)  # fmt: skip

VARIANTS: Mapping[type[Op], tuple[Variant, ...]] = {
    QLstm: (LSTM,),
    **Scalar(
        ARMV6_M, BITS, by_filter=True, flip=FLIP, packed=True, add=add, dense=dense, tile=tile,
        row=row, sum_cost=SUM_COST, dense_cost=DENSE_COST, tile_cost=TILE_COST,
        listed_tile_cost=LISTED_TILE_COST, tile_list=TILE_LIST, tile_frame=FRAME,
        matmul_cost=MATMUL_COST, row_pixels=PIXELS, row_reach=0, row_cost=ROW_COST,
        windows=WINDOWS, columns=COLUMNS,
    ).variants(),
}  # fmt: skip
"""What each operator may become, beside portable C."""
