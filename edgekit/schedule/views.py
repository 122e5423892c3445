"""Which values are parts of other values' bytes, so that nothing has to be moved for them.

A reshape is always another name for its source. With views, a slice of rows that lie in one piece
is a part of its source, and values that are joined along the outermost axis are written side by
side, straight into the joint result. A slice that goes into such a joint is copied to its new
place: that is how rows which later strips still need move out of the way.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field

from edgekit.ir import Graph, Node, Value
from edgekit.ir.ops import Concat, Reshape, Slice


@dataclass
class Root:
    """Bytes in one piece that one or several values are parts of.

    Attributes:
        value: the first value in it.
        start, end: extent in bytes, relative to that value.
        written: pieces that a step (or the caller) writes: start, end and the value.
    """

    value: Value
    start: int
    end: int
    written: list[tuple[int, int, Value]] = field(default_factory=list)


@dataclass(frozen=True)
class Views:
    """Where values lie inside roots.

    Attributes:
        roots: in the order in which they appear; None for one that became part of another.
        place: value name -> root and offset in bytes, relative to the root's first value.
        sizes: value name -> bytes.
        steps: nodes that compute or move bytes.
    """

    roots: list[Root | None]
    place: dict[str, tuple[int, int]]
    sizes: dict[str, int]
    steps: list[Node]


def find_views(graph: Graph, align: int, parts: bool) -> Views:
    """Resolve reshapes, and with ``parts`` slices and joints too.

    Args:
        graph: lowered graph.
        align: offsets that are no multiple of it make no views.
        parts: whether slices and joints may be views.
    """
    views = Views([], {}, {}, [])
    states = {s.state.name for s in graph.states}
    for value in [*graph.inputs, *(s.state for s in graph.states)]:
        _add_root(views, value)
    for node in graph.nodes:
        views.sizes.update((v.name, v.type.nbytes) for v in node.outputs)
        if _is_shown(views, node, align, parts, states):
            continue
        views.steps.append(node)
        for value in node.outputs:
            _add_root(views, value)
    return views


def row_range(node: Node) -> tuple[int, int] | None:
    """First byte and bytes of a slice whose elements lie in one piece of its source; else None."""
    op, x = node.op, node.input(0).type
    assert isinstance(op, Slice)
    if any(step != 1 for step, size in zip(op.steps, op.sizes, strict=True) if size > 1):
        return None
    whole = [size == n for size, n in zip(op.sizes, x.shape, strict=True)]
    axis = next((i for i, n in enumerate(x.shape) if n > 1), 0)
    if not all(whole[axis + 1 :]) or not all(op.sizes):
        return None
    inner = math.prod(x.shape[axis + 1 :]) * x.dtype.itemsize
    return op.starts[axis] * inner, op.sizes[axis] * inner


def joins_rows(node: Node) -> bool:
    """True for a joint whose parts lie one after the other."""
    op = node.op
    assert isinstance(op, Concat)
    return math.prod(node.output.type.shape[: op.axis]) == 1


def _add_root(views: Views, value: Value) -> None:
    end = views.sizes[value.name] = value.type.nbytes
    views.place[value.name] = (len(views.roots), 0)
    views.roots.append(Root(value, 0, end, [(0, end, value)]))


def _is_shown(views: Views, node: Node, align: int, parts: bool, states: set[str]) -> bool:
    """Place the result of a node that needs no step; False where it needs one."""
    source = node.inputs[0] if node.inputs else None
    if source is None or source.is_constant:
        return False
    if isinstance(node.op, Reshape):
        views.place[node.output.name] = views.place[source.name]
        return True
    if not parts or source.name in states:
        return False
    if isinstance(node.op, Slice):
        return _show_slice(views, node, source, align)
    return isinstance(node.op, Concat) and _show_joint(views, node, align)


def _show_slice(views: Views, node: Node, source: Value, align: int) -> bool:
    if any(isinstance(user.op, Concat) for user, _ in node.output.uses):
        return False
    found = row_range(node)
    root, at = views.place[source.name]
    if found is None or (at + found[0]) % align:
        return False
    views.place[node.output.name] = (root, at + found[0])
    return True


def _show_joint(views: Views, node: Node, align: int) -> bool:
    """Bring the parts of a joint side by side into the root of the first one."""
    values = [v for v in node.inputs if v is not None and v.producer is not None]
    if not joins_rows(node) or len(values) != len(node.inputs):
        return False
    home, at = views.place[values[0].name]
    moves: dict[int, int] = {}
    for value in values:
        root, offset = views.place[value.name]
        shift = at - offset
        if at % align or (root != home and moves.setdefault(root, shift) != shift):
            return False
        if root == home and shift:
            return False
        at += value.type.nbytes
    if not _disjoint(views, home, moves):
        return False
    for root, shift in moves.items():
        _merge(views, home, root, shift)
    views.place[node.output.name] = views.place[values[0].name]
    return True


def _disjoint(views: Views, home: int, moves: dict[int, int]) -> bool:
    pieces = [(a + s, b + s) for r, s in {home: 0, **moves}.items() for a, b in _extents(views, r)]
    pieces.sort()
    return all(first[1] <= second[0] for first, second in itertools.pairwise(pieces))


def _extents(views: Views, index: int) -> list[tuple[int, int]]:
    root = views.roots[index]
    assert root is not None
    return [(start, end) for start, end, _ in root.written]


def _merge(views: Views, home: int, index: int, shift: int) -> None:
    target, root = views.roots[home], views.roots[index]
    assert target is not None
    assert root is not None
    target.written += [(a + shift, b + shift, v) for a, b, v in root.written]
    target.start = min(target.start, root.start + shift)
    target.end = max(target.end, root.end + shift)
    views.roots[index] = None
    for name, (owner, at) in list(views.place.items()):
        if owner == index:
            views.place[name] = (home, at + shift)
