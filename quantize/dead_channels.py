"""Remove channels that say nothing: constant ones, and those that nobody reads.

Training with weight decay or pruning leaves filters whose weights are all zero. What such a filter
gives is the same at every pixel, so its reader can add it to a bias once and for all; a channel
that no reader has a weight for need not be computed. Both follow from the integers of the model
alone, and outputs stay what they are, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import DType, Graph, Node, TensorType, Value
from edgekit.ir.ops import QAvgPool2D, QConv2D, QDense, QMaxPool2D, Requant, Reshape
from quantize.requantize import requantize

Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]
MULTIPLE = 4
"""Channels are kept in multiples of so many: kernels take them together."""
VARIABLE = 1 << 20
"""Stands for a channel without a constant."""


@dataclass(frozen=True)
class DeadChannels:
    """Remove constant and unread channels between int8 convolutions and dense layers."""

    name: str = "dead-channels"

    def run(self, graph: Graph) -> bool:
        """Fold, then remove."""
        layers = [node for node in graph.nodes if _mixes(node) or _carries(node)]
        constants: dict[Value, Ints] = {}
        folded = [_fold(graph, node, constants) for node in layers]
        keep: dict[Value, Mask] = {}
        for node in reversed(layers):
            _decide(graph, node, keep)
        for node in layers:
            _shrink(graph, node, keep)
        return any(folded) or bool(keep)


def _mixes(node: Node) -> bool:
    """Whether every output channel is a sum over all input channels."""
    op = node.op
    return _has_weights(node) and not (isinstance(op, QConv2D) and op.groups > 1)


def _carries(node: Node) -> bool:
    """Whether every output channel depends on the input channel of its number alone."""
    op = node.op
    shape = node.output.type.shape
    if isinstance(op, QConv2D):
        return _has_weights(node) and 1 < op.groups == node.input(1).type.shape[0]
    if node.output.type.dtype != DType.INT8:
        return False
    if isinstance(op, Reshape):  # of one pixel
        return shape[-1:] == node.input(0).type.shape[-1:] == (node.output.type.size,)
    return isinstance(op, QAvgPool2D | QMaxPool2D)


def _has_weights(node: Node) -> bool:
    """Whether a convolution or dense layer has the types of which this pass knows."""
    op = node.op
    if not isinstance(op, QConv2D | QDense) or op.w_zero:
        return False
    if {node.input(0).type.dtype, node.output.type.dtype} != {DType.INT8}:
        return False
    bias = node.optional_input(2)
    return node.input(1).is_constant and bias is not None and bias.is_constant


def _fold(graph: Graph, node: Node, constants: dict[Value, Ints]) -> bool:
    """Move what constant inputs give into the bias, and find the constant outputs.

    ``constants`` holds the channels of every value that has some, `VARIABLE` for all others.
    """
    op, known = node.op, constants.get(node.input(0))
    if not isinstance(op, QConv2D | QDense):
        if known is not None:  # a pool's result of equal numbers is that number, clamped
            low, high = getattr(op, "low", -128), getattr(op, "high", 127)
            clamped = np.clip(known, low, high)
            constants[node.output] = np.where(known == VARIABLE, VARIABLE, clamped)
        return False
    weights, bias = node.input(1).array, node.input(2).array.astype(np.int64)
    changed = False
    if known is not None:
        padded = isinstance(op, QConv2D) and any(op.window.padding)
        able = (known == op.x_zero) | ((known != VARIABLE) & (not padded))
        cleared, more = _constant_part(weights, able, known - op.x_zero, _carries(node))
        if (cleared != weights).any() and np.abs(bias + more).max() < 1 << 31:
            weights, bias, changed = cleared, bias + more, True
            _set_constant(graph, node, 1, weights)
            _set_constant(graph, node, 2, bias.astype(np.int32))
    alive = (weights.reshape(weights.shape[0], -1) != 0).any(axis=1)
    if not alive.all():
        outputs = requantize(bias, op.requant).astype(np.int64)
        constants[node.output] = np.where(alive, VARIABLE, outputs)
    return changed


def _constant_part(
    weights: NDArray[np.int8], able: Mask, inputs: Ints, depthwise: bool
) -> tuple[NDArray[np.int8], Ints]:
    """Weights without those of constant inputs, and what they give for each filter.

    Args:
        weights: filters first, channels last.
        able: channels that are the same wherever a window lies.
        inputs: their numbers, the zero point taken off.
        depthwise: each filter has the channel of its number alone.
    """
    taps = weights.astype(np.int64).reshape(len(weights), -1, weights.shape[-1]).sum(axis=1)
    inputs = np.where(able, inputs, 0)
    if depthwise:
        mask = able.reshape(-1, *[1] * (weights.ndim - 1))
        return np.where(mask, 0, weights).astype(np.int8), taps[:, 0] * inputs
    return np.where(able, 0, weights).astype(np.int8), taps @ inputs


def _decide(graph: Graph, node: Node, keep: dict[Value, Mask]) -> None:
    """Which channels of an output are needed; nothing where all are."""
    value = node.output
    readers = [reader for reader, _ in value.uses]
    if not _is_free(graph, value) or not readers:
        return
    if len(readers) == 1 and _carries(readers[0]):
        if readers[0].output in keep:
            keep[value] = keep[readers[0].output]
        return
    if not all(_mixes(reader) and reader.input(0) is value for reader in readers):
        return
    if _carries(node) and not _removable(graph, node.input(0)):
        return
    read = np.zeros(value.type.shape[-1], np.bool_)
    for reader in readers:
        weights = reader.input(1).array
        read |= (weights.reshape(-1, weights.shape[-1]) != 0).any(axis=0)
    count = -(-max(int(read.sum()), 1) // MULTIPLE) * MULTIPLE
    if count < len(read):
        order = np.argsort(~read, kind="stable")[:count]
        keep[value] = np.isin(np.arange(len(read)), order)


def _is_free(graph: Graph, value: Value) -> bool:
    """Whether only nodes read a value, and its channels share one scale."""
    quant = value.type.quant
    return not graph.is_output(value) and (quant is None or len(quant.scale) == 1)


def _removable(graph: Graph, value: Value) -> bool:
    """Whether a carrier's input can lose the channels that its output loses."""
    node = value.producer
    if node is None or not _is_free(graph, value) or len(value.uses) > 1:
        return False
    return _mixes(node) or (_carries(node) and _removable(graph, node.input(0)))


