"""Element-wise int8 operators, identical to LiteRT's reference kernels, and C identical to the
reference: every unary function over all 256 elements, pairs over random scales and extremes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.passes import TO_NHWC, run_passes
from quantize.lower import LowerInteger
from quantize.oracle import run_litert
from quantize.reference import evaluate
from tests.codegen.batch import compile_all
from tests.differential.litert import import_bytes, run_ours
from tests.tflite_builder import RELU, RELU6, O, T, build, q8

Array = NDArray[Any]
Fields = tuple[tuple[str, Any], ...]
Model = tuple[str, bytes, list[Array]]

EVERY = np.arange(-128, 128).astype(np.int8).reshape(1, 256)
SCALES = (1e-3, 0.0123, 0.05, 0.37, 1.1)
SHAPES = ((1, 4, 6), (4, 1))
COMPARISONS = ("EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL")


def unary(
    kind: str, x: tuple[float, int], y: tuple[float, int], options: str = "", fields: Fields = ()
) -> Model:
    tensors = [q8("x", (1, 256), *x), q8("y", (1, 256), *y)]
    model = build(tensors, [O(kind, (0,), (1,), options, fields)])
    return f"{kind} {x} {y} {fields}", model, [EVERY]


def tables() -> list[Model]:
    """Functions that LiteRT computes by tables, and those with a recipe of their own."""
    found = []
    for scale in SCALES:
        for zero in (-128, -3, 127):
            x = (scale, zero)
            found.append(unary("LOGISTIC", x, (1 / 256, -128)))
            found.append(unary("TANH", x, (1 / 128, 0)))
            for out in ((scale, zero), (0.021, 5), (0.9 * scale, -20)):
                found += [unary(kind, x, out) for kind in ("EXP", "ABS")]
                approximate = (("approximate", bool(zero % 2)),)
                found.append(unary("GELU", x, out, "GeluOptions", approximate))
                if out[0] * 128 > scale:
                    found.append(unary("HARD_SWISH", x, out))
                for alpha in (0.1, 0.01, 1.5):
                    options = "LeakyReluOptions"
                    found.append(unary("LEAKY_RELU", x, out, options, (("alpha", alpha),)))
            for out in ((0.021, 5), (0.3, -128)):
                if zero == -128:
                    found += [unary(kind, x, out) for kind in ("RSQRT", "SQRT", "LOG")]
    return found


def pair(
    kind: str, scales: tuple[float, float, float], zeros: tuple[int, int, int], seed: int,
    output: str = "INT8", fields: Fields = (),
) -> Model:  # fmt: skip
    second = SHAPES[0] if kind in ("PRELU",) else SHAPES[1]
    tensors = [q8("a", SHAPES[0], scales[0], zeros[0]), q8("b", second, scales[1], zeros[1])]
    result = q8("y", SHAPES[0], scales[2], zeros[2])
    tensors.append(result if output == "INT8" else T("y", SHAPES[0], output))
    options = "MulOptions" if kind == "MUL" else ""
    model = build(tensors, [O(kind, (0, 1), (2,), options, fields)], (0, 1))
    rng = np.random.default_rng(seed)
    inputs = [rng.integers(-128, 128, (8, *t.shape), dtype=np.int8) for t in tensors[:2]]
    inputs[0][0], inputs[1][0], inputs[0][1], inputs[1][1] = -128, 127, -128, -128
    return f"{kind} {scales} {zeros} {fields}", model, inputs


def pairs() -> list[Model]:
    rng = np.random.default_rng(3)
    found = []
    for seed in range(12):
        a, b = (float(np.float32(2.0 ** rng.uniform(-8, -1))) for _ in range(2))
        zeros = tuple(int(z) for z in rng.choice([-128, 0, 127, 17, -60], 3))
        product = float(np.float32(a * b * 2.0 ** rng.uniform(3, 8)))
        activation = (("fusedActivationFunction", (0, RELU, RELU6)[seed % 3]),)
        z = (zeros[0], zeros[1], zeros[2])
        found.append(pair("MUL", (a, b, product), z, seed, fields=activation))
        found.append(pair("PRELU", (a, b, max(a, product)), z, seed))
        found.append(pair("SQUARED_DIFFERENCE", (a, b, 40 * max(a, b) ** 2), z, seed))
        found += [pair(kind, (a, b, 1.0), z, seed, "BOOL") for kind in COMPARISONS]
        same = (z[0], z[0], z[0])
        found += [pair(kind, (a, a, a), same, seed) for kind in ("MAXIMUM", "MINIMUM")]
    return found


def choice() -> Model:
    shape = (1, 4, 6)
    tensors = [T("c", shape, "BOOL"), *(q8(name, shape, 0.1, -7) for name in "aby")]
    rng = np.random.default_rng(0)
    inputs = [rng.integers(0, 2, (4, *shape)).astype(bool)]
    inputs += [rng.integers(-128, 128, (4, *shape), dtype=np.int8) for _ in range(2)]
    return "SELECT_V2", build(tensors, [O("SELECT_V2", (0, 1, 2), (3,))], (0, 1, 2)), inputs


def test_unary_functions_equal_litert_for_every_element() -> None:
    for name, model, inputs in tables():
        (found,) = run_ours(model, inputs)
        np.testing.assert_array_equal(found, run_litert(model, inputs)[0], err_msg=name)


def test_pairs_and_choices_equal_litert_in_numpy_and_c() -> None:
    models = [*pairs(), choice(), *tables()[:3]]
    passes = (*TO_NHWC, LowerInteger("litert"))
    graphs = [run_passes(import_bytes(model), passes) for _, model, _ in models]
    for (name, model, inputs), made in zip(models, compile_all(graphs), strict=True):
        (want,) = run_litert(model, inputs)
        (output,) = made.graph.outputs
        for sample in range(len(inputs[0])):
            one = [np.asarray(x[sample]).reshape(v.type.shape) for x, v in
                   zip(inputs, made.graph.inputs, strict=True)]  # fmt: skip
            feeds = {v.name: x for v, x in zip(made.graph.inputs, one, strict=True)}
            expected = want.reshape(len(inputs[0]), -1)[sample]
            found = evaluate(made.graph, feeds)[output.name].reshape(-1)
            np.testing.assert_array_equal(found, expected, err_msg=f"reference of {name}")
            np.testing.assert_array_equal(made.run(one)[0].reshape(-1), found, err_msg=name)
