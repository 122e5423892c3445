"""The report as one self-contained HTML file: inline style and drawings, no script, no request."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from edgekit.report import drawing
from edgekit.report import format as fmt
from edgekit.report.model import Report

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = "report.html.j2"
_SCROLL_ROWS = 40  # longer lists scroll inside their section


def render_html(report: Report) -> str:
    """The whole page. The same report gives the same bytes."""
    schedule = report.schedule
    arena = report.memory.arena_bytes
    level, sentence = fmt.verdict(report)
    return _template().render(
        report=report,
        fmt=fmt,
        level=level,
        sentence=sentence,
        compared=fmt.compared(report),
        graph=drawing.draw_graph(report.graph) if report.graph else None,
        row=drawing.ROW,
        timeline=drawing.draw_timeline(schedule, arena) if schedule else None,
        layers=drawing.draw_layers(report),
        ram=drawing.stack_parts(fmt.ram_parts(report.memory)),
        flash=drawing.stack_parts(fmt.flash_parts(report.memory)),
        worst=_worst_layer(report),
        best_sqnr=max((e.sqnr_db for e in report.quantization if e.sqnr_db is not None), default=0),
        scroll_rows=_SCROLL_ROWS,
    )


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
