"""Depthwise convolutions with any window by patches: what instruction sets without byte products
share.

`ek_depthwise_patches_s8` copies what the windows of some neighbouring pixels reach, a few channels
at a time, so that the kernel of an instruction set knows no borders, no dilated rows and no shape
of the input: one function for each width of a window, stride and number of pixels.

A kernel keeps the sums of its pixels in registers, and beside them the weights of a piece of a
kernel row. Each column of the patch that the piece needs is loaded once and multiplied by all of
them that meet it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from codegen.assembly.block import Block
from codegen.assembly.cost import Cost
from codegen.assembly.isa import Isa
from codegen.assembly.refusal import OtherKind
from codegen.assembly.rows import is_signed
from codegen.assembly.tiles import form_of
from codegen.assembly.turned import turned, turned_step
from codegen.assembly.window_kernel import LANES, Copies, WindowKernel
from codegen.c.operators.geometry import declare_window
from codegen.c.operators.integer import attributes, conv_scratch, is_depthwise
from codegen.c.operators.overlap import Declared, Walk, by_walk
from codegen.c.step import StepWriter
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D

SMALL, PATCH = 256, 2048
"""Bytes of a patch that any layer may take, and that none takes more of."""
SHARE = 8
"""A patch is no larger than what portable C copies, or than this part of input and output."""


@dataclass(frozen=True)
class WindowCore:
    """An instruction set's kernels and what they execute.

    Attributes:
        isa: the instruction set.
        write: makes a kernel.
        reaches: whether its loads reach all columns.
        bits: of the multipliers.
        pixels, taps, both: most sums, weights, and both together that are in registers.
        column, product, last, weight: instructions to load a column, for a product, for the last
            one of a column, to load a weight.
        piece, row, filter, channel: for each of them, what is inside aside.
        output: for an output; ``signed``, ``clamped``: more.
        copies: of the driver.
    """

    isa: Isa
    write: Callable[[WindowKernel], Block]
    reaches: Callable[[WindowKernel], bool]
    bits: int
    pixels: int
    taps: int
    both: int
    column: int
    product: int
    last: int
    weight: int
    piece: int
    row: int
    filter: int
    channel: int
    output: int
    signed: int
    clamped: int
    copies: Copies

    def kernel(self, node: Node) -> WindowKernel:
        """The kernel for a node: the pieces and the pixels that take the fewest instructions."""
        node = turned(node)
        width, kernel_w = node.output.type.shape[2], node.input(1).type.shape[2]
        signed = is_signed(node, self.bits)
        found = []
        for taps in range(1, min(self.taps, kernel_w) + 1):
            count = -(-kernel_w // taps)
            pieces = tuple(-(-(kernel_w - i) // count) for i in range(count))
            most = min(self.pixels, self.both - pieces[0], width)
            pixels = -(-width // -(-width // most))
            kind = self._kernel(node, pixels, pieces, signed)
            found.append((self._cost(node, kind).total, kind))
        return min(found, key=lambda each: each[0])[1]

    def _kernel(
        self, node: Node, pixels: int, pieces: tuple[int, ...], signed: bool
    ) -> WindowKernel:
        op, kernel_h = node.op, node.input(1).type.shape[1]
        assert isinstance(op, QConv2D)
        strides, dilations = op.window.strides, op.window.dilations
        clamp = (op.requant.low, op.requant.high) != (-128, 127)
        kind = WindowKernel(pixels, pieces, strides[1], dilations[1], LANES[-1], signed, clamp)
        part = (node.input(0).type.nbytes + node.output.type.nbytes) // SHARE
        most = min(max(conv_scratch(node), part, SMALL), PATCH)
        wider = (replace(kind, lanes=n) for n in LANES if kernel_h * kind.columns * n <= most)
        return next(filter(self.reaches, wider), kind)

    def cost(self, node: Node) -> Cost:
        """Instructions executed by one run of a node."""
        return self._cost(turned(node), self.kernel(node))

    def _cost(self, node: Node, kind: WindowKernel) -> Cost:
        batch, height, width, filters = node.output.type.shape
        patches = batch * height * -(-width // kind.pixels)
        channel = self._filter(node, kind) * filters + self.channel * node.input(0).type.shape[3]
        return patches * channel + batch * self.copies.cost(node, kind)

    def _filter(self, node: Node, kind: WindowKernel) -> Cost:
        """Of one filter for one patch."""
        row = Cost(products=self.weight * kind.width, control=self.row)
        for piece in range(len(kind.pieces)):
            row += self.piece
            for products in kind.meeting(piece).values():
                count = self.column + self.product * (len(products) - 1) + self.last
                row += Cost(products=count)
        output = self.output + self.signed * kind.signed + self.clamped * kind.clamp
        kernel_h = node.input(1).type.shape[1]
        return kernel_h * row + Cost(requantize=kind.pixels * output, control=self.filter)

    def scratch(self, node: Node) -> int:
        """Bytes of a patch."""
        kind = self.kernel(node)
        return turned(node).input(1).type.shape[1] * kind.columns * kind.lanes

    def overlap(self, node: Node) -> Declared:
        """Every pixel of a patch may read what the others read; so may the last two patches of a
        row, if they share pixels."""
        node, kind = turned(node), self.kernel(node)
        op, width = node.op, node.output.type.shape[2]
        assert isinstance(op, QConv2D)
        starts = tuple(range(0, width - kind.pixels + 1, kind.pixels))
        kernel_h, kernel_w = node.input(1).type.shape[1:3]
        return by_walk(node, Walk((kernel_h, kernel_w), op.window, columns=starts))

    def refuse(self, node: Node) -> str:
        """Why the shape of a convolution does not suit patches."""
        op = node.op
        assert isinstance(op, QConv2D)
        if {node.input(0).type.dtype, node.output.type.dtype} != {DType.INT8} or op.w_zero:
            return OtherKind("not int8 with symmetric weights")
        if not is_depthwise(node):
            return OtherKind("not depthwise")
        return "" if self.reaches(self.kernel(node)) else "taps too far apart"

    def emit(self, w: StepWriter) -> None:
        """Write a step."""
        w = turned_step(w)
        op = attributes(w, QConv2D)
        form = form_of(w.node, self.bits)
        assert form is not None  # else refused
        kind = self.kernel(w.node)
        kernel = w.function(self.isa, self.write(kind), kind.portable)
        _, kernel_h, kernel_w, _ = w.node.input(1).type.shape
        window = declare_window(w, (kernel_h, kernel_w), op.window, op.groups)
        filters = w.node.output.type.shape[3]
        patch = w.declare(
            "ek_depthwise_patch", "patch",
            weights=w.weights(w.node.input(1).array, "weights"),
            table=w.table(form.words().ravel(), "requant"),
            multiplier=filters // op.groups, kernel_h=kernel_h,
            row_bytes=kind.columns * kind.lanes, pitch=filters,
            offset=2 * op.requant.zero_point + 1, low=op.requant.low, high=op.requant.high,
            kernel_w=kernel_w, pixels=kind.pixels, stride=kind.stride, dilation=kind.dilation,
            lanes=kind.lanes, fill=op.x_zero,
        )  # fmt: skip
        with w.each_sample(w.node.input(0), w.node.output) as (x, y):
            w.call("ek_depthwise_patches_s8", window, patch, kernel, x, w.scratch(), y)
