"""Packing of the depthwise functions: NHWC bytes become halfword pairs, four channels at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from codegen.assembly.armv7e_m.depthwise_frame import Writer
from codegen.assembly.block import Block, noted


@noted
def pack_columns(w: Writer) -> None:
    """Vertical pairs of the two rows at ``middle``: the first two words of every channel."""
    _start(w, 0)
    w.get("r10", "middle")
    w.op("add r10, r10, r1")
    w.field("r2", "in_row", "r0")
    w.op("add r11, r10, r2")

    def rest() -> None:
        halves(w.b, "[r10]", "[r11]")
        first_words(w.b)
        for number, register in enumerate(("r4", "r5", "r6", "r7")):
            w.op(f"str {register}, [lr, #{w.channel * number}]")

    _pairs(w, lambda: _two(w, ("[r10]", "[r11]"), ("[r10, r12]", "[r11, r12]")), rest)


@noted
def pack_rows(w: Writer) -> None:
    """Horizontal pairs of the rows ``top`` and ``bottom``: words 2 and 3."""
    _start(w, 8)
    w.get("r10", "top")
    w.get("r11", "bottom")
    w.op("add r10, r10, r1")
    w.op("add r11, r11, r1")

    def rest() -> None:
        halves(w.b, "[r10]", "[r11]")
        _store_halves(w, "r2", "r0", 0)
        _store_halves(w, "r3", "r1", 4)

    _pairs(w, lambda: _two(w, ("[r10]", "[r10, r12]"), ("[r11]", "[r11, r12]")), rest)


@noted
def pack_row(w: Writer) -> None:
    """Horizontal pairs of the row ``top``: word 2."""
    _start(w, 8)
    w.get("r10", "top")
    w.op("add r10, r10, r1")

    def whole() -> None:
        halves(w.b, "[r10]", "[r10, r12]")
        first_words(w.b)
        w.op("add r10, r10, r12, lsl #1")
        for number, register in ((1, "r5"), (2, "r6"), (3, "r7")):
            w.op(f"str {register}, [lr, #{w.channel * number}]")
        w.op(f"str r4, [lr], #{w.pair}")

    def rest() -> None:
        w.op("ldr r0, [r10]")
        w.op("sxtb16 r2, r0")
        w.op("sxtb16 r0, r0, ror #8")
        _store_halves(w, "r2", "r0", 0)

    _pairs(w, whole, rest)


@noted
def _start(w: Writer, offset: int) -> None:
    """The pixel stride in r12, the channel in r1, the arguments in r0; where to pack to."""
    w.get("r0", "args")
    w.get("r1", "channel")
    w.field("r12", "channels", "r0")
    w.get("lr", "tile")
    w.get("r9", "whole")
    if offset:
        w.op(f"add lr, lr, #{offset}")
        w.op(f"add r9, r9, #{offset}")


@noted
def _pairs(w: Writer, whole: Callable[[], None], rest: Callable[[], None]) -> None:
    """All pairs up to lr = r9, then the one column of an odd last pair."""
    head, test, done = w.b.labels("head test done")
    w.jump("b", test)
    w.b.place(head)
    whole()
    w.b.place(test)
    w.op("cmp lr, r9")
    w.jump("bne", head)
    w.get("r0", "args")
    w.field("r0", "odd", "r0")
    w.op("cmp r0, #0")
    w.jump("beq", done)
    rest()
    w.b.place(done)


@noted
def _two(w: Writer, first: tuple[str, str], second: tuple[str, str]) -> None:
    """Two pairs of pixels become two words for each of four channels."""
    halves(w.b, *first)
    first_words(w.b)
    halves(w.b, *second)
    w.op("add r10, r10, r12, lsl #1")
    w.op("add r11, r11, r12, lsl #1")
    second_words(w.b, [w.channel * number for number in (1, 2, 3)], w.pair)


@noted
def halves(b: Block, one: str, other: str) -> None:
    """Channels 0 and 2 of two pixels in r2 and r3, channels 1 and 3 in r0 and r1."""
    b.op(f"ldr r0, {one}")
    b.op(f"ldr r1, {other}")
    b.op("sxtb16 r2, r0")
    b.op("sxtb16 r3, r1")
    b.op("sxtb16 r0, r0, ror #8")
    b.op("sxtb16 r1, r1, ror #8")


@noted
def first_words(b: Block) -> None:
    """One word for each channel in r4 to r7."""
    b.op("pkhbt r4, r2, r3, lsl #16")
    b.op("pkhtb r6, r3, r2, asr #16")
    b.op("pkhbt r5, r0, r1, lsl #16")
    b.op("pkhtb r7, r1, r0, asr #16")


@noted
def second_words(b: Block, planes: Sequence[int], further: int) -> None:
    """Beside the first words; so many bytes from those in r4 are those in r5, r6 and r7; lr moves
    on."""
    b.op("pkhbt r8, r0, r1, lsl #16")
    b.op(f"strd r5, r8, [lr, #{planes[0]}]")
    b.op("pkhtb r8, r3, r2, asr #16")
    b.op(f"strd r6, r8, [lr, #{planes[1]}]")
    b.op("pkhtb r8, r1, r0, asr #16")
    b.op(f"strd r7, r8, [lr, #{planes[2]}]")
    b.op("pkhbt r8, r2, r3, lsl #16")
    b.op(f"strd r4, r8, [lr], #{further}")


@noted
def _store_halves(w: Writer, even: str, odd: str, offset: int) -> None:
    """One column of a horizontal pair; beside it stands padding."""
    for number, register in enumerate((even, odd)):
        w.op(f"strh {register}, [lr, #{offset + number * w.channel}]")
        w.op(f"lsr {register}, {register}, #16")
        w.op(f"strh {register}, [lr, #{offset + (2 + number) * w.channel}]")


@noted
def pad_row(w: Writer, flag: str, offset: int) -> None:
    """A row outside the input is padding, where the variable ``flag`` is 0."""
    inside = w.b.label("inside")
    w.get("r0", flag)
    w.op("cmp r0, #0")
    w.jump("bne", inside)
    w.get("lr", "tile")
    w.get("r9", "span")
    w.op(f"add lr, lr, #{offset}")
    w.op("add r9, r9, lr")
    w.get("r0", "pad")
    with w.b.loop("cmp lr, r9", "bne {head}"):
        for number in (1, 2, 3):
            w.op(f"str r0, [lr, #{w.channel * number}]")
        w.op(f"str r0, [lr], #{w.pair}")
    w.b.place(inside)


@noted
def pad_column(w: Writer) -> None:
    """Once for all: whatever of the last pair is not packed over is padding. r7: ``odd``."""
    done = w.b.label("done")
    w.jump("cbz r7,", done)
    w.get("r5", "outputs")
    w.get("r6", "pad")
    for back in range(4, w.pair + 4, 4):
        w.op(f"str r6, [r5, #-{back}]")
    w.b.place(done)
