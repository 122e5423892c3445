"""Which four output pixels a tile has: the outer loop of the convolution function.

Tiles whose windows lie inside the input and in one row are fast: one address and one distance
say where their inputs are. Those that follow one side by side, of a layer with one pass, move these
on and find everything else prepared. All others keep a position and an address for each pixel;
pixels beyond the last repeat it, and store the same output once more.
"""

from __future__ import annotations

from codegen.assembly.armv7e_m.frame import ARGUMENTS, LOCAL_BYTES, LOCALS, PACKING, UPPER
from codegen.assembly.block import Block, noted

SAVED = "{r4-r11, lr}"


@noted
def enter(b: Block) -> None:
    """Take the frame, place the first tile, write the padding."""
    b.lines.append(f"    push {SAVED}")
    b.name(args="r0", x="r1", y="r2", upper="r4")
    b.op("ldr r3, [{args}, #{o}]", o=ARGUMENTS["frame_bytes"])
    b.op("sub.w sp, sp, r3")
    b.op("ldr r3, [{args}, #{o}]", o=ARGUMENTS["tile_bytes"])
    b.op("add r3, sp")
    b.op("add {upper}, r3, #{o}", o=LOCAL_BYTES)
    b.op("strd {upper}, {args}, [sp, #{o}]", o=LOCALS["upper"])
    b.op("ldrd r5, r6, [{args}, #{o}]", o=ARGUMENTS["first_y"])
    b.op("strd r5, r6, [{upper}, #{o}]", o=UPPER["oy"])
    b.op("ldrd r5, r6, [{args}, #{o}]", o=ARGUMENTS["first_left"])
    b.op("strd r5, r6, [{upper}, #{o}]", o=UPPER["left"])
    b.op("ldr r5, [{args}, #{o}]", o=ARGUMENTS["first_out"])
    b.op("add {y}, r5")
    b.op("mov r5, #0")
    b.op("str r5, [{upper}, #{o}]", o=UPPER["single"])
    b.op("ldr r6, [{args}, #{o}]", o=ARGUMENTS["origin"])
    b.op("add {x}, r6")
    b.op("strd {x}, {y}, [{upper}, #{o}]", o=UPPER["x"])
    b.op("mov r5, #1")
    b.op("str r5, [{upper}, #{o}]", o=UPPER["run"])
    b.op("add r7, {upper}, #{o}", o=4 * len(UPPER))
    b.op("str r7, [{upper}, #{o}]", o=UPPER["pad"])
    b.op("ldr r6, [{args}, #{o}]", o=ARGUMENTS["edge_bytes"])
    b.op("add r6, r7")
    b.op("str r6, [{upper}, #{o}]", o=UPPER["sums"])
    b.op("ldr r6, [{args}, #{o}]", o=ARGUMENTS["fill"])
    b.op("ldr r8, [{args}, #{o}]", o=ARGUMENTS["pad_bytes"])
    with b.loop("subs r8, #4", "bne {head}"):
        b.op("str r6, [r7], #4")


@noted
def place_tile(b: Block, repeats: bool) -> None:
    """Set up a tile at output position (oy, ox)."""
    slow, placed = b.labels("slow placed")
    b.name(oy="r0", ox="r1", upper="r4", args="r5", count="r12")
    b.op("ldrd {upper}, {args}, [sp, #{o}]", o=LOCALS["upper"])
    b.op("ldrd {oy}, {ox}, [{upper}, #{o}]", o=UPPER["oy"])
    b.op("ldrd r6, r7, [{args}, #{o}]", o=ARGUMENTS["fast_y"])
    b.op("ldrd r8, r9, [{args}, #{o}]", o=ARGUMENTS["fast_x"])
    b.op("sub r6, {oy}, r6")
    b.op("sub r8, {ox}, r8")
    b.op("cmp r6, r7")
    b.op("it lo")
    b.op("cmplo r8, r9")
    b.op("bhs {slow}", slow=slow)
    if repeats:
        _begin_run(b)
    _place_fast(b)
    b.op("b {placed}", placed=placed)
    b.place(slow)
    if repeats:
        b.op("mov r6, #1")
        b.op("str r6, [{upper}, #{o}]", o=UPPER["run"])
    _place_slow(b)
    b.place(placed)
    b.op("ldrd r6, r7, [{args}, #{o}]", o=ARGUMENTS["passes"])
    b.op("add r7, r6, r7, lsl #5")
    b.op("strd r6, r7, [{upper}, #{o}]", o=UPPER["pass"])
    b.op("ldr r7, [{args}, #{o}]", o=ARGUMENTS["weights"])
    b.op("str r7, [sp, #{o}]", o=LOCALS["weights"])


