"""Element-wise ONNX operators on every element type: the reference and the generated C against ONNX
Runtime, or onnx's own reference where ONNX Runtime has no kernel for the type."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.importers.onnx import load_onnx
from edgekit.ir import DType
from edgekit.passes import CANONICAL, TO_NHWC, run_passes
from quantize.reference import evaluate
from tests.codegen.batch import BOTH, Compiled, compile_all
from tests.onnx_models import onnx_model

Array = NDArray[Any]

NAMES = {"float32": "float", "float64": "double"}
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
WHOLE = (*SIGNED, *UNSIGNED)
SINGLE = ("float32",)
REAL = ("float32", "float64")

FUNCTIONS = (
    "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Celu<alpha=0.7>", "Cos", "Cosh",
    "Elu<alpha=1.5>", "Erf", "Exp", "Gelu", 'Gelu<approximate="tanh">', "HardSigmoid",
    "HardSigmoid<alpha=0.3,beta=0.4>", "HardSwish", "LeakyRelu<alpha=0.2>", "Log", "Mish",
    "Relu", "Selu", "Selu<alpha=2.0,gamma=1.5>", "Sigmoid", "Sin", "Sinh", "Softplus", "Tan",
    "Tanh",
)  # fmt: skip
"""Of float32; of float64 they are computed in float32."""
EXACT = (
    "Reciprocal", "Sqrt", "Shrink<lambd=0.4,bias=0.1>", "Softsign", "ThresholdedRelu<alpha=0.3>",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A model of one operator.

    Attributes:
        body: in onnx's text form, of inputs a, b, c.
        inputs: element type and shape of each input.
        output: the same of y.
    """

    body: str
    inputs: tuple[tuple[str, tuple[int, ...]], ...]
    output: tuple[str, tuple[int, ...]]

    def model(self) -> Any:
        """The ONNX model."""
        declared = [_declare(*i, name) for i, name in zip(self.inputs, "abc", strict=False)]
        return onnx_model(self.body, ", ".join(declared), _declare(*self.output, "y"), opset=24)


def _declare(kind: str, shape: tuple[int, ...], name: str) -> str:
    axes = f"[{','.join(map(str, shape))}]" if shape else ""
    return f"{NAMES.get(kind, kind)}{axes} {name}"


LINE = (2, 30)
WIDE, ROW, COLUMN = (2, 3, 1), (3, 4), (2, 1, 4)


def unary(call: str, kind: str, result: str = "") -> Case:
    operator, _, attributes = call.partition("<")
    attributes = f"<{attributes}" if attributes else ""
    return Case(f"y = {operator}{attributes}(a)", ((kind, LINE),), (result or kind, LINE))


def binary(call: str, kind: str, result: str = "", second: str = "") -> Case:
    operator, _, attributes = call.partition("<")
    attributes = f"<{attributes}" if attributes else ""
    inputs = ((kind, WIDE), (second or kind, ROW))
    return Case(f"y = {operator}{attributes}(a, b)", inputs, (result or kind, (2, 3, 4)))


def unary_cases() -> list[Case]:
    cases = [unary(f, kind) for f in FUNCTIONS for kind in REAL]
    cases += [unary(f, kind) for f in EXACT for kind in REAL]
    cases += [unary(f, "float32") for f in ("Ceil", "Floor", "Round", "Swish<alpha=1.3>")]
    cases += [unary("Abs", kind) for kind in (*REAL, *WHOLE)]
    cases += [unary("Sign", kind) for kind in (*REAL, *WHOLE)]
    cases += [unary("Neg", kind) for kind in (*REAL, *SIGNED)]
    cases += [unary("Relu", kind) for kind in SIGNED]
    cases += [unary("BitwiseNot", kind) for kind in WHOLE]
    cases += [unary(f, kind, "bool") for f in ("IsInf", "IsNaN") for kind in REAL]
    cases += [unary("IsInf<detect_negative=0>", "float32", "bool"), unary("Not", "bool")]
    return cases


def binary_cases() -> list[Case]:
    numbers = (*REAL, *WHOLE)
    cases = [
        binary(f, kind) for f in ("Add", "Sub", "Mul", "Div", "Max", "Min") for kind in numbers
    ]
    compare = ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")
    cases += [binary(f, kind, "bool") for f in compare for kind in numbers]
    cases += [binary(f, "bool") for f in ("And", "Or", "Xor", "Equal")]
    cases += [binary(f"Bitwise{f}", kind) for f in ("And", "Or", "Xor") for kind in WHOLE]
    cases += [binary("Mod", kind) for kind in WHOLE]
    cases += [binary("Mod<fmod=1>", kind) for kind in ("float32", *WHOLE)]
    sides = ("LEFT", "RIGHT")
    cases += [binary(f'BitShift<direction="{s}">', kind) for s in sides for kind in UNSIGNED]
    cases += [binary("Pow", kind) for kind in ("float32", "float64", "int32", "int64")]
    cases += [binary("Pow", "float32", second="int32"), binary("Pow", "int32", second="float32")]
    cases += [binary("PRelu", kind) for kind in (*REAL, "int32", "uint32")]
    return cases


