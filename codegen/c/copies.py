"""Constants that a run reads from RAM: which of them, and where they lie there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from codegen.c.step import StepWriter
from codegen.c.writer import Constant
from edgekit.artefact import Copied
from edgekit.ir.graph import node_macs
from edgekit.schedule import Room

ALIGN = 8
"""Bytes: the caller's memory is aligned to it, so no element type is misaligned."""
WORD = 4
"""Least alignment of an array, for kernels that load words of int8 data."""


@dataclass(frozen=True)
class Copies:
    """What is copied.

    Attributes:
        memory: that it is meant for, as the target calls it.
        offsets: bytes from the start of the caller's memory, by symbol.
        nbytes: of that memory.
        share: part of the reads of constants in a run that it answers, estimated.
    """

    memory: str = ""
    offsets: Mapping[str, int] = field(default_factory=dict)
    nbytes: int = 0
    share: float = 0.0

    def described(self, name: str) -> Copied | None:
        """What the manifest of the model ``name`` says of them; None: nothing is copied."""
        if not self.offsets:
            return None
        return Copied(self.memory, self.nbytes, len(self.offsets), self.share, f"{name}_load")


NO_COPIES = Copies()
"""Every constant is read where it is stored."""


def choose_copies(writers: Sequence[StepWriter], room: Room) -> Copies:
    """Fill a memory with the constants that are read most often for each byte they take.

    A kernel reads its constants once for each tile of output pixels, so the reads of a layer's
    bytes grow with its multiply-accumulates; the sizes of tiles, which differ little between the
    kernels of one core, are left out. Sorted by this density, what fits is taken: at most the last
    choice can be bettered, by a constant's size.

    Args:
        writers: of all steps.
        room: the memory; without a size everything is copied.
    """
    constants = {c.symbol: c for w in writers for c in w.constants}
    density = _density(writers, constants)
    places: dict[str, int] = {}
    end = 0
    for symbol in sorted(constants, key=lambda s: -density[s]):
        data = constants[symbol].data
        start = -(-end // max(WORD, data.itemsize)) * max(WORD, data.itemsize)
        if data.nbytes and (room.nbytes is None or start + data.nbytes <= room.nbytes):
            places[symbol] = start
            end = start + data.nbytes
    reads = {s: density[s] * c.data.nbytes for s, c in constants.items()}
    whole = sum(reads.values())
    share = sum(reads[s] for s in places) / whole if whole else 0.0
    return Copies(room.name, places, end, share)


def _density(
    writers: Sequence[StepWriter], constants: Mapping[str, Constant]
) -> Mapping[str, float]:
    """Reads of a run for each byte of every constant, in a unit that all share."""
    found: defaultdict[str, float] = defaultdict(float)
    for writer in writers:
        used = set(writer.used)
        nbytes = sum(constants[s].data.nbytes for s in used)
        work = max(node_macs(writer.node), writer.node.output.type.size)
        for symbol in used:
            found[symbol] += work / max(nbytes, 1)
    return found
