"""The integer LSTM: its fixed-point functions, its kernels on the host and on the emulated core."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from codegen.assembly.armv6_m import lstm as armv6_m
from codegen.assembly.armv7e_m.lstm import LSTM
from codegen.assembly.mve import lstm as mve
from codegen.assembly.rv32 import lstm as rv32
from codegen.c import kernels
from codegen.c.choice import PORTABLE, KernelSet
from edgekit.ir import DType, Graph, TensorType
from edgekit.ir.ops import QLstm, Requant, Rounding
from quantize.reference.fixedpoint16 import logistic, tanh
from quantize.requantize import make_requant
from tests.codegen.batch import BOTH
from tests.codegen.graphs import int8
from tests.codegen.on_core import check, check_grid, chosen, merged
from tests.proofs.emission import STRICT, compiler, run

CORE = "cortex-m4"
KERNELS = KernelSet("armv7e_m")


def lstm(
    rng: np.random.Generator,
    sizes: tuple[int, int, int, int],
    loud: float = 1.0,
    cell_bits: int = 3,
    clip: int = 0,
    extreme: bool = False,
) -> Graph:
    """A layer of (batch, steps, depth, units); ``loud`` moves its gates into saturation."""
    batch, steps, depth, units = sizes
    graph = Graph("lstm")
    x = graph.add_input("x", int8(batch, steps, depth))
    constants: list[tuple[NDArray[np.int8], NDArray[np.int32]]] = []
    requants: list[Requant] = []
    for width in (depth, units):
        weights = rng.integers(-127, 128, (4, units, width), dtype=np.int8)
        if extreme:
            weights = np.where(rng.random(weights.shape) < 0.5, np.int8(-127), np.int8(127))
        bias = rng.integers(-500 * width, 500 * width + 1, (4, units)).astype(np.int32)
        reach = (np.abs(bias) + 128 * np.abs(weights.astype(int)).sum(2)).max(1)
        scales = np.minimum(loud * 2 ** rng.uniform(8, 13, 4) / reach, 2**29 / reach)
        clamp = (-(2**31), 2**31 - 1) if requants else (-(2**15), 2**15 - 1)
        bounds = [int(r) for r in reach]
        requants.append(make_requant(scales.tolist(), Rounding.DOUBLE, 0, *clamp, bounds))
        constants.append((weights, bias))
    (w, b_w), (r, b_r) = constants
    hidden = make_requant([2**-23 * rng.uniform(0.5, 1.5)], Rounding.DOUBLE, -3, bounds=[2**30])
    op = QLstm(requants[0], requants[1], hidden, cell_bits, clip)
    given_c = TensorType((batch, units), DType.INT16)
    values = [x, *(graph.constant(v) for v in (w, r, b_w, b_r))]
    values += [graph.add_input("h", int8(batch, units)), graph.add_input("c", given_c)]
    types = [int8(batch, steps, units), int8(batch, units), given_c]
    graph.outputs = list(graph.add_node(op, values, types).outputs)
    return graph


def layers() -> Iterator[Graph]:
    """Every number of inputs and units in a last group, parts of many units, extremes."""
    rng = np.random.default_rng(5)
    for depth, units in ((1, 1), (2, 5), (7, 8), (8, 3), (9, 33), (12, 2), (31, 16), (64, 66)):
        yield lstm(rng, (1 + depth % 2, 1 + units % 3, depth, units))
    yield lstm(rng, (1, 2, 904, 4))
    yield lstm(rng, (1, 5, 6, 7), loud=40)
    yield lstm(rng, (1, 3, 16, 12), extreme=True, loud=8, cell_bits=0)
    yield lstm(rng, (2, 3, 5, 4), cell_bits=6, clip=1000)
    yield lstm(rng, (1, 2, 3, 2), loud=2.0**14)


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("core", ["host", CORE])
def test_every_shape(core: str, toolchain: str) -> None:
    check_grid(layers(), KERNELS, {LSTM.name}, core, toolchain)


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("core", ["host", "cortex-m55"])
def test_every_shape_by_vectors(core: str, toolchain: str) -> None:
    check_grid(layers(), KernelSet("mve"), {mve.LSTM.name}, core, toolchain)


@pytest.mark.parametrize("bits", range(7))
def test_every_number_of_bits_by_vectors(bits: int) -> None:
    rng = np.random.default_rng(bits)
    graph = merged([lstm(rng, (2, 4, 20, 19), loud, bits) for loud in (1.0, 40.0)])
    check(graph, KernelSet("mve"), "cortex-m55")


def alone(gate: int) -> Graph:
    """A layer whose cells show what one gate of them is, for every fourth argument."""
    units, batch = 64, 256
    graph = Graph("alone")
    x = graph.add_input("x", int8(batch, 1, 1))
    weights, bias = np.zeros((4, units, 1), np.int8), np.zeros((4, units), np.int32)
    closed, open_ = -(2**15), 2**15 - 1
    bias[0], bias[1] = (closed if gate == 1 else open_), closed
    bias[2] = 0 if gate == 1 else open_
    weights[gate], bias[gate] = 4, np.arange(units) * 1024 + 512 - 2**15
    one = make_requant([1.0] * 4, Rounding.DOUBLE, 0, closed, open_, [2**16] * 4)
    again = make_requant([1.0] * 4, Rounding.DOUBLE, 0, -(2**30), 2**30, [2**16] * 4)
    hidden = make_requant([2.0**-22], Rounding.DOUBLE, 0, bounds=[2**30])
    cells = np.full((batch, units), open_ if gate == 1 else 0, np.int16)
    constants = weights, np.zeros((4, units, units), np.int8), bias, np.zeros_like(bias)
    values = [graph.constant(v) for v in (*constants, np.zeros((batch, units), np.int8), cells)]
    types = [int8(batch, 1, units), int8(batch, units), TensorType((batch, units), DType.INT16)]
    made = graph.add_node(QLstm(one, again, hidden, 0, 0), [x, *values], types)
    graph.outputs = list(made.outputs)
    return graph


@pytest.mark.parametrize("gate", range(3))
def test_arguments_of_gates_by_vectors(gate: int) -> None:
    run = check(merged([alone(gate)]), KernelSet("mve"), "cortex-m55", count=5)
    assert len(np.unique(run.outputs[2])) > 2000, "most values of the function are seen"


def test_other_clamps_than_those_of_tflite_are_portable() -> None:
    for name, low in (("from_x", -100), ("from_h", -(2**15)), ("hidden", -100)):
        node = lstm(np.random.default_rng(1), (1, 1, 3, 2)).nodes[0]
        assert isinstance(node.op, QLstm)
        node.op = replace(node.op, **{name: replace(getattr(node.op, name), low=low)})
        assert "clamp" in mve.refuse(node)


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("core", ["host", "rv32imc"])
def test_every_shape_by_blocks(core: str, toolchain: str) -> None:
    check_grid(layers(), KernelSet("rv32"), {rv32.LSTM.name}, core, toolchain)


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("core", ["host", "cortex-m0plus"])
def test_every_shape_by_dense_blocks(core: str, toolchain: str) -> None:
    check_grid(layers(), KernelSet("armv6_m"), {armv6_m.LSTM.name}, core, toolchain)


@pytest.mark.parametrize("core", ["host", CORE])
def test_portable(core: str) -> None:
    check(merged(list(layers())), PORTABLE, core)


def test_what_the_pairs_cannot_hold_is_portable() -> None:
    rng = np.random.default_rng(1)
    wide = lstm(rng, (1, 1, 520, 2), extreme=True)
    odd = lstm(rng, (1, 1, 900, 2))
    assert chosen(merged([wide, odd]), KERNELS) == ["", ""]
    check(merged([wide, odd]), KERNELS, "host")


@settings(max_examples=2, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.tuples(*(st.integers(1, n) for n in (2, 3, 40, 40))),
            st.sampled_from((0.2, 1.0, 20.0)), st.integers(0, 6), st.integers(0, 2**32 - 1),
        ),
        min_size=6, max_size=6,
    )
)  # fmt: skip
def test_random(cases: list[tuple[tuple[int, int, int, int], float, int, int]]) -> None:
    made = [
        lstm(np.random.default_rng(seed), sizes, loud, bits, seed % 3 * 9000)
        for sizes, loud, bits, seed in cases
    ]
    check(merged(made), KERNELS, "host")


@pytest.mark.parametrize("bits", range(7))
def test_every_argument_of_the_fixed_point_functions(bits: int, tmp_path: Path) -> None:
    names = kernels.closure(["ek_fixed_s16.h"])
    body = "\n".join(kernels.source(n) for n in names)
    body += "\nvoid all(int32_t bits, int32_t *logistic, int32_t *tanh)\n{\n"
    body += "    for (int32_t x = -32768; x < 32768; ++x) {\n"
    body += "        logistic[x + 32768] = ek_fixed_logistic_s16(x);\n"
    body += "        tanh[x + 32768] = ek_fixed_tanh_s16(x, bits);\n    }\n}\n"
    source, library = tmp_path / "all.c", tmp_path / "all.so"
    source.write_text("void all(int, int *, int *);\n" + body)
    run(
        [*compiler("gcc"), *STRICT, "-O2", "-shared", "-fPIC", str(source), "-o", str(library)],
        tmp_path,
    )
    found = np.zeros((2, 1 << 16), np.int32)
    ctypes.CDLL(str(library)).all(bits, *(ctypes.c_void_p(row.ctypes.data) for row in found))
    x = np.arange(-(2**15), 2**15)
    np.testing.assert_array_equal(found[0], logistic(x))
    np.testing.assert_array_equal(found[1], tanh(x, bits))
