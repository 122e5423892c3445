"""Dense layers: one row of activations with eight filters at a time, one filter in each sum.

Bias, significand and shift are vectors here. Sums of even and of odd filters form a vector each, so
that narrowing interleaves them into the order of the output.
"""

from __future__ import annotations

from dataclasses import dataclass

from codegen.assembly.block import Block, noted
from codegen.assembly.cost import Cost
from codegen.assembly.mve.layer import FULL, HALF
from codegen.assembly.mve.scaling import Form
from codegen.assembly.mve.tiles import SUMS

GROUP = 8
"""Filters that share a step."""
UNROLLED = 12
"""Steps of a row that are written out; more are looped over, `CHUNK` at a time."""
CHUNK = 4
FILTERS, ZERO_POINT, LOW = 8, 24, 28
"""Offsets in ``ek_lanes``."""


@dataclass(frozen=True)
class Shape:
    """What tells one function from another.

    Attributes:
        depth: bytes of a row.
        groups: there are whole groups of filters.
        rest: filters after them.
        form: of the requantization.
    """

    depth: int
    groups: bool
    rest: int
    form: Form

    @property
    def symbol(self) -> str:
        """The function's name."""
        return f"lanes_{self.depth}_{self.rest}{'g' if self.groups else ''}_{self.form.tag}"

    @property
    def chunks(self) -> int:
        """Of `CHUNK` steps, in a loop."""
        steps = self.depth // FULL
        return steps // CHUNK if steps > UNROLLED else 0

    def cost(self, filters: int) -> Cost:
        """Instructions of one call."""
        b, group, chunk, rest_chunk = _build(self)
        rounds = max(self.chunks - 1, 0)
        once = b.cost() - group + rounds * rest_chunk
        return once + filters // GROUP * (group + rounds * chunk)


def lanes_block(shape: Shape) -> Block:
    """``ek_lanes_s8(a, x, y)`` for a shape."""
    return _build(shape)[0]


def _build(shape: Shape) -> tuple[Block, Cost, Cost, Cost]:
    """The function; the instructions of a group, of a loop over its steps, and over the rest's."""
    b = Block(shape.symbol)
    b.name(x="r1", w="r3", y="r5", last="r7", table="r9", left="r11", zero="q4")
    b.op("push {{r4-r11, lr}}")
    b.op("vpush {{d8-d9}}")
    b.op("push {{r0-r2}}")
    b.op("mov {y}, r2")
    b.op("ldr r2, [r0, #{at}]", at=ZERO_POINT)
    b.op("vdup.16 {zero}, r2")
    b.op("ldrd {w}, {table}, [r0]")
    group = chunk = rest_chunk = Cost()
    if shape.groups:
        b.op("ldr {last}, [r0, #{at}]", at=FILTERS)
        if shape.rest:
            b.op("sub {last}, {last}, #{rest}", rest=shape.rest)
        b.op("add {last}, {last}, {y}")
        start = b.cost()
        with b.loop("cmp {y}, {last}", "bne {head}"):
            chunk = _sums(b, shape, GROUP)
            with b.part("requantize"):
                _finish(b, shape, GROUP)
        group = b.cost() - start
    if shape.rest:
        rest_chunk = _sums(b, shape, shape.rest)
        with b.part("requantize"):
            _finish(b, shape, shape.rest)
    b.op("add sp, sp, #12")
    b.op("vpop {{d8-d9}}")
    b.op("pop {{r4-r11, pc}}")
    return b, group, chunk, rest_chunk


def _sums(b: Block, shape: Shape, filters: int) -> Cost:
    """A row times so many filters; returns the instructions of the loop, once round."""
    add, chunk = "", Cost()
    steps = shape.depth // FULL
    if shape.chunks:
        for register in SUMS[:filters]:
            b.op(f"mov {register}, #0")
        add = "a"
        b.op("mov {left}, #{count}", count=shape.chunks)
        start = b.cost()
        with b.loop("subs {left}, {left}, #1", "bne {head}"):
            for _ in range(CHUNK):
                _step(b, filters, "a", FULL)
        chunk = b.cost() - start
        steps -= CHUNK * shape.chunks
    for _ in range(steps):
        _step(b, filters, add, FULL)
        add = "a"
    rest = shape.depth % FULL
    if rest == HALF:
        _step(b, filters, add, HALF)
    elif rest:
        b.op("mov {left}, #{rest}", rest=rest)
        b.op("vctp.8 {left}")
        _step(b, filters, add, rest)
    return chunk


