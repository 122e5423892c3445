"""Plan files: what is written comes back, and every kind of damage is refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.errors import DataError, ModelError
from edgekit.ir import Graph, Node
from edgekit.passes.copy_state_outputs import CopyStateOutputs
from edgekit.schedule import Overlap, PlanOptions, Program, plan
from edgekit.schedule.planfile import plan_text, read_plan
from edgekit.schedule.restore import restore
from tests.codegen.states import accumulator
from tests.schedule.graphs import dags, diamond, keep, resize, vector
from tests.schedule.test_overlaps import Declared, declarations

Json = dict[str, Any]
Damage = Callable[[Json], object]


def scratch_of(node: Node) -> int:
    return 16 if node.name == "b" else 0


LAGS: Declared = {"a": [Overlap("in-place", 0)], "clip": [Overlap("rows", -8, 12)]}


def lags(node: Node) -> Sequence[Overlap | None]:
    return LAGS.get(node.name, [])


def model() -> Graph:
    """A diamond with a reshape, then a node with a lag: x -> a -> b -> join -> clip."""
    graph = diamond()
    graph.outputs = [resize(graph, graph.outputs[0], 32)]
    return graph


def planned() -> Json:
    program = plan(model(), scratch_of, lags, PlanOptions(seconds=2))
    raw: Json = json.loads(plan_text(program, "diamond.onnx"))
    return raw


def load(raw: object, folder: Path, graph: Graph | None = None) -> Program:
    path = folder / "plan.json"
    path.write_text(raw if isinstance(raw, str) else json.dumps(raw), encoding="utf-8")
    return restore(read_plan(path), graph or model(), scratch_of, lags, "plan.json")


def tensor(raw: Json, name: str) -> Json:
    return next(t for t in raw["tensors"] if t["name"] == name)


def step(raw: Json, name: str) -> Json:
    return next(s for s in raw["steps"] if s["node"] == name)


def swap(raw: Json, first: int, second: int) -> None:
    steps = raw["steps"]
    steps[first], steps[second] = steps[second], steps[first]


def stretch(raw: Json, name: str, offset: int) -> None:
    """Move a tensor, and give the arena room for it."""
    tensor(raw, name)["offset"] = offset
    raw["regions"]["arena"] = raw["certificate"]["arena_bytes"] = 200
    raw["certificate"]["gap_bytes"] = 200 - raw["certificate"]["bound_bytes"]


DAMAGES: list[tuple[str, Damage, str]] = [
    ("two tensors on the same bytes",
     lambda raw: stretch(raw, "b_out", tensor(raw, "a_out")["offset"]),
     "'b_out' and 'reshape_1_out' share bytes"),
    ("a tensor over one that is read later",
     lambda raw: stretch(raw, "b_out", tensor(raw, "a_out")["offset"] + 4),
     "'a_out': was overwritten by 'b_out' before join reads it"),
    ("scratch over an input",
     lambda raw: step(raw, "b")["scratch"].update(offset=tensor(raw, "a_out")["offset"]),
     "was overwritten by 'scratch of b' before b reads it"),
    ("scratch over the result",
     lambda raw: step(raw, "b")["scratch"].update(offset=tensor(raw, "b_out")["offset"]),
     "'b_out' and 'scratch of b' share bytes"),
    ("overlap beyond the declaration",
     lambda raw: stretch(raw, "clip_out", tensor(raw, "y_out")["offset"] + 4),
     "clip: 'clip_out' and 'y_out' share bytes at a distance of 4 B; allowed"),
    ("overlap that no lever covers",
     lambda raw: raw["certificate"].update(levers=["order"]),
     "clip: 'clip_out' and 'y_out' share bytes. The certificate does not list the lever rows"),
    ("walk that the distance does not allow",
     lambda raw: step(raw, "clip").update(walk=other(step(raw, "clip")["walk"])),
     "clip: 'clip_out' and 'y_out' share bytes at a distance of .*walking"),
    ("walk that the kernel does not have",
     lambda raw: step(raw, "join").update(walk="backward"),
     "join: walks backward, which its kernel does not declare; allowed: forward"),
    ("walk of another name", lambda raw: step(raw, "a").update(walk="up"),
     r"steps\[0\]: walks 'up'; allowed: forward, backward"),
    ("order against a dependency", lambda raw: swap(raw, 1, 2),
     "'b_out': was never written before join reads it"),
    ("missing step", lambda raw: raw["steps"].pop(1), "step 'b': is not in the plan"),
    ("double step", lambda raw: raw["steps"].append(raw["steps"][0]),
     "step 'a': is planned 2 times"),
    ("strange step", lambda raw: raw["steps"].append({"node": "z", "walk": "forward"}),
     "'z': is not a step of the model"),
    ("missing tensor", lambda raw: raw["tensors"].remove(tensor(raw, "b_out")),
     "tensor 'b_out': is not in the plan"),
    ("double tensor", lambda raw: raw["tensors"].append(tensor(raw, "b_out")),
     "tensor 'b_out': is planned 2 times"),
    ("strange tensor", lambda raw: raw["tensors"].append({**tensor(raw, "x"), "name": "z"}),
     "'z': is not a tensor of the model"),
    ("wrong size", lambda raw: tensor(raw, "join_out").update(bytes=15),
     "tensor 'join_out': has 15 B; allowed: 16 B"),
    ("wrong scratch", lambda raw: step(raw, "b")["scratch"].update(bytes=8),
     "step 'b': has 8 B of scratch; allowed: 16 B"),
    ("missing scratch", lambda raw: step(raw, "b").pop("scratch"),
     "step 'b': has 0 B of scratch; allowed: 16 B"),
    ("wrong alias", lambda raw: tensor(raw, "a_out").update(aliases=["x"]),
     "tensor 'a_out': has the aliases x; allowed: "),
    ("outside the arena", lambda raw: tensor(raw, "y_out").update(offset=1000),
     r"y_out: lies at 1000\+16, outside \d+ B"),
    ("below the arena", lambda raw: tensor(raw, "y_out").update(offset=-4),
     r"y_out: lies at -4\+16, outside"),
    ("misaligned", lambda raw: stretch(raw, "x", 150), "x: offset 150 is misaligned"),
    ("unknown region", lambda raw: tensor(raw, "x").update(region="moon"),
     "x: lies in region 'moon'; allowed: arena"),
    ("activation among the states", lambda raw: tensor(raw, "x").update(region="state"),
     "x: lies in region 'state'; allowed: arena"),
    ("region without a size", lambda raw: raw["regions"].pop("state"), "regions.state: is missing"),
    ("bound above the arena",
     lambda raw: raw["certificate"].update(
         bound_bytes=4000, gap_bytes=raw["regions"]["arena"] - 4000),
     "4000 B are said to be necessary"),
    ("arena said twice", lambda raw: raw["certificate"].update(arena_bytes=4),
     "certificate.arena_bytes: is 4, but the regions have 32"),
    ("wrong gap", lambda raw: raw["certificate"].update(gap_bytes=1),
     "certificate.gap_bytes: is 1, but arena and bound differ by"),
    ("lever of another name", lambda raw: raw["certificate"].update(levers=["magic"]),
     r"certificate.levers: is \['magic'\]; allowed: a list of order"),
    ("peak at no step", lambda raw: raw["certificate"].update(peak_step="z"),
     "certificate.peak_step: 'z' is not a step"),
    ("other alignment", lambda raw: raw.update(align=2), "align: is 2; allowed: 4"),
    ("no number", lambda raw: tensor(raw, "x").update(offset="low"),
     r"tensors\[0\].offset: is 'low'; allowed: a number of bytes"),
    ("no text", lambda raw: step(raw, "a").update(node=7), r"steps\[0\].node: is 7"),
    ("no list", lambda raw: raw.update(steps=3), "steps: is missing or not a list"),
    ("no table", lambda raw: raw["tensors"].insert(0, 3),
     r"tensors\[0\]: is missing or not a table"),
    ("unknown entry", lambda raw: raw.update(colour="red"), "has an unknown entry 'colour'"),
    ("other version", lambda raw: raw.update(schema_version=9), "has schema_version 9"),
]  # fmt: skip


def other(walk: str) -> str:
    return {"forward": "backward", "backward": "forward"}[walk]


@pytest.mark.parametrize(
    ("damage", "message"), [d[1:] for d in DAMAGES], ids=[d[0] for d in DAMAGES]
)
def test_damage_is_refused_by_name(damage: Damage, message: str, tmp_path: Path) -> None:
    raw = planned()
    damage(raw)
    with pytest.raises(DataError, match=message):
        load(raw, tmp_path)


def test_a_sound_plan_comes_back(tmp_path: Path) -> None:
    graph = model()
    program = plan(graph, scratch_of, lags, PlanOptions(seconds=2))
    text = plan_text(program, "diamond.onnx")
    again = load(text, tmp_path, graph)
    assert again == program
    assert plan_text(again, "diamond.onnx") == text
    lines = text.splitlines()
    assert len(lines) < 16 + len(program.steps) + len(program.buffers)
    assert max(map(len, lines)) < 160


def test_another_model_is_refused_with_both_names(tmp_path: Path) -> None:
    graph = Graph("other")
    graph.outputs = [keep(graph, graph.add_input("x", vector(8)), "a")]
    with pytest.raises(DataError, match=r"it was made for diamond.onnx") as caught:
        load(planned(), tmp_path, graph)
    assert len(caught.value.problems) >= 3


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"steps": []}', "\x00"])
def test_what_is_no_plan_at_all(text: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="edgekit plan MODEL --target T --save"):
        load(text, tmp_path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_plan(tmp_path / "none.json")


def test_states_stay_among_the_states(tmp_path: Path) -> None:
    graph = accumulator(3)
    raw = json.loads(plan_text(plan(graph, scratch_of), "a.onnx"))
    load(raw, tmp_path, graph)
    tensor(raw, "state")["region"] = "arena"
    with pytest.raises(DataError, match="state: lies in region 'arena'; allowed: state"):
        load(raw, tmp_path, graph)


@given(dags(), st.data())
@settings(max_examples=60, deadline=None)
def test_random_plans_come_back(
    tmp_path_factory: pytest.TempPathFactory, graph: Graph, data: st.DataObject
) -> None:
    CopyStateOutputs().run(graph)
    declared = data.draw(declarations(graph))

    def overlap_of(node: Node) -> Sequence[Overlap | None]:
        return declared[node.name]

    try:
        program = plan(graph, scratch_of, overlap_of, PlanOptions(seconds=1))
    except ModelError:
        return  # states that exchange their contents
    path = tmp_path_factory.mktemp("plans") / "plan.json"
    path.write_text(plan_text(program, "random"), encoding="utf-8")
    assert restore(read_plan(path), graph, scratch_of, overlap_of, "plan.json") == program
