"""Convolutions of int16 activations by columns of four pixels: what instruction sets share.

The taps of a window are copied to scratch, four pixels beside each other, and multiplied by some
filters together; windows of many taps come in parts, and sums wait.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codegen.assembly.block import Block
from codegen.assembly.cost import Cost
from codegen.assembly.isa import Isa
from codegen.assembly.refusal import OtherKind
from codegen.c.operators.geometry import declare_window
from codegen.c.operators.integer import attributes
from codegen.c.operators.overlap import Declared, Walk, by_walk
from codegen.c.step import StepWriter, Variant
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D, Requant
from quantize.narrow_form import narrow_form

Int = NDArray[np.int64]
PIXELS = 4
TAPS = 8
"""Of a group."""
PART = 256
"""Most taps that are copied at once."""
WORDS_PART = 128
"""The same where each is expanded to a word."""
TAP_BYTES = {PART: 2, WORDS_PART: 4}
IN_TURN = (0, 1, 2, 3)
FULL = -(2**15), 2**15 - 1
POSITIVE = 0, 2**15 - 1


@dataclass(frozen=True)
class Parts:
    """How the taps of a window are divided.

    Attributes:
        height, width: kernel rows, and values of each.
        most: taps that are copied at once.
    """

    height: int
    width: int
    most: int = PART

    @property
    def rows(self) -> int:
        """Kernel rows of a part: as many as fit, in equal shares."""
        most = max(1, self.most // self.width)
        return -(-self.height // -(-self.height // most))

    @property
    def piece(self) -> int:
        """Values of each kernel row in a part: equal shares of long rows, even."""
        shares = -(-self.width // self.most)
        return self.width if shares == 1 else -(-self.width // (2 * shares)) * 2

    @property
    def slices(self) -> list[tuple[slice, slice]]:
        """Rows and values of each part."""
        rows = [slice(r, min(r + self.rows, self.height)) for r in range(0, self.height, self.rows)]
        pieces = [
            slice(b, min(b + self.piece, self.width)) for b in range(0, self.width, self.piece)
        ]
        return [(r, b) for r in rows for b in pieces]

    @property
    def groups(self) -> list[int]:
        """Groups of taps of each part."""
        sizes = [(r.stop - r.start) * (b.stop - b.start) for r, b in self.slices]
        return [-(-size // TAPS) for size in sizes]


def parts_of(node: Node, most: int = PART) -> Parts:
    """The division of a convolution's taps, of which so many are copied at once."""
    _, height, width, channels = node.input(1).type.shape
    return Parts(height, width * channels, most)


def refuse_wide(node: Node, requant: Requant) -> str:
    """Why sums of int16 and int8 numbers cannot be scaled by one high product of 32 bits."""
    if {node.input(0).type.dtype, node.output.type.dtype} != {DType.INT16}:
        return OtherKind("not int16")
    if (requant.low, requant.high) not in (FULL, POSITIVE) or requant.zero_point:
        return "a clamp of its own"
    found = narrow_form(requant, node.input(1).array, node.input(2).array)
    return found if isinstance(found, str) else ""


def high_multipliers(node: Node, requant: Requant) -> Int:
    """Scales as SMMULR takes them."""
    found = narrow_form(requant, node.input(1).array, node.input(2).array)
    assert not isinstance(found, str)  # else refused
    return found