@noted
def _begin_run(b: Block) -> None:
    """Count the fast tiles from here on (r8, r9: columns before the tile, columns of all), and go
    to the place of the last of them."""
    alone = b.label("alone")
    b.name(step="r2", more="r12")
    b.op("ldr r3, [{args}, #{o}]", o=ARGUMENTS["repeats"])
    b.op("cbz r3, {alone}", alone=alone)
    b.op("ldr {step}, [{args}, #{o}]", o=ARGUMENTS["pixel_step"])
    b.op("mov {more}, r8")
    b.op("cmp {step}, #0")
    b.op("itt gt")
    b.op("subgt {more}, r9, r8")
    b.op("subgt {more}, #1")
    b.op("lsr {more}, {more}, #2")
    b.op("add r3, {more}, #1")
    b.op("str r3, [{upper}, #{o}]", o=UPPER["run"])
    b.op("mul {step}, {more}")
    b.op("ldrd r6, r7, [{upper}, #{o}]", o=UPPER["left"])
    b.op("sub r6, {step}")
    b.op("sub r7, {more}")
    b.op("strd r6, r7, [{upper}, #{o}]", o=UPPER["left"])
    b.op("add {step}, {ox}")
    b.op("str {step}, [{upper}, #{o}]", o=UPPER["ox"])
    b.place(alone)


@noted
def repeat_tile(b: Block, again: str) -> None:
    """The next tile of a run, if there is one; ``upper`` is set."""
    over = b.label("over")
    b.name(run="r0", args="r5", step="r1", top="r12")
    b.op("ldr {run}, [{upper}, #{o}]", o=UPPER["run"])
    b.op("cmp {run}, #1")
    b.op("beq {over}", over=over)
    b.op("ite gt")
    b.op("rsbgt {run}, {run}, #1")
    b.op("addle {run}, #1")
    b.op("cbz {run}, {over}", over=over)
    b.op("str {run}, [{upper}, #{o}]", o=UPPER["run"])
    b.op("ldr {args}, [sp, #{o}]", o=LOCALS["args"])
    b.op("ldr {step}, [{args}, #{o}]", o=ARGUMENTS["pixel_step"])
    b.op("ldr r2, [{args}, #{o}]", o=ARGUMENTS["out_c"])
    b.op("ldr r3, [{args}, #{o}]", o=ARGUMENTS["col_step"])
    b.op("ldrd r6, r7, [{upper}, #{o}]", o=UPPER["y"])
    b.op("mla r6, {step}, r2, r6")
    b.op("mla r7, {step}, r3, r7")
    b.op("strd r6, r7, [{upper}, #{o}]", o=UPPER["y"])
    b.op("str r6, [sp, #{o}]", o=LOCALS["out"])
    b.op("ldr {top}, [sp, #{o}]", o=LOCALS["top"])
    b.op("ldr r0, [{args}, #{o}]", o=ARGUMENTS["taps"])
    b.op("str r0, [sp, #{o}]", o=LOCALS["tap"])
    b.op("add r0, sp, #{o}", o=LOCAL_BYTES)
    b.op("str r0, [sp, #{o}]", o=PACKING["lane"])
    b.op("b {again}", again=again)
    b.place(over)


def _place_fast(b: Block) -> None:
    b.op("strd {oy}, {ox}, [{upper}, #{o}]", o=UPPER["iy0"])
    b.op("ldrd r6, r7, [{args}, #{o}]", o=ARGUMENTS["row_step"])
    b.op("ldr r8, [{upper}, #{o}]", o=UPPER["x"])
    b.op("mla r8, {oy}, r6, r8")
    b.op("mla r8, {ox}, r7, r8")
    b.op("mov r9, #0")
    b.op("strd r8, r9, [{upper}, #{o}]", o=UPPER["base"])
    b.op("ldr r6, [{args}, #{o}]", o=ARGUMENTS["out_c"])
    b.op("lsl r7, r6, #1")
    b.op("add r8, r6, r7")
    b.op("strd r6, r7, [sp, #{o}]", o=LOCALS["n1"])
    b.op("str r8, [sp, #{o}]", o=LOCALS["n3"])


