"""A row of a depthwise layer of int16 on Armv7E-M, 3x3 windows one or two columns apart.

Channel by channel, the three rows of a column are loaded once for all outputs that they count for:
two of them as a pair, for SMLAD, the third alone. Nothing is packed, and no scratch is needed.
"""

from __future__ import annotations

from codegen.assembly.block import WORD, Block, noted, offsets
from codegen.assembly.cost import Cost

_FRAME = offsets(
    ("x", "end", "column", "filters", "filters_end", "left", "right", "edge", "odd", "y")
)
FRAME_BYTES = WORD * len(_FRAME)
_SUMS = "r1", "r0"
"""With stride 1: the output that a column completes first, and the next one."""


def line_block(stride: int, positive: bool) -> Block:
    """``(const ek_depthwise_line *, x, y, edge)``.

    Args:
        stride: of columns, 1 or 2.
        positive: outputs begin at 0.
    """
    b = Block(f"depthwise_line_x{stride}" + "_positive" * positive)
    b.name(left="r4", middle="r5", right="r6", third="r7", corner="r8", multiplier="r12", bias="lr")
    b.name(pair="r2", lower="r3", x="r9", row="r10")
    channel, begun, finish, following = b.labels("channel begun finish next")
    b.op("push {{r4-r11, lr}}")
    b.op(f"sub sp, sp, #{FRAME_BYTES}")
    _prepare(b, stride)
    b.place(channel)
    _weights(b)
    _get(b, "{x}", "x")
    _get(b, "{pair}", "left")
    if stride == 1:
        _first_columns(b, begun)
        _columns(b, positive, finish)
    else:
        b.name(column="r1", y="r11")
        _get(b, "{column}", "column")
        _get(b, "{y}", "y")
        _second_columns(b, positive, begun, finish)
    b.place(finish)
    _get(b, "{pair}", "right")
    b.op("cmp {pair}, #0")
    b.op("beq {following}", following=following)
    if stride == 2:
        _middle(b)
    _store(b, _SUMS[0] if stride == 1 else "r0", stride, positive)
    b.place(following)
    _next_channel(b, stride)
    b.op("bne {channel}", channel=channel)
    b.op(f"add sp, sp, #{FRAME_BYTES}")
    b.op("pop {{r4-r11, pc}}")
    return b


def _get(b: Block, register: str, variable: str) -> None:
    b.op(f"ldr {register}, [sp, #{_FRAME[variable]}]")


@noted
def _prepare(b: Block, stride: int) -> None:
    """Arguments become variables: `end` is the column behind the last that completes an output; how
    far the output is from the column that completes it."""
    b.op("ldm r0, {{r4-r10}}")
    b.op(f"strd r4, r5, [sp, #{_FRAME['filters']}]")
    b.op(f"strd r9, r10, [sp, #{_FRAME['left']}]")
    b.op(f"str r3, [sp, #{_FRAME['edge']}]")
    b.op(f"rsb r9, r9, #{3 - stride}")  # columns before the first that completes one
    if stride == 1:
        b.op("sub r11, r2, r1")
        b.op("mls r11, r9, r7, r11")
        b.op("and r3, r8, #1")
        b.op(f"str r3, [sp, #{_FRAME['odd']}]")
    else:
        b.op(f"str r2, [sp, #{_FRAME['y']}]")
    b.op(f"add r9, r9, r8{', lsl #1' * (stride == 2)}")
    b.op("mla r2, r9, r7, r1")
    b.op(f"strd r1, r2, [sp, #{_FRAME['x']}]")
    b.op(f"str r7, [sp, #{_FRAME['column']}]")
    b.op("mov {row}, r6")


@noted
def _weights(b: Block) -> None:
    """Pairs of the first two rows, the third row. At an edge weights are moved by a row, so that
    all three rows of the input exist."""
    lower, whole = b.labels("lower whole")
    _get(b, "r0", "filters")
    b.op("ldm r0!, {{r4, r5, r6, r12, lr}}")
    b.op(f"str r0, [sp, #{_FRAME['filters']}]")
    b.op("mov {corner}, r6")
    b.op("sxtb16 {third}, r5, ror #8")
    b.op("sxtb16 {right}, r5")
    b.op("sxtb16 {middle}, r4, ror #8")
    b.op("sxtb16 {left}, r4")
    _get(b, "r0", "edge")
    b.op("cmp r0, #1")
    b.op("blt {whole}", whole=whole)
    b.op("bgt {lower}", lower=lower)
    for weights, below in (("left", "{third}, lsl #16"), ("middle", "{third}"),
                           ("right", "{corner}, lsl #16")):  # fmt: skip
        b.op(f"lsr {{{weights}}}, {{{weights}}}, #16")
        b.op(f"pkhbt {{{weights}}}, {{{weights}}}, {below}")
    b.op("mov {third}, #0")
    b.op("mov {corner}, #0")
    b.op("b {whole}", whole=whole)
    b.place(lower)
    b.op("pkhtb {third}, {middle}, {left}, asr #16")
    b.op("asr {corner}, {right}, #16")
    for weights in ("left", "middle", "right"):
        b.op(f"lsl {{{weights}}}, {{{weights}}}, #16")
    b.place(whole)


def _load(b: Block) -> None:
    """A column."""
    b.op("ldrh {pair}, [{x}]")
    b.op("ldrh {lower}, [{x}, {row}]")
    b.op("pkhbt {pair}, {pair}, {lower}, lsl #16")
    b.op("ldrh {lower}, [{x}, {row}, lsl #1]")


