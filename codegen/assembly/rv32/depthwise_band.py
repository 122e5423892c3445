"""Two output rows of a depthwise 3x3 convolution, channel by channel.

The nine weights of a channel stay in registers. Each byte of the input is loaded once for both
rows and multiplied for the three outputs that it belongs to: three sums of a row are under way, the
one that is complete leaves, and the additions of the last tap move the others on.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen.assembly.block import noted
from codegen.assembly.cost import Cost
from codegen.assembly.rv32.blocks import ENTRY, load_constants
from codegen.assembly.rv32.outputs import SATURATED, clamp_and_store, clamp_suffix
from codegen.assembly.rv32.registers import SAVED, Function

FIELD_BITS = 19
"""Nine products of bytes, with their sign."""
TAPS = 9
WEIGHTS, TABLE, CHANNELS, ZERO, TOP, _, WIDTH, PITCH = (4 * i for i in range(8))
"""Fields of ``ek_depthwise3``."""
WORDS = ("x", "y", "weights", "row", "left", "pitch")
REGISTERS = {
    **{f"w{i}": f"s{i}" for i in range(9)},
    "a0": "s9", "b0": "s10", "n0": "s11", "a1": "ra", "b1": "t6", "n1": "t5",
    "x": "a0", "t": "a1", "u": "a2", "multiplier": "a3", "offset": "a4", "shift": "a5",
    "top": "a6", "source": "a7", "target": "t0", "step": "t1", "end": "t2", "zero": "t3",
    "v": "t4",
}  # fmt: skip


@dataclass(frozen=True)
class Band:
    """What a function is written for.

    Attributes:
        pitch: bytes of a row; 0 where they are too many for the offset of a load: each of the
            three rows then has a pointer, and there is one output row.
        outputs: output rows, one or two.
        above, below: the input row before the first (after the last) output row is missing.
        low, top: smallest output, and the largest less the smallest.
    """

    pitch: int
    outputs: int
    above: bool
    below: bool
    low: int
    top: int

    @property
    def edges(self) -> int:
        """The last argument, which the portable equal reads."""
        return self.outputs + 4 * self.above + 8 * self.below

    @property
    def rows(self) -> int:
        """Input rows, missing ones included."""
        return self.outputs + 2

    def is_missing(self, row: int) -> bool:
        """True where an input row lies outside."""
        return (row == 0 and self.above) or (row == self.rows - 1 and self.below)


@noted
def enter(b: Function) -> None:
    """Arguments ``(layer, x, y)`` and fields into the frame and registers."""
    b.name(**REGISTERS)
    b.op("mv {v}, a0")
    for register, word in (("a1", "x"), ("a2", "y")):
        b.store(register, word)
    for at, word in ((WEIGHTS, "weights"), (TABLE, "row"), (CHANNELS, "left")):
        b.op("lw {t}, {at}({v})", at=at)
        b.store(b.reg("t"), word)
    b.op("lw {t}, {at}({v})", at=PITCH)
    b.store(b.reg("t"), "pitch")
    for name, at in (("step", CHANNELS), ("zero", ZERO), ("top", TOP)):
        b.op(f"lw {{{name}}}, {{at}}({{v}})", at=at)


def band(shape: Band) -> Function:
    """``ek_depthwise3_band_s8(layer, x, y, edges)``; x points at the first output row's place."""
    edge = ("a" if shape.above else "") + ("b" if shape.below else "")
    suffix = clamp_suffix(shape.low, shape.top)
    b = Function(f"depthwise3_{shape.pitch or 'long'}_{shape.outputs}{edge}{suffix}", WORDS)
    enter(b)
    b.name(above="t6", below="t5")  # long rows leave the second output's registers
    with b.loop("bnez {v}, {head}"):
        enter_channel(b)
        enter_rows(b, shape.pitch)
        missing_column(b, 0)
        for o in range(shape.outputs):
            b.op(f"mv {{b{o}}}, {{t}}")
        _column(b, shape, is_first=True)
        done, more = b.labels("done more")
        b.op("beq {source}, {end}, {done}", done=done)
        b.place(more)
        _column(b, shape, is_first=False)
        b.op("bne {source}, {end}, {more}", more=more)
        b.place(done)
        _last_column(b, shape)
        next_channel(b)
    b.finish()
    return b


@noted
def enter_channel(b: Function) -> None:
    """The next channel's weights, constants and pointers."""
    b.load(b.reg("v"), "weights")
    for i in range(TAPS):
        b.op(f"lb {{w{i}}}, {i}({{v}})")
    b.op("addi {v}, {v}, 9")
    b.store(b.reg("v"), "weights")
    b.load(b.reg("v"), "row")
    load_constants(b, "v")
    b.op("addi {v}, {v}, {entry}", entry=ENTRY)
    b.store(b.reg("v"), "row")
    for name, word in (("source", "x"), ("target", "y")):
        b.load(b.reg(name), word)
        b.op(f"addi {{v}}, {{{name}}}, 1")
        b.store(b.reg("v"), word)


