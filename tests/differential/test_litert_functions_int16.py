"""Element-wise int16 operators, identical to LiteRT's reference kernels and in C: unary functions
over all 65,536 elements."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import ModelError
from edgekit.passes import TO_NHWC, run_passes
from quantize.lower import LowerInteger
from quantize.oracle import run_litert
from quantize.reference import evaluate
from tests.codegen.batch import Array, compile_all
from tests.differential.litert import import_bytes, run_ours
from tests.tflite_builder import RELU6, O, T, build

EVERY = np.arange(-(2**15), 2**15).astype(np.int16).reshape(1, -1)
CURVE_SCALES = (1 / 4096, 1 / 32768, 2.0**-9, 0.0003, 0.00071, 0.0013, 0.02)
Model = tuple[str, bytes, list[Array]]


def q16(name: str, shape: tuple[int, ...], scale: float) -> T:
    return T(name, shape, "INT16", (scale,), (0,))


def unary(kind: str, x: float, y: float, alpha: float | None = None) -> Model:
    tensors = [q16("x", EVERY.shape, x), q16("y", EVERY.shape, y)]
    options = ("", ()) if alpha is None else ("LeakyReluOptions", (("alpha", alpha),))
    model = build(tensors, [O(kind, (0,), (1,), *options)])
    return f"{kind} {x} {y} {alpha}", model, [EVERY]


def product(seed: int) -> Model:
    shapes = ((1, 5, 40), (5, 1))
    rng = np.random.default_rng(seed)
    a, b = (float(np.float32(2.0 ** rng.uniform(-16, -10))) for _ in range(2))
    y = float(np.float32(a * b * 2.0 ** rng.uniform(8, 16)))
    tensors = [q16("a", shapes[0], a), q16("b", shapes[1], b), q16("y", shapes[0], y)]
    fields = (("fusedActivationFunction", RELU6 * (seed % 2)),)
    inputs = [rng.integers(-(2**15), 2**15, (1, *s)).astype(np.int16) for s in shapes]
    inputs[0].flat[:3] = inputs[1].flat[:3] = -(2**15)
    model = build(tensors, [O("MUL", (0, 1), (2,), "MulOptions", fields)], (0, 1))
    return f"MUL {a} {b} {y}", model, inputs


def models() -> list[Model]:
    found = [unary(kind, s, 1 / 32768) for kind in ("LOGISTIC", "TANH") for s in CURVE_SCALES]
    for alpha in (0.1, 1.7, 0.005):
        found += [unary("LEAKY_RELU", 0.001, y, alpha) for y in (0.001, 0.0007, 0.004)]
    return [*found, *(product(seed) for seed in range(6))]


def test_numpy_and_c_equal_litert() -> None:
    every = models()
    passes = (*TO_NHWC, LowerInteger("litert"))
    graphs = [run_passes(import_bytes(model), passes) for _, model, _ in every]
    for (name, model, inputs), made in zip(every, compile_all(graphs), strict=True):
        want = run_litert(model, inputs)[0].reshape(-1)
        ours = [x.reshape(v.type.shape) for x, v in zip(inputs, made.graph.inputs, strict=True)]
        feeds = {v.name: x for v, x in zip(made.graph.inputs, ours, strict=True)}
        (output,) = made.graph.outputs
        found = evaluate(made.graph, feeds)[output.name].reshape(-1)
        np.testing.assert_array_equal(found, want, err_msg=f"reference of {name}")
        np.testing.assert_array_equal(made.run(ours)[0].reshape(-1), found, err_msg=f"C of {name}")


def test_functions_without_an_int16_form_are_refused() -> None:
    _, model, inputs = unary("EXP", 0.001, 0.01)
    with pytest.raises(ModelError, match="exp of int16 has no integer form"):
        run_ours(model, inputs)
