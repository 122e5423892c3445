"""Processing in edgekit.toml: every error at once, and what convert gets from it."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from edgekit.config import load_config, load_processing
from edgekit.errors import UsageError
from edgekit.processing import AudioInput, ImageInput, Processing, Ranking
from tests.cli.conftest import FakeApi, Runner, api, edgekit_cli

__all__ = ["api", "edgekit_cli"]  # fixtures

GOOD = """
[convert]
model = "m.tflite"
target = "cortex-m4"
out = "out"
[processing.image]
kind = "image"
height = 240
width = 320
colour = "bgr"
mean = [1.0, 2, 3]
[processing."serving_default:0"]
kind = "audio"
sample_rate_hz = 16000
window_ms = 30
stride_ms = 20
fft_length = 512
mel_bins = 40
lower_hz = 125
upper_hz = 7500
[postprocessing.scores]
labels = ["yes", "no"]
threshold = 0.5
"""
WRONG = """
[processing.a]
kind = "image"
height = 0
width = 9000
mean = [1.0, 2.0]
scale = [0.0]
[processing.b]
kind = "audio"
sample_rate_hz = 16000
window_ms = 30
stride_ms = 20
fft_length = 500
mel_bins = 400
lower_hz = 125
upper_hz = 9500
pcan = true
log_offset = 1.0
[processing.c]
kind = "image"
hight = 3
width = "3"
colour = "rgbx"
[processing.d]
kind = "video"
[postprocessing.e]
top = 4
labels = ["a", ""]
treshold = 1
[postprocessing.f]
top = 0
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "edgekit.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_settings_reach_convert(tmp_path: Path, api: FakeApi, edgekit_cli: Runner) -> None:
    path = write(tmp_path, GOOD)
    result = edgekit_cli("convert", "--config", path)
    assert result.exit_code == 0, result.stderr
    image = ImageInput(240, 320, colour="bgr", mean=(1.0, 2.0, 3.0))
    audio = AudioInput(16000, 30, 20, 512, 40, 125, 7500)
    wanted = Processing(
        {"image": image, "serving_default:0": audio}, {"scores": Ranking(("yes", "no"), 1, 0.5)}
    )
    assert api.last["processing"] == wanted
    assert load_processing(path) == wanted


def test_every_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_config(write(tmp_path, WRONG))
    text = str(caught.value)
    for part in (
        "processing.a.height: is 0; allowed: 1 to 4096",
        "processing.a.width: is 9000",
        "processing.a.mean: is (1.0, 2.0); allowed: 1 or 3 numbers",
        "processing.a.scale: is (0.0,)",
        "processing.b.fft_length: is 500; allowed: 64, 128,",
        "processing.b.mel_bins: is 400; allowed: 1 to 128",
        "processing.b.upper_hz: is 9500.0; allowed: up to half the rate, 8000",
        "processing.b.pcan: is True; allowed: false without noise_reduction",
        "processing.b.log_offset: is 1.0; allowed: 1e-06. It has an effect only with",
        "processing.c.height: ",
        "processing.c.hight: unknown key",
        "Did you mean 'height'?",
        "processing.c.width: ",
        "processing.c.colour: ",
        "processing.d: ",
        "'image', 'audio'",
        "postprocessing.e.treshold: unknown key",
        "postprocessing.f.top: is 0",
    ):
        assert part in text, part


def test_python_gets_the_same_errors() -> None:
    with pytest.raises(UsageError) as caught:
        ImageInput(0, 9000)
    assert [p.where for p in caught.value.problems] == ["height", "width"]


def test_the_documented_files_are_right(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "processing.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 2
    kinds = [type(s) for b in blocks for s in load_processing(write(tmp_path, b)).inputs.values()]
    assert kinds == [ImageInput, AudioInput]


def test_every_key_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "processing.md").read_text(encoding="utf-8")
    for section in (ImageInput, AudioInput, Ranking):
        for field in fields(section):
            assert f"`{field.name}`" in text or field.name == "kind", field.name


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_numbers_are_finite(value: str, tmp_path: Path) -> None:
    text = f"""
    [processing.a]
    kind = "image"
    height = 1
    width = 1
    mean = [{value}]
    [postprocessing.b]
    threshold = {value}
    """
    with pytest.raises(UsageError) as caught:
        load_config(write(tmp_path, text))
    where = [p.where for p in caught.value.problems]
    assert where == ["processing.a.mean", "postprocessing.b.threshold"]
