"""Real models from raw pixels and samples, on this machine and on the emulated M4."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit import api
from edgekit.deployment import Deployment
from tests.processing.recordings import KWS, MICROFRONTEND, clip
from tests.proofs.data import int8_model, labelled
from tests.support import material

Array = NDArray[Any]
MICRO_SPEECH = replace(MICROFRONTEND, feature_scale=10 / 256)


@dataclass(frozen=True)
class Case:
    """A model, what comes before it, and raw data with the class that must come out."""

    model: Path
    input: str
    settings: api.ImageInput | api.AudioInput
    raw: Array
    classes: tuple[int, ...] | None


def micro_speech() -> Case:
    model = material() / "tflm" / "models" / "micro_speech_quantized.tflite"
    clips = np.stack([clip(name)[: MICRO_SPEECH.samples(49)] for name in ("yes", "no", "silence")])
    return Case(model, "Reshape_1", MICRO_SPEECH, clips, (2, 3, 0))


def keywords() -> Case:
    """Float MFCC; classes 9 and 3 are yes and no."""
    clips = np.stack([clip(name)[: KWS.samples(49)] for name in ("yes", "no")])
    return Case(int8_model("kws_ref_model"), "input_1", KWS, clips, (9, 3))


def keywords_fixed() -> Case:
    """MFCC in integers, which the model was not trained with: only that all agree is asked for."""
    settings = replace(KWS, arithmetic="fixed", spectrum="power", feature_scale=2.0**-6)
    return replace(keywords(), settings=settings, classes=None)


def person() -> Case:
    """COCO images of 96 x 96, taken apart into odd 250 x 310 ones and resized again."""
    x, y = labelled("vww_coco_train2017_128")
    chosen = [int(np.flatnonzero(y == k)[0]) for k in (0, 1)]
    rows, columns = np.arange(250) * 96 // 250, np.arange(310) * 96 // 310
    raw = x[chosen][:, rows][:, :, columns]
    settings = api.ImageInput(height=250, width=310, scale=(1 / 255,))
    return Case(
        int8_model("vww_96_int8"), "input_1_int8", settings, raw, tuple(int(y[i]) for i in chosen)
    )


CASES = {
    "micro_speech": micro_speech,
    "kws": keywords,
    "kws_fixed": keywords_fixed,
    "vww": person,
}


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]()


@pytest.fixture(scope="module")
def deployment(case: Case) -> Deployment:
    """Converted with its helpers: the conversion compares them with numpy and raises otherwise."""
    processing = api.Processing({case.input: case.settings}, {})
    return api.convert(case.model, None, api.ConvertOptions("cortex-m4"), processing=processing)


def test_conversion_compared_the_helper_everywhere(deployment: Deployment) -> None:
    (helper,) = deployment.report.preprocessing
    assert any(where.startswith("host ") for where in helper.compared)
    if deployment.report.verification.emulator != "not_run":
        assert any(where.startswith("cortex-m4 ") for where in helper.compared)
        assert helper.instructions is not None
        assert helper.instructions > 100_000


def test_raw_data_to_outputs(case: Case, deployment: Deployment) -> None:
    """Reference, host and emulated core agree from the raw data on, and the answers are right."""
    (wanted,) = deployment.run({"x": case.raw}, raw=True).values()
    (host,) = deployment.run({"x": case.raw}, on="host", raw=True).values()
    np.testing.assert_array_equal(host, wanted)
    if deployment.report.verification.emulator == "not_run":
        pytest.skip(str(deployment.report.verification.reason))
    (emulated,) = deployment.run({"x": case.raw}, on="emulator", raw=True).values()
    np.testing.assert_array_equal(emulated, wanted)
    if case.classes is not None:
        assert tuple(wanted.argmax(axis=-1)) == case.classes
