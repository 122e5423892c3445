"""Geometry of the drawings in the HTML report: numbers and paths, no markup.

Lengths are CSS pixels downwards and percent across, so that a drawing fills a phone as well as a
desk and its text is never stretched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgekit.report import format as fmt
from edgekit.report.model import GraphNode, Report
from edgekit.report.placement import Buffer, Schedule

ROW = 46  # height of a node in the graph
LANE = 9  # distance between lines that skip nodes
CLEAR = 5  # between the dots and the first of them
MAX_LANES = 14
_CLASSES = (
    ("conv", ("conv",)),
    ("dense", ("dense", "gemm", "matmul", "fullyconnected")),
    ("elementwise", ("add", "sub", "mul", "relu", "clip", "clamp")),
    ("pool", ("pool", "mean", "reduce")),
)


def op_class(op: str) -> str:
    """The family of an operator, which gives its colour."""
    lowered = op.lower()
    for family, parts in _CLASSES:
        if any(part in lowered for part in parts):
            return family
    return "other"


@dataclass(frozen=True)
class GraphRow:
    """One node (or graph input) as a row; ``y`` is the middle of its dot."""

    name: str
    op: str
    shape: tuple[int, ...] | None
    macs: int
    family: str
    y: float


@dataclass(frozen=True)
class GraphDrawing:
    """Rows from top to bottom, and the paths of the edges in a gutter on their left."""

    rows: tuple[GraphRow, ...]
    paths: tuple[str, ...]
    skips: tuple[str, ...]
    gutter: int
    dot_x: int
    height: int


def draw_graph(nodes: Sequence[GraphNode]) -> GraphDrawing:
    """Lay the graph out as a list; edges that skip rows run in lanes on the left."""
    producer = {name: i for i, node in enumerate(nodes) for name in node.outputs}
    read = [name for node in nodes for name in node.inputs]
    sources = list(dict.fromkeys(name for name in read if name not in producer))
    first = len(sources)
    row_of = {name: i for i, name in enumerate(sources)}
    row_of |= {name: first + i for name, i in producer.items()}
    rows = [GraphRow(name, "input", None, 0, "input", _middle(i)) for i, name in enumerate(sources)]
    rows += [
        GraphRow(n.name, n.op, n.shape, n.macs, op_class(n.op), _middle(first + i))
        for i, n in enumerate(nodes)
    ]
    edges = [(row_of[x], first + i) for i, node in enumerate(nodes) for x in node.inputs]
    spans = sorted({e for e in edges if e[1] - e[0] > 1}, key=lambda e: (e[1] - e[0], e))
    lanes = assign_lanes(spans)
    used = min(MAX_LANES, max(lanes.values(), default=-1) + 1)
    dot_x = 10 + used * LANE + (CLEAR if used else 0)
    straight = tuple(
        f"M{dot_x} {_middle(a):g}V{_middle(b):g}" for a, b in sorted(set(edges)) if b - a == 1
    )
    skips = tuple(_skip(dot_x, *span, lanes[span] % MAX_LANES) for span in spans)
    return GraphDrawing(tuple(rows), straight, skips, dot_x + 14, dot_x, ROW * len(rows))


def assign_lanes(spans: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """The lowest lane for each span in which no other span shares more than an end with it."""
    lanes: dict[tuple[int, int], int] = {}
    taken: list[list[tuple[int, int]]] = []
    for a, b in spans:
        lane = 0
        while lane < len(taken) and any(a < d and c < b for c, d in taken[lane]):
            lane += 1
        if lane == len(taken):
            taken.append([])
        taken[lane].append((a, b))
        lanes[a, b] = lane
    return lanes


def _middle(row: int) -> float:
    return row * ROW + ROW / 2


def _skip(dot_x: int, a: int, b: int, lane: int) -> str:
    x = dot_x - CLEAR - (lane + 1) * LANE
    top, bottom, bend = _middle(a), _middle(b), 12
    return (
        f"M{dot_x} {top:g}C{x} {top:g} {x} {top:g} {x} {top + bend:g}"
        f"V{bottom - bend:g}C{x} {bottom:g} {x} {bottom:g} {dot_x} {bottom:g}"
    )


@dataclass(frozen=True)
class Block:
    """One buffer in the timeline; ``label`` is the step that writes it, or an input's name."""

    buffer: Buffer
    label: str
    x: float
    width: float
    y: int
    height: int


