"""Depthwise windows on Armv7E-M: an area of the output, four channels.

Of each channel the weights are expanded once into the frame. Four outputs of a row are computed
together, rows of taps one after the other in code that is entered so many rows before its end;
the last one or two outputs of a row take a loop.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from codegen.assembly.armv7e_m.depthwise_area_pack import PITCH, PLANE
from codegen.assembly.armv7e_m.depthwise_area_taps import pairs_of, products_of, row_of_taps
from codegen.assembly.armv7e_m.depthwise_windows import round_twice
from codegen.assembly.block import WORD, Block, noted, offsets
from codegen.assembly.cost import Cost

MOST_ROWS = {3: 5, 5: 5, 7: 7, 9: 3, 11: 1}
"""Rows of taps in the code for windows of each width."""
LAYER = offsets(
    ("filters", "words", "kernel_h", "width", "pairs", "turns", "stride", "shift", "band", "strip",
     "bands", "strips", "pad", "low")
)  # fmt: skip
"""The words of an ``ek_depthwise_layer``."""
AREA = offsets(("layer", "rows", "columns", "step", "row", "column"))
"""Those of an ``ek_depthwise_area``."""
_FRAME = offsets(
    ("y", "left", "column", "back", "start", "multiplier", "half", "shift", "enter", "taps",
     "area", "filter", "packed", "out", "channels", "rows", "row_packed", "row_out", "weights")
)  # fmt: skip
_FOUR = tuple(f"r{n}" for n in range(4, 12))
_TWO = tuple(f"r{n}" for n in range(2, 11))
_STRIDE_BYTES = {1: 8, 2: 16}
"""Packed bytes from four outputs to the next four."""


@dataclass(frozen=True)
class Outputs:
    """How sums become outputs.

    Attributes:
        shift: of int8, after a high multiplication; 0 for outputs that are rounded twice.
        wide: int16, by a rounded high multiplication alone.
        positive: int16 from 0 up.
    """

    shift: int = 0
    wide: bool = False
    positive: bool = False

    @property
    def twice(self) -> bool:
        """Rounded twice."""
        return not (self.shift or self.wide)

    @property
    def mark(self) -> str:
        """Part of the function's name."""
        if self.wide:
            return "s16" + "_positive" * self.positive
        return "twice" if self.twice else f"s{self.shift}"


