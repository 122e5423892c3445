"""Dense layers by blocks of filters: what instruction sets without byte products share.

Outputs are int8; or int16, of int16 inputs; or int32, the sums themselves (gates of an LSTM).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from codegen.assembly.block import Block
from codegen.assembly.columns import high_multipliers, packed_multipliers, refuse_wide
from codegen.assembly.cost import Cost
from codegen.assembly.isa import Isa
from codegen.assembly.listed import ListCost, pack_lists, pieces_of
from codegen.assembly.refusal import OtherKind
from codegen.assembly.tiles import NO_FORM, Bytes, form_of
from codegen.c.operators.integer import attributes
from codegen.c.step import StepWriter
from edgekit.ir import DType, Node
from edgekit.ir.ops import QDense

FILTERS = 8
"""Of a block, where the layer has as many; listed weights come filter by filter."""
SUFFIXES = {DType.INT8: "s8", DType.INT16: "s16", DType.INT32: "s32"}
"""Of kernels, by their outputs."""
WEIGHTS, TABLE, BLOCKS, DEPTH, BACK, OFFSET, LOW, HIGH, PIECES, PIECE = range(0, 40, 4)
"""Of ``ek_dense_blocks``."""


@dataclass(frozen=True)
class DenseKernel:
    """What a dense kernel has to know when it is written.

    Attributes:
        filters: of a block.
        signed: outputs are rounded twice.
        clamp: the output's range is narrower than its type (int16: begins at 0).
        listed: weights of zero are left out.
        output: type of the outputs. Sums of int8 start at 0, their biases are in the table of the
            requantization; others start with words of the table.
    """

    filters: int
    signed: bool
    clamp: bool
    listed: bool = False
    output: DType = DType.INT8

    @property
    def wide(self) -> bool:
        """Inputs and outputs are int16."""
        return self.output is DType.INT16

    @property
    def portable(self) -> str:
        """The portable equal."""
        return "ek_dense_blocks_" + "signed_" * self.signed + SUFFIXES[self.output]

    @property
    def symbol(self) -> str:
        """The function's name in the model."""
        kind = "listed" if self.listed else f"{self.filters}"
        name = f"dense_{kind}" + "_signed" * self.signed + "_clamp" * self.clamp
        return name if self.output is DType.INT8 else f"{name}_{SUFFIXES[self.output]}"


def refuse(node: Node, bits: int = 31) -> str:
    """Why a dense layer cannot be computed by blocks, with multipliers of so many bits."""
    op = node.op
    assert isinstance(op, QDense)
    if {node.input(0).type.dtype, node.output.type.dtype} != {DType.INT8} or op.w_zero:
        return OtherKind("not int8 with symmetric weights")
    return "" if form_of(node, bits) else NO_FORM


def starts_of(outputs: int) -> list[int]:
    """First filter of each block; the last one ends with the layer."""
    size = min(FILTERS, outputs)
    return [min(start, outputs - size) for start in range(0, outputs, size)]


def pack(weights: Bytes, flip: int) -> Bytes:
    """Weights block by block, tap by tap, filter by filter."""
    size = min(FILTERS, len(weights))
    found = [weights[start : start + size].T.ravel() for start in starts_of(len(weights))]
    return np.concatenate(found) ^ np.array(flip, np.uint8).astype(np.int8)


def emit(
    w: StepWriter,
    isa: Isa,
    write: Callable[[DenseKernel], Block],
    bits: int = 31,
    flip: int = 0,
) -> None:
    """Emit a dense layer that an instruction set's kernel computes row by row.

    Args:
        w: the step.
        isa: the instruction set.
        write: makes the kernel.
        bits: of the multipliers.
        flip: 128 where weights are stored with 128 added.
    """
    op = attributes(w, QDense)
    form, weights = form_of(w.node, bits), w.node.input(1).array
    assert form is not None  # else refused
    outputs, depth = weights.shape
    clamp = (op.requant.low, op.requant.high) != (-128, 127)
    kind = DenseKernel(min(FILTERS, outputs), form.signed, clamp)
    starts = starts_of(outputs)
    order = [f for start in starts for f in range(start, start + kind.filters)]
    layer = w.declare(
        "ek_dense_blocks", "dense",
        weights=w.weights(pack(weights, flip), "weights"),
        table=w.table(form.words()[order].ravel(), "requant"),
        blocks=len(starts), depth=depth, back=len(order) - outputs,
        offset=2 * op.requant.zero_point + 1, low=op.requant.low, high=op.requant.high,
        filters=kind.filters, flip=flip,
    )  # fmt: skip
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.assemble(isa, write(kind), kind.portable, layer, x, y)


