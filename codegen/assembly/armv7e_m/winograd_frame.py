"""Where Winograd's functions keep what they work on, and the struct that they read."""

from __future__ import annotations

from codegen.assembly.block import offsets
from codegen.assembly.winograd_parts import ROW_BYTES

ARGUMENTS = (
    "v", "weights", "slots", "waiting", "q", "y0", "y1", "y2", "y3", "distance",
    "pairs", "blocks", "first", "last", "tail", "zero", "add", "subtract", "entry",
)  # fmt: skip
"""``ek_winograd_tile``, in the order of its definition."""
_PLACES = offsets((*ARGUMENTS, "rewind", "slot", "end", "done", "start"))
FRAME = {**_PLACES, "start_end": _PLACES["v"], "row_end": _PLACES["pairs"]}
"""At the stack pointer: the arguments, then variables; two take the places of arguments that are
no longer needed."""
FRAME_BYTES = -(-4 * len(_PLACES) // 8) * 8
SLOT_BYTES = 5 * ROW_BYTES
"""Sums after each of the first five points. The last four of the rows of outputs take the places of
the first three, row 0 is in the last."""
ROW_SLOTS = (4 * ROW_BYTES, 0, ROW_BYTES, 2 * ROW_BYTES)
TWICE_DIVIDED = 5
"""Beside the forms of `scaling`, as ``ek_winograd.h`` numbers it: `TWICE` with the 24 in the
multiplier."""
LAYER_SHIFT = 8
"""Of scaled sums, which are 24 times those of other kernels: suits nearly every scale."""
UNROLL = 8
"""Pairs of channels in a loop; a sum of fewer begins inside it."""
PAIR_INSTRUCTIONS = 33
PAIR_BYTES = 4 * PAIR_INSTRUCTIONS
"""All instructions have four bytes."""
COLUMN_INSTRUCTIONS = 70
"""For four channels of a column."""
