"""The int8 models of MLPerf Tiny: the same numbers in LiteRT, reference, host C and emulated M4."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.api import ConvertOptions
from edgekit.deployment import Deployment
from edgekit.options import Place, Rounding
from edgekit.pipeline.builds import library_path
from profiles.runners import EMULATORS, HOST, RunResult
from quantize.oracle import run_litert
from targets.load import load_core
from targets.toolchains import TOOLCHAINS, Image
from tests.conversions import Conversions
from tests.proofs.data import DATASET, INT8_MODELS, int8_labelled, int8_model, mixed_samples
from tests.runners.support import emulator, skip_unless

pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed")

Array = NDArray[Any]
M4 = load_core("cortex-m4")


def deployed(conversions: Conversions, name: str, rounding: Rounding | None = None) -> Deployment:
    """With the options of other tests of these models: one conversion serves all."""
    return conversions(int8_model(name), ConvertOptions(M4.name, rounding=rounding, vectors=1))


def samples(deployment: Deployment, name: str, count: int) -> Array:
    return mixed_samples(name, deployment.manifest.inputs[0].shape, count)


def only(outputs: dict[str, Array]) -> Array:
    (array,) = outputs.values()
    return array


def litert(name: str, x: Array) -> Array:
    return run_litert(int8_model(name), [x])[0]


def host_images(deployment: Deployment) -> list[Image]:
    """The host library of every compiler that the conversion found."""
    host, name = load_core("host"), deployment.manifest.name
    found = [
        Image(library_path(deployment.folder, name, tool), tool, "", host, False)
        for tool in TOOLCHAINS
    ]
    return [image for image in found if image.path.is_file()]


@pytest.mark.parametrize("name", INT8_MODELS)
def test_100_inputs_are_identical_to_litert(name: str, conversions: Conversions) -> None:
    deployment = deployed(conversions, name)
    x = samples(deployment, name, 100)
    wanted = litert(name, x)
    assert len(np.unique(wanted, axis=0)) >= 10  # the samples reach different answers
    np.testing.assert_array_equal(only(deployment.run({"x": x})), wanted)
    images = host_images(deployment)
    assert images
    for image in images:
        found = HOST.run(image, deployment.manifest, [x]).outputs[0]
        np.testing.assert_array_equal(found, wanted, err_msg=image.toolchain)


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("name", INT8_MODELS)
def test_emulated_m4_is_identical_to_litert_and_counts_agree(
    name: str, toolchain: str, conversions: Conversions
) -> None:
    skip_unless(TOOLCHAINS[toolchain].missing(M4))
    deployment = deployed(conversions, name)
    x = samples(deployment, name, 4)
    wanted = litert(name, x)
    image = deployment._image(toolchain)  # type: ignore[arg-type]
    results: dict[str, RunResult] = {}
    for each in EMULATORS:
        if EMULATORS[each].missing(M4) is None:
            results[each] = EMULATORS[each].run(image, deployment.manifest, [x], profile=True)
    for each, result in results.items():
        np.testing.assert_array_equal(result.outputs[0], wanted, err_msg=each)
        assert result.instructions is not None
        assert sum(c.instructions for c in result.layers) <= result.instructions[0]
    emulator("unicorn", M4.name)
    emulator("qemu", M4.name)  # both, or the counts are not compared and the skip says so
    ours, theirs = results["unicorn"], results["qemu"]
    assert ours.instructions == theirs.instructions
    assert ours.layers == theirs.layers
    assert ours.other_instructions == theirs.other_instructions
    assert ours.stack_bytes == theirs.stack_bytes


@pytest.mark.parametrize("place", ["host", "emulator"])
@pytest.mark.parametrize("name", INT8_MODELS)
def test_every_tensor_in_c_is_identical_to_the_reference(
    name: str, place: Place, conversions: Conversions
) -> None:
    # Outputs alone could hide a difference behind a softmax or a saturated value.
    if place == "emulator":
        skip_unless(EMULATORS["unicorn"].missing(M4))
    deployment = deployed(conversions, name)
    result = deployment.debug({"x": samples(deployment, name, 4)[3:]}, on=place)
    assert result.first_difference is None
    assert len(result.steps) == len(deployment.manifest.steps)
    assert sum(step.different for step in result.steps) == 0


@pytest.mark.parametrize("name", [n for n in INT8_MODELS if n != "str_ww_ref_model"])
def test_tflm_rounding_is_identical_to_stored_outputs(
    name: str, conversions: Conversions, material: Path
) -> None:
    stored = np.load(material / "tflm_rounding" / f"{name}.npz")
    deployment = deployed(conversions, name, "tflm")
    ports = deployment.manifest
    x = stored["x"].reshape(-1, *ports.inputs[0].shape[1:])
    wanted = stored["y"].reshape(-1, *ports.outputs[0].shape[1:])
    np.testing.assert_array_equal(only(deployment.run({"x": x})), wanted)
    np.testing.assert_array_equal(only(deployment.run({"x": x}, on="host")), wanted)
    skip_unless(EMULATORS["unicorn"].missing(M4))
    np.testing.assert_array_equal(only(deployment.run({"x": x}, on="emulator")), wanted)


@pytest.mark.parametrize(
    ("name", "dataset", "correct"),
    [
        ("pretrainedResnet_quant", "ic01_200", 173),
        ("pretrainedResnet_quant", "cifar10_jpg_A1000", 749),
        ("kws_ref_model", "kws01_A500", 449),
        ("vww_96_int8", "vww_coco_train2017_128", 110),
    ],
)
def test_labelled_accuracy_in_host_c(
    name: str, dataset: str, correct: int, conversions: Conversions
) -> None:
    deployment = deployed(conversions, name)
    x, y = int8_labelled(dataset)
    data = {"x": x.reshape(-1, *deployment.manifest.inputs[0].shape[1:]), "y": y}
    found = deployment.evaluate(data, on="host")
    assert (found.samples, found.correct) == (len(y), correct)


def test_labelled_accuracy_on_the_emulated_core(conversions: Conversions) -> None:
    name = "kws_ref_model"
    skip_unless(EMULATORS["unicorn"].missing(M4))
    deployment = deployed(conversions, name)
    x, y = int8_labelled(DATASET[name])
    x = x.reshape(-1, *deployment.manifest.inputs[0].shape[1:])[:100]
    data = {"x": x, "y": y[:100]}
    emulated = deployment.evaluate(data, on="emulator")
    assert emulated.correct == int((litert(name, x).argmax(axis=1) == y[:100]).sum())


def test_the_two_roundings_differ_in_c(conversions: Conversions) -> None:
    # Otherwise one of the two modes would not be what it says.
    x = mixed_samples("ad01_int8", (1, 640), 4)
    first, second = (
        only(deployed(conversions, "ad01_int8", r).run({"x": x}, on="host")) for r in (None, "tflm")
    )
    assert int((first != second).sum()) > 100
