"""Dense layers of one or two rows on Armv7E-M (more rows are pixels of a convolution)."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.conv_layer import accumulators, rows_of
from codegen.assembly.armv7e_m.dense_block import (
    GROUP,
    LOCAL_BYTES,
    UNROLL,
    dense_function,
    group_bytes,
    group_instructions,
)
from codegen.assembly.armv7e_m.pairs import misfits, pack_pairs
from codegen.assembly.armv7e_m.requant import SHIFTS
from codegen.assembly.armv7e_m.scaling import (
    CLAMP,
    KEEP,
    SCALE,
    SHIFT,
    TWICE,
    Scaling,
    find_scaling,
    without_scaling,
)
from codegen.assembly.block import Block
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7E_M
from codegen.assembly.others import Mask, with_others
from codegen.c.step import StepWriter, Variant
from edgekit.errors import ModelError
from edgekit.ir import DType, Node
from edgekit.ir.ops import QDense

Int = NDArray[np.int64]
BLOCK = 4
"""Filters that are computed together."""
PORTABLE = "ek_dense_pairs_s8"
TILE_INPUTS = 896
"""Most inputs that are expanded on the stack."""


@dataclass(frozen=True, eq=False)
class Layer:
    """Everything that is prepared for a layer.

    Attributes:
        rows, depth, filters: its sizes.
        weights: filters x inputs, whole groups of `GROUP`.
        order: filters in the order of their pairs, blocks of `BLOCK`.
        scaling: their constants.
    """

    rows: int
    depth: int
    filters: int
    weights: Int
    order: Int
    scaling: Scaling

    @property
    def tiled(self) -> bool:
        """Whether the inputs are expanded on the stack."""
        return self.depth <= TILE_INPUTS

    @property
    def groups(self) -> int:
        """Groups of inputs, a partial one included."""
        return -(-self.depth // GROUP)

    @property
    def block_bytes(self) -> int:
        """Constants and weights of a block."""
        constants = 2 * BLOCK * (self.scaling.tail != KEEP)
        return 4 * (BLOCK + GROUP // 4 * BLOCK * self.groups + constants)

    @property
    def whole_bytes(self) -> int:
        """Of all blocks but a last one that computes some filters once more."""
        return self.block_bytes * max(self.filters // BLOCK, 1)

    @property
    def last_bytes(self) -> int:
        """Of that one, 0 where there is none."""
        return self.block_bytes if self.filters % BLOCK and self.filters > BLOCK else 0

    @property
    def entry(self) -> int:
        """Bytes of code before the end of the multiplications at which they begin."""
        return ((self.groups - 1) % UNROLL + 1) * group_bytes(self.tiled)

    @property
    def frame_bytes(self) -> int:
        """Variables and tile."""
        tile = 2 * GROUP * self.groups * self.tiled
        return LOCAL_BYTES + tile + 2 * GROUP * (self.depth < GROUP)

    def stream(self) -> NDArray[np.int32]:
        """Starts, weights and constants of every block."""
        pairs = pack_pairs(self.weights[self.order[::2]], self.weights[self.order[1::2]])
        blocks = len(self.order) // BLOCK
        words = pairs.reshape(blocks, 2, -1, 2).transpose(0, 2, 1, 3).reshape(blocks, -1)
        first = self.scaling.first_words.reshape(blocks, -1)
        last = self.scaling.last_words.reshape(blocks, -1)
        return np.concatenate([first, words, last], axis=1).ravel()


@functools.lru_cache(maxsize=256)
def prepare(node: Node) -> Layer | str:
    """Everything that is prepared for a dense layer, or why it cannot be."""
    rows = rows_of(node)
    filters, depth = rows.shape
    order = _order(filters)
    if misfits(rows[order[::2]], rows[order[1::2]]).any():
        return "a weight of -128 beside a negative one"
    try:
        found = find_scaling(*accumulators(node), order, SHIFTS)
    except ModelError as error:
        return error.summary
    if isinstance(found, str):
        return found
    return Layer(node.input(0).type.shape[0], depth, filters, whole_groups(rows), order, found)


def lacking(node: Node) -> Mask | None:
    """Filters because of which `prepare` finds nothing."""
    if _refuse_shape(node):
        return None
    rows = rows_of(node)
    order = _order(len(rows))
    found = without_scaling(*accumulators(node), order, SHIFTS)
    found[order[1::2][misfits(rows[order[::2]], rows[order[1::2]])]] = True
    return found


def _order(filters: int) -> Int:
    """Blocks of four; a last one that is not whole repeats filters."""
    if filters < BLOCK:
        return np.array(([0, 0, 0, 0], [0, 1, 0, 1], [0, 1, 2, 2])[filters - 1], np.int64)
    whole = np.arange(filters // BLOCK * BLOCK, dtype=np.int64)
    last = np.arange(filters - BLOCK, filters, dtype=np.int64)
    return np.concatenate([whole, last]) if filters % BLOCK else whole


def whole_groups(rows: Int) -> Int:
    """Whole groups of inputs: a last one that is not repeats inputs, with weights of zero."""
    depth = rows.shape[1]
    rest = depth % GROUP
    zeros = np.zeros((len(rows), -rest % GROUP), np.int64)
    if depth < GROUP:
        return np.concatenate([rows, zeros], axis=1)
    return np.concatenate([rows[:, : depth - rest], zeros, rows[:, depth - rest :]], axis=1)


def refuse(node: Node) -> str:
    """Why no function computes a node; empty where one can."""
    found = _refuse_shape(node) or prepare(node)
    return found if isinstance(found, str) else ""


def _refuse_shape(node: Node) -> str:
    op, depth = node.op, node.input(1).type.shape[1]
    assert isinstance(op, QDense)
    if {node.input(0).type.dtype, node.output.type.dtype} != {DType.INT8} or op.w_zero:
        return "not int8 with symmetric weights"
    if depth > TILE_INPUTS and depth % GROUP:
        return f"more than {TILE_INPUTS} inputs that are no multiple of {GROUP}"
    return ""


def emit(w: StepWriter) -> None:
    """Write a layer."""
    layer = _layer(w.node)
    emit_layer(w, layer, function_of(layer), PORTABLE)


def emit_layer(w: StepWriter, layer: Layer, block: Block, kernel: str) -> None:
    """Write a layer that a function of this kind computes; ``kernel``: its portable equal."""
    op = w.node.op
    assert isinstance(op, QDense)
    pointer = declare(
        w, layer, "layer", add=255 - op.requant.high + op.requant.low,
        subtract=255 - op.requant.high, zero=2 * op.requant.zero_point + 1,
    )  # fmt: skip
    x, y = w.read(w.node.input(0)), w.write(w.node.output)
    w.assemble(ARMV7E_M, block, kernel, pointer, x, y)


def function_of(layer: Layer) -> Block:
    """The function that computes a layer."""
    return dense_function(layer.tiled, layer.scaling.tail, layer.scaling.shift)


def declare(w: StepWriter, layer: Layer, variable: str, **more: int) -> str:
    """Declare a layer's ``ek_dense_pairs``; returns a pointer to it."""
    few = layer.order[:BLOCK]
    return w.declare(
        "ek_dense_pairs",
        variable,
        weights=w.weights(layer.stream(), variable, 4 * 3 * len(layer.order)),
        rows=layer.rows,
        depth=layer.depth,
        filters=layer.filters,
        groups=max(layer.depth // GROUP, 1),
        back=-layer.depth % GROUP if layer.depth > GROUP else 0,
        n1=int(few[1]),
        n2=int(few[2]),
        n3=int(few[3]),
        block_bytes=layer.whole_bytes,
        last_bytes=layer.last_bytes,
        entry=layer.entry,
        frame_bytes=layer.frame_bytes,
        tail=layer.scaling.tail,
        shift=layer.scaling.shift,
        **more,
    )


def cost(node: Node) -> Cost:
    """Executed by one run."""
    return layer_cost(_layer(node))


def layer_cost(layer: Layer) -> Cost:
    """Executed by one run of a layer."""
    loops = -(-layer.groups // UNROLL)
    expanding = 8 if layer.tiled else 12
    group = Cost(products=group_instructions(layer.tiled) - expanding, packing=expanding)
    blocks = len(layer.order) // BLOCK
    products = (group * layer.groups + 3 * loops) * blocks
    packing = 9 * layer.groups + 6 if layer.tiled else 1
    if layer.depth < GROUP:
        packing += 4 * layer.depth + 4
    elif layer.depth % GROUP:
        packing += 6
    return rows_cost(layer, products + Cost(packing=packing))


def rows_cost(layer: Layer, products: Cost) -> Cost:
    """Executed by one run, from what prepares and multiplies one row."""
    tails = {KEEP: -4, SCALE: 8, CLAMP: 18, TWICE: 33, SHIFT: 37}
    block = Cost(requantize=9 + tails[layer.scaling.tail], control=5)
    row = 26 + products + block * (len(layer.order) // BLOCK) + 14 * (layer.last_bytes != 0)
    return 25 + row * layer.rows


def stack(node: Node) -> int:
    """Bytes of the tile and the variables."""
    return _layer(node).frame_bytes


def _layer(node: Node) -> Layer:
    layer = prepare(node)
    assert isinstance(layer, Layer)
    return layer


DENSE = with_others(
    Variant(
        emit,
        name="dense pairs",
        refuse=refuse,
        cost=cost,
        stack=stack,
    ),
    lacking,
)
"""Four filters at a time, two in one register."""
