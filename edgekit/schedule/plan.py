"""Live ranges and static offsets for a graph in its given order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from edgekit.errors import ModelError, Problem
from edgekit.ir import Graph, Node, Value
from edgekit.ir.ops import Reshape
from edgekit.schedule.packing import Block, pack, peak_live
from edgekit.schedule.program import ARENA, STATE, Buffer, Move, Program, Step

ALIGN = 4
"""Bytes: int32 and float32 elements, and word loads of int8 data, need no more."""


def plan(graph: Graph, scratch_of: Callable[[Node], int]) -> Program:
    """Place every tensor of ``graph``.

    Args:
        graph: lowered graph; its node order is the execution order.
        scratch_of: bytes of scratch that a node's kernel declares.

    Returns:
        The program. Reshapes are aliases and take neither a step nor bytes.

    Raises:
        ModelError: an output or a next state is a constant, or states exchange their contents.
    """
    _refuse_constants(graph)
    owner = _owners(graph)
    nodes = [n for n in graph.nodes if not isinstance(n.op, Reshape)]
    position = {id(n): i for i, n in enumerate(nodes)}
    values = _live_values(graph, owner, position, len(nodes))
    scratch = [scratch_of(n) for n in nodes]

    blocks = [Block(b.nbytes, b.first, b.last) for b in values if b.region == ARENA]
    blocks += [Block(size, i, i) for i, size in enumerate(scratch) if size]
    offsets, arena_bytes = pack(blocks, ALIGN)

    free = iter(offsets)
    placed = [replace(b, offset=next(free)) if b.region == ARENA else b for b in values]
    placed, state_bytes = _place_state(placed)
    steps = tuple(Step(i, n, _scratch_buffer(n, i, scratch[i], free)) for i, n in enumerate(nodes))
    by_name = {b.name: b for b in placed}
    location = {name: by_name[o] for name, o in owner.items()}
    return Program(
        graph=graph,
        steps=steps,
        buffers=tuple(placed),
        location=location,
        arena_bytes=arena_bytes,
        state_bytes=state_bytes,
        lower_bound_bytes=peak_live(blocks, ALIGN),
        align=ALIGN,
        moves=_order_moves(graph, location),
    )


def _refuse_constants(graph: Graph) -> None:
    problems = [
        Problem("is a constant", f"output '{v.name}'", hint="Leave it out with --outputs.")
        for v in graph.outputs
        if v.is_constant
    ]
    problems += [
        Problem("always becomes the same constant", f"state '{s.state.name}'")
        for s in graph.states
        if s.update.is_constant
    ]
    if problems:
        raise ModelError("some outputs do not depend on any input", problems)


def _order_moves(graph: Graph, location: dict[str, Buffer]) -> tuple[Move, ...]:
    """Copies to the states, each state's old content read before it is overwritten."""
    waiting = [
        Move(s.state.name, s.update.name, location[s.update.name], location[s.state.name])
        for s in graph.states
        if location[s.update.name] is not location[s.state.name]
    ]
    ordered: list[Move] = []
    while waiting:
        free = [m for m in waiting if all(o is m or o.source is not m.home for o in waiting)]
        if not free:
            where = ", ".join(f"'{m.state}'" for m in waiting)
            problem = Problem("take each other's contents", f"states {where}")
            raise ModelError("states that exchange their contents are not supported", [problem])
        ordered += free
        waiting = [m for m in waiting if m not in free]
    return tuple(ordered)


def _owners(graph: Graph) -> dict[str, str]:
    """Value name -> name of the value whose bytes it shares (itself unless reshaped)."""
    owner = {v.name: v.name for v in [*graph.inputs, *(s.state for s in graph.states)]}
    for node in graph.nodes:
        for value in node.outputs:
            source = node.inputs[0] if isinstance(node.op, Reshape) else None
            shares = source is not None and not source.is_constant
            owner[value.name] = owner[source.name] if shares and source else value.name
    return owner


def _live_values(
    graph: Graph, owner: dict[str, str], position: dict[int, int], count: int
) -> list[Buffer]:
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    size: dict[str, int] = {}
    aliases: dict[str, list[str]] = {}
    states = {s.state.name for s in graph.states}

    def define(value: Value, step: int) -> None:
        root = owner[value.name]
        if root == value.name:
            first[root], last[root], size[root] = step, step, value.type.nbytes
            aliases[root] = []
        else:
            aliases[root].append(value.name)

    for value in [*graph.inputs, *(s.state for s in graph.states)]:
        define(value, -1)
    before = -1  # the last step so far; an alias is made right after it
    for node in graph.nodes:
        step = position.get(id(node))
        before = before if step is None else step
        for used in node.inputs:
            if used is not None and not used.is_constant:
                last[owner[used.name]] = max(last[owner[used.name]], before)
        for value in node.outputs:
            define(value, -1 if step is None else step)
    for value in [*graph.outputs, *(s.update for s in graph.states)]:
        last[owner[value.name]] = count
    return [
        Buffer(n, STATE if n in states else ARENA, 0, size[n], first[n], last[n], tuple(aliases[n]))
        for n in first
    ]


def _place_state(buffers: list[Buffer]) -> tuple[list[Buffer], int]:
    end = 0
    placed = []
    for buffer in buffers:
        if buffer.region == STATE:
            buffer = replace(buffer, offset=end)
            end += -(-buffer.nbytes // ALIGN) * ALIGN
        placed.append(buffer)
    return placed, end


def _scratch_buffer(node: Node, index: int, size: int, free: Iterator[int]) -> Buffer | None:
    if not size:
        return None
    offset = next(free)
    return Buffer(f"scratch of {node.name}", ARENA, offset, size, index, index)
