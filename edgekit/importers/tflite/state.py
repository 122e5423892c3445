"""Handlers of variables: what a model keeps from one run to the next becomes graph state.

Resource variables get their first content in a subgraph that CALL_ONCE names. That subgraph is read
here and now: it may only assign constants.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import Problem
from edgekit.importers.tflite.context import ACTIVATIONS, Context, Refused, activation_problem
from edgekit.importers.tflite.reader import RawModel, RawOperator


def call_once(ctx: Context, op: RawOperator) -> None:
    """CALL_ONCE: the first contents of variables."""
    index = int(ctx.options(op, "CallOnceOptions").InitSubgraphIndex())
    if not 0 < index < len(ctx.model.subgraphs):
        ctx.refuse(op, f"calls subgraph {index} of {len(ctx.model.subgraphs)}")
    graph = ctx.model.subgraphs[index]
    handles: dict[int, str] = {}
    for inner in graph.operators:
        if inner.kind == "VAR_HANDLE":
            handles[inner.outputs[0]] = _name(ctx, inner)
        elif inner.kind == "ASSIGN_VARIABLE" and len(inner.inputs) == 2:
            name = handles.get(inner.inputs[0])
            if name is None:
                _refuse_inside(graph, inner, "assigns to no variable")
            ctx.initial[name] = _constant(graph, inner)
        else:
            what = "is not supported where variables get their first content"
            _refuse_inside(graph, inner, what, "VAR_HANDLE, ASSIGN_VARIABLE of constants")


def var_handle(ctx: Context, op: RawOperator) -> None:
    """VAR_HANDLE: a variable's name."""
    ctx.handles[op.outputs[0]] = _name(ctx, op)


def read_variable(ctx: Context, op: RawOperator) -> None:
    """READ_VARIABLE: the state, or what has been assigned to it in this run."""
    name = _variable(ctx, op)
    target = ctx.model.tensors[op.outputs[0]]
    reason = activation_problem(target)
    if reason:
        ctx.refuse(op, reason, ACTIVATIONS)
    if name not in ctx.contents:
        initial = ctx.initial.get(name)
        if initial is None:
            ctx.refuse(op, f"variable '{name}' is read before anything is assigned to it")
        type_ = ctx.type_of(target)
        if initial.shape != type_.shape or initial.dtype != type_.dtype.numpy:
            found = f"{initial.dtype}{list(initial.shape)}"
            ctx.refuse(op, f"variable '{name}' starts as {found}, and is read as {type_}")
        state = ctx.graph.add_state(name, type_, initial)
        ctx.states[name] = ctx.contents[name] = state
    value = ctx.contents[name]
    if (value.type.shape, value.type.quant) != (target.shape, target.quant):
        ctx.refuse(op, f"variable '{name}' holds {value.type}, and is read as another type")
    ctx.values[op.outputs[0]] = value


def assign_variable(ctx: Context, op: RawOperator) -> None:
    """ASSIGN_VARIABLE: what the variable holds from here on and in the next run."""
    name = _variable(ctx, op)
    value = ctx.value(op, 1)
    ctx.contents[name] = value
    state = ctx.states.get(name)
    if state is None:
        return  # nothing has read it before: it carries nothing into the next run
    if (value.type.shape, value.type.dtype, value.type.quant) != (
        state.type.shape,
        state.type.dtype,
        state.type.quant,
    ):
        ctx.refuse(op, f"assigns {value.type} to variable '{name}' of type {state.type}")
    ctx.graph.set_state_update(state, value)


def _variable(ctx: Context, op: RawOperator) -> str:
    name = ctx.handles.get(op.inputs[0]) if op.inputs else None
    if name is None:
        ctx.refuse(op, "its first input is not a variable made by VAR_HANDLE")
    return name


def _name(ctx: Context, op: RawOperator) -> str:
    options = ctx.options(op, "VarHandleOptions")
    parts = [options.Container() or b"", options.SharedName() or b""]
    return "/".join(p.decode("utf-8", "replace") for p in parts if p) or f"variable{op.index}"


def _constant(graph: RawModel, op: RawOperator) -> NDArray[Any]:
    tensor = graph.tensors[op.inputs[1]]
    if tensor.problem or tensor.data is None:
        _refuse_inside(graph, op, f"'{tensor.name}' {tensor.problem or 'is not a constant'}")
    return np.asarray(tensor.data)


def _refuse_inside(graph: RawModel, op: RawOperator, what: str, allowed: str = "") -> NoReturn:
    where = f"{op.kind} (operator {op.index} of the subgraph that CALL_ONCE calls)"
    raise Refused([Problem(what, where, allowed)])
