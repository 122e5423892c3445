"""``--optimize``: what code size and speed each choice gives on the emulated Cortex-M4."""

from __future__ import annotations

import pytest

from edgekit import api
from edgekit.options import Optimize
from edgekit.report.model import Report
from tests.proofs.data import int8_model
from tests.runners.support import emulator

KIB = 1024
MLPERF = ("pretrainedResnet_quant", "kws_ref_model", "vww_96_int8", "ad01_int8")


def converted(name: str, optimize: Optimize) -> Report:
    emulator("unicorn", "cortex-m4")
    options = api.ConvertOptions("cortex-m4", vectors=1, optimize=optimize)
    report = api.convert(int8_model(name), None, options).report
    assert report.verification.bit_exact
    return report


@pytest.mark.parametrize("name", MLPERF)
def test_each_choice_keeps_its_promise(name: str) -> None:
    speed, size = converted(name, "speed"), converted(name, "size")
    assert speed.memory.code_bytes is not None
    assert size.memory.code_bytes is not None
    assert speed.memory.code_bytes <= 16 * KIB
    assert size.memory.code_bytes <= 9 * KIB
    assert size.memory.code_bytes < speed.memory.code_bytes


def test_balanced_lies_between() -> None:
    speed, balanced, size = (
        converted("pretrainedResnet_quant", o) for o in ("speed", "balanced", "size")
    )
    counts = [r.latency.instructions or 0 for r in (speed, balanced, size)]
    sizes = [r.memory.code_bytes or 0 for r in (speed, balanced, size)]
    assert counts[0] < counts[1] < 0.5 * counts[2]
    assert sizes[0] > sizes[1] > sizes[2]
