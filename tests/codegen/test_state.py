"""Persistent state: reset before each sample, or carried, the same on every place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit import api
from edgekit.deployment import Deployment
from edgekit.errors import ModelError
from edgekit.ir import Graph
from edgekit.ir.ops import Add, Reshape
from edgekit.options import EmulatorChoice, Place
from targets.load import load_core
from tests.codegen import states
from tests.runners.support import emulator

M4 = load_core("cortex-m4")
PLACES: list[tuple[Place, EmulatorChoice]] = [
    ("reference", "none"),
    ("host", "none"),
    ("emulator", "unicorn"),
    ("emulator", "qemu"),
]


@pytest.mark.parametrize("carry", [False, True])
@pytest.mark.parametrize(("place", "which"), PLACES)
def test_reset_and_carried(
    place: Place, which: EmulatorChoice, carry: bool, tmp_path: Path
) -> None:
    if place == "emulator":
        emulator(which, M4.name)
    options = api.ConvertOptions(M4.name, emulator="none")
    deployment = api.convert(states.accumulator(5), tmp_path / "out", options)
    x = np.random.default_rng(1).integers(-60, 60, (7, 5), dtype=np.int8)
    found = deployment.run({"x": x}, on=place, carry_state=carry, emulator=which)["y"]
    np.testing.assert_array_equal(found, states.accumulate(x, carry))
    assert deployment.report.memory.state_bytes == 8  # 5 bytes, rounded up to the alignment


def test_float_state(tmp_path: Path) -> None:
    options = api.ConvertOptions("host", precision="float32")
    deployment = api.convert(states.float_accumulator(3), tmp_path / "out", options)
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    places: tuple[Place, ...] = ("reference", "host")
    for place in places:
        carried = deployment.run({"x": x}, on=place, carry_state=True)["y"]
        np.testing.assert_array_equal(carried, np.cumsum(x, axis=0))


def deploy(graph: Graph, folder: Path) -> Deployment:
    return api.convert(graph, folder / "out", api.ConvertOptions("host"))


def rows(count: int, *shape: int) -> NDArray[np.int8]:
    return np.random.default_rng(2).integers(-50, 50, (count, *shape), dtype=np.int8)


@pytest.mark.parametrize("place", ["reference", "host"])
def test_a_delay_line_moves_old_contents(place: Place, tmp_path: Path) -> None:
    """Each state takes what its neighbour held before the run, not what it holds after."""
    x = rows(6, 3)
    deployment = deploy(states.delay_line(3), tmp_path)
    found = deployment.run({"x": x}, on=place, carry_state=True)
    start = np.array([[2] * 3, [1] * 3, [0] * 3], np.int8)
    np.testing.assert_array_equal(found["last"], np.concatenate([start, x[:3]]))
    before = np.concatenate([[[0] * 3], x[:5]])
    np.testing.assert_array_equal(found["sum"], x + before)
    reset = deployment.run({"x": x}, on=place)
    np.testing.assert_array_equal(reset["last"], np.full((6, 3), 2))


def test_states_in_a_circle_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="exchange their contents") as caught:
        deploy(states.delay_line(2, swap=True), tmp_path)
    assert "'s0'" in str(caught.value)
    assert "'s1'" in str(caught.value)


@pytest.mark.parametrize("place", ["reference", "host"])
def test_a_streaming_window(place: Place, tmp_path: Path) -> None:
    x = rows(5, 2)
    found = deploy(states.window_buffer(), tmp_path).run({"x": x}, on=place, carry_state=True)
    padded = np.concatenate([np.zeros((2, 2), np.int8), x])
    wanted = [padded[i : i + 3].ravel() for i in range(5)]
    np.testing.assert_array_equal(found["rows"], wanted)


@pytest.mark.parametrize("place", ["reference", "host"])
def test_a_state_that_is_an_output_shows_its_old_content(place: Place, tmp_path: Path) -> None:
    graph = states.accumulator(2)
    state = graph.states[0].state
    flat = graph.add_node(Reshape((1, 2, 1)), [state], states.plain(1, 2, 1)).output
    graph.outputs = [graph.outputs[0], state, flat]
    graph.bind_ports(["y", "old", "flat"])
    x = rows(4, 2)
    found = deploy(graph, tmp_path).run({"x": x}, on=place, carry_state=True)
    after = states.accumulate(x, True)
    np.testing.assert_array_equal(found["y"], after)
    before = np.concatenate([[[10, 20]], after[:-1]])
    np.testing.assert_array_equal(found["old"], before)
    np.testing.assert_array_equal(found["flat"], before[..., None])


def test_a_state_that_becomes_the_input_or_stays(tmp_path: Path) -> None:
    graph = states.accumulator(2)
    graph.set_state_update(graph.states[0].state, graph.inputs[0])
    kept = graph.add_state("kept", states.plain(1, 2), np.array([[3, 4]], np.int8))
    graph.outputs.append(graph.add_node(Add(), [kept, graph.inputs[0]], kept.type).output)
    graph.bind_ports(["y", "z"])
    x = rows(4, 2)
    found = deploy(graph, tmp_path).run({"x": x}, on="host", carry_state=True)
    np.testing.assert_array_equal(found["y"], x + np.concatenate([[[10, 20]], x[:-1]]))
    np.testing.assert_array_equal(found["z"], x + np.array([3, 4]))


def test_a_state_that_becomes_a_constant_is_refused(tmp_path: Path) -> None:
    graph = states.accumulator(2)
    constant = graph.constant(np.zeros((1, 2), np.int8), "zero", states.plain(1, 2))
    graph.set_state_update(graph.states[0].state, constant)
    with pytest.raises(ModelError, match="state 'state': always becomes the same constant"):
        deploy(graph, tmp_path)
