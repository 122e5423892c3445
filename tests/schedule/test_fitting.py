"""Plans for a given RAM: they fit, the cheapest comes first, what cannot fit names a step."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from codegen.c.choice import PORTABLE
from edgekit.errors import DataError, FitError
from edgekit.ir import DType, Graph, TensorType
from edgekit.ir.ops import QMaxPool2D, Softmax, Window
from edgekit.schedule import PlanOptions, Program, verify_program
from edgekit.schedule.fitting import Planner, in_order_of
from edgekit.schedule.planfile import plan_text, read_plan
from edgekit.schedule.restore import restore
from tests.codegen.batch import compile_all
from tests.schedule.images import network


def pyramid() -> Graph:
    """Three layers at full height, then one that leaves a sixteenth of it."""
    graph = Graph("pyramid")
    value = graph.add_input("x", TensorType((1, 32, 8, 4), DType.INT8))
    for _ in range(3):
        same = QMaxPool2D((3, 3), Window(padding=(1, 1, 1, 1)))
        value = graph.add_node(same, [value], value.type).output
    less = QMaxPool2D((4, 4), Window(strides=(4, 4)))
    small = TensorType((1, 8, 2, 4), DType.INT8)
    graph.outputs = [graph.add_node(less, [value], small).output]
    return graph


def planner(graph: Graph, seconds: float = 4.0, levers: tuple[str, ...] = ("order",)) -> Planner:
    options = PlanOptions(levers, seconds)  # type: ignore[arg-type]
    return Planner(graph, PORTABLE.scratch_bytes, PORTABLE.overlaps, options)


def test_no_strips_where_everything_fits() -> None:
    found = planner(pyramid())
    assert found.fit(2048) is found.plain
    assert found.plain.certificate.stages == ()


def test_strips_make_it_fit() -> None:
    """Without overlap two whole images are needed; the input alone is one."""
    made = planner(pyramid())
    assert made.plain.arena_bytes == 2048
    program = made.fit(1536)
    verify_program(program, PORTABLE.overlaps)
    assert program.arena_bytes <= 1536
    assert program.certificate.stages
    assert "patches" in program.certificate.levers
    assert program.certificate.extra_macs == 0
    (compiled,) = compile_all([program.graph], planner=lambda graph: program)
    compiled.check_samples()


def test_what_cannot_fit_names_the_smallest_and_a_step() -> None:
    made = planner(pyramid())
    with pytest.raises(FitError, match="does not fit into 1,000 bytes") as caught:
        made.fit(1000)
    (problem,) = caught.value.problems
    found = re.search(r"needs ([\d,]+) bytes", problem.what)
    assert found is not None
    smallest = int(found[1].replace(",", ""))
    assert "QMaxPool2D" in problem.where
    assert 1024 <= smallest == planner(pyramid()).fit(smallest).arena_bytes


def test_layers_that_do_not_work_by_rows_stay_whole() -> None:
    graph = Graph("whole")
    x = graph.add_input("x", TensorType((1, 64), DType.FLOAT32))
    graph.outputs = [graph.add_node(Softmax(1), [x], x.type).output]
    with pytest.raises(FitError, match=r"needs 512 bytes.*allowed: 511 bytes"):
        planner(graph, 1, ()).fit(511)


@pytest.mark.parametrize("seed", range(6))
def test_random_networks_on_the_front(seed: int) -> None:
    made = planner(network(seed, 6), 3, ("order", "in-place", "rows"))
    program, points = made.explore()
    assert points[0].arena_bytes == made.plain.arena_bytes
    for better, point in zip(points[1:], points, strict=False):
        assert better.arena_bytes < point.arena_bytes
        assert (better.extra_macs, better.extra_instructions) > (
            point.extra_macs,
            point.extra_instructions,
        )
    verify_program(program, PORTABLE.overlaps)
    assert program.arena_bytes == points[-1].arena_bytes


def saved(program: Program, folder: Path) -> Path:
    path = folder / "plan.json"
    path.write_text(plan_text(program, "pyramid"), encoding="utf-8")
    return path


def test_a_plan_with_strips_is_kept_in_a_file(tmp_path: Path) -> None:
    program = planner(pyramid()).fit(1536)
    path = saved(program, tmp_path)
    kernels = PORTABLE.scratch_bytes, PORTABLE.overlaps
    found = restore(read_plan(path), pyramid(), *kernels, str(path))
    assert found.certificate == program.certificate
    assert found.location == program.location
    assert plan_text(found, "pyramid") == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"strips": ', '"strips": 9', "is no plan for this model"),
        ('"carry": "', '"carry": "x', "carry: is 'x"),
        ('{"nodes": ["', '{"nodes": ["no', "unknown or repeated nodes"),
        ('{"nodes"', '{"more": 1, "nodes"', "unknown entry 'more'"),
    ],
)
def test_damaged_stages_are_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    path = saved(planner(pyramid()).fit(1536), tmp_path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match=message):
        restore(read_plan(path), pyramid(), PORTABLE.scratch_bytes, PORTABLE.overlaps, str(path))


def test_the_order_of_a_plan_as_a_graph() -> None:
    for seed in range(8):
        plain = planner(network(seed, 8), 1).plain
        graph = in_order_of(plain)
        steps = {s.node.name for s in plain.steps}
        assert [n.name for n in graph.nodes if n.name in steps] == [
            s.node.name for s in plain.steps
        ]
