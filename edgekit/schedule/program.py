"""The program: steps in order, buffers with live ranges and offsets in named regions.

A step is one kernel call today; it can become a range of rows or a tile of one, because nothing
here assumes that a step covers a whole node.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgekit.ir import Graph, Node
from edgekit.schedule.strips import Stage

ARENA = "arena"
STATE = "state"
REGION_NAME = re.compile(r"(?!(arena|state)$)[a-z][a-z0-9_]{0,30}")
"""What a further region may be called: a part of C identifiers, on every level."""


@dataclass(frozen=True)
class Buffer:
    """A piece of a region.

    Attributes:
        name: value it belongs to, or ``scratch of NODE``.
        region: ``arena`` (contents live within one run), ``state`` (contents persist), or the
            name of a further region of the program.
        offset: bytes from the start of the region.
        nbytes: size in bytes.
        first: step before or in which it is first written; -1 for what the caller writes.
        last: last step that reads it; the number of steps for what the caller reads.
        aliases: further values that share these bytes (reshapes).
    """

    name: str
    region: str
    offset: int
    nbytes: int
    first: int
    last: int
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One kernel call.

    Attributes:
        index: position in the program.
        node: what it computes.
        scratch: bytes that only this step uses, or None.
        backward: True where the kernel walks from the last output pixel to the first, because its
            output lies over its input so.
    """

    index: int
    node: Node
    scratch: Buffer | None = None
    backward: bool = False


@dataclass(frozen=True)
class Move:
    """A copy at the end of a run that makes an update the next content of its state.

    Attributes:
        state: name of the state.
        update: name of the value that is copied.
        source, home: where the bytes come from and where they go.
    """

    state: str
    update: str
    source: Buffer
    home: Buffer


@dataclass(frozen=True)
class Certificate:
    """What is proven about the arena of a program, and under which model.

    Attributes:
        levers: what the planner was allowed to use, see `edgekit.options.LEVERS`; nothing
            for the given order without any overlap.
        bound_bytes: arena bytes that no plan with these levers can undercut.
        peak_step: name of the node at which most bytes are needed; empty: inputs or outputs alone
            need as much.
        stages: what the lever ``patches`` executes in strips; bound and peak are about these, in
            the order of the program.
        extra_macs: multiply-accumulates that they add.
    """

    levers: tuple[str, ...]
    bound_bytes: int
    peak_step: str
    stages: tuple[Stage, ...] = ()
    extra_macs: int = 0


@dataclass(frozen=True)
class Region:
    """A piece of a further memory: its name and the bytes that the program needs there."""

    name: str
    nbytes: int


@dataclass(frozen=True)
class Split:
    """The arena over several memories.

    Attributes:
        arena: memory that the arena itself is for, the fastest.
        regions: what lies in slower ones, the faster first; none where everything fits.
        moved_bytes: bytes that a run moves outside the arena: those of each tensor for the step
            (or the caller) that writes it and for each that reads it, those of scratch twice.
        bound_bytes: no placement for this order moves fewer.
    """

    arena: str
    regions: tuple[Region, ...]
    moved_bytes: int
    bound_bytes: int


@dataclass(frozen=True)
class Program:
    """A graph with every byte placed.

    Attributes:
        graph: the graph that it computes.
        steps: kernel calls in order; aliases (reshapes) need none.
        buffers: every buffer but scratch.
        location: value name -> buffer that holds it.
        arena_bytes, state_bytes: sizes of the regions.
        certificate: how close the arena is to the smallest that there is.
        align: alignment in bytes of every buffer and of the regions.
        moves: copies after the last step, in this order: no state is overwritten before every
            other state that takes its old content has it.
        split: what lies in which memory; None: the arena is one piece.
    """

    graph: Graph
    steps: tuple[Step, ...]
    buffers: tuple[Buffer, ...]
    location: dict[str, Buffer]
    arena_bytes: int
    state_bytes: int
    certificate: Certificate
    align: int
    moves: tuple[Move, ...] = ()
    split: Split | None = None

    @property
    def regions(self) -> tuple[Region, ...]:
        """Further pieces that the caller provides beside arena and state."""
        return self.split.regions if self.split else ()

    @property
    def gap_bytes(self) -> int:
        """Bytes above the proven bound; 0: no plan with the same levers needs less.

        All regions count: side by side they are an arena too.
        """
        total = self.arena_bytes + sum(r.nbytes for r in self.regions)
        return total - self.certificate.bound_bytes

    @property
    def scratch_bytes(self) -> int:
        """Largest scratch of a step."""
        return max((s.scratch.nbytes for s in self.steps if s.scratch), default=0)
