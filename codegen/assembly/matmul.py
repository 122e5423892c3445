"""Products of two int8 matrices by tiles: what instruction sets without byte products share.

The tile kernel of convolutions (`codegen.assembly.tiles`) takes rows of the left matrix for pixels
and columns of the right one for filters, which are packed when they are known. Elements may be the
most negative ones, so that a call takes one tap less.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from codegen.assembly.block import Block
from codegen.assembly.cost import Cost
from codegen.assembly.isa import Isa
from codegen.assembly.tiles import BY_FILTER, MOST, NO_FORM, PIXELS, TileKernel
from codegen.c.operators.integer import attributes
from codegen.c.operators.layers import STACK_AXES, declare_matmul
from codegen.c.step import StepWriter
from edgekit.ir import Node
from edgekit.ir.ops import QMatMul
from quantize.high_word import HighWord, high_word

TAPS = MOST // 2**14
"""Of a call: products of two bytes reach 2^14."""
LEFT = 2
"""At most so many rows of the right matrix are multiplied in C, where that spares a call."""
PANEL = 2048
"""Bytes of packed columns, if that is more than two; ``COLUMNS``: the most of them."""
COLUMNS = 32
FEWEST_ROWS, FEWEST_COLUMNS, DEPTHS = 5, 6, (8, 512)
"""Portable C is about as fast for less, and where few columns are packed at once."""


@dataclass(frozen=True)
class Panels:
    """How a product is divided.

    Attributes:
        depth, columns: of the right matrix.
    """

    depth: int
    columns: int

    @property
    def whole(self) -> int:
        """Rows of the right matrix that calls take."""
        rest = self.depth % TAPS
        return self.depth - rest if self.depth > TAPS and rest <= LEFT else self.depth

    @property
    def calls(self) -> int:
        """Of a tile."""
        return -(-self.whole // TAPS)

    @property
    def taps(self) -> int:
        """Of a call: equal shares."""
        return -(-self.whole // self.calls)

    @property
    def panel(self) -> int:
        """Columns that are packed at once: even."""
        return min(max(2, PANEL // self.whole & ~1), COLUMNS, self.columns & ~1)

    @property
    def sizes(self) -> list[int]:
        """Columns of each panel; an odd last one comes with the one before it."""
        whole, rest = divmod(self.columns, self.panel)
        return [self.panel] * whole + [rest & ~1] * (rest > 1) + [2] * (rest & 1)


def panels_of(node: Node) -> Panels:
    """The division of a product."""
    depth, columns = node.input(1).type.shape[-2:]
    return Panels(depth, columns)


def refuse(node: Node, bits: int) -> str:
    """Why tiles cannot compute a product, with multipliers of so many bits."""
    a, b = node.input(0).type.shape, node.input(1).type.shape
    if len(node.output.type.shape) > STACK_AXES + 2:
        return "too many axes"
    if a[-2] < FEWEST_ROWS or b[-1] < FEWEST_COLUMNS or not DEPTHS[0] <= a[-1] <= DEPTHS[1]:
        least = f"{FEWEST_ROWS} rows and {FEWEST_COLUMNS} columns"
        return f"at least {least} only, {DEPTHS[0]} to {DEPTHS[1]} deep"
    return "" if form_of(node, bits) else NO_FORM


def form_of(node: Node, bits: int) -> HighWord | None:
    """The proven form of a product's requantization."""
    op, depth = node.op, node.input(0).type.shape[-1]
    assert isinstance(op, QMatMul)
    ends = [[-128 - zero, 127 - zero] for zero in (op.a_zero, op.b_zero)]
    products = depth * np.multiply.outer(*ends)
    bounds = np.array([products.min()]), np.array([products.max()])
    return high_word(op.requant, np.zeros(1, np.int64), bounds, bits)


def scratch(node: Node) -> int:
    """Bytes of the sums of rows, of columns and of tiles, and of the packed columns."""
    found = panels_of(node)
    words = node.input(0).type.shape[-2] + (1 + PIXELS) * found.panel
    return 4 * words + found.panel * found.whole


def emit(
    w: StepWriter,
    isa: Isa,
    write: Callable[[TileKernel], Block],
    bits: int,
    by_filter: bool = False,
) -> None:
    """Emit a product whose tiles an instruction set's kernel computes.

    Args:
        w: the step.
        isa: the instruction set.
        write: makes the tile kernel.
        bits: of the multipliers.
        by_filter: order of the packed columns, see `codegen.assembly.tiles.pack`.
    """
    op, found, form = attributes(w, QMatMul), panels_of(w.node), form_of(w.node, bits)
    assert form is not None  # else refused
    kind = TileKernel(form.signed, (op.requant.low, op.requant.high) != (-128, 127))
    layer = w.declare(
        "ek_matmul_tiles", "layer",
        table=w.table(np.tile(form.words()[0], found.panel), "requant"),
        columns=found.panel, taps=found.taps, whole=found.whole, flags=BY_FILTER * by_filter,
        a_zero=op.a_zero, b_zero=op.b_zero,
        offset=2 * op.requant.zero_point + 1, low=op.requant.low, high=op.requant.high,
    )  # fmt: skip
    kernel = w.function(isa, write(kind), kind.portable)
    a, b, y = w.node.input(0), w.node.input(1), w.node.output
    w.call(
        "ek_matmul_tiles_s8",
        declare_matmul(w),
        layer,
        kernel,
        w.read(a),
        w.read(b),
        w.scratch(),
        w.write(y),
    )


@dataclass(frozen=True)
class MatmulCost:
    """Instructions of an instruction set's products; those that a compiler chooses are from a fit
    to the shapes of the tests.

    Attributes:
        product: of a tap and a column; ``left``: of one that C multiplies.
        spread: of a tap of six rows.
        column: beginning, requantizing and storing a column of a tile; ``signed``: more, rounded
            twice; ``wait``: more for each call but the last.
        call: of the kernel; ``tile``: of a tile beside its calls.
        pack: of an element of the right matrix; ``add``: of the left one, where the right zero
            point is not 0.
    """

    product: float
    left: float
    spread: float
    column: float
    signed: float
    wait: float
    call: float
    tile: float
    pack: float
    add: float


def cost(node: Node, each: MatmulCost, bits: int) -> Cost:
    """Executed by one run of a product, whose multipliers have so many bits."""
    op, found, form = node.op, panels_of(node), form_of(node, bits)
    assert isinstance(op, QMatMul)
    assert form is not None  # else refused
    rows, columns, panels = node.input(0).type.shape[-2], sum(found.sizes), len(found.sizes)
    tiles = -(-rows // PIXELS)
    of_column = Cost(
        products=each.product * found.whole + each.left * (found.depth - found.whole),
        packing=each.wait * (found.calls - 1),
        requantize=each.column + each.signed * form.signed,
    )
    of_panel = Cost(packing=each.spread * found.whole, control=each.call * found.calls + each.tile)
    packing = each.pack * found.depth * columns + each.add * found.depth * rows * (op.b_zero != 0)
    matrix = tiles * (columns * of_column + panels * of_panel) + Cost(packing=packing)
    count = node.output.type.size // (rows * found.columns)
    return count * matrix
