"""What each command hands to the Python API, and what it prints."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgekit.report.codec import from_json, to_json
from tests.cli.conftest import FakeApi, Runner
from tests.report.samples import full_report


def test_convert_passes_every_option(api: FakeApi, edgekit_cli: Runner) -> None:
    line = (
        "convert m.onnx --target cortex-m4 -o out --calibration c.npz --precision int8 "
        "--rounding tflm --toolchain gcc --emulator qemu --require-emulator --name n "
        "--outputs a,b --shape x=1,3 --shape ids:0=1,8 --observer percentile --percentile 99 "
        "--vectors 7 --plan-time 3 --memory dtcm=64KiB --memory sram --weights dtcm=8KiB --force"
    )
    result = edgekit_cli(*line.split())
    assert result.exit_code == 0, result.stderr
    assert api.last == {
        "model": Path("m.onnx"),
        "out": Path("out"),
        "calibration": Path("c.npz"),
        "target": "cortex-m4",
        "precision": "int8",
        "rounding": "tflm",
        "toolchain": "gcc",
        "emulator": "qemu",
        "require_emulator": True,
        "name": "n",
        "outputs": ("a", "b"),
        "shapes": {"x": (1, 3), "ids:0": (1, 8)},
        "observer": "percentile",
        "percentile": 99.0,
        "vectors": 7,
        "plan_time": 3.0,
        "kernels": "fastest",
        "optimize": "speed",
        "signature": "",
        "memories": {"dtcm": 65536, "sram": None},
        "weights": {"dtcm": 8192},
        "ram": None,
        "plan": None,
        "force": True,
    }


def test_ram_is_a_size(api: FakeApi, edgekit_cli: Runner) -> None:
    line = ("convert", "m.onnx", "--target", "cortex-m4", "-o", "out")
    for text, size in (("64KiB", 65536), ("30000", 30000), ("1MiB", 1 << 20)):
        assert edgekit_cli(*line, "--ram", text).exit_code == 0
        assert api.last["ram"] == size
    for text in ("0", "64kB", "-1", "much"):
        wrong = edgekit_cli(*line, f"--ram={text}")
        assert wrong.exit_code == 2
        assert "is no size; give it as 64KiB" in wrong.stderr
    both = edgekit_cli(*line, "--ram", "1MiB", "--memory", "sram")
    assert "--ram has no effect with --memory" in both.stderr


def test_convert_defaults(api: FakeApi, edgekit_cli: Runner) -> None:
    edgekit_cli("convert", "m.onnx", "--target", "cortex-m4", "-o", "out")
    assert api.last["precision"] is None
    assert api.last["rounding"] is None
    assert (api.last["toolchain"], api.last["emulator"]) == ("auto", "auto")
    assert api.last["outputs"] == ()
    assert api.last["force"] is False


def test_convert_prints_the_summary(api: FakeApi, edgekit_cli: Runner) -> None:
    result = edgekit_cli("convert", "m.onnx", "--target", "cortex-m4", "-o", "out")
    assert "38,186 per inference" in result.stdout
    assert "a warning to read" in result.stdout
    assert "building with zig" in result.stderr
    assert "building" not in result.stdout


def test_json_is_all_of_stdout(api: FakeApi, edgekit_cli: Runner) -> None:
    result = edgekit_cli("convert", "m.onnx", "--target", "cortex-m4", "-o", "out", "--json")
    assert from_json(result.stdout) == full_report()
    assert "building with zig" in result.stderr
    assert "warning: a warning to read" in result.stderr


def test_quiet_keeps_warnings(api: FakeApi, edgekit_cli: Runner) -> None:
    result = edgekit_cli("convert", "m.onnx", "--target", "cortex-m4", "-o", "out", "-q")
    assert result.stdout == ""
    assert result.stderr == "warning: a warning to read\n"


def test_quiet_answers_in_few_words(
    api: FakeApi, edgekit_cli: Runner, samples: Path, tmp_path: Path
) -> None:
    written = edgekit_cli("run", "m", "--input", samples, "--output", tmp_path / "y.npz", "-q")
    line = ("quantize", "m.onnx", "--calibration", samples, "-o", tmp_path / "q.onnx", "-q")
    for result in (written, edgekit_cli(*line)):
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert edgekit_cli("debug", "m", "-q").stdout == "✔ every tensor equals the reference\n"
    profile = edgekit_cli("profile", "m", "-q").stdout
    assert "Instructions  123" in profile
    assert "conv_a" not in profile
    assert "conv_a" in edgekit_cli("profile", "m").stdout
    assert "cortex-m4" in edgekit_cli("targets", "-q").stdout, "the table is what was asked for"


def test_run(api: FakeApi, edgekit_cli: Runner, samples: Path, tmp_path: Path) -> None:
    out = tmp_path / "y.npz"
    result = edgekit_cli(
        "run", "m", "--on", "host", "--input", samples, "--output", out, "--carry-state", "--json"
    )
    assert result.exit_code == 0, result.stderr
    assert (api.last["on"], api.last["carry_state"], api.last["raw"]) == ("host", True, False)
    assert list(api.last["inputs"]) == ["x", "y"], "which is which is for the model to say"
    with np.load(out) as written:
        np.testing.assert_array_equal(written["scores"], [[0, 2], [4, 6]])
    raw = json.loads(result.stdout)
    assert raw["samples"] == 2
    assert raw["outputs"] == [{"name": "scores", "dtype": "float32", "shape": [2, 2], "layout": ""}]


def test_missing_folder_is_told_before_the_work(
    api: FakeApi, edgekit_cli: Runner, samples: Path, tmp_path: Path
) -> None:
    out = tmp_path / "none" / "y.npz"
    for line in (
        ("run", "m", "--input", samples, "--output", out),
        ("debug", "m", "--output", out),
        ("report", "m", "--html", out),
        ("quantize", "m.onnx", "--calibration", samples, "-o", out),
    ):
        result = edgekit_cli(*line)
        assert result.exit_code == 2
        assert str(out.parent) in result.stderr
    assert api.calls == []


def test_evaluate(api: FakeApi, edgekit_cli: Runner, samples: Path) -> None:
    result = edgekit_cli("evaluate", "m.onnx", "--data", samples)
    assert "0.5000  (1 of 2)" in result.stdout
    assert edgekit_cli("evaluate", "m.onnx", "--data", samples, "-q").stdout == result.stdout
    assert api.last["on"] == "reference"
    assert sorted(api.last["data"]) == ["x", "y"]


@pytest.mark.parametrize(
    ("identical", "precision", "code"),
    [(2, "int8", 0), (1, "int8", 1), (1, "float32", 0), (None, "int8", 0)],
)
def test_evaluate_compare_fails_where_integers_differ(
    identical: int | None,
    precision: str,
    code: int,
    api: FakeApi,
    edgekit_cli: Runner,
    samples: Path,
) -> None:
    api.identical, api.precision = identical, precision
    line = ("evaluate", "out", "--data", samples, "--compare")
    result = edgekit_cli(*line)
    assert result.exit_code == code
    assert "0.5000  (1 of 2)" in result.stdout, "the figures come first"
    assert ("1 of 2 samples differ from the reference" in result.stderr) == (code == 1)
    result = edgekit_cli(*line, "--json")
    assert result.exit_code == code
    assert json.loads(result.stdout)["identical"] == identical


def test_options_without_effect_are_refused(
    api: FakeApi, edgekit_cli: Runner, samples: Path, tmp_path: Path
) -> None:
    convert = ("convert", "m.onnx", "--target", "cortex-m4", "-o", tmp_path / "out")
    quantize = ("quantize", "m.onnx", "--calibration", samples, "-o", tmp_path / "q.onnx")
    idle = "--percentile has no effect without --observer percentile"
    for line, text in (
        ((*convert, "--rounding", "tflm", "--precision", "float32"), "--rounding is for integers"),
        ((*convert, "--percentile", "99.99"), idle),
        ((*convert, "--observer", "minmax"), "--observer has no effect without --calibration"),
        (
            (*convert, "--kernels", "portable", "--optimize", "fastest"),
            "--optimize fastest chooses kernels in assembly",
        ),
        (("debug", "m", "--target", "host"), "--target has no effect with a converted model"),
        ((*quantize, "--percentile", "99"), idle),
        (("evaluate", samples, "--data", samples, "--compare"), "has no effect on a model file"),
    ):
        result = edgekit_cli(*line)
        assert result.exit_code == 2, line
        assert text in result.stderr
    assert api.calls == []
    config = tmp_path / "edgekit.toml"
    config.write_text("[convert]\npercentile = 99.9\n", encoding="utf-8")
    assert edgekit_cli(*convert, "--config", config).exit_code == 0, "a file may hold it in store"


def test_profile(api: FakeApi, edgekit_cli: Runner) -> None:
    result = edgekit_cli("profile", "m", "--toolchain", "gcc", "--json")
    assert api.last == {"on": "emulator", "toolchain": "gcc", "emulator": "auto"}
    assert json.loads(result.stdout)["instructions"] == 123


def test_tools_of_the_image(
    api: FakeApi, edgekit_cli: Runner, samples: Path, tmp_path: Path
) -> None:
    lines = [
        ("run", "m", "--input", samples, "--output", tmp_path / "y.npz", "--force"),
        ("evaluate", "m", "--data", samples),
        ("profile", "m"),
        ("debug", "m"),
    ]
    config = tmp_path / "edgekit.toml"
    sections = ("run", "evaluate", "profile", "debug")
    text = "".join(f'[{name}]\ntoolchain = "zig"\nemulator = "unicorn"\n' for name in sections)
    config.write_text(text, encoding="utf-8")
    for line in lines:
        assert edgekit_cli(*line).exit_code == 0
        assert (api.last["toolchain"], api.last["emulator"]) == ("auto", "auto")
        assert edgekit_cli(*line, "--toolchain", "gcc", "--emulator", "qemu").exit_code == 0
        assert (api.last["toolchain"], api.last["emulator"]) == ("gcc", "qemu")
        assert edgekit_cli(*line, "--config", config).exit_code == 0
        assert (api.last["toolchain"], api.last["emulator"]) == ("zig", "unicorn")
        assert edgekit_cli(*line, "--emulator", "none").exit_code == 2


@pytest.mark.parametrize(
    ("command", "place"),
    [("run", "emulator"), ("evaluate", "reference"), ("profile", "emulator"), ("debug", "host")],
)
def test_help_says_where_it_runs_by_default(command: str, place: str, edgekit_cli: Runner) -> None:
    option = edgekit_cli(command, "--help").stdout.partition("--on ")[2].partition("--")[0]
    assert f"[default: {place}]" in " ".join(option.split())


def test_quantize(api: FakeApi, edgekit_cli: Runner, samples: Path, tmp_path: Path) -> None:
    out = tmp_path / "q.onnx"
    line = ("quantize", "m.onnx", "--calibration", samples, "-o", out)
    assert edgekit_cli(*line).exit_code == 0
    assert (api.last["observer"], api.last["percentile"]) == ("minmax", 99.99)
    out.write_bytes(b"mine")
    refused = edgekit_cli(*line)
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert edgekit_cli(*line, "--force").exit_code == 0


@pytest.mark.parametrize(("first", "code"), [(None, 0), ("conv", 1)])
def test_debug_exit_code(first: str | None, code: int, api: FakeApi, edgekit_cli: Runner) -> None:
    api.first_difference = first
    result = edgekit_cli("debug", "m", "--json")
    assert result.exit_code == code
    raw = json.loads(result.stdout)
    assert raw["first_difference"] == first
    assert "tensors" not in raw


def test_debug_dumps_tensors(
    api: FakeApi, edgekit_cli: Runner, samples: Path, tmp_path: Path
) -> None:
    out = tmp_path / "dump.npz"
    line = ("debug", "m", "--input", samples, "--output", out, "--force", "--tensors")
    assert edgekit_cli(*line, "t1").exit_code == 0
    assert list(api.last["inputs"]) == ["x", "y"]
    with np.load(out) as written:
        assert written.files == ["t1"]
    assert edgekit_cli(*line, "conv").exit_code == 0
    with np.load(out) as written:
        assert written.files == ["t0"], "a layer stands for the tensor it writes"
    refused = edgekit_cli(*line, "t1,t7,t8")
    assert refused.exit_code == 2
    assert "t7" in refused.stderr
    assert "t8" in refused.stderr


def test_report_and_diff(edgekit_cli: Runner, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "report.json").write_text(to_json(full_report()), encoding="utf-8")
    html = tmp_path / "r.html"
    shown = edgekit_cli("report", folder, "--html", html)
    assert shown.exit_code == 0
    assert "conv_a" in shown.stdout
    assert html.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert from_json(edgekit_cli("report", folder, "--json").stdout) == full_report()
    same = edgekit_cli("diff", folder, folder)
    assert same.stdout == "no difference\n"
    assert json.loads(edgekit_cli("diff", folder, folder, "--json").stdout)["identical"] is True
    assert edgekit_cli("report", tmp_path / "nothing").exit_code == 3


def test_targets(edgekit_cli: Runner) -> None:
    raw = json.loads(edgekit_cli("targets", "--json").stdout)
    assert "cortex-m4" in [c["name"] for c in raw["cores"]]
    shown = edgekit_cli("targets", "show", "nucleo-l4r5zi")
    assert "655,360 B" in shown.stdout
    memories = edgekit_cli("targets", "show", "nucleo-h743zi2").stdout
    assert "dtcm 131,072 B, axi_sram 524,288 B" in memories
    raw = json.loads(edgekit_cli("targets", "show", "cortex-m4", "--json").stdout)
    assert raw["board"] is None
    assert raw["core"]["name"] == "cortex-m4"


def test_doctor(edgekit_cli: Runner) -> None:
    raw = json.loads(edgekit_cli("doctor", "--json").stdout)
    missing = [f for f in raw["findings"] if not f["present"]]
    assert all(f["install"] for f in missing)
    assert "unicorn" in edgekit_cli("doctor").stdout
