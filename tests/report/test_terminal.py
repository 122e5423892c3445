"""The terminal report and the answers of commands as text."""

from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console, RenderableType

from edgekit.report import answers
from edgekit.report.format import bytes_short, short, verdict
from edgekit.report.model import LayerCost, Report, TargetInfo
from edgekit.report.results import (
    DebugResult,
    DebugStep,
    Evaluation,
    InspectedNode,
    Inspection,
    Profile,
    TensorInfo,
)
from edgekit.report.terminal import bar, layer_limits, report_view
from tests.report.samples import HOSTILE, bare_report, full_report, native_report


def text_of(view: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=120, markup=False, emoji=False, highlight=False)
    with console.capture() as capture:
        console.print(view)
    return capture.get()


def test_summary_lines() -> None:
    text = text_of(report_view(full_report()))
    for part in (
        "1,068 B, 0.8 % of 128.0 KiB",
        "arena 768 + stack 300",
        "38,186 per inference, 2.04 per MAC",
        "estimate 55.0 k (range 40.0 k to 70.0 k), about 0.458 ms at 120 MHz",
        "bit-exact on 4 vectors",
        "zig 0.17: fewer instructions",
        "warning: a warning to read",
    ):
        assert part in text, part


def test_what_limits_a_layer() -> None:
    text = text_of(report_view(full_report()))
    assert "products 50 %," in text
    assert "Spent on    products 50.0 %, requantize 40.0 %, control 10.0 %" in text
    assert f"Portable C  {HOSTILE}: a reason" in text
    assert "Spent on" not in text_of(report_view(bare_report()))


def test_one_reason_for_every_layer() -> None:
    layers = [LayerCost(name, "QAdd", 0, None, limit="a reason") for name in "abc"]
    assert "Portable C  every layer: a reason" in text_of(layer_limits(layers))
    assert "Portable C  a: a reason" in text_of(layer_limits(layers[:1]))


def test_names_are_not_interpreted() -> None:
    assert HOSTILE in text_of(report_view(full_report()))


def test_unknown_is_said() -> None:
    text = text_of(report_view(bare_report()))
    assert "RAM           unknown" in text
    assert "not counted" in text
    assert "no estimate" in text


@pytest.mark.parametrize(
    ("bit_exact", "diff", "emulator", "level"),
    [
        (True, 0.0, "unicorn 2", "good"),
        (True, 0.0, "not_run", "warn"),
        (None, None, "not_run", "warn"),
    ],
)
def test_verdict(bit_exact: bool | None, diff: float | None, emulator: str, level: str) -> None:
    report: Report = full_report()
    found = dataclasses.replace(
        report.verification, bit_exact=bit_exact, max_abs_diff=diff, emulator=emulator
    )
    assert verdict(dataclasses.replace(report, verification=found))[0] == level


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_float_results_need_only_be_close(precision: str) -> None:
    """An int8 model may end in float32, too: its integers were identical, or there is no report."""
    report = full_report()
    report = dataclasses.replace(
        report,
        options={"precision": precision},
        verification=dataclasses.replace(report.verification, bit_exact=False, max_abs_diff=1e-6),
    )
    level, sentence = verdict(report)
    assert level == "good"
    assert sentence.startswith("within tolerance of the reference")
    assert sentence.endswith("largest difference 1e-06")


def test_running_natively_is_no_failure() -> None:
    report = native_report()
    assert verdict(report) == ("good", "bit-exact on 4 vectors; runs natively")
    text = text_of(report_view(report, layers=False))
    assert "✔ bit-exact on 4 vectors; runs natively" in text
    for word in ("unknown", "emulated", "not run", "warning"):
        assert word not in text, word


def test_a_tolerance_on_the_host_alone_is_said() -> None:
    """A float32 firmware that no emulator ran is as partly verified as an int8 one."""
    full = full_report()
    found = dataclasses.replace(
        full.verification, bit_exact=False, max_abs_diff=1e-6, emulator="not_run", reason="none"
    )
    level, sentence = verdict(dataclasses.replace(full, verification=found))
    assert (level, sentence.partition(";")[0]) == (
        "warn",
        "within tolerance of the reference on the host only",
    )


def test_short_numbers() -> None:
    assert [short(x) for x in (0, 999, 1000, 12_501_632, 999_600, None)] == [
        "0",
        "999",
        "1.00 k",
        "12.5 M",
        "1.00 M",
        "unknown",
    ]
    assert [bytes_short(x) for x in (12, 49_152, 1 << 21)] == ["12 B", "48.0 KiB", "2.00 MiB"]


def test_bars_grow_with_the_value() -> None:
    assert bar(10, 10, 5) == "█████"
    assert bar(5, 10, 5) == "██▌"
    assert bar(0, 10) == bar(None, 10) == bar(1, 0) == ""
    assert bar(1e-9, 10), "something is never drawn as nothing"


def test_inspection_names_what_is_not_supported() -> None:
    nodes = (
        InspectedNode("a", "Conv2D", (1, 2), 10, 3, 25, "modelled", True),
        InspectedNode("b", "Loop", (1, 2), supported=False, reason="no kernel"),
    )
    tensor = TensorInfo("x", "float32", (1, 3, 8, 8), "NCHW")
    target = TargetInfo("cortex-m4", "cortex-m4")
    found = Inspection(
        full_report().model,
        "float32",
        (tensor,),
        (tensor,),
        nodes,
        ram_lower_bound_bytes=1024,
        weights_bytes=900,
        target=target,
    )
    text = text_of(answers.inspection_view(found))
    assert "cortex-m4: 1 operators not supported" in text
    assert "no: no kernel" in text
    assert "x: float32[1x3x8x8] NCHW" in text


def test_other_answers() -> None:
    evaluation = Evaluation("int8 model", "host", 200, top1=0.865, correct=173)
    assert "0.8650  (173 of 200)" in text_of(answers.evaluation_view(evaluation))
    profile = Profile("emulator", 1234, full_report().latency.layers, 5, 96)
    assert "1,234" in text_of(answers.profile_view(profile))
    steps = (DebugStep(0, "a", "QConv2D", "t", 64, 0), DebugStep(1, "b", "QAdd", "u", 64, 3, 2))
    assert "every tensor equals" in text_of(answers.debug_view(DebugResult("host", steps[:1])))
    assert "differs is 'b'" in text_of(answers.debug_view(DebugResult("host", steps, "b")))
