"""An output row of a depthwise 3x3 convolution of stride 2, channel by channel.

Every second column belongs to two outputs: it completes one sum and begins the next. The weights of
a channel stay in registers; an output takes six loads, nine multiplications and eight additions.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen.assembly.block import noted
from codegen.assembly.cost import Cost
from codegen.assembly.rv32.depthwise_band import (
    TAPS,
    WIDTH,
    WORDS,
    enter,
    enter_channel,
    enter_rows,
    load_row,
    missing_column,
    next_channel,
    next_column,
    output,
)
from codegen.assembly.rv32.outputs import SATURATED, clamp_suffix
from codegen.assembly.rv32.registers import SAVED, Function

KERNEL = 3


@dataclass(frozen=True)
class StridedRow:
    """What a function is written for.

    Attributes:
        pitch: bytes of an input row; 0 where they are too many for the offset of a load.
        above, below: the window's first (last) row is missing.
        left, right: the first (last) column of the first (last) window is missing.
        low, top: smallest output, and the largest less the smallest.
    """

    pitch: int
    above: bool
    below: bool
    left: bool
    right: bool
    low: int
    top: int

    @property
    def edges(self) -> int:
        """The last argument, which the portable equal reads."""
        return self.above + 2 * self.below + 4 * self.left + 8 * self.right

    @property
    def rows(self) -> tuple[int, ...]:
        """Rows of the window that lie inside."""
        return tuple(r for r in range(KERNEL) if not (self.above, False, self.below)[r])


def strided_row(shape: StridedRow) -> Function:
    """``ek_depthwise3_strided_s8(layer, x, y, edges)``; x points at the middle row's first byte."""
    marks = zip("ablr", (shape.above, shape.below, shape.left, shape.right), strict=True)
    edge = "".join(letter for letter, is_missing in marks if is_missing)
    b = Function(
        f"depthwise3s2_{shape.pitch or 'long'}{edge}{clamp_suffix(shape.low, shape.top)}", WORDS
    )
    enter(b)
    b.name(count="t6", width="ra", next="s11", above="s10", below="t5")
    b.op("lw {width}, {at}({v})", at=WIDTH)
    with b.loop("bnez {v}, {head}"):
        enter_channel(b)
        enter_rows(b, shape.pitch)
        b.op("addi {count}, {width}, -{less}", less=int(shape.right))
        if shape.left:
            missing_column(b, 0)
            b.op("mv {a0}, {t}")
        else:
            _column(b, shape, {"a0": 0})
        last, more = b.labels("last more")
        b.op("beqz {count}, {last}", last=last)
        b.place(more)
        _column(b, shape, {"a0": 1}, goes_on=True)
        _column(b, shape, {"a0": 2, "next": 0}, goes_on=True)
        output(b, "a0", shape.low, shape.top, "0({target})".format(target=b.reg("target")))
        b.op("mv {a0}, {next}")
        b.op("add {target}, {target}, {step}")
        b.op("addi {count}, {count}, -1")
        b.op("bnez {count}, {more}", more=more)
        b.place(last)
        if shape.right:
            _column(b, shape, {"a0": 1}, goes_on=True)
            missing_column(b, 2)
            b.op("add {a0}, {a0}, {t}")
            output(b, "a0", shape.low, shape.top, "0({target})".format(target=b.reg("target")))
        next_channel(b)
    b.finish()
    return b


@noted
def _column(b: Function, shape: StridedRow, sums: dict[str, int], goes_on: bool = False) -> None:
    """The next column of the input: for each sum its column of the window.

    The first product of a sum that does not go on begins it.
    """
    begun = {"a0"} if goes_on else set()
    for row in range(KERNEL):
        value = "{zero}"
        if row in shape.rows:
            value = "{x}"
            load_row(b, row, shape.pitch)
        for total, column in sums.items():
            weight = f"{{w{KERNEL * row + column}}}"
            if total not in begun:
                b.op(f"mul {{{total}}}, {value}, {weight}")
                begun.add(total)
                continue
            b.op(f"mul {{t}}, {value}, {weight}")
            b.op(f"add {{{total}}}, {{{total}}}, {{t}}")
    next_column(b, shape.pitch)


def strided_count(shape: StridedRow, width: int, channels: int) -> Cost:
    """Instructions of one call, half of the outputs clamped."""
    loads = len(shape.rows)
    scaled = Cost(requantize=7 + SATURATED // 2)
    steps = 1 if shape.pitch else 3
    each = Cost(products=2 * loads + 2 * TAPS - 1) + 2 * steps + scaled + 4
    last = Cost(products=loads + 6, borders=4) + steps + scaled if shape.right else Cost()
    first = Cost(borders=4) if shape.left else Cost(products=loads + 5) + steps
    channel = 27 + steps + first + 1 + (width - shape.right) * each + last + 4
    return 2 * len(SAVED) + 19 + channels * channel
