"""A stand-in for the Python API: the tests here are about the command line itself."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

import edgekit
from edgekit.artefact import Manifest, Port
from edgekit.cli.app import cli
from edgekit.ir import DType
from edgekit.processing import Processing
from edgekit.report.results import DebugResult, DebugStep, Evaluation, Profile, QuantizeSummary
from tests.report.samples import full_report

Arrays = dict[str, NDArray[Any]]
Runner = Callable[..., Result]


@dataclass
class FakeApi:
    """What the commands called, and what the next call raises.

    Attributes:
        calls: (function, arguments) pairs.
        error: raised by every function unless None.
        first_difference: of the next `DebugResult`.
        identical: of the next `Evaluation`.
        precision: of the converted model.
    """

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    error: BaseException | None = None
    first_difference: str | None = None
    identical: int | None = None
    precision: str = "int8"

    def note(self, function: str, /, **arguments: Any) -> None:
        self.calls.append((function, arguments))
        if self.error is not None:
            raise self.error

    @property
    def last(self) -> dict[str, Any]:
        return self.calls[-1][1]

    def convert(
        self,
        model: Path,
        out: Path,
        options: dict[str, Any],
        *,
        calibration: Path | None = None,
        processing: Processing | None = None,
        progress: Callable[[str], None] = print,
    ) -> FakeDeployment:
        progress("building with zig")
        paths = {"model": model, "out": out, "calibration": calibration}
        extra = {} if processing is None else {"processing": processing}
        self.note("convert", **paths, **extra, **options)
        return FakeDeployment(self)

    def load(self, out: Path) -> FakeDeployment:
        self.note("load", out=out)
        return FakeDeployment(self)

    def quantize(
        self, model: Path, calibration: Path, out: Path, **options: Any
    ) -> QuantizeSummary:
        self.note("quantize", model=model, calibration=calibration, out=out, **options)
        return QuantizeSummary(str(out), 100, options["observer"])

    def evaluate(
        self, path: Path, data: Arrays, on: str, compare: bool, *, toolchain: str, emulator: str
    ) -> Evaluation:
        tools = {"toolchain": toolchain, "emulator": emulator}
        self.note("evaluate", path=path, data=data, on=on, compare=compare, **tools)
        samples = len(data["x"])
        return Evaluation("int8 model", on, samples, 0.5, 1, identical=self.identical)


class FakeDeployment:
    """A converted model with one input ``image`` and one output ``scores``."""

    report = full_report()

    def __init__(self, api: FakeApi) -> None:
        self._api = api
        f32 = DType.FLOAT32
        port = Port("image", "image", f32, (1, 2), "", None, 0, f32, (1, 2))
        self.manifest = Manifest(
            kind="c",
            name="m",
            target="cortex-m4",
            precision=api.precision,
            sources=(),
            headers=(),
            inputs=(port,),
            outputs=(port,),
            arena_bytes=4,
            arena_align=8,
            state_bytes=0,
            scratch_bytes=0,
            steps=(),
            run_symbol="m_run",
            run_copy_symbol="m_run_copy",
            init_symbol="m_init",
            weights_bytes=0,
            table_bytes=0,
        )

    def run(
        self, inputs: Arrays, on: str, carry_state: bool, raw: bool, toolchain: str, emulator: str
    ) -> Arrays:
        tools = {"toolchain": toolchain, "emulator": emulator, "raw": raw}
        self._api.note("run", inputs=inputs, on=on, carry_state=carry_state, **tools)
        return {"scores": inputs["x"] * 2}

    def profile(self, on: str, toolchain: str, emulator: str) -> Profile:
        self._api.note("profile", on=on, toolchain=toolchain, emulator=emulator)
        return Profile(on, 123, self.report.latency.layers)

    def debug(self, inputs: Arrays | None, on: str, toolchain: str, emulator: str) -> DebugResult:
        self._api.note("debug", inputs=inputs, on=on, toolchain=toolchain, emulator=emulator)
        first = self._api.first_difference
        steps = (DebugStep(0, "conv", "QConv2D", "t0", 4, 1 if first else 0, 1.0),)
        return DebugResult(on, steps, first, {"t0": np.arange(4), "t1": np.ones(2)})


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    """The stand-in, in the place of ``edgekit.api`` for one test."""
    fake = FakeApi()
    module = types.ModuleType("edgekit.api")
    for name in ("convert", "load", "quantize", "evaluate"):
        setattr(module, name, getattr(fake, name))
    module.ConvertOptions = dict  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "edgekit.api", module)
    monkeypatch.setattr(edgekit, "api", module, raising=False)
    return fake


@pytest.fixture
def edgekit_cli() -> Runner:
    """Run the command line in this process."""

    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(cli, [str(a) for a in arguments])

    return run


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """An .npz with two samples of two numbers, and labels."""
    path = tmp_path / "samples.npz"
    np.savez(path, x=np.arange(4, dtype=np.float32).reshape(2, 2), y=np.array([0, 1]))
    return path
