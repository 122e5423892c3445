"""Operators that are imported as several: intermediate values, results, axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.importers.tflite.context import ACTIVATIONS, Context, activation_problem
from edgekit.importers.tflite.reader import RawOperator
from edgekit.ir import DType, TensorType, Value
from edgekit.ir.op import Op, ShapeError
from edgekit.ir.ops import Reshape
from edgekit.passes.fold_constants import fold


def step(ctx: Context, op: RawOperator, ir_op: Op, inputs: Sequence[Value]) -> Value:
    """An intermediate value: a constant where all inputs are, otherwise a node's output. It has
    the quantization of the first input."""
    folded = fold(ir_op, inputs)
    if folded is not None:
        data, type_ = folded[0]
        return ctx.graph.constant(data, f"{op.kind.lower()}_{op.index}_constant", type_)
    try:
        shape = ir_op.infer([v.type.shape for v in inputs])[0]
    except ShapeError as error:
        ctx.refuse(op, str(error))
    dtype = ir_op.dtypes([v.type.dtype for v in inputs])[0]
    quant = inputs[0].type.quant if dtype is inputs[0].type.dtype else None
    return ctx.emit(op, ir_op, inputs, TensorType(shape, dtype, quant=quant))


def finish(
    ctx: Context, op: RawOperator, ir_op: Op, inputs: Sequence[Value], outputs: Sequence[int] = ()
) -> None:
    """Let an operator write outputs of the file's operator (all of them by default), in order."""
    places = list(outputs) or list(range(len(op.outputs)))
    targets = [ctx.model.tensors[op.outputs[i]] for i in places]
    folded = fold(ir_op, inputs)
    if folded is not None and len(folded) == len(targets):
        for place, (data, _) in zip(places, folded, strict=True):
            result(ctx, op, data, place)
        return
    try:
        shapes = ir_op.infer([v.type.shape for v in inputs])
    except ShapeError as error:
        ctx.refuse(op, str(error))
    declared = [ctx.type_of(t) for t in targets]
    if list(shapes) != [t.shape for t in declared]:
        said = [list(t.shape) for t in declared]
        found = [list(s) for s in shapes]
        ctx.refuse(op, f"the inputs imply shapes {found}, the file says {said}")
    names = [t.name for t in targets]
    stem = f"{op.kind.lower()}_{op.index}"
    node = ctx.graph.add_node(
        ir_op, inputs, declared, name=stem, outputs=names, origin=tuple(names)
    )
    for place, value in zip(places, node.outputs, strict=True):
        ctx.values[op.outputs[place]] = value


def result(ctx: Context, op: RawOperator, data: NDArray[Any], output: int = 0) -> None:
    """Take a constant as an output."""
    index = op.outputs[output]
    target = ctx.model.tensors[index]
    if data.shape != target.shape or DType.from_numpy(data.dtype) is not target.dtype:
        found = f"{data.dtype}{list(data.shape)}"
        ctx.refuse(op, f"the inputs imply {found}, the file says {list(target.shape)}")
    known = replace(target, data=data)
    ctx.folded[index] = known
    ctx.values[index] = ctx.constant(op, known, data, target.quant)


def constant(ctx: Context, op: RawOperator, data: NDArray[Any]) -> Value:
    """A constant of an operator's own."""
    return ctx.graph.constant(np.asarray(data), f"{op.kind.lower()}_{op.index}_table")


def reshaped(ctx: Context, op: RawOperator, x: Value, shape: Sequence[int]) -> Value:
    """The same elements in another shape."""
    return x if x.type.shape == tuple(shape) else step(ctx, op, Reshape(tuple(shape)), [x])


def one_axis(ctx: Context, op: RawOperator, axis: int, rank: int) -> int:
    """A non-negative axis."""
    if not -rank <= axis < rank:
        ctx.refuse(op, f"axis {axis} for {rank} dimensions")
    return axis % rank


def numbers(ctx: Context, op: RawOperator, position: int, what: str) -> list[int]:
    """A constant input of integers as a list."""
    return [int(n) for n in ctx.integers(op, position, what).reshape(-1)]


def check_inputs(ctx: Context, op: RawOperator, positions: Sequence[int] = (0,)) -> None:
    """Require inputs that can be activations, of any type."""
    for position in positions:
        tensor = ctx.tensor(op, position)
        reason = "" if tensor is None else activation_problem(tensor)
        if reason:
            ctx.refuse(op, reason, ACTIVATIONS)
