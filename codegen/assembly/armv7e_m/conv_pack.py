"""The tile: taps of four pixels as pairs of 16-bit values, in the order of multiplication."""

from __future__ import annotations

import itertools

from codegen.assembly.armv7e_m.conv_rows import pack_rows
from codegen.assembly.armv7e_m.frame import ARGUMENTS, LOCAL_BYTES, LOCALS, PACKING, UPPER
from codegen.assembly.block import Block, noted

POINTERS = ("r8", "r9", "r10", "r11")
"""Input addresses of the four pixels."""


@noted
def pack_tile(b: Block, stage_label: str, again: str, with_rows: bool, repeats: bool) -> None:
    """Fill the tile from its end with the taps of a pass, unless the pass has none of its own.

    On entry ``tile``, ``tap``, ``taps`` are those of the pass (r6, r7, r8). ``again``: label
    of the first tap; ``with_rows``: whether taps may be three positions wide; ``repeats``: whether
    tiles may find the pass prepared.
    """
    filled, slow, ready, rows = b.labels("filled slow ready rows")
    b.op("cmp {taps}, #0")
    b.op("beq {filled}", filled=filled)
    b.op("ldrd r4, r5, [sp, #{o}]", o=LOCALS["upper"])
    b.op("ldr r0, [r5, #{o}]", o=ARGUMENTS["taps"])
    b.op("add r0, {tap}")
    b.op("add r1, r0, {taps}, lsl #3")
    b.op("strd r0, r1, [sp, #{o}]", o=LOCALS["tap"])
    b.op("add r12, sp, {tile}")
    b.op("add r12, #{o}", o=LOCAL_BYTES)
    b.op("str r12, [sp, #{o}]", o=LOCALS["top"])
    b.op("add r0, sp, #{o}", o=LOCAL_BYTES)
    b.op("str r0, [sp, #{o}]", o=PACKING["lane"])
    if with_rows:
        b.op("ldr r0, [r5, #{o}]", o=ARGUMENTS["shared"])
        b.op("cmp r0, #0")
        b.op("bne {rows}", rows=rows)
    b.place(again)
    b.op("ldrd r4, r5, [sp, #{o}]", o=LOCALS["upper"])
    b.op("ldr r0, [sp, #{o}]", o=LOCALS["tap"])
    b.op("ldrd r7, r6, [r0], #8")  # its offset, its position
    b.op("str r0, [sp, #{o}]", o=LOCALS["tap"])
    b.op("ldrd r0, r1, [r4, #{o}]", o=UPPER["base"])
    b.op("cmp r1, #0")
    b.op("bne {slow}", slow=slow)
    b.op("ldr r1, [r5, #{o}]", o=ARGUMENTS["col_step"])
    b.op("add r8, r0, r7")
    for before, pointer in itertools.pairwise(POINTERS):
        b.op(f"add {pointer}, {before}, r1")
    b.place(ready)
    _pack_tap(b, again)
    if repeats:
        b.op("ldrd r4, r5, [sp, #{o}]", o=LOCALS["upper"])
        b.op("ldr r0, [r4, #{o}]", o=UPPER["run"])
        b.op("cmp r0, #0")
        b.op("bge {filled}", filled=filled)
        b.op("ldr lr, [r5, #{o}]", o=ARGUMENTS["weights"])
        b.op("ldr pc, [sp, #{o}]", o=LOCALS["head"])
    else:
        b.op("b {filled}", filled=filled)
    b.place(slow)
    _find_sources(b, stage_label)
    b.op("b {ready}", ready=ready)
    if with_rows:
        b.place(rows)
        pack_rows(b)
    b.place(filled)


@noted
def _pack_tap(b: Block, again: str) -> None:
    """All words of a tap; ``r5``: arguments."""
    words, whole, next_tap = b.labels("words whole next_tap")
    b.op("ldrd lr, r0, [r5, #{o}]", o=ARGUMENTS["steps"])
    b.op("str r0, [sp, #{o}]", o=LOCALS["back"])
    b.place(words)
    with b.loop("subs lr, #1", "bne {head}"):
        _pack_word(b)
    b.op("ldr r0, [sp, #{o}]", o=LOCALS["back"])
    b.op("cbz r0, {whole}", whole=whole)
    # One word more ends with the tap: it repeats bytes, whose weights there are zero.
    for pointer in POINTERS:
        b.op(f"sub {pointer}, r0")
    b.op("mov lr, #1")
    b.op("mov r0, #0")
    b.op("str r0, [sp, #{o}]", o=LOCALS["back"])
    b.op("b {words}", words=words)
    b.place(whole)
    b.op("ldr r0, [sp, #{o}]", o=LOCALS["args"])
    b.op("ldr r0, [r0, #{o}]", o=ARGUMENTS["merged"])
    b.op("cbz r0, {next_tap}", next_tap=next_tap)
    _pack_last(b)
    b.place(next_tap)
    b.op("ldrd r0, r1, [sp, #{o}]", o=LOCALS["tap"])
    b.op("cmp r0, r1")
    b.op("bne {again}", again=again)


