"""The function of products on RV32IMC: six rows of the left matrix, packed, with four columns.

A field of 21 bits holds the products of 64 elements, whatever they are; then they are added to sums
in the frame. The right matrix is read where it lies.
"""

from __future__ import annotations

from collections.abc import Callable

from codegen.assembly.block import noted
from codegen.assembly.cost import Cost
from codegen.assembly.rv32.dense import unroll_of
from codegen.assembly.rv32.outputs import (
    SATURATED,
    clamp_and_store,
    clamp_suffix,
    scale,
    scale_signed,
    unpack_low,
)
from codegen.assembly.rv32.products import (
    COLUMN,
    FIELD_BITS,
    FILTERS,
    SLOTS,
    SUMS,
    WORDS,
    multiply_position,
    name_operands,
    sums_of,
)
from codegen.assembly.rv32.registers import SAVED, Function

CHUNK = 64
"""Elements whose products a field holds, whatever they are."""
EXCESS = (1 << (FIELD_BITS - 1)) - 1
"""What a field starts with: 64 times -128 * -128 is 2**20, 64 times -128 * 127 more than -2**20."""
FIRST, SECOND = EXCESS * (1 + (1 << 21)) & 0xFFFFFFFF, EXCESS * (1 + (1 << 10)) & 0xFFFFFFFF
"""What the two sums of a triple start with."""
START, NEXT, TERMS, EXCEEDED, DEPTH, COLUMNS = 0, 24, 48, 52, 56, 60
TABLE, LEFT, TOP, ZERO = 64, 76, 80, 84
"""Fields of ``ek_matmul_packed``."""
FRAME = (
    "layer", "words", "words_end", "x", "b", "w", "y", "columns", "left", "terms",
    *(f"sum{i}" for i in range(FILTERS * SLOTS)),
)  # fmt: skip


def rows_function(unroll: int, low: int, top: int, is_signed: bool) -> Function:
    """``ek_matmul_packed_s8(layer, words, b, y)``, or that with a correction."""
    kind = "_signed" if is_signed else ""
    b = Function(f"matmul_packed{unroll}{kind}{clamp_suffix(low, top)}", FRAME)
    _enter(b)
    with b.loop("bnez {left}, {head}"):
        _begin(b)
        with b.loop("bne {x}, {end}, {head}"):
            _multiply(b, unroll)
            _add(b)
        _outputs(b, low, top, is_signed)
        _next_columns(b)
    b.finish()
    return b


@noted
def _enter(b: Function) -> None:
    """Fill the frame from the arguments."""
    b.name(u="a4")
    for register, word in (("a0", "layer"), ("a1", "words"), ("a2", "b"), ("a3", "y")):
        b.store(register, word)
    b.op("lw {u}, {at}(a0)", at=DEPTH)
    b.op("slli {u}, {u}, {shift}", shift=COLUMN.bit_length() - 1)
    b.op("add {u}, {u}, a1")
    b.store(b.reg("u"), "words_end")
    b.op("lw {u}, {at}(a0)", at=TERMS)
    b.store(b.reg("u"), "terms")
    b.op("lw {u}, {at}(a0)", at=COLUMNS)
    b.store(b.reg("u"), "columns")
    b.store(b.reg("u"), "left")


@noted
def _begin(b: Function) -> None:
    """What the sums of four columns start with: that of the row and that of the column."""
    b.name(layer="a0", terms="a1", excess="a2", t="a3", u="a4")
    rows = SUMS[:SLOTS]
    b.load(b.reg("layer"), "layer")
    b.load(b.reg("terms"), "terms")
    b.op("lw {excess}, {at}({layer})", at=EXCEEDED)
    for row, register in enumerate(rows):
        b.op("lw {r}, {at}({layer})", r=register, at=START + 4 * row)
        b.op("sub {r}, {r}, {excess}", r=register)
    for f in range(FILTERS):
        b.op("lw {t}, {at}({terms})", at=4 * f)
        for row, register in enumerate(rows):
            b.op("add {u}, {t}, {r}", r=register)
            b.store(b.reg("u"), f"sum{SLOTS * f + row}")
    for source, word in (("words", "x"), ("b", "w")):
        b.load(b.reg("u"), source)
        b.store(b.reg("u"), word)


