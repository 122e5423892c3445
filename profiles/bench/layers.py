"""Layers that the models of the other sections lack: what kernels in assembly spare there.

``python -m profiles.bench.layers`` prints the section of docs/benchmarks.md alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.c.choice import PORTABLE, kernels_for
from codegen.c.step import Variant
from edgekit.errors import ToolError
from edgekit.ir import DType, Graph, Node, TensorType, Value
from edgekit.ir.graph import node_macs
from edgekit.ir.op import Op, Shape
from edgekit.ir.ops import (
    QAdd,
    QConv2D,
    QDense,
    QLookup,
    QLstm,
    QMatMul,
    QMaxPool2D,
    QSoftmax,
    Requant,
    Rescale,
    Reshape,
    Rounding,
    Window,
)
from edgekit.pipeline.vectors import reference_outputs
from profiles.bench.firmware import count
from profiles.bench.markdown import table
from profiles.bench.measure import Log
from quantize.requantize import make_requant, quantize_multiplier
from targets.load import load_core

Array = NDArray[Any]
Build = Callable[[Graph, np.random.Generator], Node]
CORES = ("cortex-m4", "cortex-m55", "cortex-m3", "cortex-m0plus", "rv32imc")
SPREAD = 0.25
"""Standard deviation of a layer's outputs, as a part of their largest magnitude."""


@dataclass(frozen=True)
class Layer:
    """A layer and what its instructions are divided by: its MACs, or its elements."""

    title: str
    build: Build

    def units(self, node: Node) -> int:
        """MACs, or elements of the output where there are none."""
        return node_macs(node) or node.output.type.size


def _input(graph: Graph, dtype: DType, shape: Shape) -> Value:
    """An input that is one sample whatever its first axis is; Reshapes take no instructions."""
    whole = TensorType(shape, dtype)
    flat = graph.add_input(f"x{len(graph.inputs)}", TensorType((1, whole.size), dtype))
    return graph.add_node(Reshape(shape), [flat], whole).output


def _add(graph: Graph, op: Op, values: Sequence[Value], dtype: DType) -> Node:
    shape = op.infer([v.type.shape for v in values])[0]
    node = graph.add_node(op, values, TensorType(shape, dtype))
    flat = TensorType((1, node.output.type.size), dtype)
    graph.outputs.append(graph.add_node(Reshape(flat.shape), node.outputs, flat).output)
    return node


def _most(dtype: DType) -> int:
    """Its largest magnitude."""
    return 1 << (8 * dtype.itemsize - 1)


def _layer(
    graph: Graph, rng: np.random.Generator, dtype: DType, x: Shape, filters: Shape,
    op: Callable[[Requant], Op],
) -> Node:  # fmt: skip
    """A layer with weights of shape ``filters``: those of a model, random but for their size."""
    weights = rng.integers(-127, 128, filters, np.int8)
    most = _most(dtype)
    usual = np.sqrt((weights.astype(np.float64) ** 2).reshape(len(weights), -1).sum(1)) * most / 2
    scales = SPREAD * most / usual
    if dtype is DType.INT16:
        spec = make_requant(scales.tolist(), Rounding.REDUCED, 0, -(2**15), 2**15 - 1)
        bias = (usual * rng.uniform(-1, 1, len(weights))).astype(np.int64)
    else:
        spec = make_requant(scales.tolist(), Rounding.DOUBLE, -128)
        bias = (usual * rng.uniform(-1, 1, len(weights))).astype(np.int32)
    values = [_input(graph, dtype, x), graph.constant(weights), graph.constant(bias)]
    return _add(graph, op(spec), values, dtype)


def conv(
    graph: Graph, rng: np.random.Generator, size: Shape, filters: Shape, window: Window,
    groups: int = 1, dtype: DType = DType.INT8,
) -> Node:  # fmt: skip
    """A convolution over (height, width, channels)."""
    zero = -128 if dtype is DType.INT8 else 0
    op = partial(QConv2D, x_zero=zero, window=window, groups=groups)
    return _layer(graph, rng, dtype, (1, *size), filters, op)


