"""Normalisations: by batch, instance, group, layer, root mean square, norm and neighbours."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgekit.importers.onnx.context import Call, Refusal
from edgekit.ir import Value
from edgekit.ir.ops import (
    Add,
    BatchNorm,
    Binary,
    LocalResponseNorm,
    Mul,
    Normalize,
    Reshape,
    Transpose,
    Unary,
)


def _axis(call: Call, default: int) -> int:
    shape = call.value(0).type.shape
    axis = call.attr_int("axis", default)
    if not -len(shape) <= axis < len(shape):
        raise Refusal(f"axis {axis} for shape {shape}")
    return axis % len(shape)


def _scaled(call: Call, x: Value, terms: Sequence[Value | None], rank: int) -> Value:
    """``x * scale + bias`` with one number of each for a channel (axis 1 of ``rank``)."""
    for op, term, name in zip((Mul(), Add()), terms, ("scaled", "shifted"), strict=True):
        if term is None:
            continue
        shape = term.type.shape
        if len(shape) == 1 and rank > 2:
            term = call.add(Reshape((*shape, *(1,) * (rank - 2))), [term], f"{term.name}_wide")
        x = call.add(op, [x, term], f"{call.output_names[0]}_{name}")
    return x


def batch_normalization(call: Call) -> None:
    """``BatchNormalization`` with given statistics, or in training mode with those of the batch."""
    x = call.value(0)
    if len(x.type.shape) < 2:
        raise Refusal(f"input 0 has shape {x.type.shape}", "rank 2 or more")
    call.ignore("is_test")  # before operator set 7: statistics are given either way
    if not call.attr_int("spatial", 1):
        raise Refusal("spatial = 0", "1")
    epsilon, momentum = call.attr_float("epsilon", 1e-5), call.attr_float("momentum", 0.9)
    channels = x.type.shape[1]
    for i, what in ((1, "scale"), (2, "bias"), (3, "mean"), (4, "variance")):
        if call.value(i).type.shape != (channels,):
            raise Refusal(f"{what} has shape {call.value(i).type.shape}", f"{(channels,)}")
    if call.attr_int("training_mode", 0):
        _train(call, epsilon, momentum)
        return
    variance = call.value(4)
    spread = None if variance.data is None else variance.data.astype(np.float64) + epsilon
    if spread is not None and not (np.isfinite(spread) & (spread > 0)).all():
        raise Refusal("variance + epsilon is not positive and finite")
    call.emit(BatchNorm(epsilon, 1), [call.value(i) for i in range(5)])


def _train(call: Call, epsilon: float, momentum: float) -> None:
    """Statistics of the batch normalise it, and move the running ones by ``1 - momentum``."""
    x, out = call.value(0), call.output_names[0]
    order = (1, 0, *range(2, len(x.type.shape)))
    turned = call.add(Transpose(order), [x], f"{out}_turned")
    op = Normalize(1, "variance", epsilon, statistics=True)
    unit, mean, variance = call.add_all(
        op, [turned], (f"{out}_unit", f"{out}_mean", f"{out}_variance")
    )
    unit = call.add(Transpose(order), [unit], f"{out}_back")
    call.result(_scaled(call, unit, [call.value(1), call.value(2)], len(order)))
    for index, found in ((1, mean), (2, variance)):
        if index >= len(call.output_names) or not call.output_names[index]:
            continue
        stem = call.output_names[index]
        new = call.add(Reshape((x.type.shape[1],)), [found], f"{stem}_new")
        keep = call.array(np.asarray([momentum], np.float32))
        take = call.array(np.asarray([1.0 - momentum], np.float32))
        old = call.add(Mul(), [call.value(index + 2), keep], f"{stem}_old")
        new = call.add(Mul(), [new, take], f"{stem}_part")
        call.result(call.add(Add(), [old, new], stem), index)


def instance_normalization(call: Call) -> None:
    """``InstanceNormalization``: each channel of each sample by itself."""
    x = call.value(0)
    rank = len(x.type.shape)
    if rank < 3:
        raise Refusal(f"input 0 has shape {x.type.shape}", "rank 3 or more")
    op = Normalize(2, "variance", call.attr_float("epsilon", 1e-5))
    unit = call.add(op, [x], f"{call.output_names[0]}_unit")
    call.result(_scaled(call, unit, [call.value(1), call.value(2)], rank))


def group_normalization(call: Call) -> None:
    """``GroupNormalization``: groups of channels; scale and bias by channel since opset 21."""
    x, out = call.value(0), call.output_names[0]
    shape, groups = x.type.shape, call.attr_int("num_groups", 0)
    call.ignore("stash_type")
    if len(shape) < 2 or groups < 1 or shape[1] % groups:
        raise Refusal(f"num_groups {groups} for shape {shape}", "a divisor of the channels")
    terms = [call.value(1), call.value(2)]
    split = (shape[0], groups, math.prod(shape[1:]) // groups)
    op = Normalize(2, "variance", call.attr_float("epsilon", 1e-5))
    unit = call.add(op, [call.add(Reshape(split), [x], f"{out}_groups")], f"{out}_unit")
    if call.opset < 21:
        call.emit(Reshape(shape), [_scaled(call, unit, terms, 3)])
    else:
        unit = call.add(Reshape(shape), [unit], f"{out}_whole")
        call.result(_scaled(call, unit, terms, len(shape)))


def layer_normalization(call: Call) -> None:
    """``LayerNormalization`` over the axes from ``axis`` on, with mean and 1 / deviation."""
    axis, out = _axis(call, -1), call.output_names[0]
    call.ignore("stash_type")
    epsilon = call.attr_float("epsilon", 1e-5)
    wanted = [n for n in call.output_names[1:] if n]
    op = Normalize(axis, "variance", epsilon, statistics=bool(wanted))
    y, *statistics = _by_terms(call, op, [call.optional(1), call.optional(2)])
    call.result(y)
    if not statistics:
        return
    for index, name in enumerate(call.output_names[1:], 1):
        if name and index == 1:
            call.result(statistics[0], 1)
        elif name:
            small = call.array(np.asarray([epsilon], np.float32))
            spread = call.add(Add(), [statistics[1], small], f"{out}_spread")
            deviation = call.add(Unary("sqrt"), [spread], f"{out}_deviation")
            one = call.array(np.asarray([1.0], np.float32))
            call.result(call.add(Binary("div"), [one, deviation], name), 2)


def rms_normalization(call: Call) -> None:
    """``RMSNormalization`` over the axes from ``axis`` on."""
    op = Normalize(_axis(call, -1), "rms", call.attr_float("epsilon", 1e-5))
    call.ignore("stash_type")
    call.result(_by_terms(call, op, [call.optional(1), None])[0])


def rms_norm(call: Call) -> None:
    """``RMSNorm``, which no operator set defines: as exporters wrote it before there was
    ``RMSNormalization``, over the last axis with ``eps``."""
    op = Normalize(_axis(call, -1), "rms", call.attr_float("eps", 1e-5))
    call.result(_by_terms(call, op, [call.optional(1), None])[0])


def _by_terms(call: Call, op: Normalize, terms: Sequence[Value | None]) -> tuple[Value, ...]:
    """The operator with scale and bias inside where their shapes allow, behind it otherwise."""
    x, out = call.value(0), call.output_names[0]
    inner = x.type.shape[op.axis :]
    whole = all(t is None or t.type.shape == inner for t in terms)
    stems = [out, f"{out}_mean", f"{out}_variance"] if op.statistics else [out]
    if whole:
        return call.add_all(op, [x, *terms], stems)
    y, *rest = call.add_all(op, [x], [f"{out}_unit", *stems[1:]])
    return (_scaled(call, y, terms, 0), *rest)


def lp_normalization(call: Call) -> None:
    """``LpNormalization``: p = 1 or 2 along one axis."""
    axis, p = _axis(call, -1), call.attr_int("p", 2)
    if p not in (1, 2):
        raise Refusal(f"p = {p}", "1 or 2")
    rank = len(call.value(0).type.shape)
    kept = [i for i in range(rank) if i != axis]
    call.result(_turned(call, kept, [axis], Normalize(rank - 1, f"l{p}", 0.0)))


def mean_variance_normalization(call: Call) -> None:
    """``MeanVarianceNormalization`` over any axes."""
    rank = len(call.value(0).type.shape)
    given = call.attr_ints("axes") or (0, 2, 3)
    if any(not -rank <= a < rank for a in given):
        raise Refusal(f"axes {given} for rank {rank}")
    axes = sorted({a % rank for a in given})
    kept = [i for i in range(rank) if i not in axes]
    # The deviation is divided by after adding 1e-9: its square counts beside the variance.
    call.result(_turned(call, kept, axes, Normalize(len(kept), "variance", 1e-18)))


def _turned(call: Call, kept: list[int], axes: list[int], op: Normalize) -> Value:
    """The operator over chosen axes: moved behind the others and back."""
    x, out = call.value(0), call.output_names[0]
    order = (*kept, *axes)
    if list(order) == sorted(order):
        return call.add(op, [x], out)
    x = call.add(Transpose(order), [x], f"{out}_turned")
    unit = call.add(op, [x], f"{out}_unit")
    return call.add(Transpose(tuple(int(i) for i in np.argsort(order))), [unit], out)


def lrn(call: Call) -> None:
    """``LRN`` across channels."""
    size = call.attr_int("size", 0)
    if size < 1:
        raise Refusal(f"size {size}", "1 or more")
    op = LocalResponseNorm(
        1, (size - 1) // 2, size // 2, call.attr_float("alpha", 1e-4) / size,
        call.attr_float("beta", 0.75), call.attr_float("bias", 1.0),
    )  # fmt: skip
    call.emit(op, [call.value(0)])
