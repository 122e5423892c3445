"""Every runner gives what numpy gives, on every core, from both compilers."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import DataError, ToolError
from profiles.runners import HOST
from tests.runners import sample_model
from tests.runners.support import EMULATED, build, emulator

SAMPLES = 12


def check(outputs: list[np.ndarray], carry_state: bool, samples: int = SAMPLES) -> None:
    expected = sample_model.expected(sample_model.inputs(samples), carry_state)
    assert len(outputs) == len(expected)
    for found, wanted in zip(outputs, expected, strict=True):
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("carry_state", [False, True])
@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
@pytest.mark.parametrize(("core", "name"), EMULATED)
def test_emulated(core: str, toolchain: str, name: str, carry_state: bool) -> None:
    runner = emulator(name, core)
    image, manifest = build(core, toolchain)
    inputs = sample_model.inputs(SAMPLES)
    result = runner.run(image, manifest, inputs, carry_state=carry_state)
    check(result.outputs, carry_state)
    assert result.instructions is None
    assert result.stack_bytes is not None
    assert 0 < result.stack_bytes < 512


@pytest.mark.parametrize("carry_state", [False, True])
@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_host(toolchain: str, carry_state: bool) -> None:
    image, manifest = build("host", toolchain)
    inputs = sample_model.inputs(1000)
    result = HOST.run(image, manifest, inputs, carry_state=carry_state)
    check(result.outputs, carry_state, 1000)
    assert (result.instructions, result.stack_bytes) == (None, None)


def test_a_rebuilt_library_is_not_the_old_one() -> None:
    image, manifest = build("host", "zig")
    other, _ = build("host", "zig", source=sample_model.SOURCE.replace("> 127 ? 127", "> 5 ? 5"))
    inputs = sample_model.inputs(SAMPLES)
    check(HOST.run(image, manifest, inputs).outputs, False)
    assert HOST.run(other, manifest, inputs).outputs[0].max() == 5


def test_views_that_are_not_contiguous_are_read_right() -> None:
    image, manifest = build("host", "zig")
    x, divisor = sample_model.inputs(SAMPLES)
    scattered = np.asfortranarray(np.repeat(x, 2, axis=1))[:, ::2]
    check(HOST.run(image, manifest, [scattered, divisor]).outputs, False)


def test_no_samples_give_no_outputs() -> None:
    image, manifest = build("host", "zig")
    result = HOST.run(image, manifest, [a[:0] for a in sample_model.inputs(1)])
    assert [a.shape for a in result.outputs] == [(0, 4), (0, 1)]


@pytest.mark.parametrize("name", ["host", "unicorn", "qemu"])
def test_inputs_that_do_not_fit_are_refused_together(name: str) -> None:
    core = "host" if name == "host" else "cortex-m4"
    runner = HOST if name == "host" else emulator(name, core)
    image, manifest = build(core, "zig")
    x, divisor = sample_model.inputs(3)
    with pytest.raises(DataError, match="1 input arrays given, the model has 2"):
        runner.run(image, manifest, [x])
    with pytest.raises(DataError) as caught:
        runner.run(image, manifest, [x.astype(np.int16), divisor[:2, :1]])
    assert len(caught.value.problems) == 3
    assert {p.where for p in caught.value.problems} == {"x", "divisor", ""}


def test_a_status_that_is_not_zero_is_an_error() -> None:
    source = sample_model.SOURCE.replace("return status;", "return 7;")
    for core, runner in (("host", HOST), ("cortex-m3", emulator("unicorn", "cortex-m3"))):
        image, manifest = build(core, "zig", source=source)
        with pytest.raises(ToolError, match="tiny_run_copy returned 7 for sample 0"):
            runner.run(image, manifest, sample_model.inputs(2))
