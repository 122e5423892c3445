"""The report as one self-contained HTML file: inline style and drawings, no script, no request."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from edgekit.report import drawing, front
from edgekit.report import format as fmt
from edgekit.report.drawing import LayerBar
from edgekit.report.model import Report

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = "report.html.j2"
_SCROLL_ROWS = 40  # longer lists scroll inside their section
_MANY_LAYERS, _SHOWN_LAYERS = 16, 12  # of more, the most expensive are shown


def render_html(report: Report) -> str:
    """The whole page. The same report gives the same bytes."""
    schedule = report.schedule
    arena = report.memory.arena_bytes
    level, sentence = fmt.verdict(report)
    layers, more = _most_expensive(drawing.draw_layers(report))
    return _template().render(
        report=report,
        fmt=fmt,
        level=level,
        sentence=sentence,
        compared=fmt.compared(report),
        graph=drawing.draw_graph(report.graph) if report.graph else None,
        row=drawing.ROW,
        timeline=drawing.draw_timeline(schedule, arena) if schedule else None,
        front=front.draw_front(schedule.front, arena) if schedule else (),
        front_height=front.HEIGHT,
        layers=layers,
        more_layers=more,
        ram=drawing.stack_parts(fmt.ram_parts(report.memory)),
        flash=drawing.stack_parts(fmt.flash_parts(report.memory)),
        worst=_worst_layer(report),
        named=_layer_names(report),
        natively=fmt.natively(report),
        subtitle=_subtitle(report),
        best_sqnr=max((e.sqnr_db for e in report.quantization if e.sqnr_db is not None), default=0),
        scroll_rows=_SCROLL_ROWS,
    )


def _subtitle(report: Report) -> str:
    target, model = report.target, report.model
    clock = f" at {target.clock_hz / 1e6:g} MHz" if target.clock_hz else ""
    parts = (
        str(report.options.get("precision") or ""),
        f"{target.core}{clock}" if target.board else "",
        fmt.macs(report),
        f"{fmt.count(model.parameters)} parameters",
    )
    return ", ".join(filter(None, parts))


def _most_expensive(
    layers: tuple[LayerBar, ...],
) -> tuple[tuple[LayerBar, ...], tuple[LayerBar, ...]]:
    """The layers to show, dearest first where there are many, and the rest in order."""
    if len(layers) <= _MANY_LAYERS:
        return layers, ()
    dearest = sorted(layers, key=lambda x: (x.instructions or 0, x.macs), reverse=True)
    shown = tuple(dearest[:_SHOWN_LAYERS])
    return shown, tuple(x for x in layers if x not in shown)


def _layer_names(report: Report) -> dict[str, str]:
    """The layer for each tensor of the source model that an error speaks of, where it is known."""
    of_output = {tensor: node.name for node in report.graph for tensor in node.outputs}
    of_origin = {name: x.name for x in report.latency.layers for name in x.origin}
    known = of_output | of_origin
    return {e.layer: known.get(e.layer, e.layer) for e in report.quantization}


def _worst_layer(report: Report) -> str | None:
    known = [(e.sqnr_db, e.layer) for e in report.quantization if e.sqnr_db is not None]
    return min(known)[1] if known else None


@functools.cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("edgekit.report"),
        undefined=StrictUndefined,
        autoescape=True,  # names come from models
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(TEMPLATE)