def frame_bytes(width: int, stride: int) -> int:
    """Of the stack: variables and expanded weights."""
    words = pairs_of(width, stride) * MOST_ROWS[width]
    return _FRAME["weights"] + WORD * (-(-words // 4) * 4)


def area_block(width: int, stride: int, outputs: Outputs) -> Block:
    """The function ``(const ek_depthwise_area *, filters, packed, y)``.

    Args:
        width: columns of the window, odd.
        stride: of columns.
        outputs: how sums become them.
    """
    b = Block(f"depthwise_area_w{width}_x{stride}_{outputs.mark}")
    channel, row, four, two, done = b.labels("channel row four two done")
    requantize = b.label("requantize")
    b.op("push {{r4-r11, lr}}")
    b.op(f"sub sp, sp, #{frame_bytes(width, stride)}")
    _prepare(b, width, stride, requantize)
    b.place(channel)
    _begin_channel(b, outputs)
    b.place(row)
    _begin_row(b)
    b.op("cmp r9, #2")
    b.op("ble {two}", two=two)
    b.place(four)
    _begin_four(b)
    for _ in range(MOST_ROWS[width]):
        row_of_taps(b, products_of(width, stride, 4), _FOUR)
    b.place(requantize)
    _end_four(b, outputs)
    b.op("bgt {four}", four=four)
    b.place(two)
    b.op("cmp r9, #0")
    b.op("ble {done}", done=done)
    _begin_two(b)
    with b.loop("subs r11, r11, #1", "bne {head}"):
        row_of_taps(b, products_of(width, stride, 2), _TWO)
    _end_two(b, outputs)
    b.place(done)
    _next_row(b)
    b.op("bne {row}", row=row)
    _next_channel(b, outputs)
    b.op("bne {channel}", channel=channel)
    b.op(f"add sp, sp, #{frame_bytes(width, stride)}")
    b.op("pop {{r4-r11, pc}}")
    return b


def _get(b: Block, register: str, variable: str) -> None:
    b.op(f"ldr {register}, [sp, #{_FRAME[variable]}]")


def _put(b: Block, register: str, variable: str) -> None:
    b.op(f"str {register}, [sp, #{_FRAME[variable]}]")


@noted
def _prepare(b: Block, width: int, stride: int, requantize: str) -> None:
    """Arguments become variables; where the rows of taps are entered."""
    for register, variable in (("r0", "area"), ("r1", "filter"), ("r2", "packed"), ("r3", "out")):
        _put(b, register, variable)
    b.op(f"ldr r4, [r0, #{AREA['layer']}]")
    b.op(f"ldr r5, [r4, #{LAYER['kernel_h']}]")
    _put(b, "r5", "taps")
    b.op("adr.w r6, {requantize}", requantize=requantize)
    b.op(f"mov r7, #{WORD * _row_length(width, stride, 4)}")
    b.op("mls r6, r5, r7, r6")
    b.op("add r6, r6, #1")
    _put(b, "r6", "enter")
    b.op(f"mov r7, #{PITCH}")
    b.op("mul r7, r5, r7")
    b.op(f"sub r7, r7, #{_STRIDE_BYTES[stride]}")
    b.op(f"ldr r6, [r0, #{AREA['column']}]")
    b.op(f"strd r6, r7, [sp, #{_FRAME['column']}]")
    b.op("mov r4, #4")
    _put(b, "r4", "channels")


@noted
def _begin_channel(b: Block, outputs: Outputs) -> None:
    """Constants and weights of a channel; its first row."""
    _get(b, "r12", "filter")
    _get(b, "r0", "area")
    b.op(f"ldr r4, [r0, #{AREA['layer']}]")
    b.op(f"ldr r9, [r4, #{LAYER['turns']}]")
    b.op("ldrd r4, r5, [r12], #8")
    b.op(f"strd r4, r5, [sp, #{_FRAME['start']}]")
    if outputs.twice:
        b.op("ldr r4, [r12], #4")
        b.op("rbit r5, r4")
        b.op("clz r5, r5")
        b.op(f"strd r4, r5, [sp, #{_FRAME['half']}]")
    b.op(f"add lr, sp, #{_FRAME['weights']}")
    b.op("mov r8, #0xff00ff00")
    with b.loop("subs r9, r9, #1", "bne {head}"):
        b.op("ldm r12!, {{r5, r7}}")
        for even, odd in (("r4", "r5"), ("r6", "r7")):
            if outputs.wide:
                b.op(f"sxtb16 {even}, {odd}")
                b.op(f"sxtb16 {odd}, {odd}, ror #8")
            else:
                b.op(f"and {even}, r8, {odd}, lsl #8")
                b.op(f"and {odd}, r8, {odd}")
        b.op("stm lr!, {{r4-r7}}")
    _put(b, "r12", "filter")
    b.op(f"ldr r4, [r0, #{AREA['rows']}]")
    _put(b, "r4", "rows")
    _get(b, "r12", "packed")
    _put(b, "r12", "row_packed")
    _get(b, "r8", "out")
    _put(b, "r8", "row_out")


@noted
def _begin_row(b: Block) -> None:
    """r0: the area, r12 and r8: where a row is read and written."""
    b.op(f"ldr r9, [r0, #{AREA['columns']}]")
    b.op(f"strd r8, r9, [sp, #{_FRAME['y']}]")


def _begin_four(b: Block) -> None:
    _get(b, "r0", "start")
    for register in ("r1", "r2", "r3"):
        b.op(f"mov {register}, r0")
    b.op(f"add lr, sp, #{_FRAME['weights']}")
    _get(b, "pc", "enter")


@noted
def _end_four(b: Block, outputs: Outputs) -> None:
    """Scale and store; of the last four outputs one may be beyond the area."""
    store = "strh" if outputs.wide else "strb"
    _scale(b, 4, outputs)
    b.op(f"ldrd r8, r9, [sp, #{_FRAME['y']}]")
    b.op(f"ldrd r10, r11, [sp, #{_FRAME['column']}]")
    b.op("subs r9, r9, #4")
    b.op(f"{store} r0, [r8]")
    b.op(f"{store} r1, [r8, r10]")
    b.op("add r8, r8, r10, lsl #1")
    b.op(f"{store} r2, [r8]")
    b.op("it ge")
    b.op(f"{store}ge r3, [r8, r10]")
    b.op("add r8, r8, r10, lsl #1")
    b.op(f"strd r8, r9, [sp, #{_FRAME['y']}]")
    b.op("sub r12, r12, r11")
    b.op("cmp r9, #2")


def _begin_two(b: Block) -> None:
    _get(b, "r0", "start")
    b.op("mov r1, r0")
    b.op(f"add lr, sp, #{_FRAME['weights']}")
    _get(b, "r11", "taps")


def _end_two(b: Block, outputs: Outputs) -> None:
    store = "strh" if outputs.wide else "strb"
    _scale(b, 2, outputs)
    b.op(f"ldrd r8, r9, [sp, #{_FRAME['y']}]")
    _get(b, "r10", "column")
    b.op(f"{store} r0, [r8]")
    b.op("cmp r9, #1")
    b.op("it gt")
    b.op(f"{store}gt r1, [r8, r10]")


@noted
def _scale(b: Block, count: int, outputs: Outputs) -> None:
    """Sums in r0 and up become outputs."""
    b.name(multiplier="r4", half="r5", shift="r6", twice="r7")
    _get(b, "r4", "multiplier")
    if outputs.twice:
        b.op(f"ldrd r5, r6, [sp, #{_FRAME['half']}]")
    for sum in (f"r{o}" for o in range(count)):
        if outputs.twice:
            round_twice(b, sum)
            continue
        b.op(f"smmulr {sum}, {sum}, {{multiplier}}")
        if not outputs.wide:
            b.op(f"ssat {sum}, #8, {sum}, asr #{outputs.shift}")
        else:
            b.op(f"usat {sum}, #15, {sum}" if outputs.positive else f"ssat {sum}, #16, {sum}")


def _next_row(b: Block) -> None:
    _get(b, "r0", "area")
    b.op(f"ldrd r4, r5, [r0, #{AREA['step']}]")
    b.op(f"ldrd r12, r8, [sp, #{_FRAME['row_packed']}]")
    b.op("add r12, r12, r4")
    b.op("add r8, r8, r5")
    b.op(f"strd r12, r8, [sp, #{_FRAME['row_packed']}]")
    _get(b, "r6", "rows")
    b.op("subs r6, r6, #1")
    _put(b, "r6", "rows")


def _next_channel(b: Block, outputs: Outputs) -> None:
    b.op(f"ldrd r2, r3, [sp, #{_FRAME['packed']}]")
    b.op(f"add r2, r2, #{PLANE}")
    b.op(f"add r3, r3, #{1 + outputs.wide}")
    b.op(f"strd r2, r3, [sp, #{_FRAME['packed']}]")
    _get(b, "r4", "channels")
    b.op("subs r4, r4, #1")
    _put(b, "r4", "channels")


@functools.cache
def _row_length(width: int, stride: int, outputs: int) -> int:
    """Instructions of a row of taps."""
    pool = _FOUR if outputs == 4 else _TWO
    return row_of_taps(Block(""), products_of(width, stride, outputs), pool)


def area_cost(
    size: tuple[int, int], kernel_h: int, width: int, stride: int, turns: int, twice: bool
) -> Cost:
    """Of one call, for so many rows and columns of outputs."""
    rows, columns = size
    fours = (columns + 1) // 4
    last = columns - 4 * fours > 0
    scale = 5 if twice else 2
    four = Cost(products=kernel_h * _row_length(width, stride, 4))
    four += Cost(requantize=4 * scale + 10 + twice, control=11)
    two = Cost(products=kernel_h * (_row_length(width, stride, 2) + 2))
    two += Cost(requantize=2 * scale + 6 + twice, control=5)
    row = fours * four + last * two + 15
    channel = Cost(packing=8 * turns + 2, control=21 + 4 * twice) + rows * row
    return 23 + 4 * channel
