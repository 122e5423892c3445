"""Where every tensor lies and when it lives, as a report shows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Buffer:
    """One block of the arena.

    Attributes:
        name: the tensor's name.
        offset: byte offset in its region.
        size: bytes.
        first: index of the first step that needs it.
        last: index of the last step that needs it.
        kind: ``input``, ``output``, ``tensor`` or ``scratch``.
        region: ``arena``, or a region of `MemorySplit`.
    """

    name: str
    offset: int
    size: int
    first: int
    last: int
    kind: str = "tensor"
    region: str = "arena"


@dataclass(frozen=True)
class MemoryRegion:
    """A piece of the arena in a slower memory.

    Attributes:
        name: of the memory.
        nbytes: its size there.
    """

    name: str
    nbytes: int


@dataclass(frozen=True)
class MemorySplit:
    """An arena over several memories.

    Attributes:
        arena: memory that the arena itself is for.
        arena_bytes: bytes there.
        regions: pieces in slower memories.
        moved_bytes: bytes that a run moves to and from them.
        bound_bytes: no placement in the same order moves fewer.
    """

    arena: str
    arena_bytes: int
    regions: tuple[MemoryRegion, ...]
    moved_bytes: int
    bound_bytes: int


@dataclass(frozen=True)
class FrontPoint:
    """One trade of RAM against work.

    Attributes:
        arena_bytes: size of the arena.
        extra_macs: multiply-accumulates that strips add.
        extra_instructions: further instructions for calls and moved rows, about.
        stages: what is executed in strips.
    """

    arena_bytes: int
    extra_macs: int
    extra_instructions: int
    stages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Schedule:
    """Where every tensor lies and when it lives.

    Attributes:
        steps: names of the steps in execution order.
        buffers: blocks of the arena.
        lower_bound_bytes: arena bytes that no plan with the same levers can undercut; an arena of
            this size is proven optimal.
        levers: what the plan was allowed to use: ``order`` (of the steps), ``in-place`` (results
            over operands), ``rows`` (results over the part of an input that is consumed),
            ``patches`` (layers in strips of rows).
        peak_step: the step at which most bytes are needed; empty where inputs or outputs alone
            need as much.
        split: what lies in which memory; None: the arena is one piece.
        stages: layers that are executed in strips; the bound is about these.
        extra_macs: multiply-accumulates that strips add.
        front: plans with less RAM and more work, where they were looked for.
    """

    steps: tuple[str, ...]
    buffers: tuple[Buffer, ...]
    lower_bound_bytes: int | None = None
    levers: tuple[str, ...] = ()
    peak_step: str = ""
    split: MemorySplit | None = None
    stages: tuple[str, ...] = ()
    extra_macs: int = 0
    front: tuple[FrontPoint, ...] = ()