@dataclass(frozen=True)
class Timeline:
    """The arena over time: steps downwards, byte offsets across (percent of ``scale_bytes``).

    Attributes:
        steps: names of the steps.
        live: bytes alive at each step.
        peak: index of the step with most bytes alive.
        blocks: buffers.
        row: height of a step.
        height: height of the whole.
        scale_bytes: what 100 % stands for.
        arena_x, bound_x: positions of the arena's end and of the lower bound.
        labels: whether rows are high enough for text.
    """

    steps: tuple[str, ...]
    live: tuple[int, ...]
    peak: int
    blocks: tuple[Block, ...]
    row: int
    height: int
    scale_bytes: int
    arena_x: float | None
    bound_x: float | None
    labels: bool


def covered_bytes(buffers: Iterable[Buffer]) -> int:
    """Bytes that buffers cover together in all regions; what they share counts once."""
    total, end, region = 0, 0, ""
    for b in sorted(buffers, key=lambda b: (b.region, b.offset)):
        if b.region != region:
            end, region = 0, b.region
        total += max(0, b.offset + b.size - max(end, b.offset))
        end = max(end, b.offset + b.size)
    return total


def draw_timeline(schedule: Schedule, arena_bytes: int | None) -> Timeline | None:
    """Place every buffer; None where there is nothing to draw. Further regions lie to the right
    of the arena."""
    base = _bases(schedule, arena_bytes or 0)
    ends = [base[b.region] + b.offset + b.size for b in schedule.buffers]
    scale = max([*ends, arena_bytes or 0], default=0)
    count = len(schedule.steps)
    if not scale or not count:
        return None
    row = 24 if count <= 80 else 12 if count <= 300 else 5
    used: list[list[Buffer]] = [[] for _ in range(count)]
    blocks = []
    for b in schedule.buffers:
        # inputs live before the first step, outputs after the last
        first, last = max(0, b.first), min(count - 1, b.last)
        if not b.size or first > last:
            continue
        for step in range(first, last + 1):
            used[step].append(b)
        label = b.name if b.kind == "input" else schedule.steps[first]
        x, width = _share(base[b.region] + b.offset, scale), _share(b.size, scale)
        blocks.append(Block(b, label, x, width, first * row, (last - first + 1) * row))
    live = [covered_bytes(buffers) for buffers in used]
    bound = None if len(base) > 1 else schedule.lower_bound_bytes  # it is for one piece
    return Timeline(
        schedule.steps,
        tuple(live),
        live.index(max(live)),
        tuple(blocks),
        row,
        row * count,
        scale,
        None if arena_bytes is None else round(100 * arena_bytes / scale, 3),
        None if bound is None or bound > scale else round(100 * bound / scale, 3),
        row >= 12,
    )


def _bases(schedule: Schedule, arena_bytes: int) -> dict[str, int]:
    """Where each region starts in the drawing."""
    found, end = {"arena": 0}, arena_bytes
    for region in schedule.split.regions if schedule.split else ():
        found[region.name] = end
        end += region.nbytes
    return found


@dataclass(frozen=True)
class LayerBar:
    """One layer's share, percent of the largest."""

    name: str
    op: str
    family: str
    macs: int
    instructions: int | None
    bar: float
    macs_bar: float
    variant: str = ""
    spending: str = ""


def draw_layers(report: Report) -> tuple[LayerBar, ...]:
    """Bars of instructions and MACs, each relative to the largest of its kind."""
    layers = report.latency.layers
    most = max((x.instructions or 0 for x in layers), default=0)
    most_macs = max((x.macs for x in layers), default=0)
    return tuple(
        LayerBar(
            x.name,
            x.op,
            op_class(x.op),
            x.macs,
            x.instructions,
            _share(x.instructions or 0, most),
            _share(x.macs, most_macs),
            x.variant,
            fmt.spending(x),
        )
        for x in layers
    )


@dataclass(frozen=True)
class Segment:
    """One part of a stacked bar, percent."""

    name: str
    size: int
    x: float
    width: float


def stack_parts(
    parts: Sequence[tuple[str, int | None]], whole: int | None = None
) -> tuple[Segment, ...]:
    """Known parts side by side, relative to ``whole`` (their sum where that is None)."""
    known = [(name, size) for name, size in parts if size]
    scale = max(whole or 0, sum(size for _, size in known))
    segments, start = [], 0
    for name, size in known:
        segments.append(Segment(name, size, _share(start, scale), _share(size, scale)))
        start += size
    return tuple(segments)


def _share(part: float, whole: float) -> float:
    return round(100 * part / whole, 3) if whole else 0.0