def other_cases() -> list[Case]:
    cases = []
    for kind in ("float32", "int32"):
        three = ((kind, WIDE), (kind, ROW), (kind, COLUMN))
        cases += [Case(f"y = {f}(a, b, c)", three, (kind, (2, 3, 4))) for f in ("Max", "Min")]
    three = (("float32", WIDE), ("float32", ROW), ("float32", COLUMN))
    cases += [Case(f"y = {f}(a, b, c)", three, ("float32", (2, 3, 4))) for f in ("Sum", "Mean")]
    for kind in (*REAL, *WHOLE, "bool"):
        chosen = (("bool", WIDE), (kind, ROW), (kind, COLUMN))
        cases.append(Case("y = Where(a, b, c)", chosen, (kind, (2, 3, 4))))
        cases.append(Case("y = CastLike(a, b)", (("int16", LINE), (kind, (2,))), (kind, LINE)))
    for kind in (*REAL, *WHOLE):
        bounded = ((kind, LINE), (kind, ()), (kind, ()))
        cases.append(Case("y = Clip(a, b, c)", bounded, (kind, LINE)))
        cases.append(Case("y = Clip(a, _, c)", bounded, (kind, LINE)))
    return cases


def casts() -> list[Case]:
    kinds = [*REAL, *WHOLE, "bool"]
    codes = {k: _code(k) for k in kinds}
    return [
        Case(f"y = Cast<to={codes[b]}>(a)", ((a, LINE),), (b, LINE))
        for a in kinds
        for b in kinds
        if a != b
    ]


def _code(kind: str) -> int:
    from onnx import helper

    return int(helper.np_dtype_to_tensor_dtype(np.dtype(kind)))


GROUPS = {
    "unary": unary_cases(),
    "binary": binary_cases(),
    "other": other_cases(),
    "cast": casts(),
}


def numbers(kind: str, shape: tuple[int, ...], seed: int, body: str) -> Array:
    """Small and extreme numbers; what oracles leave undefined is left out."""
    rng = np.random.default_rng(seed)
    count = int(np.prod(shape))
    dtype = np.dtype(kind)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.kind == "f":
        special = [0.0, -0.0, 0.5, 1.5, 2.5, -2.5, 1.0, -1.0, 7.25, -30.0]
        if "Cast" not in body and "Clip" not in body and not (seed and "Pow" in body):
            special += [np.inf, np.nan, 80.0]
            special += [] if "Gelu" in body else [-np.inf]  # the oracle gives -inf * 0
        drawn = rng.normal(0, 2, max(count - len(special), 0))
        if "Cast<to" in body:  # negative numbers have no unsigned counterpart
            special, drawn = np.abs(special).tolist(), np.abs(drawn)
        return np.resize(np.concatenate([special, drawn]), count).reshape(shape).astype(dtype)
    low, high = DType(kind).bounds
    if "Pow" in body:
        return rng.integers(1, 6, shape).astype(dtype)
    special = [high, low, 0, 1, high // 3, high - 1]
    small = rng.integers(max(low, -9), 10, count)
    mixed = np.concatenate([np.array(special[: count // 2], dtype), small.astype(dtype)])[:count]
    if seed and ("Div" in body or "Mod" in body):
        mixed = np.where((mixed == 0) | (mixed == np.array(-1, np.int64).astype(dtype)), 2, mixed)
    if seed and "BitShift" in body:
        mixed = mixed % (8 * dtype.itemsize)
    return mixed.reshape(shape).astype(dtype)


def oracle(model: Any, feeds: dict[str, Array]) -> Array:
    """The output by ONNX Runtime without optimisations, or by onnx's reference."""
    import onnxruntime
    from onnx.reference import ReferenceEvaluator
    from onnxruntime.capi import onnxruntime_pybind11_state as errors

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    except (errors.NotImplemented, errors.Fail, errors.InvalidGraph):
        with np.errstate(all="ignore"):
            return np.asarray(ReferenceEvaluator(model).run(None, feeds)[0])
    return np.asarray(session.run(None, feeds)[0])


def same(found: Array, want: Array, message: str) -> None:
    """Equal integers; real numbers equal within the accuracy of both implementations."""
    assert found.dtype == want.dtype, message
    found = found.reshape(want.shape)
    if want.dtype.kind == "f":
        np.testing.assert_allclose(found, want, rtol=2e-5, atol=2e-6, err_msg=message)
    else:
        np.testing.assert_array_equal(found, want, err_msg=message)


@pytest.mark.parametrize("group", GROUPS)
def test_reference_and_c_equal_the_oracle(group: str) -> None:
    compiled = compile_all([graph_of(c) for c in GROUPS[group]], BOTH[0])
    for case, made in zip(GROUPS[group], compiled, strict=True):
        compare(case, made)


def graph_of(case: Case) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(case.model().SerializeToString())
        return run_passes(run_passes(load_onnx(path), CANONICAL), TO_NHWC)


def compare(case: Case, made: Compiled) -> None:
    shaped = list(zip("abc", case.inputs, strict=False))
    feeds = {n: numbers(*i, k, case.body) for k, (n, i) in enumerate(shaped)}
    used = {v.name for v in made.graph.inputs}
    with np.errstate(all="ignore"):
        want = oracle(case.model(), feeds)
    ours = {n: np.atleast_1d(a) for n, a in feeds.items() if n in used}
    message = f"{case.body} {case.inputs}"
    (output,) = made.graph.outputs
    same(evaluate(made.graph, ours)[output.name], want, f"reference of {message}")
    (found,) = made.run([ours[v.name] for v in made.graph.inputs])
    same(found, want, f"C of {message}")
