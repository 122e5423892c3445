"""The tile of kernels three positions wide, pixels side by side: six inputs serve twelve products.

The taps of such a layer are three positions wide and ordered by words of four channels, within
each the three positions. A word of six neighbouring positions is expanded once and stored three
times, each time four positions of it.
"""

from __future__ import annotations

from codegen.assembly.armv7e_m.frame import ARGUMENTS, LOCALS, PACKING, UPPER
from codegen.assembly.block import Block, noted

POSITIONS = 6


@noted
def pack_rows(b: Block) -> None:
    """Fill the tile; ``r12`` its end, the frame holds the taps."""
    again, padded, done = b.labels("again padded done")
    b.place(again)
    _find_row(b, padded)
    with b.loop("ldr r0, [sp, #{end}]", "cmp lr, r0", "bne {head}"):
        _pack_words(b)
    b.place(done)
    b.op("ldrd r0, r1, [sp, #{o}]", o=LOCALS["tap"])
    b.op("cmp r0, r1")
    b.op("bne {again}", again=again)
    over = b.label("over")
    b.op("b {over}", over=over)
    b.place(padded)
    _pad_row(b)
    b.op("b {done}", done=done)
    b.place(over)


@noted
def _find_row(b: Block, padded: str) -> None:
    """Addresses of the second position, and of the first and last, which may be padding."""
    b.name(row="r0", column="r1", height="r8", width="r9", channels="r10", three="r11")
    b.name(upper="r4", args="r5", end="r0")
    b.op("ldr r0, [sp, #{o}]", o=LOCALS["tap"])
    b.op("ldrd r7, r6, [r0], #8")  # its offset, its position
    b.op("str r0, [sp, #{o}]", o=LOCALS["tap"])
    b.op("ldrd {upper}, {args}, [sp, #{o}]", o=LOCALS["upper"])
    b.op("ldrd {row}, {column}, [{upper}, #{o}]", o=UPPER["iy0"])
    b.op("ldrd r2, r3, [{args}, #{o}]", o=ARGUMENTS["pad_top"])
    b.op("sub {row}, r2")
    b.op("sub {column}, r3")
    b.op("sxtah {row}, {row}, r6")
    b.op("ldrd {height}, {width}, [{args}, #{o}]", o=ARGUMENTS["in_h"])
    b.op("cmp {row}, {height}")
    b.op("bhs {padded}", padded=padded)
    b.op("ldr {channels}, [{args}, #{o}]", o=ARGUMENTS["in_c"])
    b.op("add {three}, {channels}, {channels}, lsl #1")
    b.op("strd {channels}, {three}, [sp, #{o}]", o=PACKING["channels"])
    b.op("ldr r0, [{upper}, #{o}]", o=UPPER["base"])
    b.op("add r0, r7")
    b.op("add lr, r0, {channels}")
    b.op("add r3, lr, {channels}, lsl #2")
    b.op("ldr r2, [{upper}, #{o}]", o=UPPER["pad"])
    b.op("cmp {column}, #0")
    b.op("it lt")
    b.op("movlt r0, r2")
    b.op("add {column}, #{last}", last=POSITIONS - 1)
    b.op("cmp {column}, {width}")
    b.op("it ge")
    b.op("movge r3, r2")
    b.op("strd r0, r3, [sp, #{o}]", o=PACKING["first"])
    b.op("ldr r0, [{args}, #{o}]", o=ARGUMENTS["run"])
    b.op("add r0, lr")
    b.op("str r0, [sp, #{o}]", o=PACKING["row_end"])


@noted
def _pack_words(b: Block) -> None:
    """Four channels of six positions."""
    b.name(end=str(PACKING["row_end"]))
    b.op("ldrd r10, r11, [sp, #{o}]", o=PACKING["first"])
    b.op("ldrd r6, r7, [sp, #{o}]", o=PACKING["channels"])
    b.op("ldr r0, [r10], #4")
    b.op("ldr r5, [r11], #4")
    b.op("strd r10, r11, [sp, #{o}]", o=PACKING["first"])
    b.op("ldr r2, [lr, r6]")
    b.op("ldr r3, [lr, r6, lsl #1]")
    b.op("ldr r4, [lr, r7]")
    b.op("ldr r1, [lr], #4")
    for p in range(POSITIONS):
        b.op(f"sxtb16 r{6 + p}, r{p}, ror #8")
    for p in range(POSITIONS):
        b.op(f"sxtb16 r{p}, r{p}")
    for first in range(3):
        b.op(f"stmdb r12!, {{{{r{6 + first}-r{9 + first}}}}}")
        b.op(f"stmdb r12!, {{{{r{first}-r{first + 3}}}}}")


@noted
def _pad_row(b: Block) -> None:
    """A row above or below the input: all steps are padding."""
    b.op("ldr r0, [{upper}, #{o}]", o=UPPER["pad"])
    b.op("ldr r0, [r0]")
    b.op("sxtb16 r0, r0")
    for p in range(1, 8):
        b.op(f"mov r{p}, r0")
    b.op("ldr lr, [sp, #{o}]", o=LOCALS["args"])
    b.op("ldr lr, [lr, #{o}]", o=ARGUMENTS["steps"])
    with b.loop("subs lr, #1", "bne {head}"):
        b.op("stmdb r12!, {{r0-r7}}")
