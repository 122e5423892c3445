"""The networks of MLPerf Tiny as they were before quantization, beside stacks that use float32."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgekit.errors import ToolError
from profiles.bench.fast import FLOATS
from profiles.bench.measure import TIMING_CORE, Log, ModelRun, run_model
from profiles.bench.models import BenchModel, material


def run_floats(chosen: Sequence[BenchModel], log: Log) -> Iterator[ModelRun]:
    """Convert the float model beside every quantized one to float32; skips by name what is not
    there."""
    for model in chosen:
        if model.key not in FLOATS:
            continue
        path = material() / "mlperf_tiny" / "models" / FLOATS[model.key][0]
        if not path.is_file():
            log(f"skipped {model.title} in float32: no file {path.name}")
            continue
        log(f"{model.key} in float32 on {TIMING_CORE}")
        try:
            yield run_model(BenchModel(model.key, model.title, path), TIMING_CORE, "float32")
        except ToolError as error:
            log(f"skipped {model.title} in float32: {error.summary}")