def packed_multipliers(found: Int) -> Int:
    """Multipliers in two parts, for cores without long products: fifteen bits, which is what
    TFLite's have, and above them how far they are shifted to the left."""
    shift = np.array([max(0, int(m).bit_length() - 15) for m in found], np.int64)
    assert (found >> shift << shift == found).all()
    return (found >> shift) + (shift << 16)


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The kernel of one instruction set, and what it spends.

    Attributes:
        isa: the instruction set.
        write: makes the kernel; its argument says whether outputs begin at 0.
        portable: its equal.
        driver: the kernel in C that copies windows; ``apart``: it takes the bytes of a column.
        most: taps that are copied at once.
        together: filters that are computed together, whose weights come in turn, ``run`` of each.
        order: of the weights in a word.
        flip: 128 where weights are stored with 128 added.
        packed: it takes multipliers apart, see `packed_multipliers`.
        group_bytes: code of the products of a group of taps, where sums begin inside a loop.
        stack: bytes that it takes from the stack.
        group: instructions of a group of taps with the filters that are computed together;
            ``filters``: of beginning and ending their sums, ``turn``: of the loop over ``unroll``
            groups; ``scale``: of their outputs, ``wait``: of sums between two parts.
        copy: of a group of taps of one pixel; ``row``: of a row of its window, ``border``: more,
            where there is padding; ``rest``: zeros behind the last tap.
        tile: of four pixels beside what is below; ``call``: of the kernel, ``again``: more for
            each group of taps.
    """

    isa: Isa
    write: Callable[[bool], Block]
    portable: str
    driver: str
    apart: bool = False
    most: int = PART
    together: int
    run: int = 1
    order: tuple[int, ...] = IN_TURN
    flip: int = 0
    packed: bool = False
    group_bytes: int = 0
    stack: int = 0
    group: float
    filters: int
    turn: int = 0
    unroll: int = 1
    scale: int
    wait: int = 0
    copy: float
    row: int
    border: int
    rest: int
    tile: int
    call: int = 0
    again: int = 0

    def variant(self) -> Variant:
        """Convolutions of int16."""
        return Variant(
            self.emit,
            scratch=self.scratch,
            overlap=overlap,
            name="columns",
            refuse=self.refuse,
            cost=self.cost,
            stack=lambda node: self.stack,
        )

    def refuse(self, node: Node) -> str:
        """Why the function cannot compute a node; empty where it can."""
        op = node.op
        assert isinstance(op, QConv2D)
        problem = refuse_wide(node, op.requant)
        if problem:
            return problem
        if op.groups > 1 or op.window.dilations[1] > 1:
            return "groups or dilated rows"
        if node.output.type.shape[3] < self.together:
            return f"fewer than {self.together} filters"
        return ""

    def order_of(self, filters: int) -> list[int]:
        """Filters as the function takes them: those that are left come with some before them."""
        whole = list(range(filters - filters % self.together))
        left = range(filters - self.together, filters)
        return whole if len(whole) == filters else [*whole, *left]

    def stream(self, node: Node) -> NDArray[np.int32]:
        """Starts, weights and multipliers of the filters of each block, part by part."""
        op, together, parts = node.op, self.together, self.parts_of(node)
        assert isinstance(op, QConv2D)
        order = self.order_of(node.output.type.shape[3])
        rows = node.input(1).array[order].reshape(len(order), parts.height, parts.width)
        scales = high_multipliers(node, op.requant)[order]
        scales = packed_multipliers(scales) if self.packed else scales
        found: list[NDArray[np.int32]] = []
        for index, (row, piece) in enumerate(parts.slices):
            block = [self._words(rows[:, row, piece].reshape(len(order), -1))]
            if index == 0:
                starts = node.input(2).array[order].astype(np.int32)
                block.insert(0, starts.reshape(-1, together))
            if index == len(parts.slices) - 1:
                block.append(scales.astype(np.int32).reshape(-1, together))
            found.append(np.concatenate(block, axis=1).ravel())
        return np.concatenate(found).astype(np.int32)

    def _words(self, taps: NDArray[np.int8]) -> NDArray[np.int32]:
        """Weights as the function reads them, (filters, taps) to (blocks, words)."""
        blocks = len(taps) // self.together
        taps = np.pad(taps, ((0, 0), (0, -taps.shape[1] % TAPS)))
        turned = taps.reshape(blocks, self.together, -1, self.run).transpose(0, 2, 1, 3)
        turned = turned.reshape(blocks, -1, len(self.order))[..., self.order]
        flipped = turned ^ np.array(self.flip, np.uint8).astype(np.int8)
        return np.ascontiguousarray(flipped).reshape(blocks, -1).view("<i4")

    def parts_of(self, node: Node) -> Parts:
        """The division of a convolution's taps."""
        return parts_of(node, self.most)

    def _column_bytes(self, node: Node) -> int:
        """Of the copied windows."""
        return TAP_BYTES[self.most] * PIXELS * TAPS * max(self.parts_of(node).groups)

    def scratch(self, node: Node) -> int:
        """Bytes of the copied windows and of the sums that wait."""
        waiting = len(self.parts_of(node).slices) > 1
        filters = len(self.order_of(node.output.type.shape[3]))
        return self._column_bytes(node) + 4 * PIXELS * filters * waiting

    def emit(self, w: StepWriter) -> None:
        """Write a layer."""
        op, parts = attributes(w, QConv2D), self.parts_of(w.node)
        filters = w.node.output.type.shape[3]
        _, height, width, _ = w.node.input(1).type.shape
        window = declare_window(w, (height, width), op.window)
        rest = filters % self.together
        layer = w.declare(
            "ek_conv_columns", "columns",
            weights=w.weights(self.stream(w.node), "weights"), rows=parts.rows, piece=parts.piece,
            filters=filters - rest, again=self.together * (rest > 0),
            group_bytes=self.group_bytes, low=op.requant.low,
        )  # fmt: skip
        kernel = w.function(self.isa, self.write(op.requant.low == 0), self.portable)
        apart = (TAPS * max(parts.groups),) * self.apart
        copied = f"(int16_t *)(void *){w.scratch()}"
        waiting = f"(int32_t *)(void *)({w.scratch()} + {self._column_bytes(w.node)})"
        sums = waiting if len(parts.slices) > 1 else "NULL"
        with w.each_sample(w.node.input(0), w.node.output) as (x, y):
            w.call(self.driver, window, layer, kernel, *apart, x, copied, sums, y)

    def cost(self, node: Node) -> Cost:
        """Executed by one run; what the driver in C spends was measured."""
        op = node.op
        assert isinstance(op, QConv2D)
        parts, filters = self.parts_of(node), node.output.type.shape[3]
        blocks = len(self.order_of(filters)) // self.together
        calls = 1 + (filters % self.together != 0)
        scaling = self.scale + self.wait * (len(parts.slices) - 1)
        tile = Cost(control=self.tile, requantize=scaling * blocks)
        for (rows, piece), groups in zip(parts.slices, parts.groups, strict=True):
            count = rows.stop - rows.start
            rest = count * (piece.stop - piece.start) % TAPS != 0
            filling = self.copy * groups + self.row * count + self.rest * rest
            borders = self.border * count * any(op.window.padding)
            tile += PIXELS * Cost(packing=filling, borders=borders)
            control = self.filters + self.turn * -(-groups // self.unroll)
            tile += blocks * Cost(products=self.group * groups, control=control)
            tile += calls * (self.call + self.again * groups)
        pixels = node.output.type.size // filters
        return -(-pixels // PIXELS) * tile


def overlap(node: Node) -> Declared:
    """The windows of four pixels are copied before one of them is written."""
    op = node.op
    assert isinstance(op, QConv2D)
    _, height, width, _ = node.input(1).type.shape
    return by_walk(node, Walk((height, width), op.window, PIXELS, gathered=True))
