"""Structure of imported TFLite models: operators, geometry, weights, quantization, names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgekit.importers.tflite import load_tflite
from edgekit.importers.tflite.spatial import same_padding
from edgekit.ir import DType, Graph, Quant, verify
from edgekit.ir.ops import (
    RELU,
    RELU6,
    Add,
    Clamp,
    Conv2D,
    Dense,
    Dequantize,
    Quantize,
    Reshape,
    Window,
)
from tests.support import material
from tests.tflite_builder import (
    NONE,
    RELU_N1_TO_1,
    SAME,
    VALID,
    O,
    T,
    build,
    const,
    q8,
)
from tests.tflite_builder import RELU as ACT_RELU

pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed")


def imported(model: bytes, folder: Path) -> Graph:
    path = folder / "model.tflite"
    path.write_bytes(model)
    graph = load_tflite(path)
    verify(graph)
    return graph


def conv_fields(padding: int, act: int = NONE) -> tuple[tuple[str, int], ...]:
    return (
        ("padding", padding),
        ("strideH", 2),
        ("strideW", 1),
        ("dilationHFactor", 1),
        ("dilationWFactor", 2),
        ("fusedActivationFunction", act),
    )


def test_conv_2d(tmp_path: Path) -> None:
    weights = np.arange(2 * 3 * 3 * 3, dtype=np.int8).reshape(2, 3, 3, 3)
    tensors = [
        q8("x", (1, 6, 5, 3), 0.5, -3),
        const("w", weights, scale=(0.25, 0.125), zero=(0, 0)),
        const("b", np.array([1, -2], np.int32), scale=(0.125, 0.0625), zero=(0, 0)),
        q8("y", (1, 3, 5, 2), 0.1, 7),
    ]
    fields = conv_fields(SAME, ACT_RELU)
    graph = imported(
        build(tensors, [O("CONV_2D", (0, 1, 2), (3,), "Conv2DOptions", fields)]), tmp_path
    )
    (node,) = graph.nodes
    # Height: (3 - 1) * 2 + 3 - 6 = 1 row, at the bottom; width: (5 - 1) + 5 - 5 = 4 columns.
    assert node.op == Conv2D(Window((2, 1), (0, 2, 1, 2), (1, 2)), 1, "NHWC", RELU)
    assert node.output.type.quant == Quant.per_tensor(float(np.float32(0.1)), 7)
    assert node.output.type.layout == "NHWC"
    assert node.input(1).type.quant == Quant((0.25, 0.125), (0, 0), 0)
    np.testing.assert_array_equal(node.input(1).array, weights)
    assert node.input(2).array.tolist() == [1, -2]
    assert node.origin == ("y",)
    assert graph.inputs[0].name == "x"
    assert [b.name for b in graph.output_bindings] == ["y"]


def test_depthwise_weights_become_grouped_ones(tmp_path: Path) -> None:
    weights = np.arange(2 * 2 * 6, dtype=np.int8).reshape(1, 2, 2, 6)
    tensors = [
        q8("x", (1, 4, 4, 3), 0.5, 0),
        const("w", weights, scale=(0.1,) * 6, zero=(0,) * 6, axis=3),
        q8("y", (1, 2, 2, 6), 0.5, 0),
    ]
    op = O("DEPTHWISE_CONV_2D", (0, 1, -1), (2,), "DepthwiseConv2DOptions", conv_fields(VALID))
    (node,) = imported(build(tensors, [op]), tmp_path).nodes
    assert isinstance(node.op, Conv2D)
    assert node.op.groups == 3
    assert node.op.window.padding == (0, 0, 0, 0)
    assert node.input(1).type.shape == (6, 2, 2, 1)
    assert node.input(1).array[4, 1, 0, 0] == weights[0, 1, 0, 4]
    quant = node.input(1).type.quant
    assert quant is not None
    assert quant.axis == 0
    assert node.optional_input(2) is None


def test_fully_connected_flattens_and_restores(tmp_path: Path) -> None:
    tensors = [
        T("x", (1, 4, 6), "FLOAT32"),
        const("w", np.ones((5, 6), np.float32)),
        T("y", (1, 4, 5), "FLOAT32"),
    ]
    op = O("FULLY_CONNECTED", (0, 1, -1), (2,), "FullyConnectedOptions", (("keepNumDims", True),))
    graph = imported(build(tensors, [op]), tmp_path)
    assert [type(n.op) for n in graph.nodes] == [Reshape, Dense, Reshape]
    assert graph.nodes[1].output.type.shape == (4, 5)
    assert graph.outputs[0].name == "y"
    assert graph.outputs[0].type.shape == (1, 4, 5)


def test_constants_may_be_operands_and_activations_are_clamps(tmp_path: Path) -> None:
    tensors = [
        q8("x", (1, 2), 0.5, 0),
        const("c", np.array([3, 4], np.int8), scale=(0.25,), zero=(1,)),
        q8("y", (1, 2), 0.5, 0),
    ]
    op = O("ADD", (0, 1), (2,), "AddOptions", (("fusedActivationFunction", RELU_N1_TO_1),))
    (node,) = imported(build(tensors, [op]), tmp_path).nodes
    assert node.op == Add(Clamp(-1.0, 1.0))
    assert node.input(1).array.tolist() == [3, 4]
    assert node.input(1).type.quant == Quant.per_tensor(0.25, 1)


def test_float_ports_of_an_int8_model(tmp_path: Path) -> None:
    tensors = [
        T("x", (1, 4), "FLOAT32"),
        q8("q", (1, 4), 0.5, 1),
        q8("r", (1, 4), 0.5, 1),
        T("y", (1, 4), "FLOAT32"),
    ]
    operators = [
        O("QUANTIZE", (0,), (1,)),
        O("RELU6", (1,), (2,)),
        O("DEQUANTIZE", (2,), (3,)),
    ]
    graph = imported(build(tensors, operators), tmp_path)
    assert graph.nodes[0].op == Quantize(half_even=False)
    assert getattr(graph.nodes[1].op, "clamp", None) == RELU6
    assert isinstance(graph.nodes[2].op, Dequantize)
    assert graph.inputs[0].type.dtype is DType.FLOAT32


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation", "expected"),
    [
        (32, 3, 1, 1, (1, 1)),
        (32, 3, 2, 1, (0, 1)),
        (49, 10, 2, 1, (4, 5)),
        (5, 1, 3, 1, (0, 0)),
        (7, 3, 1, 2, (2, 2)),
    ],
)
def test_same_padding(
    size: int, kernel: int, stride: int, dilation: int, expected: tuple[int, int]
) -> None:
    assert same_padding(size, kernel, stride, dilation) == expected


@pytest.mark.parametrize(
    ("name", "macs", "parameters"),
    [
        ("pretrainedResnet_quant", 12_501_632, 77_706),
        ("kws_ref_model", 2_656_768, 22_604),
        ("vww_96_int8", 7_489_664, 210_850),
        ("ad01_int8", 264_192, 265_864),
    ],
)
def test_published_models(name: str, macs: int, parameters: int) -> None:
    graph = load_tflite(material() / "mlperf_tiny" / "models" / f"{name}.tflite")
    verify(graph)
    assert graph.macs() == macs
    assert graph.parameters() == parameters
    assert all(value.origin for node in graph.nodes for value in node.outputs)


def test_importing_the_module_is_light() -> None:
    code = "import sys, edgekit.importers.tflite; print('ai_edge_litert' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
