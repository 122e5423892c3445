"""An arena over several memories: what is used most stays in the fast one.

The order and the overlaps are those of a plan for one memory; where that does not fit into the
first memory, blocks leave it for the next, so that the fewest bytes are moved outside it. What is
moved of a block: its bytes, once for the step (or the caller) that writes it and once for each that
reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from edgekit.errors import FitError, Problem
from edgekit.ir import Graph, Node
from edgekit.options import PATCHES
from edgekit.schedule.choice import Item, Shared, choose
from edgekit.schedule.deadline import Deadline
from edgekit.schedule.model import OverlapOf, ScratchOf, round_up
from edgekit.schedule.overlap import Gap, Overlap, gap_between, union_bytes
from edgekit.schedule.packing import Block, Packed, pack
from edgekit.schedule.plan import PlanOptions, plan
from edgekit.schedule.program import ARENA, Buffer, Program, Region, Split, Step

PLAN_SHARE, PACKING_END = 0.6, 0.9
"""Parts of the time limit: for the plan of one memory, and after which packing stops."""
PACK_SECONDS, PACK_SHARE = 0.5, 0.1
"""For one trial to pack what stays: seconds and part of the time that is left at most."""


@dataclass(frozen=True)
class Room:
    """A memory of the target: its name, and the bytes that the arena may take there (None: any)."""

    name: str
    nbytes: int | None


def plan_split(
    graph: Graph,
    scratch_of: ScratchOf,
    overlap_of: OverlapOf,
    options: PlanOptions,
    rooms: Sequence[Room],
) -> Program:
    """Plan a graph for several memories.

    Args:
        graph, scratch_of, overlap_of, options: as for `edgekit.schedule.plan`.
        rooms: memories, the fastest first.

    Returns:
        The program; its ``split`` says what lies where. Without rooms that of
        `edgekit.schedule.plan`.

    Raises:
        FitError: what does not fit into one memory does not fit into those after it.
        ModelError: as `edgekit.schedule.plan`.
    """
    deadline = Deadline.after(PACKING_END * options.seconds)
    if not rooms:
        return plan(graph, scratch_of, overlap_of, options)
    whole = tuple(x for x in options.levers if x != PATCHES)  # tensors move as a whole
    share = PlanOptions(whole, PLAN_SHARE * options.seconds)
    program = plan(graph, scratch_of, overlap_of, share)
    first = rooms[0]
    if first.nbytes is None or program.arena_bytes <= first.nbytes:
        return replace(program, split=Split(first.name, (), 0, 0))
    return _Splitter(program, overlap_of, deadline).split(rooms)


@dataclass(frozen=True)
class _Piece:
    """A buffer or a scratch of the arena, and the bytes that are moved when it lies elsewhere."""

    buffer: Buffer
    moved: int


class _Splitter:
    def __init__(self, program: Program, overlap_of: OverlapOf, deadline: Deadline) -> None:
        self.program, self.deadline = program, deadline
        self.levers = program.certificate.levers
        self.overlap_of = overlap_of
        self.pieces = _pieces(program)
        self.index = {p.buffer.name: i for i, p in enumerate(self.pieces)}
        self.gaps: dict[tuple[int, int], Gap] = {}
        self.meets: dict[tuple[int, int], int] = {}  # the step
        for step in program.steps:
            self._find_gaps(step)

    def split(self, rooms: Sequence[Room]) -> Program:
        """Fill one memory after the other."""
        left = list(range(len(self.pieces)))
        places: dict[int, tuple[str, int]] = {}
        sizes: list[int] = []
        moved = bound = 0
        for number, room in enumerate(rooms):
            stay, packed, out, least = self._fill(left, room, last=number == len(rooms) - 1)
            region = ARENA if number == 0 else room.name
            places |= {i: (region, o) for i, o in zip(stay, packed.offsets, strict=True)}
            sizes.append(packed.total)
            if number == 0:
                moved, bound = sum(self.pieces[i].moved for i in out), least
            left = out
        regions = tuple(Region(r.name, n) for r, n in zip(rooms[1:], sizes[1:], strict=True) if n)
        made = Split(rooms[0].name, regions, moved, bound)
        return _moved_program(self, places, sizes[0], made)

    def _fill(
        self, left: list[int], room: Room, last: bool
    ) -> tuple[list[int], Packed, list[int], int]:
        """What stays in a memory, where, what does not, and the least that must be moved."""
        if last or room.nbytes is None:
            packed = self._pack(left, self.deadline)
            if room.nbytes is not None and packed.total > room.nbytes:
                raise _misfit(self, left, room, packed)
            return left, packed, [], 0
        items = [
            Item(round_up(p.buffer.nbytes, self.program.align), p.buffer.first, p.buffer.last,
                 p.moved)
            for p in (self.pieces[i] for i in left)
        ]  # fmt: skip
        place = {piece: i for i, piece in enumerate(left)}
        shared = [
            Shared(self.meets[pair], place[pair[0]], place[pair[1]], self._saving(pair))
            for pair in self.gaps
            if pair[0] in place and pair[1] in place
        ]
        room_bytes = room.nbytes // self.program.align * self.program.align
        chosen = choose(
            items, shared, room_bytes,
            lambda some: self._pack([left[i] for i in some], self._trial()),
            self.deadline.part(1 - PACK_SHARE),
        )  # fmt: skip
        stay = [piece for i, piece in enumerate(left) if i not in chosen.out]
        out = [left[i] for i in sorted(chosen.out)]
        return stay, chosen.packed, out, chosen.bound

    def _trial(self) -> Deadline:
        return self.deadline.part(PACK_SHARE).within(PACK_SECONDS)

    def _saving(self, pair: tuple[int, int]) -> int:
        sizes = [round_up(self.pieces[i].buffer.nbytes, self.program.align) for i in pair]
        return sum(sizes) - union_bytes(sizes[0], sizes[1], self.gaps[pair])

    def _pack(self, some: Sequence[int], deadline: Deadline) -> Packed:
        place = {piece: i for i, piece in enumerate(some)}
        gaps = {
            (place[a], place[b]): (gap,)
            for (a, b), gap in self.gaps.items()
            if a in place and b in place
        }
        buffers = [self.pieces[i].buffer for i in some]
        blocks = [Block(b.nbytes, b.first, b.last) for b in buffers]
        return pack(blocks, self.program.align, gaps, deadline=deadline)

    def _find_gaps(self, step: Step) -> None:
        """Inputs that die in a step and over which its only result may lie."""
        node = step.node
        if len(node.outputs) != 1:
            return
        target = self.index.get(self.program.location[node.output.name].name)
        held = _reads(self.program, node)
        for value, overlap in zip(node.inputs, self.overlap_of(node), strict=False):
            if value is None or value.is_constant or overlap is None or target is None:
                continue
            buffer = self.program.location[value.name]
            source = self.index.get(buffer.name)
            alone = held.count(buffer) == 1 and buffer.last == step.index
            if source is not None and alone and overlap.kind in self.levers:
                usable = overlap if len(held) == 1 else Overlap(overlap.kind, overlap.forward)
                sizes = [
                    round_up(self.pieces[i].buffer.nbytes, self.program.align)
                    for i in (source, target)
                ]
                gap = gap_between(sizes[0], sizes[1], usable, self.program.align)
                self.gaps[source, target] = gap
                self.meets[source, target] = step.index


def _reads(program: Program, node: Node) -> list[Buffer]:
    """The buffer of each input that is not a constant."""
    return [program.location[v.name] for v in node.inputs if v is not None and not v.is_constant]


def _pieces(program: Program) -> list[_Piece]:
    uses: Mapping[str, int] = _uses(program)
    found = [_Piece(b, b.nbytes * uses[b.name]) for b in program.buffers if b.region == ARENA]
    scratch = [s.scratch for s in program.steps if s.scratch]
    return found + [_Piece(s, 2 * s.nbytes) for s in scratch]


def _uses(program: Program) -> dict[str, int]:
    """How often each buffer is written or read as a whole, by steps and by the caller."""
    uses = {b.name: 0 for b in program.buffers}
    graph = program.graph
    for value in [*graph.inputs, *graph.outputs]:
        uses[program.location[value.name].name] += 1
    for step in program.steps:
        written = [program.location[v.name] for v in step.node.outputs]
        for name in {b.name for b in [*_reads(program, step.node), *written]}:
            uses[name] += 1
    for move in program.moves:
        uses[move.source.name] += 1
    return uses


def _misfit(splitter: _Splitter, left: Sequence[int], room: Room, packed: Packed) -> FitError:
    largest = max(left, key=lambda i: splitter.pieces[i].buffer.nbytes)
    buffer = splitter.pieces[largest].buffer
    what = f"needs {packed.total:,} bytes, the largest of them '{buffer.name}' ({buffer.nbytes:,})"
    hint = "Give it more, name a further memory, or use a smaller model."
    problem = Problem(what, f"memory '{room.name}'", f"{room.nbytes:,} bytes", hint)
    return FitError("the arena does not fit into these memories", [problem])


def _moved_program(
    splitter: _Splitter, places: Mapping[int, tuple[str, int]], arena: int, split: Split
) -> Program:
    """The program with every piece at its place."""
    program = splitter.program
    moved = {
        piece.buffer.name: replace(piece.buffer, region=places[i][0], offset=places[i][1])
        for i, piece in enumerate(splitter.pieces)
    }
    buffers = tuple(moved.get(b.name, b) for b in program.buffers)
    by_name = {b.name: b for b in buffers}
    location = {name: by_name[b.name] for name, b in program.location.items()}
    made = replace(
        program,
        steps=tuple(replace(s, scratch=s.scratch and moved[s.scratch.name]) for s in program.steps),
        buffers=buffers,
        location=location,
        arena_bytes=arena,
        split=split,
        moves=tuple(
            replace(m, source=by_name[m.source.name], home=by_name[m.home.name])
            for m in program.moves
        ),
    )
    steps = tuple(replace(s, backward=_walks_backward(splitter, made, s)) for s in made.steps)
    return replace(made, steps=steps)


def _walks_backward(splitter: _Splitter, program: Program, step: Step) -> bool:
    """Whether the result shares bytes with an input at a distance for a backward walk only."""
    place = program.location[step.node.output.name]
    for held in _reads(program, step.node):
        pair = splitter.index.get(held.name, -1), splitter.index.get(place.name, -1)
        gap = splitter.gaps.get(pair)
        if gap is not None and held.region == place.region:
            distance = place.offset - held.offset
            if gap.low < distance < round_up(held.nbytes, program.align):
                return True
    return False