def _step(b: Block, filters: int, add: str, width: int) -> None:
    load, lanes, size = "vldrb.u8", "s8", FULL
    if width == HALF:
        load, lanes, size = "vldrb.s16", "s16", HALF
    with b.part("products"):
        if width in (FULL, HALF):
            b.op(f"{load} q0, [{{x}}], #{size}")
        else:
            b.op("vpst")
            b.op("vldrbt.u8 q0, [{x}]")
        for f in range(filters):
            q = f"q{1 + f % 3}"
            b.op(f"{load} {q}, [{{w}}], #{size}")
            b.op(f"vmladav{add}.{lanes} {SUMS[f]}, q0, {q}")


@noted
def _finish(b: Block, shape: Shape, filters: int) -> None:
    """Requantize the sums, even filters in q0, odd ones in q1, and store them."""
    form = shape.form
    for q in range(2):
        s = SUMS[q::2]
        b.op(f"vmov q{q}[2], q{q}[0], {s[0]}, {s[2]}")
        b.op(f"vmov q{q}[3], q{q}[1], {s[1]}, {s[3]}")
    finish_vectors(b, form)
    b.op("ldrd r0, {x}, [sp]")
    if form.clamped:
        b.op("ldrd r2, r4, [r0, #{at}]", at=LOW)
        b.op("vdup.16 q1, r2")
        b.op("vdup.16 q2, r4")
        b.op("vmax.s16 q0, q0, q1")
        b.op("vmin.s16 q0, q0, q2")
    else:
        b.op("vqmovnb.s16 q0, q0")
    if filters == GROUP:
        b.op("vstrb.16 q0, [{y}], #8")
        return
    b.op("mov r0, #{filters}", filters=filters)
    b.op("vctp.16 r0")
    b.op("vpst")
    b.op("vstrbt.16 q0, [{y}]")


@noted
def finish_vectors(b: Block, form: Form) -> None:
    """Scale the sums of even channels in q0 and of odd ones in q1 by the table; the outputs, as
    halfwords in order, are in q0. Takes q2 and q3, and the zero point in {zero}."""
    if form.floating:
        _multiply_floats(b)
    else:
        _multiply_integers(b, form)
    b.op("vqmovnb.s32 q0, q0")
    b.op("vqmovnt.s32 q0, q1")
    b.op("vqadd.s16 q0, q0, {zero}")


def _multiply_integers(b: Block, form: Form) -> None:
    multiply = "vqrdmulh.s32" if form.rounded else "vqdmulh.s32"
    for operation in ("vadd.i32", multiply, "vrshl.s32"):
        if operation == ("vadd.i32" if form.late else multiply) and form.left:
            for q in range(2):
                b.op(f"vqshl.s32 q{q}, q{q}, #{form.left}")
        for q in range(2):
            if operation == "vrshl.s32" and form.away:
                b.op(f"vshr.s32 q2, q{q}, #31")
                b.op(f"vadd.i32 q{q}, q{q}, q2")
            b.op("vldrw.u32 q3, [{table}], #16")
            b.op(f"{operation} q{q}, q{q}, q3")


def _multiply_floats(b: Block) -> None:
    """Shifts are passed over."""
    for q in range(2):
        b.op("vldrw.u32 q3, [{table}], #16")
        b.op(f"vadd.i32 q{q}, q{q}, q3")
        b.op(f"vcvt.f32.s32 q{q}, q{q}")
    for q in range(2):
        b.op("vldrw.u32 q3, [{table}], #{step}", step=48 if q else 16)
        b.op(f"vmul.f32 q{q}, q{q}, q3")
        b.op(f"vcvtn.s32.f32 q{q}, q{q}")