@noted
def _pack_last(b: Block) -> None:
    """The last byte of each pixel's tap: a halfword of the step that all taps make together."""
    b.op("ldr r0, [sp, #{o}]", o=PACKING["lane"])
    for p, pointer in enumerate(POINTERS):
        b.op(f"ldrsb r{1 + p}, [{pointer}]")
        b.op(f"strh r{1 + p}, [r0, #{4 * p}]")
    b.op("eor r0, #2")
    b.op("tst r0, #2")
    b.op("it eq")
    b.op("addeq r0, #16")
    b.op("str r0, [sp, #{o}]", o=PACKING["lane"])


@noted
def _pack_word(b: Block) -> None:
    """Four bytes of each pixel."""
    for p, pointer in enumerate(POINTERS):
        b.op(f"ldr r{p}, [{pointer}], #4")
    for p in range(4):
        b.op(f"sxtb16 r{4 + p}, r{p}, ror #8")
    for p in range(4):
        b.op(f"sxtb16 r{p}, r{p}")
    b.op("stmdb r12!, {{r0-r7}}")


@noted
def _find_sources(b: Block, stage_label: str) -> None:
    """Where each pixel's tap lies: in the input, in the padding, or copied because it is partly
    outside.

    ``r4`` upper variables, ``r5`` arguments, ``r6`` position and ``r7`` offset of the tap.
    """
    found, outside = b.labels("found outside")
    b.name(rows="r3", within="r5", state="r8", pixel="r9", sources="r10")
    b.op("ldr {rows}, [r5, #{o}]", o=ARGUMENTS["in_h"])
    b.op("ldr {within}, [r5, #{o}]", o=ARGUMENTS["within"])
    b.op("add {state}, r4, #{o}", o=UPPER["iy0"])
    b.op("add {sources}, r4, #{o}", o=UPPER["source0"])
    b.op("mov {pixel}, #0")
    with b.loop("add {pixel}, #1", "cmp {pixel}, #4", "bne {head}"):
        b.op("ldm {state}!, {{r0, r1, r2}}")  # row, column, address
        b.op("sxtah r0, r0, r6")
        b.op("cmp r0, {rows}")
        b.op("bhs {outside}", outside=outside)
        b.op("add r1, r1, r6, asr #16")
        b.op("add r0, r2, r7")
        b.op("cmp r1, {within}")
        b.op("blo {found}", found=found)
        b.op("ldr r2, [sp, #{o}]", o=LOCALS["args"])
        b.op("ldr r2, [r2, #{o}]", o=ARGUMENTS["staged"])
        b.op("cbz r2, {outside}", outside=outside)
        b.op("mov r2, {pixel}")
        b.op("bl {stage}", stage=stage_label)
        b.op("b {found}", found=found)
        b.place(outside)
        b.op(f"ldr r0, [r4, #{UPPER['pad']}]")
        b.place(found)
        b.op("str r0, [{sources}], #4")
    b.op("sub {sources}, #16")
    b.op("ldm {sources}, {{r8-r11}}")
    b.op("ldr r5, [sp, #{o}]", o=LOCALS["args"])


@noted
def stage(b: Block, label: str) -> None:
    """Copy a tap that is partly outside the input.

    In: ``r0`` its address, ``r1`` its column, ``r2`` its pixel, ``r4`` upper variables. Out: ``r0``
    where the copy is. Keeps all others but ``r1`` and ``r2``.
    """
    column, inside, copy, fill, done, wide = b.labels("column inside copy fill done wide")
    b.place(label)
    b.lines.append("    push {r3, r5-r11, r12, lr}")
    b.name(args="r5", columns="r6", channels="r7", width="r8", byte="r9", count="r10", out="r3")
    b.op("ldr {args}, [sp, #{o}]", o=LOCALS["args"] + 40)
    b.op("ldrd r11, {columns}, [{args}, #{o}]", o=ARGUMENTS["run"])
    b.op("ldr {width}, [{args}, #{o}]", o=ARGUMENTS["in_w"])
    b.op("ldr {channels}, [{args}, #{o}]", o=ARGUMENTS["in_c"])
    b.op("ldr r12, [{args}, #{o}]", o=ARGUMENTS["pad_bytes"])
    b.op("ldr {out}, [r4, #{o}]", o=UPPER["pad"])
    b.op("cmp {columns}, #1")
    b.op("bne {wide}", wide=wide)
    b.op("mov {channels}, r11")  # one position, of which the tap may be a part
    b.place(wide)
    b.op("add r2, #1")
    b.op("mla {out}, r2, r12, {out}")
    b.op("mov r11, {out}")
    b.place(column)
    b.op("mov {count}, {channels}")
    b.op("cmp r1, {width}")
    b.op("blo {inside}", inside=inside)
    b.op("add r0, {channels}")
    b.op("ldr {byte}, [{args}, #{o}]", o=ARGUMENTS["fill"])
    b.place(fill)
    b.op("strb {byte}, [{out}], #1")
    b.op("subs {count}, #1")
    b.op("bne {fill}", fill=fill)
    b.op("b {done}", done=done)
    b.place(inside)
    b.place(copy)
    b.op("ldrb {byte}, [r0], #1")
    b.op("strb {byte}, [{out}], #1")
    b.op("subs {count}, #1")
    b.op("bne {copy}", copy=copy)
    b.place(done)
    b.op("add r1, #1")
    b.op("subs {columns}, #1")
    b.op("bne {column}", column=column)
    b.op("mov r0, r11")
    b.lines.append("    pop {r3, r5-r11, r12, pc}")
