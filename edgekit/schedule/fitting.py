"""Programs that fit a given RAM, and the front of RAM against extra work."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from edgekit.errors import FitError, Problem
from edgekit.ir import Graph, Node
from edgekit.options import PATCHES
from edgekit.schedule.deadline import Deadline
from edgekit.schedule.fit import Fitter, Mix
from edgekit.schedule.model import CostOf, OverlapOf, ScratchOf, build_model
from edgekit.schedule.overlap import Overlap
from edgekit.schedule.plan import ALIGN, PlanOptions, plan
from edgekit.schedule.program import Program
from edgekit.schedule.stages import Kernels, Stages
from edgekit.schedule.strips import in_strips

ENDING_SHARE = 0.65
"""Part of the time after which nothing new begins; placing what was begun has no clock."""
PLAIN_SHARE = 0.4
"""Part of the time limit for the plan without strips."""
LEAST_SHARE = 0.2
"""Part of the time limit without which plans with strips are not tried."""
SEARCH_SHARE = 0.5
"""Part of the time that is left for the search of stages, for one limit and for the front."""
ATTEMPTS = 4
"""Limits that are tried until stages that fit alone also fit together."""
PLACE_SHARE, POINT_SHARE = 0.3, 0.15
"""Parts of the time that is left for placing what was found: a limit, or a point of the front."""
LEAPS = 8, 16, 64, 1 << 30
"""Parts by which the limit is lowered on the way to the smallest arena."""


@dataclass(frozen=True)
class Point:
    """One trade of RAM against work.

    Attributes:
        arena_bytes: RAM.
        extra_macs: multiply-accumulates that strips add.
        extra_instructions: further instructions for calls and moved rows, about.
        stages: what is executed in strips.
    """

    arena_bytes: int
    extra_macs: int
    extra_instructions: int
    stages: tuple[str, ...]


class Planner:
    """Plans of one graph with more and less RAM.

    Args:
        graph: lowered graph.
        scratch_of, overlap_of: what kernels declare.
        options: levers and time limit; ``patches`` is added where a plan needs it.
        cost_of: instructions of a kernel, None where it does not count them.

    Attributes:
        plain: the plan without strips.
    """

    def __init__(
        self,
        graph: Graph,
        scratch_of: ScratchOf,
        overlap_of: OverlapOf,
        options: PlanOptions,
        cost_of: CostOf = lambda node: None,
    ) -> None:
        levers = tuple(x for x in options.levers if x != PATCHES)
        self._options = replace(options, levers=levers)
        self._given = [n.name for n in graph.nodes]
        self._kernels = Kernels(scratch_of, overlap_of, cost_of)
        build_model(graph, self._kernels.scratch, self._kernels.overlaps, ALIGN)
        # From here on: kernels are chosen by now, which is no planning.
        self._limit = Deadline.after(ENDING_SHARE * options.seconds)
        self._placing = 0.0  # seconds that the last plan with strips took
        share = replace(self._options, seconds=PLAIN_SHARE * options.seconds)
        self.plain = self._plan(graph, share)
        # For a graph so large that little but the plan without strips can be made in time.
        self._late = self._limit.left < LEAST_SHARE * options.seconds

    @functools.cached_property
    def _graph(self) -> Graph:
        """The graph in the order of the plan without strips."""
        return in_order_of(self.plain)

    @functools.cached_property
    def _fitter(self) -> Fitter:
        return Fitter(Stages(self._graph, self._usable), self._limit)

    def fit(self, limit: int) -> Program:
        """The program with the least extra work that needs no more than a limit.

        Raises:
            FitError: none was found; names the smallest arena that was, and the step at its peak.
        """
        if self.plain.arena_bytes <= limit:
            return self.plain
        if not self._late:
            best = self._search(limit)
            if best is not None:
                return best
        best = self.smallest()
        if best.arena_bytes > limit:
            raise _misfit(best, limit)
        return best

    def _search(self, limit: int) -> Program | None:
        """A program for a limit."""
        goal = limit
        for _ in range(ATTEMPTS):
            mix = self._find(goal)
            if mix is None:
                break
            program = self._place(mix, self._limit.part(PLACE_SHARE))
            if program.arena_bytes <= limit:
                return program
            goal -= program.arena_bytes - limit
            if self._limit.left < self._placing:
                break
        return None

    def _find(self, limit: int) -> Mix | None:
        self._fitter.deadline = self._limit.part(SEARCH_SHARE)
        return self._fitter.fit(limit)

    def smallest(self) -> Program:
        """The program with the smallest arena that was found."""
        return self.explore()[0]

    def explore(self) -> tuple[Program, list[Point]]:
        """The program with the smallest arena that was found, and the front on the way there:
        trades, none better than another in both ways, from the most RAM to the least."""
        return self._front

    @functools.cached_property
    def _front(self) -> tuple[Program, list[Point]]:
        found = [(self.plain, Mix((), 0))]
        if not self._late and self._limit.left > self._placing:
            found += self._descend()
        points = [_point(program, mix) for program, mix in found]
        return min(found, key=lambda f: f[0].arena_bytes)[0], _best(points)

    def _descend(self) -> Iterator[tuple[Program, Mix]]:
        """Plans with less and less RAM, in leaps that become shorter."""
        goal = self.plain.arena_bytes
        for part in LEAPS:
            while mix := self._find(goal - max(goal // part, 1)):
                yield self._place(mix, self._limit.part(POINT_SHARE)), mix
                goal = mix.peak
                if self._limit.left < self._placing:
                    return

    def _place(self, mix: Mix, deadline: Deadline) -> Program:
        stages = tuple(c.stage for c in mix.choices)
        if not stages:
            return self.plain
        before = self._limit.left
        split = in_strips(self._graph, stages)
        # The order is settled; the bound is about it, and about these strips.
        levers = (*(x for x in self._options.levers if x != "order"), PATCHES)
        program = self._plan(split, PlanOptions(levers, deadline.left))
        self._placing = before - self._limit.left
        if [n.name for n in self._graph.nodes] != self._given:
            levers = ("order", *levers)
        proven = replace(
            program.certificate,
            levers=levers,
            stages=stages,
            extra_macs=split.macs() - self._graph.macs(),
        )
        return replace(program, certificate=proven)

    def _plan(self, graph: Graph, options: PlanOptions) -> Program:
        return plan(graph, self._kernels.scratch, self._kernels.overlaps, options)

    @property
    def _usable(self) -> Kernels:
        """Kernels with the overlaps that the levers allow."""
        levers, overlaps = self._options.levers, self._kernels.overlaps

        def usable(node: Node) -> Sequence[Overlap | None]:
            return [o if o is not None and o.kind in levers else None for o in overlaps(node)]

        return Kernels(self._kernels.scratch, usable, self._kernels.cost)


def _point(program: Program, mix: Mix) -> Point:
    proven = program.certificate
    stages = tuple(map(str, proven.stages))
    return Point(program.arena_bytes, proven.extra_macs, mix.work if stages else 0, stages)


def _misfit(best: Program, limit: int) -> FitError:
    name = best.certificate.peak_step
    node = next((s.node for s in best.steps if s.node.name == name), None)
    where = f"{node.op.name} '{_layer(best, name)}'" if node else "inputs and outputs"
    what = f"needs {best.arena_bytes:,} bytes in the smallest plan that was found"
    hint = f"Give {best.arena_bytes:,} bytes or more, or make the model smaller there."
    problem = Problem(what, where, f"{limit:,} bytes", hint)
    return FitError(f"the arena does not fit into {limit:,} bytes", [problem])


def _layer(program: Program, step: str) -> str:
    """The node of the whole graph that a step is a strip of."""
    names = [n for stage in program.certificate.stages for n in stage.nodes]
    return next((n for n in names if re.fullmatch(rf"{re.escape(n)}_\d+", step)), step)


def in_order_of(program: Program) -> Graph:
    """A copy of a program's graph with its nodes in the order of the steps."""
    graph = program.graph.copy()
    by_name = {n.name: n for n in graph.nodes}
    steps = {s.node.name for s in program.steps}
    waiting = [n for n in graph.nodes if n.name not in steps]
    ordered: list[Node] = []
    known = {id(v) for v in [*graph.inputs, *(s.state for s in graph.states)]}
    for step in program.steps:
        waiting = _settle(waiting, known, ordered)
        node = by_name[step.node.name]
        ordered.append(node)
        known |= {id(v) for v in node.outputs}
    _settle(waiting, known, ordered)
    graph.reorder(ordered)
    return graph


def _settle(waiting: Sequence[Node], known: set[int], ordered: list[Node]) -> list[Node]:
    """Take up nodes without a step whose inputs are there; returns the others."""
    left = []
    for node in waiting:
        if all(v is None or v.is_constant or id(v) in known for v in node.inputs):
            ordered.append(node)
            known |= {id(v) for v in node.outputs}
        else:
            left.append(node)
    return left


def _best(points: Sequence[Point]) -> list[Point]:
    """Those that no other one undercuts in both RAM and work."""

    def cost(point: Point) -> tuple[int, int]:
        return point.extra_macs, point.extra_instructions

    return [
        p
        for p in points
        if not any(
            q is not p and q.arena_bytes <= p.arena_bytes and cost(q) <= cost(p) for q in points
        )
    ]
