"""Plans for a given RAM: they fit, the cheapest comes first, what cannot fit names a step."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from codegen.c.choice import PORTABLE, KernelSet
from codegen.c.emit import Source, Vectors, emit
from edgekit.errors import DataError, FitError
from edgekit.ir import DType, Graph, TensorType, Value
from edgekit.ir.ops import QConv2D, QMaxPool2D, Rounding, Softmax, Window
from edgekit.schedule import PlanOptions, Program, verify_program
from edgekit.schedule.fitting import Planner, in_order_of
from edgekit.schedule.planfile import plan_text, read_plan
from edgekit.schedule.restore import restore
from quantize.requantize import make_requant
from tests.codegen.batch import compile_all
from tests.codegen.graphs import int8
from tests.codegen.on_core import check
from tests.schedule.images import network

M4 = KernelSet("armv7e_m")


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


def pooled() -> Graph:
    """A convolution at full height whose output a maximum quarters."""
    rng = np.random.default_rng(1)
    graph = Graph("pooled")
    value = layer(graph, rng, graph.add_input("x", int8(1, 32, 16, 3)), 16, 3)
    pool = QMaxPool2D((2, 2), Window((2, 2)))
    graph.outputs = [graph.add_node(pool, [value], int8(1, 16, 8, 16)).output]
    graph.bind_ports()
    return graph


def bottleneck() -> Graph:
    """1x1 to six times the channels, depthwise 3x3, 1x1 back: little goes in and comes out."""
    rng = np.random.default_rng(2)
    graph = Graph("bottleneck")
    value = layer(graph, rng, graph.add_input("x", int8(1, 24, 24, 8)), 48, 1)
    value = layer(graph, rng, value, 48, 3, groups=48)
    graph.outputs = [layer(graph, rng, value, 8, 1)]
    graph.bind_ports()
    return graph


def layer(
    graph: Graph, rng: np.random.Generator, x: Value, filters: int, kernel: int, groups: int = 1
) -> Value:
    """A convolution of images that keeps their size, with scales as networks have them."""
    shape = filters, kernel, kernel, x.type.shape[3] // groups
    weights = rng.integers(-127, 128, shape, np.int8)
    bias = rng.integers(-1000, 1000, filters).astype(np.int32)
    window = Window(padding=(kernel // 2,) * 4)
    op = QConv2D(make_requant([2.0**-9] * filters, Rounding.SINGLE, -128), -128, window, groups)
    constants = [graph.constant(weights), graph.constant(bias)]
    return graph.add_node(op, [x, *constants], int8(*x.type.shape[:3], filters)).output


def on_m4(graph: Graph) -> Planner:
    return Planner(graph, M4.scratch_bytes, M4.overlaps, PlanOptions(seconds=4.0), M4.instructions)


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


@pytest.mark.parametrize("core", ["host", "cortex-m4"])
def test_a_convolution_and_its_maximum_in_strips(core: str) -> None:
    """The image between them never exists as a whole."""
    graph = pooled()
    between = graph.nodes[0].output.type.nbytes
    made = on_m4(graph)
    assert made.plain.arena_bytes >= between
    program = made.fit(between // 2)
    verify_program(program, M4.overlaps)
    (stage,) = program.certificate.stages
    assert stage.nodes == tuple(n.name for n in graph.nodes)
    kinds = [s.node.op.name for s in program.steps]
    assert kinds.count("QConv2D") == kinds.count("QMaxPool2D") == stage.strips
    check(graph, M4, core, planner=lambda graph, kernels: program)


def test_strips_suit_the_kernels_that_compute_them() -> None:
    """A depthwise kernel computes two rows at a time: five strips of 24 rows cost more than six."""
    made = on_m4(bottleneck())
    stages = [made.fit(limit).certificate.stages for limit in (15_000, 14_000)]
    assert [s.strips for (s,) in stages] == [6, 6]


def test_strips_of_one_geometry_are_described_once() -> None:
    """Whole layers, and strips unlike all others, keep what they declare to themselves."""
    made = on_m4(bottleneck())
    empty = (np.zeros((0, 1), np.int8),)
    found = []
    for program in (made.plain, made.fit(14_000)):
        artefact = emit(program, "b", "cortex-m4", Source("b", "0"), Vectors(empty, empty), M4)
        names = re.findall(r"static const ek_conv_pairs (\w+) =", artefact.files["b.c"])
        found.append([name for name in names if name.startswith("b_")])
        assert len(names) <= 4, "of 2 and 12"
    whole, shared = found
    assert not whole
    assert shared
    assert len(set(shared)) == len(shared)


def test_every_point_of_the_front_is_a_limit_that_fits() -> None:
    """Estimates of what strips need are too low here by two rows of the largest image."""
    points = on_m4(bottleneck()).explore()[1]
    assert len(points) > 4
    for point in points:
        assert on_m4(bottleneck()).fit(point.arena_bytes).arena_bytes <= point.arena_bytes


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