def dense(graph: Graph, rng: np.random.Generator, depth: int, filters: int, dtype: DType) -> Node:
    """A dense layer of one row."""
    op = partial(QDense, x_zero=0)
    return _layer(graph, rng, dtype, (1, depth), (filters, depth), op)


def product(graph: Graph, rng: np.random.Generator, size: int) -> Node:
    """A product of two square matrices."""
    spec = make_requant([2.0**-6 / size], Rounding.DOUBLE, 3)
    values = [_input(graph, DType.INT8, (size, size)) for _ in range(2)]
    return _add(graph, QMatMul(spec, -5, 7), values, DType.INT8)


def lstm(graph: Graph, rng: np.random.Generator, depth: int, units: int) -> Node:
    """One step of an LSTM."""
    constants: list[Array] = []
    requants: list[Requant] = []
    for width in (depth, units):
        bits = 31 if requants else 15  # as TFLite: the first product is clamped to int16
        scales = [2.0**-4 / width**0.5] * 4
        requants.append(make_requant(scales, Rounding.DOUBLE, 0, -(2**bits), 2**bits - 1))
        constants.append(rng.integers(-127, 128, (4, units, width), np.int8))
    hidden = make_requant([2.0**-23], Rounding.DOUBLE, -3, bounds=[2**30])
    values = [_input(graph, DType.INT8, (1, 1, depth)), *map(graph.constant, constants)]
    values += [graph.constant(rng.integers(-999, 999, (4, units), np.int32)) for _ in range(2)]
    values += [_input(graph, kind, (1, units)) for kind in (DType.INT8, DType.INT16)]
    op = QLstm(requants[0], requants[1], hidden)
    shapes = op.infer([v.type.shape for v in values])
    kinds = (DType.INT8, DType.INT8, DType.INT16)
    types = [TensorType(shape, kind) for shape, kind in zip(shapes, kinds, strict=True)]
    node = graph.add_node(op, values, types)
    graph.outputs.append(node.outputs[1])
    return node


def wide_sum(graph: Graph, rng: np.random.Generator, size: int) -> Node:
    """A sum of two int16 tensors, the second with seven tenths of the first's scale."""
    first, second = (Rescale(0, *quantize_multiplier(s)) for s in (0.5, 0.35))
    spec = make_requant([1.5 * 2.0**-15], Rounding.DOUBLE, 0, -(2**15), 2**15 - 1)
    values = [_input(graph, DType.INT16, (1, size)) for _ in range(2)]
    return _add(graph, QAdd(first, second, spec, 15), values, DType.INT16)


def plain(graph: Graph, rng: np.random.Generator, op: Op, shape: Shape) -> Node:
    """An operator of one int8 tensor."""
    more = [graph.constant(rng.permutation(256).astype(np.int8))] if op == QLookup() else []
    return _add(graph, op, [_input(graph, DType.INT8, shape), *more], DType.INT8)


