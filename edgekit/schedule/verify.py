"""An independent check of a program: it replays every step and follows who owns which bytes.

It shares no code with the planner and does not look at its live ranges.
"""

from __future__ import annotations

from edgekit.errors import InternalError, Problem
from edgekit.ir import Value
from edgekit.ir.ops import Reshape
from edgekit.schedule.program import ARENA, Buffer, Program


def verify_program(program: Program) -> None:
    """Replay the program.

    Raises:
        InternalError: naming every pair of tensors that collide, every buffer outside its region
            or misaligned, and every value read after its bytes were overwritten.
    """
    replay = _Replay(program)
    replay.check_bounds()
    replay.run()
    if replay.problems:
        raise InternalError("the memory plan is wrong", replay.problems)


class _Replay:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.problems: list[Problem] = []
        self.valid: dict[str, Buffer] = {}  # value name -> bytes that hold it now
        self.overwritten: dict[str, str] = {}

    def check_bounds(self) -> None:
        program = self.program
        scratch = [s.scratch for s in program.steps if s.scratch]
        for b in [*program.buffers, *scratch]:
            size = program.arena_bytes if b.region == ARENA else program.state_bytes
            if b.offset < 0 or b.offset + b.nbytes > size:
                self.problems.append(
                    Problem(f"lies at {b.offset}+{b.nbytes}, outside {size} B", b.name)
                )
            if b.offset % program.align:
                self.problems.append(Problem(f"offset {b.offset} is misaligned", b.name))

    def run(self) -> None:
        graph = self.program.graph
        for value in [*graph.inputs, *(s.state for s in graph.states)]:
            self.write(value, ())
        steps = {id(s.node): s for s in self.program.steps}
        for node in graph.nodes:
            reads = [v for v in node.inputs if v is not None and not v.is_constant]
            for value in reads:
                self.read(value, node.name)
            step = steps.get(id(node))
            if step is None:
                self.alias(node.op, reads, node.output, node.name)
                continue
            if step.scratch:
                self.occupy(step.scratch.name, step.scratch)
                for value in reads:
                    self.read(value, node.name)
            for value in node.outputs:
                self.write(value, [v.name for v in reads])
                if step.scratch and _overlap(step.scratch, self.valid[value.name]):
                    self.collide(value.name, step.scratch.name)
            if step.scratch:
                self.valid.pop(step.scratch.name, None)
        for value in graph.outputs:
            self.read(value, "the caller")
            if self.program.location[value.name].region != ARENA:
                self.problems.append(Problem("is an output outside the arena", f"'{value.name}'"))
        self.move_states()

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

    def write(self, value: Value, reads: list[str] | tuple[str, ...]) -> None:
        buffer = self.program.location[value.name]
        if buffer.nbytes < value.type.nbytes:
            self.problems.append(Problem(f"needs {value.type.nbytes} B", value.name))
        for name in reads:
            held = self.valid.get(name)
            if held is not None and _overlap(held, buffer):
                self.collide(value.name, name)
        self.occupy(value.name, buffer)

    def alias(self, op: object, reads: list[Value], output: Value, where: str) -> None:
        if not isinstance(op, Reshape) or not reads:
            self.problems.append(Problem("has no step", where))
        elif self.program.location[output.name] != self.program.location[reads[0].name]:
            self.collide(output.name, reads[0].name)
        else:
            self.valid[output.name] = self.program.location[output.name]

    def occupy(self, name: str, buffer: Buffer) -> None:
        for other, held in list(self.valid.items()):
            if _overlap(held, buffer):
                del self.valid[other]
                self.overwritten[other] = name
        self.valid[name] = buffer

    def read(self, value: Value, where: str) -> None:
        if value.name not in self.valid and not value.is_constant:
            by = self.overwritten.get(value.name)
            what = f"was overwritten by '{by}'" if by else "was never written"
            self.problems.append(Problem(f"{what} before {where} reads it", f"'{value.name}'"))

    def collide(self, first: str, second: str) -> None:
        self.problems.append(Problem(f"'{first}' and '{second}' share bytes"))


def _overlap(a: Buffer, b: Buffer) -> bool:
    return (
        a.region == b.region and a.offset < b.offset + b.nbytes and b.offset < a.offset + a.nbytes
    )
