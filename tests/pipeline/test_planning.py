"""``edgekit plan``: the figures of real models, the answer and its refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edgekit import api
from edgekit.cli.app import cli
from edgekit.errors import ModelError
from edgekit.ir import DType, Graph, TensorType
from edgekit.ir.ops import Clip
from edgekit.options import LEVERS, Lever
from edgekit.report import answers
from tests.report.test_terminal import text_of

DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits" / "digits.onnx"
CALIBRATION = DIGITS.with_name("calibration.npz")

# arena bytes that may not be exceeded, and those of first fit in the given order without overlap
MLPERF_TINY = [
    ("pretrainedResnet_quant", 36_000, 49_152),
    ("kws_ref_model", 9_600, 16_232),
    ("vww_96_int8", 39_000, 55_296),
    ("ad01_int8", 900, 768),
]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["plan", *arguments])


@pytest.mark.parametrize(("name", "limit", "simple"), MLPERF_TINY, ids=[m[0] for m in MLPERF_TINY])
def test_mlperf_tiny_fits_and_is_proven(material: Path, name: str, limit: int, simple: int) -> None:
    found = api.plan(material / "mlperf_tiny" / "models" / f"{name}.tflite", "cortex-m4")
    assert found.arena_bytes <= limit
    assert found.first_fit_bytes == simple
    assert found.gap_bytes == 0
    assert found.arena_bytes == max(s.used_bytes for s in found.steps)
    peak = next(s for s in found.steps if s.name == found.peak_step)
    assert peak.used_bytes == found.arena_bytes


def test_every_lever_helps_and_none_is_first_fit() -> None:
    levers: tuple[Lever, ...] = ()
    sizes = []
    for lever in LEVERS:
        found = api.plan(DIGITS, levers=levers)
        assert found.levers == levers
        assert found.lower_bound_bytes <= found.arena_bytes <= found.first_fit_bytes
        sizes.append(found.arena_bytes)
        levers = (*levers, lever)
    whole = api.plan(DIGITS)
    assert whole.levers == levers
    assert sizes == sorted(sizes, reverse=True)
    assert whole.arena_bytes < sizes[-1] <= whole.first_fit_bytes == sizes[0]


def test_the_command_prints_the_certificate() -> None:
    text = run(str(DIGITS), "--target", "cortex-m4").stdout
    assert "proven optimal" in text
    assert "order, in-place, rows" in text
    quiet = run(str(DIGITS), "--quiet").stdout
    assert "Arena" in quiet
    assert "Steps" not in quiet


def test_json_is_the_answer_of_the_api() -> None:
    result = run(str(DIGITS), "--json", "--levers", "rows,order")
    found = json.loads(result.stdout)
    direct = api.plan(DIGITS, levers=("order", "rows"))
    assert found["levers"] == ["order", "rows"]
    assert found["arena_bytes"] == direct.arena_bytes
    assert [s["name"] for s in found["steps"]] == [s.name for s in direct.steps]
    assert found["schedule"]["lower_bound_bytes"] == direct.lower_bound_bytes


def test_a_gap_is_printed() -> None:
    found = api.plan(DIGITS)
    open_ = replace(found, lower_bound_bytes=found.arena_bytes - 8, gap_bytes=8)
    assert "gap 8 B" in text_of(answers.plan_view(open_))


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--levers", "order,magic", "'magic' is not one of: order, in-place, rows, patches"),
        ("--plan-time", "0", "not in the range"),
        ("--target", "z80", "z80"),
        ("--memory", "dtcm=lots", "'dtcm=lots' is no memory; give it as NAME or NAME=64KiB"),
        ("--memory", "dtcm=0", "'dtcm=0' is no memory"),
        ("--memory", "arena=64", "cannot be a part of C names"),
    ],
)
def test_wrong_options(option: str, value: str, message: str) -> None:
    result = run(str(DIGITS), option, value)
    assert result.exit_code != 0
    said = result.stderr + str(result.exception)
    assert message in said


def test_memories_are_printed() -> None:
    arena = api.plan(DIGITS).arena_bytes
    text = run(str(DIGITS), "--memory", f"dtcm={arena - 64}", "--memory", "sram").stdout
    assert " in dtcm, " in text
    assert "moved outside dtcm in a run, proven least" in " ".join(text.split())
    whole = run(str(DIGITS), "--memory", f"dtcm={arena}", "--memory", "sram").stdout
    assert "everything in dtcm" in whole


def test_a_saved_plan_is_followed(tmp_path: Path) -> None:
    """Conversion with the plan of another time limit and levers: the same arena, the same code."""
    file = tmp_path / "plan.json"
    saved = run(str(DIGITS), "--levers", "order", "--save", str(file))
    assert saved.exit_code == 0
    found = api.plan(DIGITS, levers=("order",))
    options = api.ConvertOptions("host", plan=file)
    made = api.convert(DIGITS, tmp_path / "out", options, calibration=CALIBRATION)
    assert made.report.verification.bit_exact
    assert made.manifest.arena_bytes == found.arena_bytes > api.plan(DIGITS).arena_bytes
    assert made.report.schedule is not None
    assert made.report.schedule.levers == ("order",)
    assert (tmp_path / "out" / "edgekit" / "plan.json").read_text() == file.read_text()


def test_a_saved_plan_is_not_replaced_unasked(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text("mine", encoding="utf-8")
    kept = run(str(DIGITS), "--save", str(file))
    assert "exists already" in kept.stderr
    assert file.read_text(encoding="utf-8") == "mine"
    assert run(str(DIGITS), "--save", str(file), "--force").exit_code == 0
    assert json.loads(file.read_text(encoding="utf-8"))["certificate"]["gap_bytes"] == 0


def test_a_damaged_plan_stops_a_conversion(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    api.plan(DIGITS, save=file)
    raw = json.loads(file.read_text(encoding="utf-8"))
    raw["tensors"][-1]["offset"] += 4096
    file.write_text(json.dumps(raw), encoding="utf-8")
    arguments = ["convert", str(DIGITS), "--target", "host", "-o", str(tmp_path / "out")]
    arguments += ["--calibration", str(CALIBRATION), "--plan", str(file)]
    refused = CliRunner().invoke(cli, arguments)
    assert refused.exit_code == 3
    assert "lies at" in refused.stderr
    assert not (tmp_path / "out").exists()
    idle = CliRunner().invoke(cli, [*arguments, "--plan-time", "3"])
    assert "--plan-time has no effect with --plan" in idle.stderr


def test_an_operator_without_a_kernel_is_named() -> None:
    graph = Graph("doubles")
    kind = TensorType((1, 4), DType.FLOAT64)
    graph.outputs = [graph.add_node(Clip(), [graph.add_input("x", kind)], kind, name="c").output]
    graph.bind_ports()
    with pytest.raises(ModelError, match="Clip 'c': has no C kernel for float64"):
        api.plan(graph)
