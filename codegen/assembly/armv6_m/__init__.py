"""Kernels for Armv6-M (Cortex-M0+)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from codegen.assembly import dense as blocks
from codegen.assembly import matmul, rows, sums, tiles
from codegen.assembly.armv6_m.add import add
from codegen.assembly.armv6_m.columns import TAP_INSTRUCTIONS, columns
from codegen.assembly.armv6_m.dense import FLIP, dense
from codegen.assembly.armv6_m.high_word import BITS
from codegen.assembly.armv6_m.listed import DENSE_LIST, TILE_LIST
from codegen.assembly.armv6_m.lstm import LSTM
from codegen.assembly.armv6_m.row import PIXELS, row
from codegen.assembly.armv6_m.tile import FRAME, tile
from codegen.assembly.armv6_m.window import BOTH, TAPS, reaches, window
from codegen.assembly.armv6_m.window import PIXELS as WINDOW_PIXELS
from codegen.assembly.columns import TAPS as GROUP
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV6_M
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
from edgekit.ir.ops import QLstm


def emit_tiles(w: StepWriter) -> None:
    tiles.emit(w, ARMV6_M, tile, BITS, by_filter=True)


def emit_listed_tiles(w: StepWriter) -> None:
    tiles.emit(w, ARMV6_M, tile, BITS, listed=True)


TILE_COST = TileCost(
    product=10, tap=32, filter=243, signed=46, call=88, row=385, waiting=64, unpacked=70
)
LISTED_TILE_COST = replace(TILE_COST, product=0, tap=28, filter=222, signed=58, waiting=45)
"""The same where weights are listed, whose lists are counted apart."""


OUTPUT, SIGNED, CLAMPED = 28, 9, 6
"""An output of a depthwise convolution, from the start of its sum; more, rounded twice or clamped
to less than int8."""


def emit_rows(w: StepWriter) -> None:
    rows.emit(w, ARMV6_M, row, PIXELS, BITS)


def row_cost(node: Node) -> Cost:
    """Columns, products and requantization of every channel, for all shares of all rows."""
    kind = rows.kernel_of(node, PIXELS, rows.is_signed(node, BITS))
    _, height, width, channels = node.output.type.shape
    count = node.output.type.shape[0] * height * -(-width // kind.pixels)
    output = OUTPUT + SIGNED * kind.signed + CLAMPED * kind.clamp
    each = Cost(
        products=3 * (kind.columns + 9 * kind.pixels + 22),
        requantize=output * kind.pixels,
        control=21,
    )
    return count * (channels * each + 80)


WINDOWS = WindowCore(
    ARMV6_M, window, reaches, bits=BITS, pixels=WINDOW_PIXELS, taps=TAPS, both=BOTH,
    column=2, product=3, last=2, weight=2, piece=1, row=10, filter=15, channel=10, output=OUTPUT,
    signed=SIGNED, clamped=CLAMPED,
    copies=Copies(patch=469, block=60, line=54, most=15.5, pixel=9, word=5.3, byte=9, filled=4.9),
)  # fmt: skip


def emit_sum(w: StepWriter) -> None:
    sums.emit(w, ARMV6_M, add)


def emit_dense(w: StepWriter) -> None:
    blocks.emit(w, ARMV6_M, dense, BITS, flip=FLIP)


def emit_dense_words(w: StepWriter) -> None:
    blocks.emit_words(w, ARMV6_M, dense, flip=FLIP, packed=True)


def emit_listed_dense(w: StepWriter) -> None:
    blocks.emit_listed(w, ARMV6_M, dense, BITS)


def dense_cost(node: Node) -> Cost:
    """Inputs, products and requantization of every block, for all rows."""
    outputs, depth = node.input(1).type.shape
    size = min(blocks.FILTERS, outputs)
    each = Cost(products=depth * (3 * size + 4), requantize=40 * size, control=40)
    return node.output.type.shape[0] * -(-outputs // size) * each


def listed_dense_cost(node: Node) -> Cost:
    """Lists and requantization of every filter, for all rows."""
    parts, form = pieces_of(node.input(1).array), form_of(node, BITS)
    assert form is not None  # else refused
    each = Cost(requantize=36 + 12 * form.signed, control=17 + 5 * len(parts[0]))
    lists = Cost(products=DENSE_LIST.total(parts))
    return node.output.type.shape[0] * (lists + len(parts) * each)


def dense_words_cost(node: Node) -> Cost:
    """As `dense_cost`, for int16."""
    outputs, depth = node.input(1).type.shape
    size = min(blocks.FILTERS, outputs)
    each = Cost(products=depth * (3 * size + 4), requantize=30 * size, control=45)
    return node.output.type.shape[0] * (-(-outputs // size) * each + 45)


MATMUL_COST = MatmulCost(
    product=10, left=67, spread=25, column=306, signed=66, wait=97, call=392, tile=706, pack=10.6,
    add=5.7,
)  # fmt: skip


def emit_matmul(w: StepWriter) -> None:
    matmul.emit(w, ARMV6_M, tile, BITS, by_filter=True)


def matmul_cost(node: Node) -> Cost:
    return matmul.cost(node, MATMUL_COST, BITS)


WORD_COLUMNS = WordColumns(
    ARMV6_M, columns, "ek_word_column_s16", together=1, flip=FLIP, packed=True, group_bytes=0,
    group=GROUP * TAP_INSTRUCTIONS + 3, filters=32, scale=70, copy=36, row=31, border=29, rest=22,
    tile=560, call=393, again=42,
)  # fmt: skip


VARIANTS: Mapping[type[Op], tuple[Variant, ...]] = {
    QLstm: (LSTM,),
    **Scalar(
        bits=BITS,
        emit_sum=emit_sum,
        emit_dense=emit_dense,
        emit_listed_dense=emit_listed_dense,
        emit_listed_tiles=emit_listed_tiles,
        emit_dense_words=emit_dense_words,
        emit_matmul=emit_matmul,
        emit_tiles=emit_tiles,
        emit_rows=emit_rows,
        sum_element=Cost(products=6, requantize=5.5, control=2),
        dense_cost=dense_cost,
        listed_dense_cost=listed_dense_cost,
        dense_words_cost=dense_words_cost,
        matmul_cost=matmul_cost,
        row_cost=row_cost,
        word_columns=WORD_COLUMNS,
        tile_cost=TILE_COST,
        listed_tile_cost=LISTED_TILE_COST,
        tile_list=TILE_LIST,
        tile_frame=FRAME,
        windows=WINDOWS,
        refuse_rows=rows.refuse,
    ).variants(),
}
"""What each operator may become, beside portable C."""
