"""Functions, branches and loops: what remains is what ONNX Runtime computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edgekit.errors import ModelError
from edgekit.importers.onnx import load_onnx
from edgekit.importers.onnx.control import MAX_TURNS
from tests.onnx_models import assert_all_stages, noise, onnx_model, operators, run_graph, save

X = {"x": noise(1, 3)}
HEAD = '<ir_version: 9, opset_import: ["": 17, "my": 1]> g (float[1,3] x) => (float[1,3] y)'
FUNCTIONS = """
<domain: "my", opset_import: ["": 17, "my": 1]> Twice (a) => (c) { c = Add(a, a) }
<domain: "my", opset_import: ["": 17, "my": 1]> Scaled<by, low = -1.0>(a, b) => (d, e)
{
    t = my.Twice(a)
    k = Constant<value_float: float = @by>()
    m = Constant<value_float: float = @low>()
    e = Mul(t, k)
    d = Max(e, m, b)
}
"""


def parsed(text: str) -> Any:
    return onnx.parser.parse_model(text)


def refused(model: Any, folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_onnx(save(model, folder))
    return str(caught.value)


def test_functions_of_the_model(tmp_path: Path) -> None:
    body = FUNCTIONS.replace("d = Max(e, m, b)", "d = Add(e, m)")
    text = f"{HEAD} {{ h = Relu(x) y, z = my.Scaled<by = 3.0>(h, h) }} {body}"
    graphs = assert_all_stages(save(parsed(text), tmp_path), X)
    assert operators(graphs["imported"]) == ["Clip", "Add", "Mul", "Add"]
    names = [v.name for n in graphs["imported"].nodes for v in n.outputs]
    assert any(name.startswith("Scaled 'y'/Twice 't'/c") for name in names)


def test_a_function_that_calls_itself(tmp_path: Path) -> None:
    body = '<domain: "my", opset_import: ["": 17, "my": 1]> Me (a) => (b) { b = my.Me(a) }'
    assert "calls itself" in refused(parsed(f"{HEAD} {{ y = my.Me(x) }} {body}"), tmp_path)


def test_unsupported_operators_in_functions_are_named(tmp_path: Path) -> None:
    body = '<domain: "my", opset_import: ["": 17]> F (a) => (b) { b = NonZero(a) }'
    assert "operator 'NonZero'" in refused(parsed(f"{HEAD} {{ y = my.F(x) }} {body}"), tmp_path)


def test_a_known_branch(tmp_path: Path) -> None:
    then = "then_branch = t () => (float[1,3] p) { p = Relu(x) }"
    other = "else_branch = e () => (float[1,3] q) { q = Neg(x) }"
    for flag, expected in ((True, "Clip"), (False, "Neg")):
        text = f"y = If(flag) <{then}, {other}>"
        model = onnx_model(text, "float[1,3] x", "float[1,3] y", flag=np.bool_(flag))
        graphs = assert_all_stages(save(model, tmp_path), X)
        assert operators(graphs["imported"]) == [expected]


def test_a_branch_chosen_at_run_time(tmp_path: Path) -> None:
    then = "then_branch = t () => (float[1,3] p) { p = Relu(x) }"
    other = "else_branch = e () => (float[1,3] q) { q = Neg(x) }"
    model = onnx_model(f"y = If(c) <{then}, {other}>", "bool c, float[1,3] x", "float[1,3] y")
    graph = load_onnx(save(model, tmp_path))
    for flag, want in ((True, np.maximum(X["x"], 0)), (False, -X["x"])):
        found = run_graph(graph, {"c": np.asarray([flag]), **X})
        np.testing.assert_array_equal(found["y"], want)


LOOP = """
y, s = Loop(m, go, x) <body = b (int64 i, bool c, float[1,3] v)
  => (bool d, float[1,3] w, float[1,3] o)
{ k = Cast<to=1>(i) o = Add(v, k) w = Mul(o, h) d = Less(i, last) }>
"""


@pytest.mark.parametrize(("trips", "last", "turns"), [(3, 9, 3), (9, 1, 2)])
def test_a_loop_of_known_length(trips: int, last: int, turns: int, tmp_path: Path) -> None:
    model = onnx_model(
        LOOP, "float[1,3] x", "float[1,3] y, float[n,1,3] s", opset=17,
        m=np.int64(trips), go=np.bool_(True), h=np.float32(0.5), last=np.int64(last),
    )  # fmt: skip
    graphs = assert_all_stages(save(model, tmp_path), X)
    assert operators(graphs["imported"]).count("Mul") == turns


def test_loops_without_a_known_length_or_too_long(tmp_path: Path) -> None:
    constants = {"go": np.bool_(True), "h": np.float32(1), "last": np.int64(2**40)}
    model = onnx_model(LOOP, "float[1,3] x, int64 m", "float[1,3] y", **constants)
    assert "the trip count ('m') is computed at run time" in refused(model, tmp_path)
    long = onnx_model(LOOP, "float[1,3] x", "float[1,3] y", m=np.int64(2**40), **constants)
    assert f"allowed: up to {MAX_TURNS}" in refused(long, tmp_path)


def test_problems_in_a_loop_are_told_once(tmp_path: Path) -> None:
    body = "body = b (int64 i, bool c, float[1,3] v) => (bool c, float[1,3] w) { w = Relu<k=1>(v) }"
    model = onnx_model(f"y = Loop(m, , x) <{body}>", "float[1,3] x", "float[1,3] y", m=np.int64(4))
    text = refused(model, tmp_path)
    assert text.count("  - ") == 1
    assert "Relu 'w' in Loop 'y' [0]" in text


def test_operators_that_onnx_defines_by_others(tmp_path: Path) -> None:
    body = "a = CastLike(i, x) y = Softsign(a)"
    path = save(onnx_model(body, "int32[1,3] i, float[1] x", "float[1,3] y", opset=18), tmp_path)
    arrays = {"i": np.asarray([[-1, 0, 3]], np.int32), "x": np.zeros(1, np.float32)}
    found = run_graph(load_onnx(path), arrays)["y"]
    np.testing.assert_allclose(found, [[-0.5, 0, 0.75]], rtol=1e-6)


def test_broadcasting_of_operator_set_6(tmp_path: Path) -> None:
    model = onnx_model(
        "y = Add<axis=1, broadcast=1>(x, c)", "float[1,3,2] x", "float[1,3,2] y", opset=6,
        c=noise(3, seed=1),
    )  # fmt: skip
    x = noise(1, 3, 2)
    found = run_graph(load_onnx(save(model, tmp_path)), {"x": x})["y"]
    np.testing.assert_array_equal(found, x + noise(3, seed=1)[:, None])


def test_constants_that_are_sparse_half_or_infinite(tmp_path: Path) -> None:
    model = onnx_model(
        "b = Cast<to=1>(half) c = Add(x, sparse) d = Add(c, b) y = Add(d, mask)",
        "float[1,3] x", "float[1,3] y",
        half=np.asarray([1, 2, 3], np.float16), mask=np.asarray([0, -np.inf, 0], np.float32),
    )  # fmt: skip
    sparse = model.graph.sparse_initializer.add()
    sparse.dims.extend([1, 3])
    sparse.values.CopyFrom(onnx.numpy_helper.from_array(np.asarray([5, 7], np.float32), "sparse"))
    sparse.indices.CopyFrom(onnx.numpy_helper.from_array(np.asarray([0, 2]), "i"))
    found = run_graph(load_onnx(save(model, tmp_path)), {"x": np.zeros((1, 3), np.float32)})["y"]
    np.testing.assert_array_equal(found, [[6, -np.inf, 10]])


@pytest.mark.parametrize(
    "body",
    [
        "s = SplitToSequence<axis=1>(x, two) a = SequenceAt(s, k) y = Relu(a)",
        "s = SplitToSequence<axis=1>(x, parts) t = SequenceErase(s, k) "
        "y = ConcatFromSequence<axis=1>(t)",
        "s = SplitToSequence<axis=1, keepdims=0>(x) y = ConcatFromSequence<axis=-1, new_axis=1>(s)",
        "e = SequenceEmpty() s = SequenceInsert(e, x) n = Neg(x) t = SequenceInsert(s, n, k) "
        "y = ConcatFromSequence<axis=0>(t)",
        "s = SequenceConstruct(x, x) n = SequenceLength(s) f = Cast<to=1>(n) y = Mul(x, f)",
    ],
)
def test_sequences_vanish(body: str, tmp_path: Path) -> None:
    model = onnx_model(
        body, "float[1,6] x", "float[?,?] y", opset=17,
        two=np.int64(2), k=np.int64(-1), parts=np.asarray([1, 2, 3]),
    )  # fmt: skip
    assert_all_stages(save(model, tmp_path), {"x": noise(1, 6)})


def test_sequences_that_cannot_vanish(tmp_path: Path) -> None:
    constants = {"two": np.int64(2), "k": np.int64(3)}
    model = onnx_model("s = SplitToSequence<axis=1>(x, two) y = SequenceAt(s, k)", **constants)
    assert "position 3 of a sequence of 1" in refused(model, tmp_path)
    outputs = "seq(float[1,2,6,6]) s"
    sequence = onnx_model("s = SplitToSequence<axis=1>(x, two)", outputs=outputs, **constants)
    assert "output 's': it is a sequence; allowed: tensors" in refused(sequence, tmp_path)


def test_an_old_operator_set_whose_operators_stay(tmp_path: Path) -> None:
    graph = load_onnx(save(onnx_model("y = Not(x)", "bool[1,3] x", "bool[1,3] y", 1), tmp_path))
    found = run_graph(graph, {"x": np.asarray([[True, False, True]])})["y"]
    np.testing.assert_array_equal(found, [[False, True, False]])
