"""Dense layers of one or two rows on Armv7E-M (more rows are pixels of a convolution)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m.conv_layer import accumulators, refuse_rule, rows_of
from codegen.assembly.armv7e_m.dense_block import (
    dense_function,
    group_bytes,
    group_instructions,
)
from codegen.assembly.armv7e_m.dense_frame import GROUP, LOCAL_BYTES, UNROLL
from codegen.assembly.armv7e_m.pairs import misfits, pack_pairs
from codegen.assembly.armv7e_m.requant import SHIFTS
from codegen.assembly.armv7e_m.scaling import (
    CLAMP,
    EVEN,
    EVEN_CLAMP,
    FLOAT_TAILS,
    KEEP,
    SCALE,
    SHIFT,
    TWICE,
    Scaling,
    find_scaling,
    without_scaling,
)
from codegen.assembly.block import Block
from codegen.assembly.cached import cached
from codegen.assembly.cost import Cost
from codegen.assembly.isa import ARMV7E_M, ARMV7E_M_FPU
from codegen.assembly.others import Mask, with_others
from codegen.assembly.prepared import prepared
from codegen.assembly.refusal import OtherKind
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
        order: filters in the order of their pairs: blocks of `BLOCK`, then perhaps one more pair.
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
    def block_count(self) -> int:
        """Blocks of `BLOCK` filters."""
        return len(self.order) // BLOCK

    @property
    def has_pair(self) -> bool:
        """Whether a pair of filters follows the blocks."""
        return len(self.order) % BLOCK != 0

    @property
    def block_bytes(self) -> int:
        """Constants and weights of a block."""
        constants = 2 * BLOCK * (self.scaling.tail != KEEP)
        return 4 * (BLOCK + GROUP // 4 * BLOCK * self.groups + constants)

    @property
    def whole_bytes(self) -> int:
        """Of all blocks but a last one that computes some filters once more."""
        return self.block_bytes * self.block_count - self.last_bytes

    @property
    def last_bytes(self) -> int:
        """Of that one, 0 where there is none."""
        return self.block_bytes if BLOCK < self.filters < BLOCK * self.block_count else 0

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
        """Starts, weights and constants of every block, and of a last pair."""
        pairs = pack_pairs(self.weights[self.order[::2]], self.weights[self.order[1::2]])
        first, last = self.scaling.first_words, self.scaling.last_words
        parts = []
        for at in range(0, len(pairs), BLOCK // 2):
            some = slice(at, at + BLOCK // 2)
            turned = pairs[some].reshape(len(pairs[some]), -1, 2).transpose(1, 0, 2)
            parts += [first[some].ravel(), turned.ravel(), last[some].ravel()]
        return np.concatenate(parts)


@cached
def prepare(node: Node, whole: bool = False, fpu: bool = False) -> Layer | str:
    """Everything that is prepared for a dense layer, or why it cannot be.

    Args:
        node: the layer.
        whole: no pair at the end, blocks alone.
        fpu: whether floats may be multiplied.
    """
    rows = rows_of(node)
    filters, depth = rows.shape
    order = _order(filters, whole)
    if misfits(rows[order[::2]], rows[order[1::2]]).any():
        return "a weight of -128 beside a negative one"
    try:
        found = find_scaling(*accumulators(node), order, SHIFTS, fpu)
    except ModelError as error:
        return error.summary
    if isinstance(found, str):
        return found
    return Layer(node.input(0).type.shape[0], depth, filters, whole_groups(rows), order, found)


def lacking(node: Node, fpu: bool = False) -> Mask | None:
    """Filters because of which `prepare` finds nothing."""
    if refuse_shape(node):
        return None
    rows = rows_of(node)
    order = _order(len(rows), whole=False)
    found = without_scaling(*accumulators(node), order, SHIFTS, fpu)
    found[order[1::2][misfits(rows[order[::2]], rows[order[1::2]])]] = True
    return found


def _order(filters: int, whole: bool) -> Int:
    """Blocks of four; what is left is a pair, or a last block that repeats filters."""
    rest = filters % BLOCK
    if rest == 0:
        return np.arange(filters, dtype=np.int64)
    size = BLOCK if whole or rest == BLOCK - 1 else 2
    last = np.clip(np.arange(size) + max(filters - size, 0), 0, filters - 1)
    return np.concatenate([np.arange(filters - rest), last]).astype(np.int64)


def whole_groups(rows: Int) -> Int:
    """Whole groups of inputs: a last one that is not repeats inputs, with weights of zero."""
    depth = rows.shape[1]
    rest = depth % GROUP
    zeros = np.zeros((len(rows), -rest % GROUP), np.int64)
    if depth < GROUP:
        return np.concatenate([rows, zeros], axis=1)
    return np.concatenate([rows[:, : depth - rest], zeros, rows[:, depth - rest :]], axis=1)


def refuse_shape(node: Node) -> str:
    """Why no function computes a node, whatever its filters are; empty where one can."""
    op, depth = node.op, node.input(1).type.shape[1]
    assert isinstance(op, QDense)
    if {node.input(0).type.dtype, node.output.type.dtype} != {DType.INT8} or op.w_zero:
        return OtherKind("not int8 with symmetric weights")
    if depth > TILE_INPUTS and depth % GROUP:
        return f"more than {TILE_INPUTS} inputs that are no multiple of {GROUP}"
    return ""


def emit_layer(w: StepWriter, layer: Layer, block: Block, kernel: str) -> None:
    """Write a layer that a function of this kind computes; ``kernel``: its portable equal."""
    op = w.node.op
    assert isinstance(op, QDense)
    pointer = declare(
        w, layer, "layer", add=255 - op.requant.high + op.requant.low,
        subtract=255 - op.requant.high, zero=2 * op.requant.zero_point + 1,
    )  # fmt: skip
    x, y = w.read(w.node.input(0)), w.write(w.node.output)
    isa = ARMV7E_M_FPU if layer.scaling.tail in FLOAT_TAILS else ARMV7E_M
    w.assemble(isa, block, kernel, pointer, x, y)


def function_of(layer: Layer) -> Block:
    """The function that computes a layer."""
    return dense_function(layer.tiled, layer.scaling.tail, layer.scaling.shift)


def declare(w: StepWriter, layer: Layer, variable: str, **more: int) -> str:
    """Declare a layer's ``ek_dense_pairs``; returns a pointer to it."""
    n1, n2, n3 = (min(i, layer.filters - 1) for i in (1, 2, 3))
    return w.declare(
        "ek_dense_pairs",
        variable,
        weights=w.weights(layer.stream(), variable, 4 * 3 * len(layer.order)),
        rows=layer.rows,
        depth=layer.depth,
        filters=layer.filters,
        groups=max(layer.depth // GROUP, 1),
        back=-layer.depth % GROUP if layer.depth > GROUP else 0,
        n1=n1,
        n2=n2,
        n3=n3,
        block_bytes=layer.whole_bytes,
        last_bytes=layer.last_bytes,
        entry=layer.entry,
        frame_bytes=layer.frame_bytes,
        tail=layer.scaling.tail,
        shift=layer.scaling.shift,
        **more,
    )


def layer_cost(layer: Layer) -> Cost:
    """Executed by one run of a layer."""
    loops = -(-layer.groups // UNROLL)
    expanding = 8 if layer.tiled else 12
    group = Cost(products=group_instructions(layer.tiled) - expanding, packing=expanding)
    products = (group * layer.groups + 3 * loops) * layer.block_count
    if layer.has_pair:
        products += layer.groups * Cost(products=12, packing=4 if layer.tiled else 9)
    packing = 9 * layer.groups + 6 if layer.tiled else 1
    if layer.depth < GROUP:
        packing += 4 * layer.depth + 4
    elif layer.depth % GROUP:
        packing += 6
    looking = 7 * (layer.scaling.tail != KEEP) - 3 * (layer.block_count == 0)
    return rows_cost(layer, products + Cost(packing=packing, control=looking))


def rows_cost(layer: Layer, products: Cost) -> Cost:
    """Executed by one run, from what prepares and multiplies one row."""
    tails = {
        KEEP: -4, SCALE: 8, CLAMP: 18, TWICE: 33, SHIFT: 37, EVEN: 32, EVEN_CLAMP: 42,
    }  # fmt: skip
    tail = tails[layer.scaling.tail]
    row = 26 + products + Cost(requantize=9 + tail, control=5) * layer.block_count
    row += 14 * (layer.last_bytes != 0)
    if layer.has_pair:
        row += Cost(requantize=tail // 2, control=12)
    return 25 + row * layer.rows


def _dense(name: str, fpu: bool) -> Variant:
    """The kernel, for a core with an FPU or without."""

    def find(node: Node) -> Layer | str:
        return refuse_shape(node) or refuse_rule(node, fpu) or prepare(node, fpu=fpu)

    variant = prepared(
        name,
        find,
        lambda w, layer: emit_layer(w, layer, function_of(layer), PORTABLE),
        lambda node, layer: layer_cost(layer),
        stack=lambda node, layer: layer.frame_bytes,
        needs="fpu32" * fpu,
    )
    return with_others(variant, lambda node: lacking(node, fpu), ARMV7E_M)


DENSE = _dense("dense pairs", fpu=False)
"""Four filters at a time, two in one register."""
DENSE_EVEN = _dense("dense pairs even", fpu=True)
"""The same where float products are rounded to even: layers without a proven form too."""
