"""Kernels for Armv7-M (Cortex-M3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from codegen.assembly import dense as blocks
from codegen.assembly import matmul, rows, sums, tiles
from codegen.assembly.armv7_m.add import add
from codegen.assembly.armv7_m.columns import GROUP_BYTES, GROUP_INSTRUCTIONS, columns
from codegen.assembly.armv7_m.dense import dense
from codegen.assembly.armv7_m.listed import DENSE_LIST, TILE_LIST
from codegen.assembly.armv7_m.row import PIXELS, row
from codegen.assembly.armv7_m.tile import FRAME, tile
from codegen.assembly.armv7_m.window import BOTH, TAPS, reaches, window
from codegen.assembly.armv7_m.window import PIXELS as WINDOW_PIXELS
from codegen.assembly.armv7_m.winograd import CONV_WINOGRAD
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7_M
from codegen.assembly.listed import pieces_of
from codegen.assembly.matmul import MatmulCost
from codegen.assembly.scalar import Scalar
from codegen.assembly.tile_cost import TileCost
from codegen.assembly.tiles import form_of
from codegen.assembly.window_kernel import Copies
from codegen.assembly.windows import WindowCore
from codegen.assembly.word_columns import WordColumns
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node
from edgekit.ir.op import Op
from edgekit.ir.ops import QConv2D


def emit_tiles(w: StepWriter) -> None:
    tiles.emit(w, ARMV7_M, tile)


def emit_listed_tiles(w: StepWriter) -> None:
    tiles.emit(w, ARMV7_M, tile, listed=True)


TILE_COST = TileCost(
    product=6, tap=8, filter=86, signed=34, call=241, row=288, waiting=14, unpacked=72
)
LISTED_TILE_COST = replace(TILE_COST, product=0, filter=91, waiting=21)
"""The same where weights are listed, whose lists are counted apart."""


SIGNED, CLAMPED = 5, 6
"""More for an output of a depthwise convolution, rounded twice or clamped to less than int8."""


def emit_rows(w: StepWriter) -> None:
    rows.emit(w, ARMV7_M, row, PIXELS)


def refuse_rows(node: Node) -> str:
    """As `rows.refuse`; a load reaches 4095 bytes."""
    reason = rows.refuse(node)
    if not reason and rows.kernel_of(node, PIXELS).reach > 4095:
        return "three rows of the input are longer than 4 KiB"
    return reason


def row_cost(node: Node) -> Cost:
    """Columns, products and requantization of every channel, for all shares of all rows."""
    kind = rows.kernel_of(node, PIXELS, rows.is_signed(node))
    _, height, width, channels = node.output.type.shape
    count = node.output.type.shape[0] * height * -(-width // kind.pixels)
    output = 6 + SIGNED * kind.signed + CLAMPED * kind.clamp
    products = 3 * (kind.columns + 3 * kind.pixels + 7)
    each = Cost(products=products, requantize=output * kind.pixels, control=18)
    return count * (channels * each + 40)


WINDOWS = WindowCore(
    ARMV7_M, window, reaches, bits=31, pixels=WINDOW_PIXELS, taps=TAPS, both=BOTH,
    column=1, product=1, last=1, weight=1, piece=0, row=3, filter=14, channel=10, output=8,
    signed=SIGNED, clamped=CLAMPED,
    copies=Copies(patch=240, block=23, line=35, most=8, pixel=11, word=4, byte=5, filled=4.6),
)  # fmt: skip


def emit_sum(w: StepWriter) -> None:
    sums.emit(w, ARMV7_M, add)


def emit_dense(w: StepWriter) -> None:
    blocks.emit(w, ARMV7_M, dense)


def emit_listed_dense(w: StepWriter) -> None:
    blocks.emit_listed(w, ARMV7_M, dense)


def emit_dense_words(w: StepWriter) -> None:
    blocks.emit_words(w, ARMV7_M, dense)


def dense_cost(node: Node) -> Cost:
    """Inputs, products and requantization of every block, for all rows."""
    outputs, depth = node.input(1).type.shape
    size = min(blocks.FILTERS, outputs)
    each = Cost(products=depth * (2 * size + 1) + depth // 2, requantize=11 * size, control=20)
    return node.output.type.shape[0] * -(-outputs // size) * each


def listed_dense_cost(node: Node) -> Cost:
    """Lists and requantization of every filter, for all rows."""
    parts, form = pieces_of(node.input(1).array), form_of(node)
    assert form is not None  # else refused
    each = Cost(requantize=9 + 9 * form.signed, control=18 + 3 * len(parts[0]))
    lists = Cost(products=DENSE_LIST.total(parts))
    return node.output.type.shape[0] * (lists + len(parts) * each)


def dense_words_cost(node: Node) -> Cost:
    """As `dense_cost`, for int16."""
    outputs, depth = node.input(1).type.shape
    size = min(blocks.FILTERS, outputs)
    each = Cost(products=depth * (2 * size + 1) + depth // 2, requantize=6 * size, control=24)
    return node.output.type.shape[0] * (-(-outputs // size) * each + 20)


MATMUL_COST = MatmulCost(
    product=6, left=35, spread=11.75, column=146, signed=40, wait=70, call=51, tile=606, pack=5.4,
    add=3.9,
)  # fmt: skip


def emit_matmul(w: StepWriter) -> None:
    matmul.emit(w, ARMV7_M, tile, bits=31)


def matmul_cost(node: Node) -> Cost:
    return matmul.cost(node, MATMUL_COST, 31)


WORD_COLUMNS = WordColumns(
    ARMV7_M, columns, "ek_word_columns_s16", together=2, flip=0, packed=False,
    group_bytes=GROUP_BYTES, group=GROUP_INSTRUCTIONS + 0.75, filters=19, scale=36, copy=29, row=20,
    border=26, rest=27, tile=450, call=50,
)  # fmt: skip


_SHARED = Scalar(
    bits=31,
    emit_sum=emit_sum,
    emit_dense=emit_dense,
    emit_dense_words=emit_dense_words,
    emit_matmul=emit_matmul,
    emit_tiles=emit_tiles,
    emit_rows=emit_rows,
    emit_listed_dense=emit_listed_dense,
    emit_listed_tiles=emit_listed_tiles,
    sum_element=Cost(products=4, requantize=2, control=0.5),
    dense_cost=dense_cost,
    dense_words_cost=dense_words_cost,
    matmul_cost=matmul_cost,
    row_cost=row_cost,
    listed_dense_cost=listed_dense_cost,
    word_columns=WORD_COLUMNS,
    tile_cost=TILE_COST,
    listed_tile_cost=LISTED_TILE_COST,
    tile_list=TILE_LIST,
    tile_frame=FRAME,
    windows=WINDOWS,
    refuse_rows=refuse_rows,
).variants()
VARIANTS: Mapping[type[Op], tuple[Variant, ...]] = {
    **_SHARED,
    QConv2D: (*_SHARED[QConv2D], CONV_WINOGRAD),
}
"""What each operator may become, beside portable C."""
