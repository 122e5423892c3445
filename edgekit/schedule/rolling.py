"""Which rows each strip of a stage computes, needs and keeps; and about how much RAM that takes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from edgekit.ir import Node, Value
from edgekit.schedule.rows import ROW, Reach, Rows, reach, rows_read

Carry = Literal["keep", "move", "again"]
"""What happens to rows that later strips need again: they keep their place, move to the front of
the next strip's buffer, or are computed again."""


@dataclass
class Rolling:
    """A tensor of the stage that comes strip by strip.

    Attributes:
        value: the original.
        exit: True where it is needed whole after the stage.
        new: rows that each strip computes; None: none.
        needed: rows that each strip reads; None: none.
    """

    value: Value
    exit: bool
    new: list[Rows | None] = field(default_factory=list)
    needed: list[Rows | None] = field(default_factory=list)
    _done: int = 0

    def first_needed(self, strip: int) -> int | None:
        """The first row that a strip or a later one reads; None: nothing is read any more."""
        return min((n.start for n in self.needed[strip:] if n is not None), default=None)

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return self.value.type.nbytes // self.value.type.shape[ROW]


def roll(
    nodes: Sequence[Node], exits: Collection[str], strips: int, carry: Carry
) -> dict[str, Rolling]:
    """Rows of every result of a stage, by name.

    Args:
        nodes: the stage, in order; each works row by row.
        exits: names of results that are needed after it.
        strips: number of strips.
        carry: what happens to rows that later strips need again.
    """
    found = {n.output.name: Rolling(n.output, n.output.name in exits) for n in nodes}
    reads = [_reads(node, found) for node in nodes]
    for strip in range(strips):
        wanted: dict[str, Rows] = {}
        for node, inputs in zip(reversed(nodes), reversed(reads), strict=True):
            name = node.output.name
            rows = _advance(found[name], wanted.get(name), strip, strips, carry)
            for source, reached in inputs if rows is not None else ():
                assert rows is not None
                wanted[source] = reached.of(rows).hull(wanted.get(source))
    return found


def _reads(node: Node, found: Mapping[str, Rolling]) -> list[tuple[str, Reach]]:
    """Results of the stage that a node reads by rows."""
    reads = []
    for index, value in enumerate(node.inputs):
        reached = reach(node, index)
        if value is not None and reached is not None and value.name in found:
            reads.append((value.name, reached))
    return reads


def _advance(
    item: Rolling, need: Rows | None, strip: int, strips: int, carry: Carry
) -> Rows | None:
    """Note what a strip needs of a tensor; returns the rows that it computes."""
    height = item.value.type.shape[ROW]
    if item.exit:
        part = Rows(strip * height // strips, (strip + 1) * height // strips)
        need = part.hull(need) if part.height else need
    rows = None
    if need is not None and carry == "again" and not item.exit:
        rows = need
    elif need is not None and need.stop > item._done:
        rows = Rows(item._done, need.stop)
        item._done = need.stop
    item.new.append(rows)
    item.needed.append(need)
    return rows


class Estimate:
    """The largest need of a stage in strips, about: pieces side by side, what dies is reused.

    Args:
        nodes: the stage.
        rolling: its rows, from `roll`.
        scratch: bytes of scratch by node name.
        kept: names of values from outside that are needed after the stage.
        carry: what happens to rows that later strips need again.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        rolling: Mapping[str, Rolling],
        scratch: Mapping[str, int],
        kept: Collection[str],
        carry: Carry,
    ) -> None:
        self.nodes, self.rolling, self.scratch, self.kept = nodes, rolling, scratch, kept
        self.again = carry == "again"
        self.held: dict[str, int] = {}
        self.strips = len(next(iter(rolling.values())).new)
        self.entries = self._entries()
        self.left = {name: self._left(item) for name, item in rolling.items()}
        self.last_in_strip = {
            v.name: i for i, n in enumerate(nodes) for v in n.inputs if v is not None
        }

    def peak(self) -> int:
        """Bytes, what enters the stage included."""
        for value, _ in self.entries.values():
            self.held[value.name] = value.type.nbytes
        peak = sum(self.held.values())
        for strip in range(self.strips):
            for index, node in enumerate(self.nodes):
                item = self.rolling[node.output.name]
                rows = item.new[strip]
                if rows is None:
                    continue
                live = sum(self.held.values())
                made = rows.height * item.row_bytes
                old = self.held.get(node.output.name, 0)
                self.held[node.output.name] = made + (0 if self._fresh(item) else old)
                self._release(strip, index)
                freed = live + made - sum(self.held.values())
                peak = max(peak, live + made - min(freed, made) + self.scratch[node.name])
        return peak

    def _fresh(self, item: Rolling) -> bool:
        return self.again and not item.exit

    def _release(self, strip: int, index: int) -> None:
        """Drop the rows that nothing after a node of a strip reads."""
        for value in {v.name: v for v in self.nodes[index].inputs if v is not None}.values():
            if self.last_in_strip[value.name] != index:
                continue
            item = self.rolling.get(value.name)
            if value.name in self.entries:
                rest = self.entries[value.name][1][strip]
                self.held[value.name] = min(self.held[value.name], rest)
            elif item is not None and not item.exit:
                self.held[value.name] = self.left[value.name][strip]

    def _left(self, item: Rolling) -> list[int]:
        """Bytes of a result that are still needed after each strip."""
        left, start = [0] * self.strips, item.value.type.shape[ROW]
        stops: list[int] = []
        for rows in item.new:
            stops.append(max(rows.stop if rows else 0, stops[-1] if stops else 0))
        for strip in range(self.strips - 1, -1, -1):
            left[strip] = 0 if self.again else max(stops[strip] - start, 0) * item.row_bytes
            needed = item.needed[strip]
            start = start if needed is None else min(start, needed.start)
        return left

    def _entries(self) -> dict[str, tuple[Value, list[int]]]:
        """Values from outside, and their bytes that are still needed after each strip."""
        found: dict[str, tuple[Value, list[int]]] = {}
        for node in self.nodes:
            for index, value in enumerate(node.inputs):
                if value is None or value.is_constant or value.name in self.rolling:
                    continue
                rest = self._rest(node, index, value)
                old = found.get(value.name, (value, [0] * self.strips))[1]
                found[value.name] = value, [max(a, b) for a, b in zip(old, rest, strict=True)]
        return found

    def _rest(self, node: Node, index: int, value: Value) -> list[int]:
        """Bytes of a value from outside that a node still needs after each strip."""
        size = value.type.nbytes
        if value.name in self.kept:
            return [size] * self.strips
        height = value.type.shape[ROW] if len(value.type.shape) == 4 else 1
        rest, start = [0] * self.strips, height
        for strip in range(self.strips - 1, -1, -1):
            rest[strip] = size - start * (size // height) if start < height else 0
            rows = self.rolling[node.output.name].new[strip]
            if rows is not None:
                read = rows_read(node, index, rows)
                start = min(start, 0 if read is None else read.start)
        return rest