def _begin(b: Block, sum: str) -> None:
    """A sum begins with the first column of its window."""
    b.op(f"smlad {sum}, {{pair}}, {{left}}, {{bias}}")
    b.op(f"smlabb {sum}, {{lower}}, {{third}}, {sum}")


def _go_on(b: Block, sum: str) -> None:
    b.op(f"smlad {sum}, {{pair}}, {{middle}}, {sum}")
    b.op(f"smlabt {sum}, {{lower}}, {{third}}, {sum}")


def _end(b: Block, sum: str) -> None:
    b.op(f"smlad {sum}, {{pair}}, {{right}}, {sum}")
    b.op(f"smlabb {sum}, {{lower}}, {{corner}}, {sum}")


def _store(b: Block, sum: str, stride: int, positive: bool) -> None:
    b.op(f"smmulr {sum}, {sum}, {{multiplier}}")
    b.op(f"usat {sum}, #15, {sum}" if positive else f"ssat {sum}, #16, {sum}")
    b.op(f"strh {sum}, " + ("[{x}, r11]" if stride == 1 else "[{y}]"))


def _advance(b: Block) -> None:
    _get(b, "{pair}", "column")
    b.op("add {x}, {x}, {pair}")


@noted
def _first_columns(b: Block, begun: str) -> None:
    """Columns that complete no output: two, or one where the first window lacks its first."""
    old, new = _SUMS
    b.op(f"mov {old}, {{bias}}")
    b.op("cmp {pair}, #0")
    b.op("bne {begun}", begun=begun)
    _load(b)
    _begin(b, old)
    _advance(b)
    b.place(begun)
    _load(b)
    _go_on(b, old)
    _begin(b, new)
    _advance(b)


@noted
def _columns(b: Block, positive: bool, finish: str) -> None:
    """A column completes an output, goes on with the next and begins another, in the register of
    the first: two columns a turn, an odd number begins with the second."""
    old, new = _SUMS
    head, even, odd = b.labels("head even odd")
    _get(b, "{pair}", "end")
    b.op("cmp {x}, {pair}")
    b.op("beq {finish}", finish=finish)
    _get(b, "{pair}", "odd")
    b.op("cmp {pair}, #0")
    b.op("beq {even}", even=even)
    b.op(f"mov {{pair}}, {new}")
    b.op(f"mov {new}, {old}")
    b.op(f"mov {old}, {{pair}}")
    b.op("b {odd}", odd=odd)
    b.place(even)
    b.place(head)
    for first, second in ((old, new), (new, old)):
        if first == new:
            b.place(odd)
        _load(b)
        _end(b, first)
        _go_on(b, second)
        _store(b, first, 1, positive)
        _begin(b, first)
        if first == old:
            _advance(b)
    b.op(f"ldrd {{pair}}, {{lower}}, [sp, #{_FRAME['end']}]")
    b.op("add {x}, {x}, {lower}")
    b.op("cmp {x}, {pair}")
    b.op("bne {head}", head=head)


def _middle(b: Block) -> None:
    _load(b)
    b.op("add {x}, {x}, {column}")
    _go_on(b, "r0")


@noted
def _second_columns(b: Block, positive: bool, begun: str, finish: str) -> None:
    """Columns that are the second of a window, and those that are the last of one and the first of
    the next."""
    b.op("mov r0, {bias}")
    b.op("cmp {pair}, #0")
    b.op("bne {begun}", begun=begun)
    _load(b)
    b.op("add {x}, {x}, {column}")
    _begin(b, "r0")
    b.place(begun)
    _get(b, "{pair}", "end")
    b.op("cmp {x}, {pair}")
    b.op("beq {finish}", finish=finish)
    with b.loop("cmp {x}, {pair}", "bne {head}"):
        _middle(b)
        _load(b)
        b.op("add {x}, {x}, {column}")
        _end(b, "r0")
        _store(b, "r0", 2, positive)
        b.op("add {y}, {y}, {column}")
        _begin(b, "r0")
        _get(b, "{pair}", "end")


@noted
def _next_channel(b: Block, stride: int) -> None:
    """One halfword on."""
    b.op(f"ldrd r0, r1, [sp, #{_FRAME['x']}]")
    b.op("add r0, r0, #2")
    b.op("add r1, r1, #2")
    b.op(f"strd r0, r1, [sp, #{_FRAME['x']}]")
    if stride == 2:
        _get(b, "r0", "y")
        b.op("add r0, r0, #2")
        b.op(f"str r0, [sp, #{_FRAME['y']}]")
    b.op(f"ldrd r0, r1, [sp, #{_FRAME['filters']}]")
    b.op("cmp r0, r1")


def line_cost(channels: int, columns: int, left: int, right: int, stride: int, edge: int) -> Cost:
    """Of one call."""
    odd = columns % 2
    channel = Cost(packing=8 + (3, 13, 9)[edge], control=12)
    if stride == 1:
        channel += Cost(products=8, control=8) + (1 - left) * Cost(products=6, control=2)
        channel += columns / 2 * Cost(products=20, requantize=6, control=6)
        channel += 5 * odd + 3 * (columns > 0) + right * Cost(requantize=3)
    else:
        channel += 11 + (1 - left) * Cost(products=6, control=1)
        channel += columns * Cost(products=14, requantize=3, control=6)
        channel += right * Cost(products=6, requantize=3, control=1)
    return channels * channel + (18 if stride == 1 else 15)
