"""Convolutions of Armv7E-M that skip weights of zero: tiles and passes as of dense ones, weights as
a list of those words that are not zero, two filters by two inputs each.

What a list costs is known when it is made, so a layer takes whichever form is cheaper, whatever its
pattern is: blocks of two filters by four inputs pay from about one zero in eight on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.armv7e_m import conv
from codegen.assembly.armv7e_m.conv_block import conv_function, pieces_of
from codegen.assembly.armv7e_m.conv_cost import conv_cost
from codegen.assembly.armv7e_m.conv_layer import Layer, prepare
from codegen.assembly.armv7e_m.plan import Pass, Plan
from codegen.assembly.armv7e_m.sparse_block import (
    BACK_COST,
    END_COST,
    HALF,
    HALF_BYTES,
    HALF_COST,
    HEADER_COST,
    WHOLE,
    WHOLE_COST,
    header,
    tile_offset,
)
from codegen.assembly.cached import cached
from codegen.assembly.cost import Cost
from codegen.assembly.listed import WORTH, is_sparse
from codegen.assembly.prepared import prepared
from codegen.assembly.refusal import OtherKind
from codegen.c.step import StepWriter
from edgekit.ir import Node

READ = 0
"""Bytes of code from where headers are read to the end of the multiplications: the same place."""
Words = NDArray[np.int32]


class SparseLayer(Layer):
    """A layer whose weights are listed."""

    @property
    def cost(self) -> Cost:
        """Executed by one run."""
        return conv_cost(self, self.products)

    @property
    def single(self) -> bool:
        """The function has no way of its own for one last pixel."""
        return False

    def pass_bytes(self, p: Pass) -> int:
        """Bytes of the stream that a pass reads."""
        listed = sum(map(len, self.lists(p)))
        return 4 * (listed + p.pairs * (2 * p.is_first + 4 * p.is_last))

    def lists(self, p: Pass) -> list[Words]:
        """The list of each pair of a pass."""
        return [_list(words.reshape(-1, 2)) for words in self.words(p)]

    def products(self, plan: Plan, p: Pass) -> Cost:
        """What multiplies all pairs of a pass."""
        found = Cost()
        for words in self.words(p):
            used = (words.reshape(-1, 2) != 0).sum(axis=1)
            whole, half = int((used == 2).sum()), int((used == 1).sum())
            expanding = 2 * whole + half
            found += Cost(
                WHOLE_COST * whole + HALF_COST * half - expanding,
                expanding,
                control=HEADER_COST * -(-whole // WHOLE)
                + (HEADER_COST + BACK_COST) * -(-half // HALF)
                + END_COST,
            )
        return found

    def _of_pass(self, p: Pass, place: int) -> Words:
        parts: list[Words] = []
        for index, words in enumerate(self.lists(p), place):
            if p.is_first:
                parts.append(self.scaling.first_words[index])
            parts.append(words)
            if p.is_last:
                parts.append(self.scaling.last_words[index])
        return np.concatenate(parts)


def _list(words: Words) -> Words:
    """Runs of whole steps, runs of half steps, the end.

    Args:
        words: weights of one pair of filters, shape (steps, 2).
    """
    steps, used = len(words), words != 0
    places = np.array([tile_offset(i, steps) for i in range(steps)], np.int64)
    whole = np.flatnonzero(used.all(axis=1))
    items = np.column_stack([places[whole], words[whole]])
    step, half = np.nonzero(used & ~used.all(axis=1, keepdims=True))
    halves = np.column_stack([places[step] + HALF_BYTES * half, words[step, half]])
    parts = []
    for i in range(0, len(items), WHOLE):
        run = items[i : i + WHOLE]
        parts += [[header(whole=len(run))], run.ravel()]
    for i in range(0, len(halves), HALF):
        run = halves[i : i + HALF]
        parts += [[header(half=len(run))], run.ravel()]
    found = np.concatenate([*parts, [header()]])
    return (found & 0xFFFFFFFF).astype(np.uint32).view(np.int32)


@cached
def prepare_sparse(node: Node) -> SparseLayer | str:
    """What is prepared for a layer, or why it cannot be, or need not."""
    layer = conv.refuse_shape(node) or prepare(node)
    if isinstance(layer, str):
        return layer
    if not is_sparse(node.input(1).array):
        return OtherKind("not sparse")
    found = SparseLayer(layer.plan, layer.weights, layer.scaling)
    if found.cost.total > WORTH * conv_cost(layer).total:
        return OtherKind("not sparse enough")
    return found


def emit(w: StepWriter, layer: SparseLayer) -> None:
    """Write a layer."""
    entries = [READ] * len(layer.plan.passes)
    conv.emit_layer(
        w, layer, conv_function(pieces_of(layer), sparse=True), "ek_conv_sparse_s8", entries
    )


CONV_SPARSE = prepared(
    "conv sparse",
    prepare_sparse,
    emit,
    lambda node, layer: layer.cost,
    overlap=conv.overlap,
    stack=conv.stack,
)
"""Tiles of four pixels, two filters in one register, without the weights that are zero."""
