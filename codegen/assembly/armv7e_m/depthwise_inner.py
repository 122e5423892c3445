"""Inner loops of the depthwise function with stride 1: the outputs of two rows of one channel."""

from __future__ import annotations

from codegen.assembly.armv7e_m.depthwise_frame import SLOTS, Writer
from codegen.assembly.block import noted

SLOT_BYTES = 72
"""Code bytes of a slot."""
EXPAND = "#0xff00ff00"


@noted
def channels(w: Writer, shift: int, left: int) -> None:
    """Both rows of each of the four channels."""
    w.get("lr", "tile")
    w.get("r12", "outputs")
    with w.b.loop("tst r12, #3", "bne {head}"):
        load_filter(w)
        expand_upper(w)
        _start(w, "a", shift, left)
        _stream(w, "a", shift, left)
        _filter_of_b(w)
        w.rewind(0)
        _start(w, "b", shift, left)
        _stream(w, "b", shift, left)
        w.rewind(w.channel)
        w.get("r9", "back")
        w.op("sub r12, r12, r9")


@noted
def load_filter(w: Writer) -> None:
    """Start and multiplier in r5 and r6, the words of weights in r7 to r9."""
    w.get("r10", "filter")
    w.op("ldm r10!, {{r5-r9}}")
    w.put("r10", "filter")


@noted
def expand_upper(w: Writer) -> None:
    """For one row above a vertical pair: r0-r2 rows 1 and 2, r3 and r4 two neighbours of row 0."""
    for to, source in (("r0", "r7"), ("r1", "r8"), ("r2", "r9")):
        w.op(f"and {to}, {source}, {EXPAND}")
    for to, one, other in (("r3", "r7", "r8"), ("r4", "r8", "r9")):
        w.op(f"lsl {to}, {one}, #8")
        w.op(f"pkhbt {to}, {to}, {other}, lsl #24")


@noted
def _filter_of_b(w: Writer) -> None:
    """From the weights of A those of B: r0-r2 rows 0 and 1, r3 and r4 row 2."""
    w.op("pkhtb r7, r1, r0, asr #16")
    w.op("pkhtb r8, r2, r1, asr #16")
    w.op("pkhbt r0, r3, r0, lsl #16")
    w.op("pkhbt r1, r4, r1, lsl #16")
    w.op("lsl r2, r2, #16")
    w.op("pkhtb r2, r2, r4, asr #16")
    w.op("mov r3, r7")
    w.op("mov r4, r8")


@noted
def _start(w: Writer, row: str, shift: int, left: int) -> None:
    """The first pair; with padding on the left it completes an output."""
    if left:
        w.get("r10", "pad")
        w.op("smlad r8, r10, r0, r5")
        w.op("smlabb r8, r10, r3, r8")
    _load_pair(w, row)
    if left:
        _second(w, shift)
    w.go(f"enter_{row}")


def _load_pair(w: Writer, row: str) -> None:
    w.op(f"ldr r11, [lr, #{8 if row == 'a' else 12}]")
    w.op(f"ldrd r9, r10, [lr], #{w.pair}")


@noted
def _stream(w: Writer, row: str, shift: int, left: int) -> None:
    """The other pairs: each slot starts two outputs with the pair before and completes them."""
    w.b.place(w.at[f"loop_{row}"])
    for _ in range(SLOTS):
        _begin_first(w)
        w.op("smlad r8, r10, r0, r5")
        w.op("smlatb r8, r11, r3, r8")
        _load_pair(w, row)
        w.op("smlad r7, r9, r2, r7")
        w.op("smlabt r7, r11, r4, r7")
        w.finish("r7", shift)
        _second(w, shift)
    w.turn(row, "r7")
    if row == "a":
        _skip(w, left)
    w.b.place(w.at[f"pad_{row}"])
    _begin_first(w)
    w.get("r9", "pad")
    w.op("smlad r7, r9, r2, r7")
    w.op("smlabt r7, r9, r4, r7")
    w.finish("r7", shift)
    w.b.place(w.at[f"after_{row}"])


@noted
def _begin_first(w: Writer) -> None:
    """The output whose left neighbour is the first column of the pair."""
    w.op("smlad r7, r9, r0, r5")
    w.op("smlad r7, r10, r1, r7")
    w.op("smlad r7, r11, r3, r7")


@noted
def _second(w: Writer, shift: int) -> None:
    """The output whose middle is the first column of the pair."""
    w.op("smlad r8, r9, r1, r8")
    w.op("smlad r8, r10, r2, r8")
    w.op("smlad r8, r11, r4, r8")
    w.finish("r8", shift)


@noted
def _skip(w: Writer, left: int) -> None:
    """Row A is left out: pointers as if it were done."""
    w.b.place(w.at["skip_a"])
    w.get("r9", "span")
    w.op("add lr, lr, r9")
    w.op(f"sub lr, lr, #{w.pair}")
    w.get("r9", "half")
    w.op("add r12, r12, r9")
    if left:
        w.op("sub r12, r12, #4")
    w.jump("b", w.at["after_a"])
