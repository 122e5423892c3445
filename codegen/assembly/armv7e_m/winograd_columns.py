"""One column of inputs of a Winograd convolution (ek_winograd.h)."""

from __future__ import annotations

import functools

from codegen.assembly.block import Block
from codegen.assembly.winograd_parts import POINT_BYTES, POINTS, RECORD_BYTES


@functools.cache
def columns_function() -> Block:
    """``void f(const ek_winograd_column *a)``.

    Bytes plus 128 are not negative, so that halfwords can be shifted and added as words; only
    differences need halves of their own.
    """
    b = Block("winograd_columns")
    b.name(at="r0", t="r1", bias="r12", v="lr")
    moved = b.label("moved")
    b.op("push {{r4-r11, lr}}")
    b.op("sub sp, #24")
    b.op("ldm r0, {{r0-r4}}")  # rows, at, words, v, moved
    b.op("mov {v}, r3")
    b.op("cbz r4, {label}", label=moved)
    with b.loop("subs r4, #1", "bne {head}"):
        for _ in range(POINTS):
            b.op(f"ldrd r6, r7, [r3], #{POINT_BYTES}")
            b.op(f"strd r6, r7, [r3, #-{POINT_BYTES + 8}]")
    b.place(moved)
    b.op("add r1, r1, r2, lsl #2")
    b.op("ldm r0, {{r4-r9}}")
    for r in range(4, 10):
        b.op(f"add r{r}, r1")
    b.op("stm sp, {{r4-r9}}")
    b.op("rsb {at}, r2, #0")
    b.op("lsl {at}, #2")
    b.op("mov {bias}, #0x00800080")
    with b.loop("adds {at}, #4", "bne {head}"):
        _even_rows(b)
        _odd_rows(b)
        b.op(f"add {{v}}, #{2 * RECORD_BYTES}")
    b.op("add sp, #24")
    b.op("pop {{r4-r11, pc}}")
    return b


def _load_rows(b: Block) -> None:
    for r in ("r2", "r3", "r4"):
        b.op(f"ldr {r}, [{r}, {{at}}]")


def _expand(b: Block, into: tuple[str, str, str], turned: str) -> None:
    for to, word in zip(into, ("r2", "r3", "r4"), strict=True):
        b.op(f"sxtab16 {to}, {{bias}}, {word}{turned}")


def _even_rows(b: Block) -> None:
    """Value 4 of both pairs of channels, and the parts of values 0 to 3 in r8 to r11."""
    b.op("ldm sp, {{r2, r3, r4}}")
    _load_rows(b)
    both = (
        (("r5", "r6", "r7"), "r8", "r9", ""),
        (("r2", "r3", "r4"), "r10", "r11", ", ror #8"),
    )
    for pair, ((d0, d2, d4), even, near, turned) in enumerate(both):
        _expand(b, (d0, d2, d4), turned)
        b.op(f"add {d0}, {d4}, {d0}, lsl #2")
        b.op(f"add {even}, {d2}, {d2}, lsl #2")
        b.op(f"ssub16 {d0}, {d0}, {even}")
        b.op(f"str {d0}, [{{v}}, #{pair * RECORD_BYTES + 4 * POINT_BYTES}]")
        b.op(f"lsl {even}, {d2}, #2")
        b.op(f"ssub16 {even}, {d4}, {even}")
        b.op(f"ssub16 {near}, {d4}, {d2}")


def _odd_rows(b: Block) -> None:
    b.op("ldrd r2, r3, [sp, #12]")
    b.op("ldr r4, [sp, #20]")
    _load_rows(b)
    both = (
        (("r5", "r6", "r7"), "r8", "r9", ""),
        (("r2", "r3", "r4"), "r10", "r11", ", ror #8"),
    )
    for pair, ((d1, d3, d5), even, near, turned) in enumerate(both):
        _expand(b, (d1, d3, d5), turned)
        b.op(f"add {d5}, {d5}, {d1}, lsl #2")
        b.op(f"add {{t}}, {d3}, {d3}, lsl #2")
        b.op(f"ssub16 {d5}, {d5}, {{t}}")
        b.op(f"lsl {{t}}, {d1}, #2")
        b.op(f"ssub16 {{t}}, {d3}, {{t}}")
        b.op(f"ssub16 {d3}, {d3}, {d1}")
        b.op(f"sadd16 {d3}, {d3}, {d3}")
        b.op(f"sadd16 {d1}, {even}, {{t}}")
        b.op(f"ssub16 {even}, {even}, {{t}}")
        b.op(f"sadd16 {{t}}, {near}, {d3}")
        b.op(f"ssub16 {near}, {near}, {d3}")
        for place, value in ((5, d5), (0, d1), (1, even), (2, "{t}"), (3, near)):
            b.op(f"str {value}, [{{v}}, #{pair * RECORD_BYTES + place * POINT_BYTES}]")
