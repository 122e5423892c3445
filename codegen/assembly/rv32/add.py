"""Sums of int8 tensors on RV32: two multiplications and a shift for each element."""

from __future__ import annotations

from codegen.assembly.block import Block
from codegen.assembly.cost import Cost
from codegen.assembly.isa import RV32
from codegen.assembly.rv32.outputs import SATURATED
from codegen.assembly.rv32.registers import SAVED, Function
from codegen.assembly.sums import COUNT, FIRST, HIGH, LOW, OFFSET, SECOND, SHIFT, emit, refuse
from codegen.c.operators.overlap import by_element
from codegen.c.step import StepWriter, Variant
from edgekit.ir import Node

UNROLL = 4
PER_ELEMENT = Cost(products=6, requantize=4)
_FIELDS = {
    "first": FIRST, "second": SECOND, "offset": OFFSET, "shift": SHIFT, "count": COUNT,
    "low": LOW, "top": HIGH,
}  # fmt: skip


def add() -> Block:
    """``ek_affine_add_s8(sum, a, b, y)``, whatever the clamp."""
    b = Function("add", ())
    b.name(sum="a0", a="a1", b="a2", y="a3", first="a4", second="a5", offset="a6", shift="a7")
    b.name(count="t0", low="t1", top="t2", u="t3", v="t4", few="t5")
    for register, at in _FIELDS.items():
        b.op(f"lw {{{register}}}, {at}({{sum}})")
    b.op("sub {top}, {top}, {low}")
    b.note("outputs are clamped to [0, top]: the offset takes what is below them off")
    b.op("sll {u}, {low}, {shift}")
    b.op("sub {offset}, {offset}, {u}")
    b.op("li {few}, {n}", n=UNROLL)
    singles, done = b.labels("singles done")
    b.op("bltu {count}, {few}, {singles}", singles=singles)
    closing = [f"addi {{{p}}}, {{{p}}}, {UNROLL}" for p in ("a", "b", "y")]
    closing += [f"addi {{count}}, {{count}}, -{UNROLL}", "bgeu {count}, {few}, {head}"]
    with b.loop(*closing):
        for i in range(UNROLL):
            _element(b, i)
    b.place(singles)
    b.op("beqz {count}, {done}", done=done)
    closing = [f"addi {{{p}}}, {{{p}}}, 1" for p in ("a", "b", "y")]
    with b.loop(*closing, "addi {count}, {count}, -1", "bnez {count}, {head}"):
        _element(b, 0)
    b.place(done)
    b.finish()
    return b


def _element(b: Function, at: int) -> None:
    good = b.label("good")
    b.op("lb {u}, {at}({a})", at=at)
    b.op("lb {v}, {at}({b})", at=at)
    b.op("mul {u}, {u}, {first}")
    b.op("mul {v}, {v}, {second}")
    b.op("add {u}, {u}, {offset}")
    b.op("add {u}, {u}, {v}")
    b.op("sra {u}, {u}, {shift}")
    b.op("bgeu {top}, {u}, {good}", good=good)
    b.op("not {u}, {u}")
    b.op("srai {u}, {u}, 31")
    b.op("and {u}, {u}, {top}")
    b.place(good)
    b.op("add {u}, {u}, {low}")
    b.op("sb {u}, {at}({y})", at=at)


def emit_add(w: StepWriter) -> None:
    """One call."""
    emit(w, RV32, lambda clamps, shift: add())


def add_cost(node: Node) -> Cost:
    """Instructions, half of the outputs clamped."""
    turns, rest = divmod(node.output.type.size, UNROLL)
    element = PER_ELEMENT + Cost(requantize=(SATURATED + 1) / 2)
    return 2 * len(SAVED) + 15 + turns * (UNROLL * element + 5) + rest * (element + 5)


ADD = Variant(
    emit_add,
    overlap=by_element,
    name="affine",
    refuse=refuse,
    cost=add_cost,
    stack=lambda node: 4 * (len(SAVED) + 3),
)
