"""A plan as a file that people can read and version control can keep.

It holds what the planner decided (the order of the steps, the way each kernel walks, the place of
every tensor and every scratch) and the certificate; live ranges and state copies follow from these
and the graph. `edgekit.schedule.restore` makes a program of it again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast, get_args

from edgekit.errors import DataError, Problem, damage, other_version
from edgekit.options import ALL_LEVERS, Lever
from edgekit.schedule.program import ARENA, REGION_NAME, STATE, Buffer, Program, Split
from edgekit.schedule.rolling import Carry
from edgekit.schedule.strips import Stage

SCHEMA_VERSION = 1
WALKS = ("forward", "backward")
AGAIN = "Make it again: edgekit plan MODEL --target T --save plan.json"


@dataclass(frozen=True)
class Place:
    """Where bytes lie: region, offset in it, and how many."""

    region: str
    offset: int
    nbytes: int


@dataclass(frozen=True)
class PlannedTensor:
    """A tensor, the reshapes that share its bytes, and its place."""

    name: str
    place: Place
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class PlannedStep:
    """One kernel call: its node, one of `WALKS`, and the place of its scratch."""

    node: str
    walk: str
    scratch: Place | None


@dataclass(frozen=True)
class PlanFile:
    """What a plan file says.

    Attributes:
        model: name of the file that it was made for; for messages.
        align: alignment in bytes of every offset.
        regions: bytes by name of region, further ones the faster first.
        split: what the file says of further memories; its regions are empty, None without any.
        levers, bound_bytes, peak_step, stages: see `edgekit.schedule.Certificate`.
        steps: in order.
        tensors: in the order in which they come to life.
    """

    model: str
    align: int
    regions: dict[str, int]
    split: Split | None
    levers: tuple[Lever, ...]
    bound_bytes: int
    peak_step: str
    steps: tuple[PlannedStep, ...]
    tensors: tuple[PlannedTensor, ...]
    stages: tuple[Stage, ...] = ()


def plan_text(program: Program, model: str) -> str:
    """The plan of a program as JSON, a line for each step and tensor, always the same bytes.

    Args:
        program: what to write.
        model: name of the model's file.
    """
    proven = program.certificate
    entries: dict[str, object] = {
        "schema_version": SCHEMA_VERSION,
        "model": model,
        "align": program.align,
        "regions": {ARENA: program.arena_bytes, STATE: program.state_bytes}
        | {r.name: r.nbytes for r in program.regions},
        "certificate": {
            "levers": proven.levers,
            "arena_bytes": proven.bound_bytes + program.gap_bytes,
            "bound_bytes": proven.bound_bytes,
            "gap_bytes": program.gap_bytes,
            "peak_step": proven.peak_step,
        },
    }
    if proven.stages:
        entries["stages"] = [asdict(stage) for stage in proven.stages]
    if program.split is not None:
        entries["split"] = {
            "arena": program.split.arena,
            "moved_bytes": program.split.moved_bytes,
            "bound_bytes": program.split.bound_bytes,
        }
    steps = [
        {"node": s.node.name, "walk": WALKS[s.backward]}
        | ({"scratch": _place(s.scratch)} if s.scratch else {})
        for s in program.steps
    ]
    tensors = [
        {"name": b.name, **_place(b)} | ({"aliases": b.aliases} if b.aliases else {})
        for b in program.buffers
    ]
    lines = [f'"{key}": {json.dumps(value)}' for key, value in entries.items()]
    lines += [_list("steps", steps), _list("tensors", tensors)]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def read_plan(path: Path) -> PlanFile:
    """Read a plan file; whether it fits a graph is not looked at.

    Raises:
        DataError: it cannot be read, or has missing, unknown or wrong entries; all are named.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"cannot read the plan {path}: {error.strerror}") from None
    except ValueError as error:
        raise DataError(f"{path} is {damage(error)}. {AGAIN}") from None
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version != SCHEMA_VERSION:
        raise DataError(f"{path} {other_version(version, SCHEMA_VERSION)}. {AGAIN}")
    reader = _Reader()
    found = reader.plan(raw)
    if reader.problems:
        raise DataError(f"{path} is not a plan. {AGAIN}", reader.problems)
    return found


def _place(buffer: Buffer) -> dict[str, str | int]:
    return {"region": buffer.region, "offset": buffer.offset, "bytes": buffer.nbytes}


def _list(key: str, items: Sequence[object]) -> str:
    return f'"{key}": [\n' + ",\n".join(f" {json.dumps(item)}" for item in items) + "\n]"


