"""Two reports side by side: what grew, what shrank, what changed."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from edgekit.report import format as fmt
from edgekit.report.codec import plain
from edgekit.report.model import SCHEMA_VERSION, LayerCost, Report

if TYPE_CHECKING:
    from rich.console import RenderableType

_HEADING = 16  # characters of a name that can head a column of figures
_MEMORY = (
    "ram_bytes",
    "arena_bytes",
    "state_bytes",
    "copied_bytes",
    "static_bytes",
    "stack_bytes",
    "flash_bytes",
    "weights_bytes",
    "table_bytes",
    "code_bytes",
)


@dataclass(frozen=True)
class Figure:
    """One figure in both reports.

    Attributes:
        name: what it is.
        a: in the first report; null where unknown.
        b: in the second report; null where unknown.
        change: ``b - a``; null where either is unknown.
    """

    name: str
    a: float | None
    b: float | None
    change: float | None

    @property
    def differs(self) -> bool:
        """True where the two are not the same."""
        return self.a != self.b


@dataclass(frozen=True)
class LayerChange:
    """One layer in both reports; a side is null where the layer does not occur.

    Attributes:
        name: the layer's name.
        op: the operator.
        a: instructions in the first report.
        b: instructions in the second report.
        change: ``b - a``; null where either is unknown.
        status: ``same``, ``changed``, ``added`` or ``removed``.
    """

    name: str
    op: str
    a: int | None
    b: int | None
    change: int | None
    status: str


@dataclass(frozen=True)
class Fact:
    """Something that is no figure and differs.

    Attributes:
        name: what it is.
        a: in the first report.
        b: in the second report.
    """

    name: str
    a: str
    b: str


@dataclass(frozen=True)
class Difference:
    """Answer of ``edgekit diff``.

    Attributes:
        a: name of the first report.
        b: name of the second report.
        memory: memory figures, bytes.
        latency: instructions and cycle estimate of one inference.
        layers: instructions per layer, in the order of the second report.
        accuracy: figures over labelled data that occur in either.
        facts: model, target, options, verification, versions: only what differs.
        identical: true where nothing differs.
        schema_version: version of this format.
    """

    a: str
    b: str
    memory: tuple[Figure, ...]
    latency: tuple[Figure, ...]
    layers: tuple[LayerChange, ...]
    accuracy: tuple[Figure, ...]
    facts: tuple[Fact, ...]
    identical: bool
    schema_version: int = SCHEMA_VERSION


def compare(a: Report, b: Report, names: tuple[str, str] = ("A", "B")) -> Difference:
    """Compare two reports.

    Args:
        a: the first.
        b: the second.
        names: how the table calls them.
    """
    memory = tuple(_figure(n, getattr(a.memory, n), getattr(b.memory, n)) for n in _MEMORY)
    latency = _latency(a, b)
    layers = compare_layers(a.latency.layers, b.latency.layers)
    accuracy = _accuracy(a, b)
    facts = _facts(a, b)
    changed = any(f.differs for f in (*memory, *latency, *accuracy))
    identical = not (changed or facts or any(x.status != "same" for x in layers))
    return Difference(*names, memory, latency, layers, accuracy, facts, identical)


def compare_layers(a: tuple[LayerCost, ...], b: tuple[LayerCost, ...]) -> tuple[LayerChange, ...]:
    """Pair layers by name and operator, in order, as a text diff pairs lines."""
    keys_a, keys_b = [(x.name, x.op) for x in a], [(x.name, x.op) for x in b]
    changes: list[LayerChange] = []
    for tag, a0, a1, b0, b1 in SequenceMatcher(None, keys_a, keys_b, autojunk=False).get_opcodes():
        if tag == "equal":
            changes += [_pair(x, y) for x, y in zip(a[a0:a1], b[b0:b1], strict=True)]
            continue
        changes += [
            LayerChange(x.name, x.op, x.instructions, None, None, "removed") for x in a[a0:a1]
        ]
        changes += [
            LayerChange(x.name, x.op, None, x.instructions, None, "added") for x in b[b0:b1]
        ]
    return tuple(changes)


def diff_view(difference: Difference) -> RenderableType:
    """The comparison as tables."""
    from rich.console import Group
    from rich.text import Text

    from edgekit.report.layout import Column, Facts, Table

    if difference.identical:
        return Text("no difference")
    names = (difference.a, difference.b)
    parts: list[RenderableType] = []
    if max(map(len, names)) > _HEADING:
        grid = Facts()
        for letter, name in zip("AB", names, strict=True):
            grid.add_row(letter, name)
        parts, names = [grid, ""], ("A", "B")
    columns = [Column(c, figure=True) for c in (*names, "change", "percent")]
    figures = Table("Figures", "", *columns)
    for line in (*difference.latency, *difference.memory, *difference.accuracy):
        if line.a is not None or line.b is not None:
            figures.add_row(line.name, _value(line.a), _value(line.b), *_change(line.a, line.b))
    parts.append(figures)
    moved = [x for x in difference.layers if x.status != "same"]
    if moved:
        layers = Table(
            "Layers that changed", Column("layer", name=True), Column("op", spare=1), *columns, ""
        )
        for x in moved:
            cells = (
                fmt.count(x.a) if x.a is not None else "-",
                fmt.count(x.b) if x.b is not None else "-",
            )
            status = "" if x.status == "changed" else x.status
            layers.add_row(x.name, x.op, *cells, *_change(x.a, x.b), status)
        parts += ["", layers]
    if difference.facts:
        facts = Table("Also different", "", *names)
        for fact in difference.facts:
            facts.add_row(fact.name, fact.a, fact.b)
        parts += ["", facts]
    return Group(*parts)


def _figure(name: str, a: float | None, b: float | None) -> Figure:
    return Figure(name, a, b, None if a is None or b is None else b - a)


def _pair(a: LayerCost, b: LayerCost) -> LayerChange:
    x, y = a.instructions, b.instructions
    status = "same" if (x, a.macs) == (y, b.macs) else "changed"
    return LayerChange(b.name, b.op, x, y, None if x is None or y is None else y - x, status)


def _latency(a: Report, b: Report) -> tuple[Figure, ...]:
    figures = [
        _figure("instructions", a.latency.instructions, b.latency.instructions),
        _figure("macs", a.model.macs, b.model.macs),
    ]
    for part in ("low", "typical", "high"):
        x, y = (getattr(r.latency.cycles, part, None) for r in (a, b))
        figures.append(_figure(f"cycle_estimate_{part}", x, y))
    return tuple(figures)


def _accuracy(a: Report, b: Report) -> tuple[Figure, ...]:
    def values(report: Report) -> dict[str, float]:
        return {f"{x.metric}, {x.subject}, {x.samples} samples": x.value for x in report.accuracy}

    left, right = values(a), values(b)
    return tuple(_figure(key, left.get(key), right.get(key)) for key in {**left, **right})


def _facts(a: Report, b: Report) -> tuple[Fact, ...]:
    left, right = _flat(a), _flat(b)
    return tuple(
        Fact(key, left.get(key, "-"), right.get(key, "-"))
        for key in {**left, **right}
        if left.get(key) != right.get(key)
    )


def _flat(report: Report) -> dict[str, str]:
    """What is no figure, as text by dotted name; what is unknown or empty is left out."""
    flat: dict[str, str] = {}

    def walk(prefix: str, value: object) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(f"{prefix}.{key}", inner)
        elif value is not None and value != []:
            flat[prefix] = _text(value)

    model = plain(report.model)
    walk("model", {k: model[k] for k in ("name", "sha256", "format", "parameters")})
    for part in ("target", "options", "verification", "versions", "fit"):
        walk(part, plain(getattr(report, part)))
    walk("warnings", list(report.warnings))
    return flat


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _value(value: float | None) -> str:
    if value is None:
        return "-"
    return fmt.count(value) if float(value).is_integer() else fmt.number(value, 6)


def _change(a: float | None, b: float | None) -> tuple[str, str]:
    if a is None or b is None:
        return "-", "-"
    if a == b:
        return "0", ""
    sign = "+" if b > a else "-"
    return f"{sign}{_value(abs(b - a))}", f"{100 * (b - a) / a:+.1f} %" if a else "-"
