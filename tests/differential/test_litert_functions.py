"""Element-wise TFLite operators on float32 and plain integers: the reference and the generated C
against LiteRT's reference kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.ir import DType
from edgekit.passes import TO_NHWC, run_passes
from quantize.oracle import run_litert
from quantize.reference import evaluate
from tests.codegen.batch import compile_all
from tests.differential.litert import import_bytes
from tests.tflite_builder import RELU6, O, T, build

Array = NDArray[Any]
Fields = tuple[tuple[str, Any], ...]
SHAPE, ROW = (1, 4, 6), (4, 1)

FLOATS = (
    "ABS", "COS", "EXP", "FLOOR", "HARD_SWISH", "LOG", "LOGISTIC", "NEG", "RSQRT", "SIGN", "SIN",
    "SQRT", "SQUARE", "TANH", "RELU_0_TO_1",
)  # fmt: skip
PAIRS = {
    "FLOAT32": (
        "ATAN2", "DIV", "FLOOR_DIV", "FLOOR_MOD", "MAXIMUM", "MINIMUM", "POW", "PRELU",
        "SQUARED_DIFFERENCE", "ADD", "SUB", "MUL",
    ),
    "INT32": (
        "ADD", "BITWISE_XOR", "DIV", "FLOOR_DIV", "FLOOR_MOD", "MAXIMUM", "MINIMUM", "MUL", "POW",
        "RIGHT_SHIFT", "SQUARED_DIFFERENCE", "SUB",
    ),
    "INT64": ("ADD", "FLOOR_MOD", "MAXIMUM", "MINIMUM", "MUL", "SUB"),
}  # fmt: skip
COMPARISONS = ("EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL")
ALIKE = ("ATAN2", "PRELU", "RIGHT_SHIFT", "BITWISE_XOR")
"""Operators whose kernels in LiteRT do not broadcast as the others do."""


@dataclass(frozen=True)
class Case:
    """A model of one operator; the last tensor is the output."""

    kind: str
    tensors: tuple[T, ...]
    options: str = ""
    fields: Fields = ()

    def model(self) -> bytes:
        """The file."""
        count = len(self.tensors) - 1
        op = O(self.kind, tuple(range(count)), (count,), self.options, self.fields)
        return build(self.tensors, [op], tuple(range(count)))


def unary(kind: str, dtype: str, options: str = "", fields: Fields = ()) -> Case:
    return Case(kind, (T("x", SHAPE, dtype), T("y", SHAPE, dtype)), options, fields)


def pair(kind: str, dtype: str, result: str = "", activation: int | None = None) -> Case:
    second = SHAPE if kind in ALIKE else ROW
    options = ""
    if kind in ("ADD", "SUB", "MUL", "DIV"):
        options = f"{kind.title()}Options"
    fields = () if activation is None else (("fusedActivationFunction", activation),)
    tensors = (T("a", SHAPE, dtype), T("b", second, dtype), T("y", SHAPE, result or dtype))
    return Case(kind, tensors, options, fields)


def cases() -> list[Case]:
    found = [unary(kind, "FLOAT32") for kind in FLOATS]
    found += [unary(kind, kinds) for kind in ("ABS", "NEG", "SIGN") for kinds in ("INT32",)]
    found += [unary("NEG", "INT64"), unary("LOGICAL_NOT", "BOOL")]
    found += [unary("LEAKY_RELU", "FLOAT32", "LeakyReluOptions", (("alpha", 0.3),))]
    found += [unary("GELU", "FLOAT32", "GeluOptions", (("approximate", a),)) for a in (False, True)]
    found += [pair(kind, dtype) for dtype, kinds in PAIRS.items() for kind in kinds]
    found += [pair(kind, "FLOAT32", activation=RELU6) for kind in ("ADD", "SUB", "MUL", "DIV")]
    found += [pair(kind, "INT32", activation=RELU6) for kind in ("ADD", "SUB", "MUL", "DIV")]
    types = ("FLOAT32", "INT32", "INT64")
    found += [pair(kind, dtype, "BOOL") for kind in COMPARISONS for dtype in types]
    found += [pair(kind, "BOOL") for kind in ("LOGICAL_AND", "LOGICAL_OR")]
    found += [pair("EQUAL", "BOOL"), pair("NOT_EQUAL", "BOOL")]
    for dtype in (*types, "BOOL"):
        whole = (T("c", SHAPE, "BOOL"), T("a", SHAPE, dtype), T("b", SHAPE, dtype))
        found.append(Case("SELECT", (*whole, T("y", SHAPE, dtype))))
        spread = (T("c", ROW, "BOOL"), T("a", SHAPE, dtype), T("b", (6,), dtype))
        found.append(Case("SELECT_V2", (*spread, T("y", SHAPE, dtype))))
    rows = (T("c", (4,), "BOOL"), T("a", (4, 6), "FLOAT32"), T("b", (4, 6), "FLOAT32"))
    found.append(Case("SELECT", (*rows, T("y", (4, 6), "FLOAT32"))))
    three = tuple(T(name, SHAPE, "FLOAT32") for name in "abcy")
    found.append(Case("ADD_N", three))
    kinds = (*types, "BOOL")
    found += [Case("CAST", (T("x", SHAPE, a), T("y", SHAPE, b))) for a in kinds for b in kinds]
    return found


def numbers(tensor: T, seed: int, kind: str) -> Array:
    """Random numbers that the oracle's kernels take: small for powers, not 0 for quotients."""
    rng = np.random.default_rng(seed)
    dtype = DType(tensor.dtype.lower()).numpy
    if dtype.kind == "b":
        return rng.integers(0, 2, tensor.shape).astype(bool)
    if kind == "POW":
        return np.asarray(rng.integers(1, 6, tensor.shape), dtype)
    if dtype.kind == "f":
        drawn = rng.normal(0, 2, tensor.shape)
        drawn.flat[:4] = [0.5, 1.5, 2.5, -2.5]
        positive = kind in ("RSQRT", "LOG", "SQRT")
        return np.asarray(np.abs(drawn) if positive else drawn, dtype)
    sign = rng.choice([-1, 1], tensor.shape)
    drawn = rng.integers(1, 40, tensor.shape) * sign
    return np.asarray(drawn, dtype)


