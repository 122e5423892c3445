"""The HTML report: self-contained, well-formed, safe with any name, and it fits a phone."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from edgekit.report.html import render_html
from edgekit.report.model import LayerCost, LayerError
from edgekit.report.placement import FrontPoint
from tests.report.samples import HOSTILE, bare_report, full_report, native_report

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Balance(HTMLParser):
    """Collects tags that are closed in the wrong order or never."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        return

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.mark.parametrize(
    "page", [render_html(full_report()), render_html(bare_report()), render_html(native_report())]
)
def test_well_formed(page: str) -> None:
    parser = Balance()
    parser.feed(page)
    parser.close()
    assert parser.wrong == []
    assert parser.open == []
    for drawing in re.findall(r"<svg.*?</svg>", page.replace("\n", " ")):
        if drawing.count("<svg") == 1:  # nested ones are covered by the tag balance
            ET.fromstring(drawing)


def test_no_request_leaves_the_page() -> None:
    page = render_html(full_report())
    for forbidden in ("http:", "https:", "<script", "src=", "url(", "@import", "<link"):
        assert forbidden not in page


def test_names_are_text_and_never_markup() -> None:
    page = render_html(full_report())
    assert HOSTILE not in page
    assert escape(HOSTILE) in page


def test_figures_are_there() -> None:
    page = render_html(full_report())
    for text in ("1,068 B", "4,996 B", "38.2 k", "0.9612", "unicorn 2.1.4", "a warning to read"):
        assert text in page, text
    assert "41.5 dB" in page
    assert "exact" in page
    assert "cycles" not in page.split("Cycles, estimated")[0].split("</style>")[1]


def test_unknown_figures_say_so() -> None:
    page = render_html(bare_report())
    assert "unknown" in page
    assert "not counted" in page
    assert "Partly verified: nothing was compared: no compiler" in page


def test_options_are_spelled_as_they_are_given() -> None:
    report = replace(
        full_report(), options={"weights": ("sram=16384",), "memories": ("dtcm=64", "sram")}
    )
    page = render_html(report)
    assert "weights=sram=16384, memories=dtcm=64 sram" in page


def test_one_vector() -> None:
    report = full_report()
    one = replace(report.verification, vectors=1)
    assert "on 1 vector in" in render_html(replace(report, verification=one))


def test_running_natively_is_no_failure() -> None:
    page = render_html(native_report())
    assert "Verified: bit-exact on 4 vectors; runs natively" in page
    assert "none needed: runs natively" in page
    for word in ("unknown", "not run", "Partly"):
        assert word not in page.split("</style>")[1], word


def test_plans_with_less_ram_are_drawn() -> None:
    full = full_report()
    assert full.schedule is not None
    points = FrontPoint(1024, 0, 0), FrontPoint(768, 0, 900, ("a to b in 4 strips",))
    schedule = replace(
        full.schedule, stages=points[1].stages, levers=("rows", "patches"), front=points
    )
    page = render_html(replace(full, schedule=schedule))
    card = page.split("<h2>RAM against work</h2>")[1].split("</section>")[0]
    places = re.findall(r'class="k-tensor" cx="([\d.]+)%" cy="(\d+)"', card)
    (ring,) = re.findall(r'class="ring" cx="([\d.]+)%" cy="(\d+)"', card)
    assert ring == places[1], "the plan that was made"
    more, less = ((float(x), int(y)) for x, y in places)
    assert less[0] < more[0], "less RAM to the left"
    assert less[1] < more[1], "more work upwards"
    assert f'x1="{more[0]}%" y1="{less[1]}" x2="{less[0]}%" y2="{less[1]}"' in card
    assert "768 B, +900</text>" in card
    assert "0 extra MACs, about 900 more instructions" in card
    assert "and these strips: a to b in 4 strips (0 extra MACs)" in page
    assert "RAM against work" not in render_html(full)


def test_subtitle_is_one_list() -> None:
    page = render_html(full_report())
    assert "int8, cortex-m4 at 120 MHz, 18.7 k MACs, 900 parameters" in page


def test_errors_are_named_as_the_layers_are() -> None:
    full = full_report()
    layers = tuple(
        replace(x, origin=(*x.origin, "relu_a")) if x.name == "conv_a" else x
        for x in full.latency.layers
    )
    found = {"relu_a": 41.5, "d": 20.0, "nowhere": 30.0}
    errors = tuple(LayerError(name, ratio, 0.1, 0.1) for name, ratio in found.items())
    report = replace(full, latency=replace(full.latency, layers=layers), quantization=errors)
    card = render_html(report).split("<h2>Quantization error</h2>")[1].split("</section>")[0]
    assert re.findall(r'class="name" title="(.*?)">(.*?)<', card) == [
        ("relu_a", "conv_a"),
        ("d", "fc"),
        ("nowhere", "nowhere"),
    ]
    assert "the lowest is at <b>fc</b>" in card


@pytest.mark.parametrize(("count", "shown", "rest"), [(16, 16, 0), (17, 12, 5)])
def test_many_layers_show_the_most_expensive(count: int, shown: int, rest: int) -> None:
    full = full_report()
    layers = tuple(LayerCost(f"layer{i}", "QAdd", 0, 100 + i * 7 % 17) for i in range(count))
    page = render_html(replace(full, latency=replace(full.latency, layers=layers)))
    card = page.split("<h2>Layers</h2>")[1].split("</section>")[0]
    first, _, more = card.partition("<details>")
    figures = [int(x) for x in re.findall(r'instr.">(\d+)<', first)]
    others = [int(x) for x in re.findall(r'instr.">(\d+)<', more)]
    assert (len(figures), len(others)) == (shown, rest)
    if rest:
        assert figures == sorted(figures, reverse=True)
        assert min(figures) >= max(others)
        assert "The 12 most expensive of 17." in first
        assert "The other 5 layers" in more


def test_what_limits_a_layer() -> None:
    card = render_html(full_report()).split("<h2>Layers</h2>")[1].split("</section>")[0]
    assert "products 50.0 %, requantize 40.0 %, control 10.0 %" in card
    assert "portable C, a reason" in card


def test_same_report_same_bytes() -> None:
    assert render_html(full_report()) == render_html(full_report())


def test_fits_a_phone(tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("chromium is not installed")
    page = escape(render_html(full_report()), quote=True)
    wrapper = tmp_path / "wrapper.html"
    wrapper.write_text(
        f'<iframe id="f" style="width:360px;height:800px;border:0" srcdoc="{page}"></iframe>'
        "<script>onload=()=>{document.body.dataset.width="
        'document.getElementById("f").contentDocument.documentElement.scrollWidth}</script>',
        encoding="utf-8",
    )
    command = [
        chromium,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=2000",
    ]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", wrapper.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r'data-width="(\d+)"', done.stdout)
    assert found, done.stderr[-2000:]
    assert int(found[1]) <= 360
