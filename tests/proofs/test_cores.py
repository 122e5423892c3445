"""The same models on every other emulated core: identical outputs."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest

from edgekit.api import ConvertOptions
from edgekit.errors import Problem
from edgekit.options import ToolchainChoice
from profiles.runners import select
from targets.load import core_names, load_core
from targets.toolchains import available
from tests.conversions import Conversions
from tests.proofs.data import INT8_MODELS, int8_model, mixed_samples
from tests.runners.support import skip_unless

CORES = tuple(c for c in core_names() if c not in ("host", "cortex-m4"))


SAME_CODE = {
    "cortex-m7": ("pretrainedResnet_quant", "str_ww_ref_model"),
    "cortex-m33": ("kws_ref_model", "vww_96_int8"),
}
"""Cores with the kernels of cortex-m4, which runs every model: what they run of them."""
CASES = [(name, core) for core in CORES for name in SAME_CODE.get(core, INT8_MODELS)]


def test_the_cores_that_must_be_shown_are_all_here() -> None:
    shown = {"cortex-m0plus", "cortex-m3", "cortex-m7", "cortex-m33", "cortex-m55", "rv32imc"}
    assert shown <= set(CORES)
    assert {core for _, core in CASES} == set(CORES)


@pytest.mark.parametrize(("name", "core"), CASES)
def test_outputs_on_the_emulated_core(name: str, core: str, conversions: Conversions) -> None:
    found = select(load_core(core))
    skip_unless(found if isinstance(found, Problem) else None)
    # One compiler for each core, in turn, so that both are seen; the M4 has all combinations.
    tools = available(load_core(core))
    tool = cast(ToolchainChoice, tools[CORES.index(core) % len(tools)].name)
    options = ConvertOptions(core, toolchain=tool, emulator="none", vectors=1)
    deployment = conversions(int8_model(name), options)
    assert deployment.report.target.core == core
    x = mixed_samples(name, deployment.manifest.inputs[0].shape, 6, seed=5)[4:]
    (wanted,) = deployment.run({"x": x}).values()
    (emulated,) = deployment.run({"x": x}, on="emulator").values()
    np.testing.assert_array_equal(emulated, wanted)
