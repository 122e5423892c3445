"""Control flow that is known when the model is converted: branches chosen, loops unrolled."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.importers.onnx.context import Call, Refusal
from edgekit.importers.onnx.nodes import Body, apply
from edgekit.importers.onnx.scope import Item
from edgekit.importers.onnx.sequences import stacked
from edgekit.ir import Value
from edgekit.ir.ops import Where

MAX_TURNS = 1024
"""Iterations of one loop: each is written out in the generated code."""


def if_(call: Call) -> None:
    """``If``: one branch where the condition is constant; else both, and the result is selected."""
    condition = call.value(0)
    bodies = [_body(call, name) for name in ("else_branch", "then_branch")]
    if condition.data is not None:
        found = bodies[bool(condition.data.reshape(-1)[0])].run([])
        for index, item in enumerate(found):
            call.result_item(item, index)
        return
    otherwise, then = (body.run([]) for body in bodies)
    for index, (no, yes) in enumerate(zip(otherwise, then, strict=True)):
        if not isinstance(no, Value) or not isinstance(yes, Value) or _kind(no) != _kind(yes):
            hint = "Make the condition a constant, or the branches' results alike"
            raise Refusal("its branches give different types or shapes", "the same", hint)
        call.result(call.add(Where(), [condition, yes, no], call.output_names[index]), index)


def _kind(value: Value) -> tuple[Any, ...]:
    return value.type.shape, value.type.dtype


def loop(call: Call) -> None:
    """``Loop`` unrolled: its trip count and its conditions must be known."""
    body = _body(call, "body")
    trips = int(call.constant(0, "the trip count").reshape(-1)[0]) if call.has(0) else None
    going = _truth(call.value(1)) if call.has(1) else True
    carried: list[Item] = [_item(call, i) for i in range(2, len(call.input_names))]
    scanned: list[list[Value]] = [[] for _ in body.outputs[1 + len(carried) :]]
    turn = 0
    while going and (trips is None or turn < trips):
        _check_turns(turn)
        number = call.array(np.asarray(turn, np.int64), "iteration")
        truth = call.array(np.asarray(going, np.bool_), "condition")
        results = body.run([number, truth, *carried], turn)
        going = _truth(results[0])
        carried = results[1 : 1 + len(carried)]
        for many, one in zip(scanned, results[1 + len(carried) :], strict=True):
            many.append(_tensor(one))
        turn += 1
    stacked = [_stack(call, many, 0, len(carried) + i) for i, many in enumerate(scanned)]
    _finish(call, [*carried, *stacked])


def scan(call: Call) -> None:
    """``Scan`` unrolled over the axis that it scans."""
    if call.opset < 9:
        raise Refusal(f"operator set {call.opset}", "9 or newer")
    body = _body(call, "body")
    count = call.attr_int("num_scan_inputs", 1)
    states: list[Item] = [_item(call, i) for i in range(len(call.input_names) - count)]
    turns = _scanned_inputs(call, len(states), count)
    scanned: list[list[Value]] = [[] for _ in body.outputs[len(states) :]]
    for turn, slices in enumerate(turns):
        results = body.run([*states, *slices], turn)
        states = results[: len(states)]
        for many, one in zip(scanned, results[len(states) :], strict=True):
            many.append(_tensor(one))
    axes = _numbers(call, "scan_output_axes", len(scanned))
    backwards = _numbers(call, "scan_output_directions", len(scanned))
    stacked = [
        _stack(call, many[::-1] if backwards[i] else many, axes[i], len(states) + i)
        for i, many in enumerate(scanned)
    ]
    _finish(call, [*states, *stacked])


def _scanned_inputs(call: Call, first: int, count: int) -> list[list[Value]]:
    """For each turn the slices of the scanned inputs, which start at input ``first``."""
    axes = _numbers(call, "scan_input_axes", count)
    backwards = _numbers(call, "scan_input_directions", count)
    slices = []
    for i in range(count):
        value = call.value(first + i)
        rank = len(value.type.shape)
        if not -rank <= axes[i] < rank:
            raise Refusal(f"scans axis {axes[i]} of shape {value.type.shape}")
        length = value.type.shape[axes[i]]
        _check_turns(length - 1)
        places = range(length)[:: -1 if backwards[i] else 1]
        slices.append([_slice(call, value, axes[i] % rank, place) for place in places])
    if len({len(s) for s in slices}) != 1:
        raise Refusal(f"scans different lengths {sorted({len(s) for s in slices})}", "the same")
    return [list(turn) for turn in zip(*slices, strict=True)]


def _body(call: Call, attribute: str) -> Body:
    graph = call.attr_raw(attribute)
    if graph is None:
        raise Refusal(f"attribute {attribute} is missing")
    return Body(graph, call.context, f"{call.op_type} '{call.name}'")


def _item(call: Call, index: int) -> Item:
    found = call.context.item(call.input_names[index])
    if found is None:
        raise Refusal(f"input {index} is missing")
    return found


def _tensor(item: Item) -> Value:
    if not isinstance(item, Value):
        raise Refusal("it collects sequences", "tensors")
    return item


def _truth(item: Item) -> bool:
    value = _tensor(item)
    if value.data is None:
        hint = "Loops are unrolled: their length may not depend on data"
        raise Refusal("its condition is computed at run time", "a constant", hint)
    return bool(value.data.reshape(-1)[0])


def _check_turns(turn: int) -> None:
    if turn >= MAX_TURNS:
        raise Refusal(f"runs more than {MAX_TURNS} times", f"up to {MAX_TURNS}")


def _numbers(call: Call, name: str, count: int) -> list[int]:
    found = call.attr_ints(name)
    if found is not None and len(found) != count:
        raise Refusal(f"attribute {name} has {len(found)} numbers", f"{count}")
    return list(found or (0,) * count)


def _stack(call: Call, values: list[Value], axis: int, index: int) -> Value:
    """Tensors of one shape along a new axis."""
    if not values:
        raise Refusal(f"output {index} has no elements: it never runs")
    rank = len(values[0].type.shape) + 1
    if not -rank <= axis < rank:
        raise Refusal(f"output {index} is stacked along axis {axis}")
    return stacked(call, tuple(values), axis % rank)


def _slice(call: Call, value: Value, axis: int, place: int) -> Value:
    """``value`` at one place of an axis, which goes away."""
    index = call.array(np.asarray(place, np.int64), "place")
    return apply(call, "Gather", [value, index], axis=axis)


def _finish(call: Call, items: list[Item]) -> None:
    for index, item in enumerate(items):
        if index < len(call.output_names) and call.output_names[index]:
            call.result_item(item, index)
