"""Dense layers of Armv7E-M that skip weights of zero: blocks of four filters as those of dense
weights, each with a list of its words that are not all zero, four inputs by two or four filters."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m import dense
from codegen.assembly.armv7e_m.dense import BLOCK, Layer, layer_cost, prepare, rows_cost
from codegen.assembly.armv7e_m.dense_block import dense_function
from codegen.assembly.armv7e_m.dense_frame import LOCAL_BYTES
from codegen.assembly.armv7e_m.pairs import STEP, pack_pairs
from codegen.assembly.armv7e_m.sparse_dense_block import (
    BOTH,
    COSTS,
    END_COST,
    FIRST,
    HEADERS,
    SECOND,
    UNROLLED,
    header,
)
from codegen.assembly.cached import cached
from codegen.assembly.cost import Cost
from codegen.assembly.listed import WORTH, is_sparse
from codegen.assembly.prepared import prepared
from codegen.assembly.refusal import OtherKind
from codegen.c.step import StepWriter
from edgekit.ir import Node

Words = NDArray[np.int32]
Int = NDArray[np.int64]


class SparseLayer(Layer):
    """A layer whose weights, filters x inputs as in the model, are listed."""

    @property
    def whole_bytes(self) -> int:
        """Of all blocks but a last one that computes some filters once more."""
        return 4 * sum(map(len, self.blocks)) - self.last_bytes

    @property
    def last_bytes(self) -> int:
        """Of that one, 0 where there is none."""
        again = self.filters % BLOCK and self.filters > BLOCK
        return 4 * len(self.blocks[-1]) if again else 0

    @property
    def entry(self) -> int:
        """Headers are read where the multiplications end."""
        return 0

    @property
    def frame_bytes(self) -> int:
        """Variables alone."""
        return LOCAL_BYTES

    @cached_property
    def starts(self) -> Int:
        """First input of each item; the last ends with the row, and may repeat some."""
        return np.minimum(np.arange(0, self.depth, STEP), self.depth - STEP)

    @cached_property
    def words(self) -> Words:
        """Of shape (blocks, pairs of filters, items, 2)."""
        more = -self.depth % STEP
        body, end = self.weights[:, : self.depth - STEP + more], self.weights[:, -STEP + more :]
        zeros = np.zeros((self.filters, more), np.int64)
        rows = np.concatenate([body, zeros, end], axis=1)
        pairs = pack_pairs(rows[self.order[::2]], rows[self.order[1::2]])
        return pairs.reshape(len(self.order) // BLOCK, 2, -1, 2)

    @cached_property
    def blocks(self) -> list[Words]:
        """Starts, list and constants of every block."""
        first = self.scaling.first_words.reshape(len(self.words), -1)
        last = self.scaling.last_words.reshape(len(self.words), -1)
        found = zip(first, self.words, last, strict=True)
        return [np.concatenate([a, self._list(words), z]) for a, words, z in found]

    def stream(self) -> Words:
        """All blocks."""
        return np.concatenate(self.blocks)

    def _list(self, words: Words) -> Words:
        parts: list[Int] = []
        for kind, places in enumerate(_runs(words)):
            used = words if kind == BOTH else words[kind - FIRST][None]
            items = used[:, places].transpose(1, 0, 2).reshape(len(places), 2 * len(used))
            listed = np.column_stack([items, self.starts[places]]).astype(np.int64)
            for i in range(0, len(listed), UNROLLED[kind]):
                run = listed[i : i + UNROLLED[kind]]
                parts += [np.array([header(kind, len(run))]), run.ravel()]
        found = np.concatenate([*parts, np.zeros(1, np.int64)])
        return (found & 0xFFFFFFFF).astype(np.uint32).view(np.int32)

    @property
    def cost(self) -> Cost:
        """Executed by one run."""
        total = Cost(control=1 + END_COST * len(self.words))
        for words in self.words:
            for kind, places in enumerate(_runs(words)):
                expanding = 6 if kind == BOTH else 4
                item = Cost(COSTS[kind] - expanding, expanding)
                total += item * len(places) + HEADERS[kind] * -(-len(places) // UNROLLED[kind])
        return rows_cost(self, total)


def _runs(words: Words) -> list[NDArray[np.intp]]:
    """Which items of a block both pairs of filters need, and which one of them alone."""
    first, second = (words != 0).any(axis=2)
    chosen = {BOTH: first & second, FIRST: first & ~second, SECOND: second & ~first}
    return [np.flatnonzero(chosen[kind]) for kind in (BOTH, FIRST, SECOND)]


@cached
def prepare_sparse(node: Node) -> SparseLayer | str:
    """What is prepared for a layer, or why it cannot be, or need not."""
    plain = dense.refuse_shape(node) or prepare(node)
    if isinstance(plain, str):
        return plain
    rows = node.input(1).array.astype(np.int64)
    if not is_sparse(rows) or rows.shape[1] < STEP:
        return OtherKind("not sparse")
    layer = prepare(node, whole=True)
    if isinstance(layer, str):
        return layer
    found = SparseLayer(layer.rows, layer.depth, layer.filters, rows, layer.order, layer.scaling)
    worth = found.cost.total <= WORTH * layer_cost(layer).total
    return found if worth else OtherKind("not sparse enough")


def emit(w: StepWriter, layer: SparseLayer) -> None:
    """Write a layer."""
    block = dense_function(False, layer.scaling.tail, layer.scaling.shift, sparse=True)
    dense.emit_layer(w, layer, block, "ek_dense_sparse_s8")


DENSE_SPARSE = prepared(
    "dense sparse",
    prepare_sparse,
    emit,
    lambda node, layer: layer.cost,
    stack=lambda node, layer: layer.frame_bytes,
)
"""Four filters at a time, two in one register, without the weights that are zero."""