def emit_listed(
    w: StepWriter, isa: Isa, write: Callable[[DenseKernel], Block], bits: int = 31
) -> None:
    """As `emit`, without the weights that are zero."""
    op = attributes(w, QDense)
    form, parts = form_of(w.node, bits), pieces_of(w.node.input(1).array)
    assert form is not None  # else refused
    clamp = (op.requant.low, op.requant.high) != (-128, 127)
    kind = DenseKernel(1, form.signed, clamp, listed=True)
    pieces, piece = parts[0].shape
    layer = w.declare(
        "ek_dense_blocks", "dense",
        weights=w.weights(pack_lists(parts), "weights"),
        table=w.table(form.words().ravel(), "requant"),
        blocks=len(parts), offset=2 * op.requant.zero_point + 1,
        low=op.requant.low, high=op.requant.high, pieces=pieces, piece=piece, filters=1,
    )  # fmt: skip
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.assemble(isa, write(kind), kind.portable, layer, x, y)


def refuse_words(node: Node) -> str:
    """Why a dense layer of int16 cannot be computed by blocks."""
    op = node.op
    assert isinstance(op, QDense)
    return refuse_wide(node, op.requant)


def emit_words(
    w: StepWriter,
    isa: Isa,
    write: Callable[[DenseKernel], Block],
    flip: int = 0,
    packed: bool = False,
) -> None:
    """Emit a dense layer of int16.

    Args:
        w: the step.
        isa: the instruction set.
        write: makes the kernel.
        flip: 128 where weights are stored with 128 added.
        packed: the kernel takes multipliers apart, see `packed_multipliers`.
    """
    op, weights = attributes(w, QDense), w.node.input(1).array
    outputs, depth = weights.shape
    kind = DenseKernel(min(FILTERS, outputs), False, op.requant.low == 0, output=DType.INT16)
    starts = starts_of(outputs)
    order = np.array([range(start, start + kind.filters) for start in starts])
    found = high_multipliers(w.node, op.requant)
    found = packed_multipliers(found) if packed else found
    table = np.stack([w.node.input(2).array[order], found[order]], axis=1).astype(np.int32)
    layer = w.declare(
        "ek_dense_blocks", "dense",
        weights=w.weights(pack(weights, flip), "weights"),
        table=w.table(table.ravel(), "requant"),
        blocks=len(starts), depth=depth, back=order.size - outputs,
        offset=0, low=op.requant.low, high=op.requant.high, filters=kind.filters, flip=flip,
        packed=int(packed),
    )  # fmt: skip
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.assemble(isa, write(kind), kind.portable, layer, x, y)


@dataclass(frozen=True)
class DenseCost:
    """Instructions of an instruction set's dense layers.

    Attributes:
        product, input: of a weight, and of an input for a block of filters.
        output, block: for each of them in a layer of int8; ``word_output``, ``word_block``,
            ``word_row``: of int16, and for a row.
        lists: listed weights; ``listed_output``, ``signed``: for an output, more if rounded twice;
            ``listed_filter``, ``piece``: for a filter, and for each of its lists.
    """

    product: float
    input: float
    output: float
    block: float
    word_output: float
    word_block: float
    word_row: float
    lists: ListCost
    listed_output: float
    signed: float
    listed_filter: float
    piece: float

    def blocks(self, node: Node) -> Cost:
        """Inputs, products and requantization of every block, for all rows."""
        return self._blocks(node, self.output, self.block)

    def words(self, node: Node) -> Cost:
        """As `blocks`, for int16."""
        return self._blocks(node, self.word_output, self.word_block, self.word_row)

    def _blocks(self, node: Node, output: float, block: float, row: float = 0) -> Cost:
        outputs, depth = node.input(1).type.shape
        size = min(FILTERS, outputs)
        products = self.product * size * depth + math.floor(self.input * depth)
        each = Cost(products=products, requantize=output * size, control=block)
        return node.output.type.shape[0] * (-(-outputs // size) * each + row)

    def listed(self, node: Node, bits: int) -> Cost:
        """Lists and requantization of every filter, for all rows."""
        parts, form = pieces_of(node.input(1).array), form_of(node, bits)
        assert form is not None  # else refused
        output = self.listed_output + self.signed * form.signed
        each = Cost(requantize=output, control=self.listed_filter + self.piece * len(parts[0]))
        lists = Cost(products=self.lists.total(parts))
        return node.output.type.shape[0] * (lists + len(parts) * each)