def _same(kernel: int, stride: int = 1, dilation: int = 1) -> Window:
    pad = dilation * (kernel // 2)
    return Window((stride, stride), (pad, pad, pad, pad), (dilation, dilation))


def _depthwise(size: int, kernel: tuple[int, int], window: Window, filters: int = 32) -> Build:
    shape, groups = (size, size, 32), 32
    return partial(conv, size=shape, filters=(filters, *kernel, 1), window=window, groups=groups)


LAYERS = (
    Layer("depthwise 5x5, 12x12x32", _depthwise(12, (5, 5), _same(5))),
    Layer("the same, stride 2", _depthwise(12, (5, 5), _same(5, 2))),
    Layer("depthwise 7x7, 12x12x32", _depthwise(12, (7, 7), _same(7))),
    Layer("depthwise 3x3, dilated, 12x12x32", _depthwise(12, (3, 3), _same(3, 1, 2))),
    Layer("depthwise 3x3, 12x12x32 to 64", _depthwise(12, (3, 3), _same(3), 64)),
    Layer(
        "depthwise 1x9, 1x60x32",
        partial(conv, size=(1, 60, 32), filters=(32, 1, 9, 1),
                window=Window(padding=(0, 4, 0, 4)), groups=32),
    ),
    Layer(
        "conv 5x5, 16x16x8 to 16",
        partial(conv, size=(16, 16, 8), filters=(16, 5, 5, 8), window=_same(5)),
    ),
    Layer("matrix product, 64x64x64", partial(product, size=64)),
    Layer("LSTM, 128 inputs, 128 units", partial(lstm, depth=128, units=128)),
    Layer(
        "int16 conv 3x3, 16x16x32 to 32",
        partial(conv, size=(16, 16, 32), filters=(32, 3, 3, 32), window=_same(3),
                dtype=DType.INT16),
    ),
    Layer(
        "int16 depthwise 3x3, 16x16x32",
        partial(conv, size=(16, 16, 32), filters=(32, 3, 3, 1), window=_same(3), groups=32,
                dtype=DType.INT16),
    ),
    Layer(
        "int16 depthwise 5x5, 12x12x32",
        partial(conv, size=(12, 12, 32), filters=(32, 5, 5, 1), window=_same(5), groups=32,
                dtype=DType.INT16),
    ),
    Layer("int16 dense, 256 to 64", partial(dense, depth=256, filters=64, dtype=DType.INT16)),
    Layer("int16 sum, 4096", partial(wide_sum, size=4096)),
    Layer(
        "max pool 2x2, 16x16x32",
        partial(plain, op=QMaxPool2D((2, 2), Window((2, 2))), shape=(1, 16, 16, 32)),
    ),
    Layer("lookup, 4096", partial(plain, op=QLookup(), shape=(1, 4096))),
    Layer("softmax, 1000", partial(plain, op=QSoftmax(1717986918, 20, -1984), shape=(1, 1000))),
)  # fmt: skip


@dataclass(frozen=True)
class LayerCost:
    """One layer on one core: instructions a MAC or element in portable C and as chosen."""

    portable: float
    chosen: float
    variant: str

    def __str__(self) -> str:
        if not self.variant:
            return f"{self.chosen:.2f} (C)"
        return f"{self.chosen:.2f} ({self.variant}; C {self.portable:.2f})"


def build(layers: Sequence[Layer]) -> tuple[Graph, list[Node]]:
    """All layers side by side in one graph, so that compilers specialise none to its sizes."""
    graph, rng = Graph("layers"), np.random.default_rng(0)
    nodes = [layer.build(graph, rng) for layer in layers]
    graph.bind_ports()
    return graph, nodes


def measure(core: str, layers: Sequence[Layer] = LAYERS) -> Iterator[LayerCost]:
    """Every layer, with and without kernels in assembly.

    Raises:
        ToolError: a compiler or an emulator is missing or failed, or outputs are wrong.
    """
    graph, nodes = build(layers)
    rng = np.random.default_rng(1)
    inputs = [
        rng.integers(-_most(v.type.dtype), _most(v.type.dtype), (1, *v.type.shape[1:])).astype(
            v.type.dtype.numpy
        )
        for v in graph.inputs
    ]
    kernels = kernels_for(load_core(core))
    portable, chosen = (count(graph, k, core, inputs) for k in (PORTABLE, kernels))
    wanted = reference_outputs(graph, inputs)
    if not (portable.equals(wanted) and chosen.equals(wanted)):
        raise ToolError(f"layers on {core} differ from the reference")
    for layer, node in zip(layers, nodes, strict=True):
        emitter, units = kernels.emitter(node), layer.units(node)
        before, after = (run.layers[node.name] / units for run in (portable, chosen))
        yield LayerCost(before, after, emitter.name if isinstance(emitter, Variant) else "")


def layers_section(log: Log) -> str:
    """The page's section."""
    columns = {}
    for core in CORES:
        log(f"single layers on {core}")
        columns[core] = [str(cost) for cost in measure(core)]
    rows = [[layer.title, *cells] for layer, *cells in zip(LAYERS, *columns.values(), strict=True)]
    return "\n".join([
        "## Other layers",
        "",
        "Layers that the models above do not have, with random weights: instructions per "
        "multiply-accumulate (pools, sums, lookups, softmax: per output), the kernel in assembly "
        "that computes them, and what portable C takes. All of them give the reference's outputs.",
        "",
        *table(["layer", *columns], rows),
        "",
    ])  # fmt: skip


if __name__ == "__main__":
    print(layers_section(lambda text: print(text, file=sys.stderr, flush=True)))