@noted
def _multiply(b: Function, unroll: int) -> None:
    """Up to 64 elements of the rows with those of four columns, which take filters' places."""
    name_operands(b)
    b.name(step="s11")
    whole = b.label("whole")
    for register, word in (("x", "x"), ("q", "words_end"), ("w", "w"), ("step", "columns")):
        b.load(b.reg(register), word)
    b.op("addi {end}, {x}, {n}", n=CHUNK * COLUMN)
    b.op("bgeu {q}, {end}, {whole}", whole=whole)
    b.op("mv {end}, {q}")
    b.place(whole)
    for register, start in zip(SUMS, (FIRST, SECOND), strict=False):
        b.op("li {s}, {start}", s=register, start=start - (start >> 31 << 32))
    for i, register in enumerate(SUMS[2:]):
        b.op("mv {s}, {start}", s=register, start=SUMS[i % 2])
    closing = f"addi {{x}}, {{x}}, {COLUMN * unroll}", "bne {x}, {end}, {head}"
    with b.loop(*closing):
        for position in range(unroll):
            multiply_position(b, position, 0, "lw", 4)
            b.op("add {w}, {w}, {step}")
    b.store(b.reg("x"), "x")
    b.store(b.reg("w"), "w")


@noted
def _add(b: Function) -> None:
    """The fields to the sums in the frame; ``{x}`` and ``{end}``: how far the rows are done."""
    b.name(u="a0", t="a1", mask="a2", old="a3", end="a5")
    b.op("li {mask}, {ones}", ones=(1 << FIELD_BITS) - 1)
    for f in range(FILTERS):
        for triple in range(2):
            first, second = sums_of(f)[2 * triple : 2 * triple + 2]
            unpack_low(b, first, second, _adder(b, SLOTS * f + 3 * triple))
    b.load(b.reg("end"), "words_end")


def _adder(b: Function, start: int) -> Callable[[int], None]:
    """Adds the numbers of a triple to the sums from ``start`` on."""

    def add(i: int) -> None:
        b.load(b.reg("old"), f"sum{start + i}")
        b.op("add {old}, {old}, {u}")
        b.store(b.reg("old"), f"sum{start + i}")

    return add


@noted
def _outputs(b: Function, low: int, top: int, is_signed: bool) -> None:
    """Scale, clamp and store all sums, row by row."""
    b.name(layer="a0", y="a1", u="a2", t="a3", multiplier="a4", offset="a5", shift="a6", top="a7")
    b.name(up="t0", zero="s0", correction="s11", to="ra")
    b.load(b.reg("layer"), "layer")
    b.load(b.reg("y"), "y")
    fields = {"multiplier": TABLE, "offset": TABLE + 4, "shift": TABLE + 8, "up": LEFT, "top": TOP}
    for name, field in {**fields, **({"zero": ZERO} if is_signed else {})}.items():
        b.op(f"lw {{{name}}}, {{field}}({{layer}})", field=field)
    if is_signed:
        b.op("srai {correction}, {shift}, 5")
    for row in range(SLOTS):
        b.op("lw {to}, {at}({layer})", at=NEXT + 4 * row)
        b.op("add {to}, {to}, {y}")
        for f in range(FILTERS):
            b.load(b.reg("u"), f"sum{SLOTS * f + row}")
            b.op("sll {u}, {u}, {up}")
            (scale_signed if is_signed else scale)(b)
            clamp_and_store(b, low, top, f"{f}({b.reg('to')})")


@noted
def _next_columns(b: Function) -> None:
    """On to the next columns; ``{left}`` is 0 after the last. The last four may be some of those
    before."""
    b.name(left="a2", step="a3", u="a4")
    fits, done = b.labels("fits done")
    b.load(b.reg("left"), "left")
    b.op("addi {left}, {left}, {n}", n=-FILTERS)
    b.op("beqz {left}, {done}", done=done)
    b.op("li {step}, {n}", n=FILTERS)
    b.op("bge {left}, {step}, {fits}", fits=fits)
    b.op("mv {step}, {left}")
    b.op("li {left}, {n}", n=FILTERS)
    b.place(fits)
    b.store(b.reg("left"), "left")
    b.op("add {y}, {y}, {step}")
    b.store(b.reg("y"), "y")
    b.load(b.reg("u"), "b")
    b.op("add {u}, {u}, {step}")
    b.store(b.reg("u"), "b")
    b.load(b.reg("u"), "terms")
    b.op("slli {step}, {step}, 2")
    b.op("add {u}, {u}, {step}")
    b.store(b.reg("u"), "terms")
    b.place(done)


def rows_count(depth: int, columns: int, is_signed: bool) -> Cost:
    """Instructions of one call of `rows_function`, half of the outputs clamped."""
    each = 2 + (8 if is_signed else 3) + 3 + SATURATED // 2
    position = WORDS + FILTERS * (1 + 2 * WORDS) + 1
    outputs = FILTERS * SLOTS
    chunk = Cost(packing=FILTERS * 2 * 8 + 3 * outputs, requantize=len(SUMS) + 2, control=13)
    block = Cost(
        products=depth * position,
        requantize=outputs * (2 + each) + FILTERS + 4 * SLOTS + 10 + 2 * is_signed,
        control=2 * depth // unroll_of(depth) + 22,
    )
    block += -(-depth // CHUNK) * chunk
    return 2 * len(SAVED) + 14 + -(-columns // FILTERS) * block