@noted
def enter_rows(b: Function, pitch: int) -> None:
    """``{end}`` of the row, and pointers to the rows beside it where they are long."""
    if pitch:
        b.op("addi {end}, {source}, {pitch}", pitch=pitch)
        return
    b.load(b.reg("t"), "pitch")
    b.op("add {end}, {source}, {t}")
    b.op("sub {above}, {source}, {t}")
    b.op("add {below}, {source}, {t}")


def load_row(b: Function, row: int, pitch: int) -> None:
    """``{x}`` from a row of the window, the second being that of ``{source}``."""
    if pitch:
        b.op("lb {x}, {at}({source})", at=(row - 1) * pitch)
    else:
        b.op(f"lb {{x}}, 0({{{('above', 'source', 'below')[row]}}})")


@noted
def next_column(b: Function, pitch: int) -> None:
    """On to the next column of the input."""
    for pointer in ("source",) if pitch else ("source", "above", "below"):
        b.op(f"add {{{pointer}}}, {{{pointer}}}, {{step}}")


@noted
def missing_column(b: Function, column: int) -> None:
    """``{t}``: what a column of the window adds where it lies outside the input."""
    b.op(f"add {{t}}, {{w{column}}}, {{w{column + 3}}}")
    b.op(f"add {{t}}, {{t}}, {{w{column + 6}}}")
    b.op("mul {t}, {t}, {zero}")


@noted
def next_channel(b: Function) -> None:
    """``{v}``: how many channels are left."""
    b.load(b.reg("v"), "left")
    b.op("addi {v}, {v}, -1")
    b.store(b.reg("v"), "left")


@noted
def _column(b: Function, shape: Band, is_first: bool) -> None:
    """One column of the input; complete sums leave, but for the first column."""
    for row in range(shape.rows):
        missing = shape.is_missing(row)
        value = "{zero}" if missing else "{x}"
        if not missing:
            load_row(b, row, shape.pitch)
        for o in range(shape.outputs):
            if 0 <= row - o <= 2:
                _taps(b, shape, value, row - o, o, is_first)
    next_column(b, shape.pitch)
    if not is_first:
        b.op("add {target}, {target}, {step}")


def _taps(b: Function, shape: Band, value: str, tap: int, o: int, is_first: bool) -> None:
    """An input with three weights of its row, for output row ``o``."""
    left, middle, right = (f"{{w{3 * tap + i}}}" for i in range(3))
    if not is_first:
        b.op(f"mul {{t}}, {value}, {right}")
        b.op(f"add {{a{o}}}, {{a{o}}}, {{t}}")
        if tap == 2:
            _output(b, shape, o)
    b.op(f"mul {{t}}, {value}, {middle}")
    b.op(f"add {{{'a' if tap == 2 else 'b'}{o}}}, {{b{o}}}, {{t}}")
    if tap == 0:
        b.op(f"mul {{n{o}}}, {value}, {left}")
        return
    b.op(f"mul {{t}}, {value}, {left}")
    b.op(f"add {{{'b' if tap == 2 else 'n'}{o}}}, {{n{o}}}, {{t}}")


@noted
def output(b: Function, total: str, low: int, top: int, address: str) -> None:
    """Scale, clamp and store a complete sum."""
    b.op(f"slli {{u}}, {{{total}}}, {32 - FIELD_BITS}")
    b.op("mulh {u}, {u}, {multiplier}")
    b.op("add {u}, {u}, {offset}")
    b.op("sra {u}, {u}, {shift}")
    clamp_and_store(b, low, top, address)


def _output(b: Function, shape: Band, o: int) -> None:
    output(b, f"a{o}", shape.low, shape.top, f"{o * shape.pitch}({b.reg('target')})")


@noted
def _last_column(b: Function, shape: Band) -> None:
    """The column right of the last."""
    missing_column(b, 2)
    for o in range(shape.outputs):
        b.op(f"add {{a{o}}}, {{a{o}}}, {{t}}")
        _output(b, shape, o)


def band_count(shape: Band, width: int, channels: int) -> Cost:
    """Instructions of one call, half of the outputs clamped."""
    loads = sum(not shape.is_missing(r) for r in range(shape.rows))
    output = Cost(requantize=shape.outputs * (7 + SATURATED // 2))
    steps = 1 if shape.pitch else 3
    column = Cost(products=loads + 17 * shape.outputs) + output + 2 + steps
    first = Cost(products=loads + 11 * shape.outputs) + steps
    edges = Cost(borders=3 + 3 + 2 * shape.outputs)
    channel = 26 + edges + first + (width - 1) * column + output + 4
    return 2 * len(SAVED) + 18 + channels * (channel + steps)
