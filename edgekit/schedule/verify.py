"""An independent check of a program: it replays the steps in their order and follows who owns
which bytes.

It shares no code with the planner and does not look at its live ranges: every byte of the regions
is followed (`edgekit.schedule.content`). Where a result shares bytes with an input of its step, the
distance is held against what the kernel declares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgekit.errors import InternalError, Problem
from edgekit.ir import Node, Value
from edgekit.schedule.content import Region, Stretch, shown_content
from edgekit.schedule.overlap import Overlap
from edgekit.schedule.program import ARENA, STATE, Buffer, Program, Step

Declared = Callable[[Node], Sequence[Overlap | None]]


def verify_program(program: Program, overlap_of: Declared = lambda node: ()) -> None:
    """Replay the program.

    Args:
        program: what to check.
        overlap_of: what a node's kernel tolerates, by input; by default nothing.

    Raises:
        InternalError: naming every pair of tensors that collide, every buffer outside its region
            or misaligned, every node without a step or with two, and every value read before it is
            written or after its bytes were overwritten.
    """
    problems = find_problems(program, overlap_of)
    if problems:
        raise InternalError("the memory plan is wrong", problems)


def find_problems(program: Program, overlap_of: Declared = lambda node: ()) -> list[Problem]:
    """What `verify_program` would refuse, for plans that edgekit did not just make itself."""
    replay = _Replay(program, overlap_of)
    replay.check_bounds()
    replay.check_steps()
    replay.run()
    return replay.problems


class _Replay:
    def __init__(self, program: Program, overlap_of: Declared) -> None:
        self.program = program
        self.overlap_of = overlap_of
        self.problems: list[Problem] = []
        self.regions = {ARENA: Region(program.arena_bytes), STATE: Region(program.state_bytes)}
        self.regions |= {r.name: Region(r.nbytes) for r in program.regions}
        self.content: dict[str, tuple[Stretch, ...]] = {}  # value name -> what it consists of
        self.stepped = {id(s.node) for s in program.steps}

    def check_bounds(self) -> None:
        program = self.program
        states = {s.state.name for s in program.graph.states}
        sizes = {r.name: r.nbytes for r in program.regions}
        sizes |= {ARENA: program.arena_bytes, STATE: program.state_bytes}
        scratch = [s.scratch for s in program.steps if s.scratch]
        for b in [*program.buffers, *scratch]:
            size = sizes.get(b.region, 0)
            fitting = [r for r in sizes if (r == STATE) == (b.name in states)]
            if b.region not in fitting:
                what = f"lies in region '{b.region}'"
                self.problems.append(Problem(what, b.name, ", ".join(fitting)))
            elif b.offset < 0 or b.offset + b.nbytes > size:
                self.problems.append(
                    Problem(f"lies at {b.offset}+{b.nbytes}, outside {size} B", b.name)
                )
            if b.offset % program.align:
                self.problems.append(Problem(f"offset {b.offset} is misaligned", b.name))
        if program.gap_bytes < 0:
            bound = program.certificate.bound_bytes
            total = bound + program.gap_bytes
            what = f"takes {total} B, but {bound} B are said to be necessary"
            self.problems.append(Problem(what, "the arena"))
        self.check_moved()

    def check_moved(self) -> None:
        """Count what a run moves outside the arena, access by access."""
        split = self.program.split
        if split is None:
            return
        outside = {r.name for r in split.regions}
        counted = 0
        for step in self.program.steps:
            touched = [v for v in step.node.inputs if v is not None and not v.is_constant]
            places = [self.program.location[v.name] for v in [*touched, *step.node.outputs]]
            counted += sum(b.nbytes for b in {b.name: b for b in places}.values()
                           if b.region in outside)  # fmt: skip
            if step.scratch and step.scratch.region in outside:
                counted += 2 * step.scratch.nbytes
        ends = [*self.program.graph.inputs, *self.program.graph.outputs]
        places = [self.program.location[v.name] for v in ends]
        places += [m.source for m in self.program.moves]
        counted += sum(b.nbytes for b in places if b.region in outside)
        if not split.bound_bytes <= split.moved_bytes == counted:
            what = f"moves {counted} B, but {split.moved_bytes} B are stated"
            where = "outside the arena"
            self.problems.append(Problem(what, where, f"{split.bound_bytes} B or more"))

    def check_steps(self) -> None:
        """Every node has one step of its own; views need none."""
        waiting = {id(n): n for n in self.program.graph.nodes}
        for position, step in enumerate(self.program.steps):
            name = step.node.name
            if step.index != position:
                self.problems.append(Problem(f"step {position} calls itself {step.index}", name))
            if waiting.pop(id(step.node), None) is None:
                self.problems.append(Problem("has two steps, or is not in the graph", name))
            walks = [o is not None and o.backward is not None for o in self.overlap_of(step.node)]
            if step.backward and not any(walks):
                what = "walks backward, which its kernel does not declare"
                self.problems.append(Problem(what, name, "forward"))
        self.find_content()
        for node in waiting.values():
            if any(v.name not in self.content for v in node.outputs):
                self.problems.append(Problem("has no step", node.name))
        given = [n for n in self.program.graph.nodes if id(n) in self.stepped]
        levers = self.program.certificate.levers
        if "order" not in levers and [s.node for s in self.program.steps] != given:
            what = "run in another order than the graph's"
            self.problems.append(Problem(what, "the steps", hint=_without("order")))

    def find_content(self) -> None:
        """What each value consists of, and whether views lie where their bytes are."""
        graph = self.program.graph
        for value in [*graph.inputs, *(s.state for s in graph.states)]:
            self.content[value.name] = (Stretch(value.name, 0, value.type.nbytes),)
        for node in graph.nodes:
            if id(node) in self.stepped:
                for value in node.outputs:
                    self.content[value.name] = (Stretch(value.name, 0, value.type.nbytes),)
            elif (found := shown_content(node, self.content)) is not None:
                self.content[node.output.name] = found
                self.check_view(node.output, found)

    def check_view(self, value: Value, content: Sequence[Stretch]) -> None:
        """A value without a step of its own lies where its bytes are written."""
        location = self.program.location
        region, offset = location[value.name].region, location[value.name].offset
        for stretch in content:
            home = location[stretch.writer]
            if (home.region, home.offset + stretch.start) != (region, offset):
                self.collide(value.name, stretch.writer)
                return
            offset += stretch.nbytes

    def run(self) -> None:
        graph = self.program.graph
        for value in [*graph.inputs, *(s.state for s in graph.states)]:
            self.write(value)
        for step in self.program.steps:
            self.execute(step)
        for value in graph.outputs:
            self.read(value, "the caller")
            if self.program.location[value.name].region == STATE:
                self.problems.append(Problem("is an output outside the arena", f"'{value.name}'"))
        self.move_states()

    def execute(self, step: Step) -> None:
        node, scratch = step.node, step.scratch
        if scratch:
            self.occupy(scratch.name, scratch)  # what it destroys is then missed as an input
        for value in node.inputs:
            if value is not None:
                self.read(value, node.name)
        for value in node.outputs:
            self.check_overlaps(step, value)
            self.write(value)
            if scratch and _overlap(scratch, self.program.location[value.name]):
                self.collide(value.name, scratch.name)

    def move_states(self) -> None:
        """Replay the copies at the end: every update must be there when its turn comes."""
        links = {s.state.name: s for s in self.program.graph.states}
        location = self.program.location
        for move in self.program.moves:
            link = links.pop(move.state, None)
            if (
                link is None
                or link.update.name != move.update
                or (move.source, move.home) != (location[move.update], location[move.state])
            ):
                what = f"is moved to '{move.state}', which does not take it"
                self.problems.append(Problem(what, f"'{move.update}'"))
                continue
            self.read(link.update, f"state '{move.state}'")
            self.occupy(f"the next content of {move.state}", move.home)
        for link in links.values():
            if location[link.update.name] != location[link.state.name]:
                self.problems.append(Problem("is never updated", f"state '{link.state.name}'"))

    def check_overlaps(self, step: Step, result: Value) -> None:
        """A result over an input of its step: does the kernel's walk allow that distance?"""
        place = self.program.location[result.name]
        declared = self.overlap_of(step.node) if len(step.node.outputs) == 1 else ()
        for index, value in enumerate(step.node.inputs):
            if value is None or value.is_constant:
                continue
            held = self.program.location[value.name]
            if not _overlap(held, place):
                continue
            overlap = declared[index] if index < len(declared) else None
            if overlap is None:
                self.collide(result.name, value.name)
            elif overlap.kind not in self.program.certificate.levers:
                what = f"'{result.name}' and '{value.name}' share bytes"
                hint = _without(overlap.kind)
                self.problems.append(Problem(what, step.node.name, hint=hint))
            else:
                self.check_distance(step, overlap, (result.name, place), (value.name, held))

    def check_distance(
        self, step: Step, overlap: Overlap, result: tuple[str, Buffer], source: tuple[str, Buffer]
    ) -> None:
        distance = result[1].offset - source[1].offset
        forward, backward = overlap.forward, overlap.backward
        if step.backward:
            fine = backward is not None and distance >= backward
            allowed = "none" if backward is None else f"at least {backward} B walking backward"
        else:
            fine = forward is not None and distance <= forward
            allowed = "none" if forward is None else f"up to {forward} B walking forward"
        if not fine:
            what = f"'{result[0]}' and '{source[0]}' share bytes at a distance of {distance} B"
            self.problems.append(Problem(what, step.node.name, allowed))

    def write(self, value: Value) -> None:
        buffer = self.program.location[value.name]
        if buffer.nbytes < value.type.nbytes:
            self.problems.append(Problem(f"needs {value.type.nbytes} B", value.name))
        self.occupy(value.name, buffer)

    def occupy(self, name: str, buffer: Buffer) -> None:
        self.region(buffer).write(name, buffer.offset, buffer.nbytes)

    def region(self, buffer: Buffer) -> Region:
        """The bytes of a buffer's region; none where there is no such region."""
        return self.regions.setdefault(buffer.region, Region(0))

    def read(self, value: Value, where: str) -> None:
        """Every byte of the value must be where the program says that it is."""
        if value.is_constant:
            return
        place = self.program.location[value.name]
        offset = place.offset
        own = (Stretch(value.name, 0, value.type.nbytes),)
        for stretch in self.content.get(value.name, own):
            by = self.region(place).missing(stretch, offset)
            offset += stretch.nbytes
            if by is not None and by != stretch.writer:
                what = f"was overwritten by '{by}'" if by else "was never written"
                self.problems.append(Problem(f"{what} before {where} reads it", f"'{value.name}'"))
                return
            if by is not None:
                self.problems.append(Problem("lies elsewhere", f"'{value.name}'"))
                return

    def collide(self, first: str, second: str) -> None:
        self.problems.append(Problem(f"'{first}' and '{second}' share bytes"))


def _without(lever: str) -> str:
    return f"The certificate does not list the lever {lever}."


def _overlap(a: Buffer, b: Buffer) -> bool:
    return (
        a.region == b.region and a.offset < b.offset + b.nbytes and b.offset < a.offset + a.nbytes
    )