@noted
def _place_slow(b: Block) -> None:
    """A position, an address and a distance of the output for every pixel."""
    same = b.label("same")
    b.name(left="r2", state="r3", again="r6", distance="r7", place="lr")
    b.op("str {args}, [{upper}, #{o}]", o=UPPER["slow"])  # anything but 0
    b.op("ldr {left}, [{upper}, #{o}]", o=UPPER["left"])
    b.op("cmp {left}, #1")
    b.op("itt eq")
    b.op("ldreq r8, [{args}, #{o}]", o=ARGUMENTS["single"])
    b.op("streq r8, [{upper}, #{o}]", o=UPPER["single"])
    b.op("add {state}, {upper}, #{o}", o=UPPER["iy0"])
    b.op("mov {again}, #4")
    b.op("mov {distance}, #0")
    b.op("mov {place}, sp")  # the first pixel's goes where the pass writes `end`
    with b.loop("subs {again}, #1", "bne {head}"):
        b.op("ldrd r8, r9, [{args}, #{o}]", o=ARGUMENTS["row_step"])
        b.op("ldr r12, [{upper}, #{o}]", o=UPPER["x"])
        b.op("mla r12, {oy}, r8, r12")
        b.op("mla r12, {ox}, r9, r12")
        b.op("ldrd r8, r9, [{args}, #{o}]", o=ARGUMENTS["stride_h"])
        b.op("mul r10, {oy}, r8")
        b.op("mul r11, {ox}, r9")
        b.op("ldrd r8, r9, [{args}, #{o}]", o=ARGUMENTS["pad_top"])
        b.op("sub r10, r8")
        b.op("sub r11, r9")
        b.op("stm {state}!, {{r10, r11, r12}}")
        b.op("str {distance}, [{place}], #4")
        b.op("cmp {left}, #1")
        b.op("beq {same}", same=same)
        b.op("sub {left}, #1")
        b.op("ldr r8, [{args}, #{o}]", o=ARGUMENTS["out_c"])
        b.op("add {distance}, r8")
        b.op("ldr r8, [{args}, #{o}]", o=ARGUMENTS["out_w"])
        b.op("add {ox}, #1")
        b.op("cmp {ox}, r8")
        b.op("itt eq")
        b.op("moveq {ox}, #0")
        b.op("addeq {oy}, #1")
        b.place(same)


@noted
def next_tile(b: Block, again: str) -> None:
    """Move on by four pixels, forward or backward, unless this was the last tile; ``upper`` is
    set."""
    below, above, placed = b.labels("below above placed")
    b.name(oy="r0", ox="r1", step="r2", width="r3", upper="r4", args="r5")
    b.op("ldr {args}, [sp, #{o}]", o=LOCALS["args"])
    b.op("ldrd {oy}, {ox}, [{upper}, #{o}]", o=UPPER["oy"])
    b.op("ldr {step}, [{args}, #{o}]", o=ARGUMENTS["pixel_step"])
    b.op("ldr {width}, [{args}, #{o}]", o=ARGUMENTS["out_w"])
    b.op("add {ox}, {step}")
    b.place(below)
    b.op("cmp {ox}, {width}")
    b.op("blt {above}", above=above)
    b.op("sub {ox}, {width}")
    b.op("add {oy}, #1")
    b.op("b {below}", below=below)
    b.place(above)
    b.op("cmp {ox}, #0")
    b.op("bge {placed}", placed=placed)
    b.op("add {ox}, {width}")
    b.op("sub {oy}, #1")
    b.op("b {above}", above=above)
    b.place(placed)
    b.op("strd {oy}, {ox}, [{upper}, #{o}]", o=UPPER["oy"])
    b.op("ldr r6, [{upper}, #{o}]", o=UPPER["y"])
    b.op("ldr r7, [{args}, #{o}]", o=ARGUMENTS["out_c"])
    b.op("mla r6, r7, {step}, r6")
    b.op("str r6, [{upper}, #{o}]", o=UPPER["y"])
    b.op("mov r8, #0")
    b.op("str r8, [{upper}, #{o}]", o=UPPER["single"])
    b.op("ldrd r6, r7, [{upper}, #{o}]", o=UPPER["left"])
    b.op("sub r6, {step}")
    b.op("subs r7, #1")
    b.op("strd r6, r7, [{upper}, #{o}]", o=UPPER["left"])
    b.op("bne {again}", again=again)


def leave(b: Block) -> None:
    """Give the frame back."""
    b.op("ldr r0, [sp, #{o}]", o=LOCALS["args"])
    b.op("ldr r0, [r0, #{o}]", o=ARGUMENTS["frame_bytes"])
    b.op("add sp, r0")
    b.lines.append("    pop {r4-r11, pc}")
