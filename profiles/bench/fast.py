"""The float models of MLPerf Tiny quantized by edgekit itself, with its own rounding, beside the
bars of those that came quantized.

``python -m profiles.bench.fast`` prints the section of docs/benchmarks.md alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit import api
from edgekit.deployment import Deployment
from edgekit.importers import load_model
from edgekit.options import Rounding
from edgekit.report.model import Report
from profiles.bench.kernel_tables import read_data
from profiles.bench.markdown import number, table
from profiles.bench.measure import TIMING_CORE, Log
from profiles.bench.models import BenchModel, material, models

SAMPLES = 32
FLOATS = {
    "ic": ("pretrainedResnet.tflite", "ic01_200"),
    "kws": ("kws_ref_model_float32.tflite", "kws01_A500"),
    "vww": ("vww_96_float.tflite", "vww_coco_train2017_128"),
    "ad": ("ad01_fp32.tflite", ""),
}
"""The float model beside a quantized one, and what it is calibrated on; noise where there are no
data."""


@dataclass(frozen=True)
class FastRun:
    """A float model quantized here, converted for `TIMING_CORE`."""

    key: str
    report: Report


def run_fast(chosen: Sequence[BenchModel], log: Log) -> Iterator[FastRun]:
    """Convert the float model beside every quantized one that is there."""
    for model in chosen:
        if model.key not in FLOATS or not model.path.is_file():
            continue
        log(f"{model.key} quantized here on {TIMING_CORE}")
        yield FastRun(model.key, convert_fast(model.key, model.path).report)


def convert_fast(
    key: str, quantized: Path, core: str = TIMING_CORE, rounding: Rounding = "fast", **options: Any
) -> Deployment:
    """Quantize and convert a float model.

    Args:
        key: of `FLOATS`.
        quantized: the file that came quantized: its input's scale is that of the samples.
        core: the target.
        rounding, options: of `edgekit.api.ConvertOptions`.
    """
    name, dataset = FLOATS[key]
    wanted = api.ConvertOptions(core, rounding=rounding, **options)
    samples = {"x": calibration(quantized, dataset)}
    return api.convert(quantized.with_name(name), None, wanted, calibration=samples)


def calibration(quantized: Path, dataset: str) -> NDArray[np.float32]:
    """Samples as the quantized model's input has them, in real units."""
    kind = load_model(quantized).inputs[0].type
    assert kind.quant is not None
    if dataset:
        arrays = np.load(material() / "datasets" / f"{dataset}.npz")
        x = arrays["x96" if "x96" in arrays else "x"][:SAMPLES]
        x = x.astype(np.int16) - (128 if x.dtype == np.uint8 else 0)
    else:
        x = np.random.default_rng(0).integers(-128, 128, (SAMPLES, *kind.shape[1:]))
    real = kind.quant.scale[0] * (x - float(kind.quant.zero_point[0]))
    return np.asarray(real.reshape(-1, *kind.shape[1:]), np.float32)


def fast_section(runs: Sequence[FastRun]) -> str:
    """Executed instructions beside the bar."""
    bars = read_data("bars.toml")[TIMING_CORE]
    lines = [
        "## Quantized by edgekit",
        "",
        f"The float models on {TIMING_CORE}, quantized here with `--rounding fast`, beside the bar "
        "of the models that came quantized.",
        "",
    ]
    rows = []
    for run in runs:
        count, macs = run.report.latency.instructions, run.report.model.macs
        if count is not None:
            rows.append([
                run.key.upper(), number(count), f"{count / macs:.2f}", number(bars[run.key]),
                f"{count / bars[run.key]:.2f}", number(run.report.memory.code_bytes),
            ])  # fmt: skip
    head = ["model", "instructions", "per MAC", "bar", "of it", "code"]
    return "\n".join([*lines, *table(head, rows), ""])


if __name__ == "__main__":
    print(fast_section(list(run_fast(models(), lambda text: print(text, file=sys.stderr)))))
