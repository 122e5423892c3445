"""Where the functions of dense layers keep their variables, and the struct they read."""

from __future__ import annotations

from codegen.assembly.block import offsets

LOCALS = offsets(
    ("end", "n1", "n2", "n3", "out", "entry", "x_end", "args", "y", "x", "rows", "spare")
)
"""At the stack pointer; the tile follows."""
LOCAL_BYTES = 4 * len(LOCALS)
ARGUMENTS = offsets(
    (
        "weights", "rows", "depth", "filters", "groups", "back", "n1", "n2", "n3",
        "block_bytes", "last_bytes", "entry", "frame_bytes", "tail", "shift",
        "add", "subtract", "zero",
    )
)  # fmt: skip
"""``ek_dense_pairs``, in the order of its definition."""
GROUP = 8
"""Inputs that are multiplied together."""
UNROLL = 4
"""Groups in a loop; a sum of fewer begins inside it."""
SUMS = ("r0", "r1", "r2", "r3")
"""Sums of four filters, in pairs."""
