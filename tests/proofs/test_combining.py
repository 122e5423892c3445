"""Two models in one firmware: run in turn in one arena on an emulated Cortex-M7, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgekit import api
from edgekit.api import ConvertOptions
from edgekit.artefact import load_manifest
from edgekit.errors import DataError, UsageError
from edgekit.options import ToolchainChoice
from edgekit.report.codec import load_report
from profiles.runners import HOST
from targets.load import load_core
from targets.toolchains import get_toolchain
from targets.toolchains.base import Image
from tests.codegen.batch import BOTH
from tests.codegen.states import accumulate, accumulator
from tests.conversions import Conversions
from tests.proofs.data import int8_model
from tests.proofs.emission import STRICT, compiler, run
from tests.runners.support import emulator, skip_unless

CORE = "cortex-m7"


def converted(conversions: Conversions, name: str, **more: object) -> Path:
    options = ConvertOptions(CORE, toolchain="gcc", emulator="unicorn", vectors=1, **more)  # type: ignore[arg-type]
    return conversions(int8_model(name), options).folder


def with_state(folder: Path) -> Path:
    """A model with state, its samples run from the initial one."""
    options = ConvertOptions(CORE, name="counter", emulator="none", vectors=3)
    api.convert(accumulator(8), folder, options)
    return folder


def test_two_models_share_an_arena(conversions: Conversions, tmp_path: Path) -> None:
    emulator("unicorn", CORE)
    first = converted(conversions, "pretrainedResnet_quant")
    second = converted(conversions, "kws_ref_model", memories={"dtcm": 8_400, "sram": None})
    out = tmp_path / "both"
    found = api.combine([first, second], out, emulator="unicorn", toolchain="gcc")
    assert found.identical
    assert found.emulator is not None
    sizes = [load_manifest(f).arena_bytes for f in (first, second)]
    made = load_manifest(out)
    assert made.arena_bytes == max(sizes)
    assert found.apart_bytes > found.arena_bytes
    assert made.regions == load_manifest(second).regions
    apart = sum(api.load(f).report.memory.flash_bytes or 0 for f in (first, second))
    assert found.flash_bytes is not None
    assert found.shared_bytes is not None
    assert found.shared_bytes > 1_000
    assert found.flash_bytes == pytest.approx(apart - found.shared_bytes, abs=500)


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize(("core", "shared"), [("cortex-m4", 3_000), ("rv32imc", 1_500)])
def test_models_share_their_functions(
    core: str, shared: int, toolchain: ToolchainChoice, conversions: Conversions, tmp_path: Path
) -> None:
    emulator("unicorn", core)
    skip_unless(get_toolchain(toolchain).missing(load_core(core)))
    options = ConvertOptions(core, toolchain=toolchain, emulator="none", vectors=1)
    models = [conversions(int8_model(n), options).folder for n in ("kws_ref_model", "vww_96_int8")]
    found = api.combine(models, tmp_path / "both", emulator="unicorn", toolchain=toolchain)
    assert found.identical
    assert (found.shared_bytes or 0) > shared


def test_states_stay_apart(conversions: Conversions, tmp_path: Path) -> None:
    """The state survives the other model's run, which overwrites the whole arena."""
    kws, counter = converted(conversions, "kws_ref_model"), with_state(tmp_path / "counter")
    again = tmp_path / "again"
    api.convert(accumulator(8), again, ConvertOptions(CORE, name="other", emulator="none"))
    out = tmp_path / "all"
    found = api.combine([counter, kws, again], out, name="three", emulator="unicorn")
    assert found.identical
    assert [m.state_offset for m in found.models] == [0, 8, 8]
    made = load_manifest(out)
    assert made.state_bytes == 16
    tool = get_toolchain("gcc")
    path = tmp_path / "libthree.so"
    image: Image = tool.build_host_library(out, made, path)
    assert image.core == load_core("host")
    x = np.arange(32, dtype=np.int8).reshape(4, 8)
    frames = np.zeros((4, *made.inputs[1].shape[1:]), np.int8)
    result = HOST.run(image, made, [x, frames, 2 * x], carry_state=True)
    np.testing.assert_array_equal(result.outputs[0], accumulate(x, carry=True))
    np.testing.assert_array_equal(result.outputs[2], accumulate(2 * x, carry=True))


@pytest.mark.parametrize("tool", ["gcc", "zig"])
def test_the_files_compile_without_a_warning(tool: str, tmp_path: Path) -> None:
    first = tmp_path / "first"
    api.convert(accumulator(8), first, ConvertOptions("host", name="first"))
    second = tmp_path / "second"
    api.convert(accumulator(3), second, ConvertOptions("host", name="second"))
    out = tmp_path / "both"
    api.combine([first, second], out, name="both")
    run([*compiler(tool), *STRICT, "-O1", "-c", *load_manifest(out).sources], out)


def test_what_cannot_be_combined(tmp_path: Path) -> None:
    first = tmp_path / "first"
    api.convert(accumulator(8), first, ConvertOptions("host", name="first"))
    with pytest.raises(UsageError, match="is alone; allowed: two or more") as alone:
        api.combine([first], tmp_path / "out")
    assert len(alone.value.problems) == 1
    with pytest.raises(UsageError, match="name 'first': is taken twice"):
        api.combine([first, first], tmp_path / "out")
    counter = with_state(tmp_path / "counter")
    with pytest.raises(UsageError, match=r"counter: is for cortex-m7; allowed: host"):
        api.combine([first, counter], tmp_path / "out")
    with pytest.raises(DataError, match="is not a converted model"):
        api.combine([first, tmp_path], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(UsageError, match="would be replaced with what is read"):
        api.combine([first, counter], first, force=True)


def test_a_combination_is_no_model(tmp_path: Path) -> None:
    first, second, out = (tmp_path / name for name in ("first", "second", "out"))
    for folder in (first, second):
        api.convert(accumulator(8), folder, ConvertOptions("host", name=folder.name))
    api.combine([first, second], out)
    for use in (api.load, load_report):
        with pytest.raises(DataError, match=f"combine made {out}: take the folder of one of its"):
            use(out)