def _shrink(graph: Graph, node: Node, keep: dict[Value, Mask]) -> None:
    """Take the channels out of a node."""
    inputs, outputs, op = keep.get(node.input(0)), keep.get(node.output), node.op
    if outputs is not None:
        shape = (*node.output.type.shape[:-1], int(outputs.sum()))
        graph.set_type(node.output, replace(node.output.type, shape=shape))
        if isinstance(op, Reshape):
            graph.set_op(node, Reshape(shape))
    if not isinstance(op, QConv2D | QDense) or (inputs is None and outputs is None):
        return
    weights, bias = node.input(1).array, node.input(2).array
    if inputs is not None and isinstance(op, QConv2D) and op.groups > 1:
        op = replace(op, groups=int(inputs.sum()))
    elif inputs is not None:
        weights = weights[..., inputs]
    if outputs is not None:
        weights, bias = weights[outputs], bias[outputs]
        op = replace(op, requant=_of_channels(op.requant, np.flatnonzero(outputs)))
    _set_constant(graph, node, 1, weights)
    _set_constant(graph, node, 2, bias)
    graph.set_op(node, op)


def _of_channels(requant: Requant, channels: NDArray[np.intp]) -> Requant:
    if len(requant.multiplier) == 1:
        return requant
    multiplier = tuple(requant.multiplier[i] for i in channels)
    return replace(requant, multiplier=multiplier, shift=tuple(requant.shift[i] for i in channels))


def _set_constant(graph: Graph, node: Node, index: int, data: NDArray[Any]) -> None:
    old = node.input(index)
    type = TensorType(data.shape, DType.from_numpy(data.dtype), old.type.layout)
    graph.set_input(node, index, graph.constant(np.ascontiguousarray(data), old.name, type))
