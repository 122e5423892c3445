"""Where the convolution function keeps its variables, and the structs it reads."""

from __future__ import annotations

from codegen.assembly.block import WORD, offsets

LOCALS = offsets(
    (
        "end",  # of the weights of this pass
        "n1",  # distance of the second pixel's output from the first's
        "n2",
        "n3",
        "out",  # output of the next pair of filters
        "entry",  # where the multiplications of this pass begin
        "head",  # how its sums begin
        "tail",  # what becomes of them
        "sums_in",  # sums waiting from the pass before
        "sums_out",  # sums for the next pass
        "upper",  # variables above the tile
        "args",
        "weights",  # of this pass
        "tap",
        "tap_end",
        "top",  # end of the tile
        "back",  # bytes that one more word of a tap repeats, until it has
    )
)
"""At the stack pointer: what is used for every pair of filters. The tile follows."""
PACKING = {
    name: LOCALS[place]
    for name, place in (
        ("channels", "entry"),  # bytes of a position
        ("three", "head"),  # of three
        ("first", "tail"),  # address in the first of six positions
        ("last", "sums_in"),
        ("row_end", "sums_out"),
        ("lane", "sums_out"),  # where the last byte of the next tap goes
    )
}
"""What uses the same places while a tile is filled."""
LOCAL_BYTES = WORD * len(LOCALS)

UPPER = offsets(
    (
        "oy",  # output position of the tile's first pixel
        "ox",
        "x",  # input address of output position (0, 0)
        "y",  # output of the tile's first pixel
        "base",  # input address of the tile's first pixel
        "slow",  # whether its pixels have positions of their own
        "left",  # output pixels from its first to the last of all
        "tiles",  # that remain
        "pass",
        "pass_end",
        "pad",  # a tap of padding
        "sums",
        "single",  # whether the tile has one pixel
        "run",  # tiles side by side from this one on; negative: those that follow the first
        *(f"source{p}" for p in range(4)),
        *(f"{name}{p}" for p in range(4) for name in ("iy", "ix", "from")),
    )
)
"""Above the tile: what is used for every tile, pass or tap."""
UPPER_BYTES = WORD * len(UPPER)

ARGUMENTS = offsets(
    (
        "weights", "taps", "passes", "pass_count",
        "in_h", "in_w", "in_c", "out_w", "pixels", "out_c",
        "stride_h", "stride_w", "pad_top", "pad_left",
        "origin", "row_step", "col_step",
        "fast_y", "fast_h", "fast_x", "fast_w",
        "run", "columns", "steps", "back", "merged", "within", "staged", "shared", "fill",
        "tile_bytes", "pad_bytes", "edge_bytes", "frame_bytes", "add", "subtract", "zero", "single",
        "first_y", "first_x", "first_left", "tiles", "first_out", "pixel_step", "repeats",
    )
)  # fmt: skip
"""``ek_conv_pairs``, in the order of its definition."""
PASS = offsets(("first", "bytes", "entry", "head", "tail", "tile", "tap", "taps"))
"""``ek_pass``."""