def test_reference_and_c_equal_litert() -> None:
    every = cases()
    models = [case.model() for case in every]
    graphs = [run_passes(import_bytes(model), TO_NHWC) for model in models]
    for case, model, made in zip(every, models, compile_all(graphs), strict=True):
        inputs = [numbers(t, k, case.kind) for k, t in enumerate(case.tensors[:-1])]
        message = f"{case.kind} {[t.dtype for t in case.tensors]} {case.fields}"
        (want,) = run_litert(model, [x[None] for x in inputs])
        feeds = {v.name: x for v, x in zip(made.graph.inputs, inputs, strict=True)}
        (output,) = made.graph.outputs
        same(evaluate(made.graph, feeds)[output.name], want, f"reference of {message}")
        same(made.run(inputs)[0], want, f"C of {message}")


def same(found: Array, want: Array, message: str) -> None:
    """Equal integers; real numbers equal within the accuracy of both implementations."""
    assert found.dtype == want.dtype, message
    found = found.reshape(want.shape)
    if want.dtype.kind == "f":
        np.testing.assert_allclose(found, want, rtol=2e-5, atol=2e-6, err_msg=message)
    else:
        np.testing.assert_array_equal(found, want, err_msg=message)


@pytest.mark.parametrize(
    ("kind", "function"),
    [
        ("CEIL", np.ceil),
        ("ROUND", np.rint),
        ("ELU", lambda x: np.where(x < 0, np.expm1(x), x)),
    ],
)
def test_functions_without_a_reference_kernel(kind: str, function: Any) -> None:
    """The resolver of reference kernels does not have them: numpy is the oracle."""
    case = unary(kind, "FLOAT32")
    (made,) = compile_all([run_passes(import_bytes(case.model()), TO_NHWC)])
    x = numbers(case.tensors[0], 0, kind)
    same(made.run([x])[0], np.asarray(function(x), np.float32), kind)