class _Reader:
    """Takes entries out of JSON and remembers every one that is not what it should be."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def plan(self, raw: dict[str, Any]) -> PlanFile:
        proven = self.table(raw.get("certificate"), "certificate")
        self.only(raw, "the plan", {"schema_version", "model", "align", "regions", "certificate",
                                    "split", "stages", "steps", "tensors"})  # fmt: skip
        self.only(proven, "certificate", {"levers", "arena_bytes", "bound_bytes", "gap_bytes",
                                          "peak_step"})  # fmt: skip
        regions = self.table(raw.get("regions"), "regions")
        self.names(regions)
        self.sums(proven, regions)
        return PlanFile(
            model=self.text(raw, "model", ""),
            align=self.count(raw, "align", ""),
            regions={name: self.count(regions, name, "regions") for name in regions},
            split=self.split(raw["split"]) if "split" in raw else None,
            levers=self.levers(proven),
            bound_bytes=self.count(proven, "bound_bytes", "certificate"),
            peak_step=self.text(proven, "peak_step", "certificate"),
            steps=self.items(raw, "steps", self.step),
            tensors=self.items(raw, "tensors", self.tensor),
            stages=self.items(raw, "stages", self.stage) if "stages" in raw else (),
        )

    def stage(self, raw: dict[str, Any], where: str) -> Stage:
        self.only(raw, where, {"nodes", "strips", "carry"})
        nodes = raw.get("nodes")
        if not isinstance(nodes, list) or not all(isinstance(n, str) for n in nodes):
            self.problems.append(Problem(f"is {nodes!r}", f"{where}.nodes", "a list of names"))
            nodes = []
        carry = self.text(raw, "carry", where)
        if carry not in get_args(Carry):
            allowed = ", ".join(get_args(Carry))
            self.problems.append(Problem(f"is {carry!r}", f"{where}.carry", allowed))
        strips = max(self.count(raw, "strips", where), 1)
        return Stage(tuple(nodes), strips, cast(Carry, carry))

    def names(self, regions: dict[str, Any]) -> None:
        for name in regions.keys() - {ARENA, STATE}:
            if not REGION_NAME.fullmatch(name):
                what = f"is called {name!r}"
                self.problems.append(Problem(what, "regions", "lower-case letters, digits and _"))

    def split(self, raw: object) -> Split:
        table = self.table(raw, "split")
        self.only(table, "split", {"arena", "moved_bytes", "bound_bytes"})
        moved, bound = (self.count(table, k, "split") for k in ("moved_bytes", "bound_bytes"))
        return Split(self.text(table, "arena", "split"), (), moved, bound)

    def sums(self, proven: dict[str, Any], regions: dict[str, Any]) -> None:
        """What is said twice must agree."""
        arena, bound = proven.get("arena_bytes"), proven.get("bound_bytes")
        sizes = [n for name, n in regions.items() if name != STATE and isinstance(n, int)]
        if arena != sum(sizes):
            what = f"is {arena!r}, but the regions have {sum(sizes)}"
            self.problems.append(Problem(what, "certificate.arena_bytes"))
        gap = arena - bound if isinstance(arena, int) and isinstance(bound, int) else None
        if gap != proven.get("gap_bytes"):
            what = f"is {proven.get('gap_bytes')!r}, but arena and bound differ by {gap}"
            self.problems.append(Problem(what, "certificate.gap_bytes"))

    def step(self, raw: dict[str, Any], where: str) -> PlannedStep:
        self.only(raw, where, {"node", "walk", "scratch"})
        walk = self.text(raw, "walk", where)
        if walk and walk not in WALKS:
            self.problems.append(Problem(f"walks {walk!r}", where, ", ".join(WALKS)))
        scratch = None
        if "scratch" in raw:
            inner = f"{where}.scratch"
            table = self.table(raw["scratch"], inner)
            self.only(table, inner, {"region", "offset", "bytes"})
            scratch = self.place(table, inner)
        return PlannedStep(self.text(raw, "node", where), walk, scratch)

    def tensor(self, raw: dict[str, Any], where: str) -> PlannedTensor:
        self.only(raw, where, {"name", "region", "offset", "bytes", "aliases"})
        aliases = raw.get("aliases", [])
        if not isinstance(aliases, list) or not all(isinstance(a, str) for a in aliases):
            self.problems.append(Problem("is not a list of names", f"{where}.aliases"))
            aliases = []
        name = self.text(raw, "name", where)
        return PlannedTensor(name, self.place(raw, where), tuple(aliases))

    def place(self, raw: dict[str, Any], where: str) -> Place:
        offset = raw.get("offset")
        if type(offset) is not int:  # a negative one is for the checker
            self.problems.append(Problem(f"is {offset!r}", f"{where}.offset", "a number of bytes"))
            offset = 0
        return Place(self.text(raw, "region", where), offset, self.count(raw, "bytes", where))

    def levers(self, raw: dict[str, Any]) -> tuple[Lever, ...]:
        found = raw.get("levers")
        known = get_args(Lever)
        if not isinstance(found, list) or any(name not in known for name in found):
            where = "certificate.levers"
            self.problems.append(Problem(f"is {found!r}", where, f"a list of {', '.join(known)}"))
            return ()
        return tuple(name for name in ALL_LEVERS if name in found)

    def items(
        self, raw: dict[str, Any], key: str, read: Callable[[dict[str, Any], str], Any]
    ) -> tuple[Any, ...]:
        found = raw.get(key)
        if not isinstance(found, list):
            self.problems.append(Problem("is missing or not a list", key))
            return ()
        places = [f"{key}[{i}]" for i in range(len(found))]
        return tuple(read(self.table(x, w), w) for x, w in zip(found, places, strict=True))

    def table(self, raw: object, where: str) -> dict[str, Any]:
        if isinstance(raw, dict):
            return raw
        self.problems.append(Problem("is missing or not a table", where))
        return {}

    def text(self, raw: dict[str, Any], key: str, where: str) -> str:
        found = raw.get(key)
        if isinstance(found, str):
            return found
        self.problems.append(Problem(f"is {found!r}", _path(where, key), "a text"))
        return ""

    def count(self, raw: dict[str, Any], key: str, where: str) -> int:
        found = raw.get(key)
        if type(found) is int and found >= 0:
            return found
        self.problems.append(Problem(f"is {found!r}", _path(where, key), "a number of bytes"))
        return 0

    def only(self, raw: dict[str, Any], where: str, known: set[str]) -> None:
        for key in sorted(raw.keys() - known):
            self.problems.append(Problem(f"has an unknown entry {key!r}", where))


def _path(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
