"""Some neighbouring outputs of a row of a depthwise convolution, channel by channel.

The weights of one row of the window and the sums of all outputs stay in registers. Each column of
the row has a pointer in memory: it is loaded once, and so is its byte, which is multiplied for
every output that it belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen.assembly.block import noted
from codegen.assembly.cost import Cost
from codegen.assembly.rv32.blocks import ENTRY, load_constants
from codegen.assembly.rv32.outputs import (
    SATURATED,
    clamp_and_store,
    clamp_suffix,
    scale,
    scale_signed,
)
from codegen.assembly.rv32.registers import SAVED, Function

(WEIGHTS, TABLE, CHANNELS, FILTERS, POINTERS, START, LEFT, TOP, ZERO) = (4 * i for i in range(9))
"""Fields of ``ek_depthwise_piece``."""
WORDS = ("layer", "pixels", "end", "y", "row", "channels", "filters")
_SUMS = tuple(f"s{i}" for i in range(12))
_WEIGHTS = ("a7", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "ra", *reversed(_SUMS))
"""Those of sums are free where there are fewer of them."""
MOST_OUTPUTS = len(_SUMS)


@dataclass(frozen=True)
class Piece:
    """What a function is written for.

    Attributes:
        outputs: computed together.
        width: taps of a row.
        stride, dilation: along the row, in pixels.
        several: channels have more than one filter.
        is_signed: negative values have a correction.
        low, top: smallest output, and the largest less the smallest.
    """

    outputs: int
    width: int
    stride: int
    dilation: int
    several: bool
    is_signed: bool
    low: int
    top: int

    @property
    def span(self) -> int:
        """Columns from the first to the last, those that no tap reads included."""
        return (self.outputs - 1) * self.stride + (self.width - 1) * self.dilation + 1

    @property
    def columns(self) -> dict[int, list[tuple[int, int]]]:
        """Output and tap of each product, by the column that it reads."""
        found: dict[int, list[tuple[int, int]]] = {}
        for output in range(self.outputs):
            for tap in range(self.width):
                at = output * self.stride + tap * self.dilation
                found.setdefault(at, []).append((output, tap))
        return dict(sorted(found.items()))

    @property
    def symbol(self) -> str:
        """Name of the function."""
        steps = f"_s{self.stride}" * (self.stride > 1) + f"_d{self.dilation}" * (self.dilation > 1)
        kind = "_several" * self.several + "_signed" * self.is_signed
        suffix = clamp_suffix(self.low, self.top)
        return f"depthwise_piece{self.outputs}x{self.width}{steps}{kind}{suffix}"


def most_outputs(width: int) -> int:
    """Outputs that the registers hold beside the weights of a row."""
    return min(MOST_OUTPUTS, len(_WEIGHTS) - width)


def piece(shape: Piece) -> Function:
    """``ek_depthwise_piece_s8(layer, pixels, y)``, or that with a correction."""
    b = Function(shape.symbol, WORDS)
    sums = _SUMS[: shape.outputs]
    _enter(b, shape)
    with b.loop("bnez {left}, {head}"):
        b.name(x="a2", t="a3", u="a4", at="a5", end="a6")
        b.load(b.reg("t"), "layer")
        b.op("lw {t}, {at}({t})", at=START)
        b.load(b.reg("at"), "pixels")
        b.load(b.reg("end"), "end")
        for register in sums:
            b.op("mv {s}, {t}", s=register)
        with b.loop("bne {at}, {end}, {head}"):
            _row(b, shape, sums)
        _outputs(b, shape, sums)
        _next_channel(b, shape)
    b.finish()
    return b


def _enter(b: Function, shape: Piece) -> None:
    b.name(layer="a2", channel="a0", weights="a1", u="a3")
    b.store("a0", "layer")
    b.store("a1", "pixels")
    b.store("a2", "y")
    b.op("mv {layer}, a0")
    b.op("lw {u}, {field}({layer})", field=POINTERS)
    b.op("slli {u}, {u}, 2")
    b.op("add {u}, {u}, a1")
    b.store(b.reg("u"), "end")
    fields = {"row": TABLE, "channels": CHANNELS, **({"filters": FILTERS} if shape.several else {})}
    for word, field in fields.items():
        b.op("lw {u}, {field}({layer})", field=field)
        b.store(b.reg("u"), word)
    b.op("lw {weights}, {field}({layer})", field=WEIGHTS)
    b.op("li {channel}, 0")


@noted
def _row(b: Function, shape: Piece, sums: tuple[str, ...]) -> None:
    """All products of a row of the window, two of them under way at a time."""
    weights = _WEIGHTS[: shape.width]
    for tap, register in enumerate(weights):
        b.op("lb {w}, {tap}({weights})", w=register, tap=tap)
    for column, products in shape.columns.items():
        b.op("lw {x}, {place}({at})", place=4 * column)
        b.op("add {x}, {x}, {channel}")
        b.op("lb {x}, 0({x})")
        for first in range(0, len(products), 2):
            pair = list(zip(products[first : first + 2], ("{t}", "{u}"), strict=False))
            for (_, tap), register in pair:
                b.op(f"mul {register}, {{x}}, {weights[tap]}")
            for (output, _), register in pair:
                b.op(f"add {sums[output]}, {sums[output]}, {register}")
    b.op("addi {weights}, {weights}, {n}", n=shape.width)
    b.op("addi {at}, {at}, {n}", n=4 * shape.span)


@noted
def _outputs(b: Function, shape: Piece, sums: tuple[str, ...]) -> None:
    """Scale, clamp and store every sum."""
    b.name(row="a2", y="a3", u="a4", t="a5", multiplier="a6", offset="a7", shift="t0", top="t1")
    b.name(up="t2", zero="t3", correction="t4", layer="t5", step="t6")
    for name in ("layer", "row", "y"):
        b.load(b.reg(name), name)
    fields = {
        "top": TOP,
        "up": LEFT,
        "step": CHANNELS,
        **({"zero": ZERO} if shape.is_signed else {}),
    }
    for name, field in fields.items():
        b.op(f"lw {{{name}}}, {{field}}({{layer}})", field=field)
    load_constants(b, "row")
    if shape.is_signed:
        b.op("srai {correction}, {shift}, 5")
    b.op("addi {row}, {row}, {entry}", entry=ENTRY)
    b.store(b.reg("row"), "row")
    b.op("addi {row}, {y}, 1")
    b.store(b.reg("row"), "y")
    for register in sums:
        b.op("sll {u}, {s}, {up}", s=register)
        (scale_signed if shape.is_signed else scale)(b)
        clamp_and_store(b, shape.low, shape.top, f"0({b.reg('y')})")
        if register != sums[-1]:
            b.op("add {y}, {y}, {step}")


@noted
def _next_channel(b: Function, shape: Piece) -> None:
    """``{left}``: how many channels of the output are left."""
    b.name(left="a2", n="a3")
    if shape.several:
        same = b.label("same")
        b.load(b.reg("n"), "filters")
        b.op("addi {n}, {n}, -1")
        b.op("bnez {n}, {same}", same=same)
        b.op("lw {n}, {field}({layer})", field=FILTERS)
        b.op("addi {channel}, {channel}, 1")
        b.place(same)
        b.store(b.reg("n"), "filters")
    else:
        b.op("addi {channel}, {channel}, 1")
    b.load(b.reg("left"), "channels")
    b.op("addi {left}, {left}, -1")
    b.store(b.reg("left"), "channels")


def piece_count(shape: Piece, rows: int, channels: int) -> Cost:
    """Instructions of one call, half of the outputs clamped.

    Args:
        shape: what the function is written for.
        rows: of the window, with the parts of long ones.
        channels: of the output.
    """
    row = Cost(
        products=shape.width + 3 * len(shape.columns) + 2 * shape.outputs * shape.width, control=3
    )
    each = 1 + (8 if shape.is_signed else 3) + 3 + SATURATED // 2 + 1
    output = Cost(requantize=shape.outputs * (1 + each) + 12 + 2 * shape.is_signed, control=8)
    channel = rows * row + output + (5 if shape.several else 1)
    return 2 * len(SAVED) + 16 + 2 * shape.several + channels * channel
