"""Depthwise 3x3 convolutions row by row: what instruction sets without byte products share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from codegen.assembly.block import Block, Pieces
from codegen.assembly.cost import Cost
from codegen.assembly.isa import Isa
from codegen.assembly.refusal import OtherKind
from codegen.assembly.tiles import LONG, NO_FORM, form_of, short_share, words_of
from codegen.c.operators.geometry import declare_window
from codegen.c.operators.integer import attributes, is_depthwise
from codegen.c.operators.overlap import Declared, Walk, by_walk
from codegen.c.step import StepWriter
from edgekit.ir import DType, Node
from edgekit.ir.ops import QConv2D

KERNEL = (3, 3)


@dataclass(frozen=True)
class RowKernel:
    """What a row kernel has to know when it is written.

    Attributes:
        pixels: at once.
        stride: columns from one window to the next.
        channels: bytes from one column to the next.
        row_bytes: from one input row to the next.
        signed: outputs are rounded twice.
        clamp: the output's range is narrower than int8.
        forms: those of the channels, see `codegen.assembly.tiles`.
    """

    pixels: int
    stride: int
    channels: int
    row_bytes: int
    signed: bool
    clamp: bool
    forms: Pieces = frozenset({LONG})

    @property
    def columns(self) -> int:
        """Columns of the input that the windows reach."""
        return (self.pixels - 1) * self.stride + KERNEL[1]

    @property
    def reach(self) -> int:
        """Largest distance of a byte that is read from where the first window begins."""
        return 2 * self.row_bytes + (self.columns - 1) * self.channels

    @property
    def portable(self) -> str:
        """The portable equal."""
        return "ek_depthwise_row_signed_s8" if self.signed else "ek_depthwise_row_s8"

    @property
    def symbol(self) -> str:
        """The function's name in the model."""
        shape = f"{self.pixels}x{self.stride}_{self.channels}_{self.row_bytes}"
        return f"depthwise_{shape}{self.suffix}"

    @property
    def suffix(self) -> str:
        """Part of the symbol that tells the rounding and the clamp."""
        return "_signed" * self.signed + "_clamp" * self.clamp


def kernel_of(node: Node, most: int, signed: bool = False) -> RowKernel:
    """The kernel for a node: equal shares of a row, none of more than ``most`` pixels."""
    op = node.op
    assert isinstance(op, QConv2D)
    _, _, width, channels = node.input(0).type.shape
    row = node.output.type.shape[2]
    pixels = -(-row // -(-row // most))
    clamp = (op.requant.low, op.requant.high) != (-128, 127)
    stride = op.window.strides[1]
    return RowKernel(pixels, stride, channels, width * channels, signed, clamp)


def is_signed(node: Node, bits: int = 31) -> bool:
    """True where outputs are rounded twice, with multipliers of so many bits."""
    form = form_of(node, bits)
    return form is not None and form.signed


def refuse_form(node: Node, bits: int = 31) -> str:
    """Why no multipliers of so many bits scale a convolution."""
    return "" if form_of(node, bits) else NO_FORM


def refuse(node: Node, most: int, reach: int) -> str:
    """Why the shape of a convolution does not suit rows of ``most`` pixels at once, of which loads
    reach so many bytes; 0: whatever there are."""
    op, x, y = node.op, node.input(0).type, node.output.type
    assert isinstance(op, QConv2D)
    if {x.dtype, y.dtype} != {DType.INT8} or op.w_zero:
        return OtherKind("not int8 with symmetric weights")
    if not is_depthwise(node) or x.shape[3] != y.shape[3]:
        return OtherKind("not one filter for each channel")
    if node.input(1).type.shape[1:3] != KERNEL or op.window.dilations != (1, 1):
        return "3x3 without dilation only"
    after = [
        (out - 1) * stride + 3 - before - size
        for out, stride, before, size in zip(
            y.shape[1:3], op.window.strides, op.window.padding[:2], x.shape[1:3], strict=True
        )
    ]
    if max(*op.window.padding[:2], *after) > 1:
        return "padding of at most one on each side"
    if reach and kernel_of(node, most).reach > reach:
        return f"three rows of the input are longer than {(reach + 1) // 1024} KiB"
    return ""


def overlap(node: Node) -> Declared:
    """Every pixel of a row may read what the others read."""
    op = node.op
    assert isinstance(op, QConv2D)
    return by_walk(node, Walk(KERNEL, op.window, node.output.type.shape[2]))


def emit(
    w: StepWriter, isa: Isa, write: Callable[[RowKernel], Block], most: int, bits: int = 31
) -> None:
    """Emit a depthwise convolution whose rows an instruction set's kernel computes.

    Args:
        w: the step.
        isa: the instruction set.
        write: makes the row kernel.
        most: pixels at once.
        bits: of the multipliers.
    """
    op = attributes(w, QConv2D)
    form = form_of(w.node, bits)
    assert form is not None  # else refused
    words, forms = words_of(w.node, form, bits)
    kind = replace(kernel_of(w.node, most, form.signed), forms=forms)
    kernel = w.function(isa, write(kind), kind.portable)
    window = declare_window(w, KERNEL, op.window, op.groups)
    row = w.declare(
        "ek_depthwise_row", "row",
        weights=w.weights(w.node.input(1).array, "weights"),
        table=w.table(words.ravel(), "requant"),
        channels=kind.channels, fill=op.x_zero, offset=2 * op.requant.zero_point + 1,
        low=op.requant.low, high=op.requant.high, pixels=kind.pixels, stride=kind.stride,
        row_bytes=kind.row_bytes,
    )  # fmt: skip
    with w.each_sample(w.node.input(0), w.node.output) as (x, y):
        w.call("ek_depthwise_rows_s8", window, row, kernel, x, y)


@dataclass(frozen=True)
class RowCost:
    """Instructions of an instruction set's kernel for some pixels of a row.

    Attributes:
        product: of a pixel and a row of its window; ``row``: of each of the three rows.
        output: of an output, from the start of its sum; ``signed``, ``clamped``: more, rounded
            twice or clamped to less than int8.
        channel: for each of them; ``share``: for the pixels.
        spared: fewer for an output that two 32-bit products scale.
    """

    product: int
    row: int
    output: int
    signed: int
    clamped: int
    channel: int
    share: int
    spared: int = 0

    def total(self, node: Node, most: int, bits: int) -> Cost:
        """Columns, products and requantization of every channel, for all shares of all rows."""
        kind = kernel_of(node, most, is_signed(node, bits))
        batch, height, width, channels = node.output.type.shape
        output = self.output + self.signed * kind.signed + self.clamped * kind.clamp
        spared = self.spared * short_share(node, bits) if self.spared else 0.0
        each = Cost(
            products=3 * (kind.columns + self.product * kind.pixels + self.row),
            requantize=(output - spared) * kind.pixels,
            control=self.channel,
        )
        return batch * height * -(-width // kind.pixels) * (channels * each + self.share)
