"""What kernels say that they spend instructions on, and why a node has none."""

from __future__ import annotations

import numpy as np
import pytest

from codegen.assembly.block import Block
from codegen.assembly.cost import Cost
from codegen.assembly.refusal import OtherKind
from codegen.c.choice import PORTABLE, VARIANTS, KernelSet, kernels_for
from edgekit.ir import DType, Graph, TensorType
from edgekit.ir.ops import OPS, QClip, QConv2D, Rounding, Window
from edgekit.options import Kernels, Optimize
from quantize.requantize import make_requant
from targets.load import load_core
from tests.codegen import graphs
from tests.codegen.graphs import int8, single


def test_costs_calculate_like_numbers() -> None:
    cost = 2 * (Cost(products=3, packing=0.25) + 1) - Cost(products=1) + Cost() * 5
    assert cost == Cost(products=5, packing=0.5, control=2)
    assert sum([cost, cost], Cost()).total == 15
    assert (1 + cost).parts() == {"products": 5, "control": 3}
    assert (cost - 2).parts() == {"products": 5}


def test_a_block_counts_its_instructions_by_part() -> None:
    b = Block("f")
    b.op("push {{lr}}")
    with b.part("products"):
        b.note("no instruction")
        with b.loop("bne {head}"):
            b.op("mul r0, r1")
            with b.part("requantize"):
                b.op("asr r0, #1")
    with b.part("products"):
        b.op("mul r0, r1")
    assert b.cost() == Cost(products=3, requantize=1, control=1)


def refused(graph: Graph, kernels: KernelSet) -> str:
    return kernels.refusal(graph.nodes[-1])


def test_reasons_for_portable_c() -> None:
    rng = np.random.default_rng(0)
    clip = single(QClip(-7, 9), [int8(1, 4)])
    conv = graphs.conv(rng, (5, 5), 3, 5, (3, 3), Window(), 1, Rounding.DOUBLE)
    few = graphs.conv(rng, (5, 5), 3, 2, (3, 3), Window(), 1, Rounding.DOUBLE)
    # one of two filters has no weights; what is for depthwise convolutions says nothing
    own = "packed, packed sparse: fewer than 4 filters"
    assert refused(clip, KernelSet("rv32")) == "no kernel in assembly for Clip"
    assert refused(conv, KernelSet("rv32")) == ""
    assert refused(few, KernelSet("rv32")) == own
    without = frozenset({"packed", "packed sparse"})  # one of five filters has no weights
    assert refused(conv, KernelSet("rv32", without)) == (
        "packed, packed sparse: too little work for its code"
    )
    assert refused(few, PORTABLE) == ""
    wide = graphs.conv(rng, (5, 5), 4, 6, (3, 3), Window(), 2, Rounding.DOUBLE)
    assert refused(wide, KernelSet("mve")).count("not for") == 1  # of groups nothing else is near


@pytest.mark.parametrize(
    ("core", "kernels", "optimize", "asked"),
    [
        ("cortex-m4", "portable", "speed", "--kernels portable"),
        ("cortex-m4", "fastest", "size", "--optimize size"),
        ("host", "portable", "speed", ""),
    ],
)
def test_portable_c_that_was_asked_for(
    core: str, kernels: Kernels, optimize: Optimize, asked: str
) -> None:
    """Not where there is nothing else."""
    dense = graphs.dense(np.random.default_rng(0), 1, 8, 8, Rounding.DOUBLE)
    reason = refused(dense, kernels_for(load_core(core), kernels, optimize))
    assert reason == (f"asked for with {asked}" if asked else "")


def test_reasons_call_operators_as_users_know_them() -> None:
    """Whatever classes they are inside."""
    labels = {op.__name__: op.__new__(op).label for op in OPS.values()}
    assert labels["QConv2D"] == labels["Conv2D"] == "Conv2D"
    assert labels["QTableSoftmax"] == labels["QSoftmax"] == "Softmax"
    assert labels["QMeanPool2D"] == "AvgPool2D"
    assert labels["Quantize"] == "Quantize"
    assert not [label for label in labels.values() if label.startswith("Q") and label[1].isupper()]


def test_equal_reasons_are_given_once() -> None:
    rng = np.random.default_rng(0)
    narrow = graphs.conv(rng, (5, 5), 3, 1, (3, 3), Window(), 1, Rounding.DOUBLE)
    assert refused(narrow, KernelSet("armv7e_m")) == "conv pairs, conv sparse: one filter"


def test_kernels_for_other_layers_say_nothing() -> None:
    """A reason tells by its type which one it is, however it begins."""
    rng = np.random.default_rng(0)
    spec = make_requant([2.0**-9] * 4, Rounding.SINGLE, 0, -(2**15), 2**15 - 1)
    weights, bias = rng.integers(-9, 9, (4, 3, 3, 8)).astype(np.int8), np.zeros(4, np.int64)
    x = TensorType((1, 5, 5, 8), DType.INT16)
    wide = single(QConv2D(spec, 0), [x, weights, bias], DType.INT16)
    assert refused(wide, KernelSet("armv7e_m")) == "columns: not TFLite's scale of 16 bits"
    for isa, variants in VARIANTS.items():
        near = [v for v in variants[QConv2D] if type(v.refuse(wide.nodes[0])) is not OtherKind]
        assert [v.name for v in near] == ["columns"], isa


@pytest.mark.parametrize("isa", VARIANTS)
@pytest.mark.parametrize(("kernel", "groups"), [(1, 1), (3, 1), (3, 8), (5, 8)])
def test_each_sample_of_a_batch_costs_as_much(isa: str, kernel: int, groups: int) -> None:
    """Whatever is set up once."""
    costs = []
    for batch in (1, 4):
        rng = np.random.default_rng(7)
        weights = rng.integers(-127, 128, (8, kernel, kernel, 8 // groups)).astype(np.int8)
        spec = make_requant([2.0**-9] * 8, Rounding.SINGLE, -128)
        pad = Window(padding=(kernel // 2,) * 4)
        op = QConv2D(spec, -128, pad, groups)
        graph = single(op, [int8(batch, 8, 8, 8), weights, np.zeros(8, np.int32)])
        costs.append(
            {v.name: v.cost(n).total for n in graph.nodes for v in VARIANTS[isa][QConv2D]
             if not v.refuse(n)}
        )  # fmt: skip
    assert costs[0]
    for name in costs[0].keys() & costs[1].keys():
        assert 3 * costs[0][name] < costs[1][name] < 4.2 * costs[0][name], name
