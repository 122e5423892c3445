"""The main job on a real model: a float CNN becomes int8 firmware for a Cortex-M4, and the whole
labelled test set runs on the emulated core.

Run it with ``make demo``, or ``python examples/digits/demo.py [TARGET]``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from edgekit import api
from edgekit.cli.ui import Ui
from edgekit.deployment import Deployment
from edgekit.errors import EdgekitError
from edgekit.npz import load_arrays
from edgekit.report import terminal
from edgekit.report.results import Evaluation

HERE = Path(__file__).resolve().parent
OUT = Path("out") / "digits"


def convert_and_evaluate(target: str, ui: Ui) -> tuple[Deployment, Evaluation, Evaluation]:
    """Quantize, emit, build, verify; then run the labelled test set on the emulated core."""
    test = load_arrays(HERE / "test.npz")
    with ui.progress() as step:
        deployment = api.convert(
            HERE / "digits.onnx",
            OUT,
            api.ConvertOptions(target, force=True, require_emulator=True),
            calibration=HERE / "calibration.npz",
            progress=step,
        )
        step("evaluating the float model")
        real = api.evaluate(HERE / "digits.onnx", test)
        step(f"running all {len(test['y'])} labelled digits on the emulated {target}")
        integer = deployment.evaluate(test, on="emulator", compare=True)
        deployment.record(real, integer)
    return deployment, real, integer


def main(target: str = "cortex-m4") -> int:
    """Run the demo; returns the exit code."""
    ui = Ui()
    try:
        deployment, real, integer = convert_and_evaluate(target, ui)
    except EdgekitError as error:
        ui.warn(str(error))
        return error.exit_code
    ui.show(terminal.report_view(deployment.report, layers=False))
    same = integer.identical == integer.samples
    ui.text(
        f"Test set      {integer.identical} of {integer.samples} samples on the emulated core are "
        "bit for bit equal to the reference"
    )
    ui.text(f"\nreport:  {OUT}/report.html\nC code:  {OUT}/digits.c, {OUT}/digits.h")
    return 0 if same and real.top1 is not None else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
