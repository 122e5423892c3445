"""Sound: each step against scipy or onnx.reference, the chain against published features, the C
against the numpy definition."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from edgekit.artefact import preprocess_manifest
from edgekit.errors import UsageError
from edgekit.ir import DType
from edgekit.pipeline.helpers import raw_samples
from edgekit.processing import AudioInput
from edgekit.processing.audio import FFT_LENGTHS
from quantize.processing import fixed, process, real, tables
from quantize.processing.audio import fixed_features, real_features
from quantize.processing.spectrum import real_transform
from targets.load import load_core
from targets.toolchains import get_toolchain
from tests.processing.helpers import Shapes, compare, emit, graph, written
from tests.processing.kinds import sounds
from tests.processing.recordings import KWS, MICROFRONTEND, clip
from tests.runners.support import skip_unless

fft = pytest.importorskip("scipy.fft", reason="scipy is not installed")
signal = pytest.importorskip("scipy.signal", reason="scipy is not installed")

# Rows of g_yes_micro_f2e59fea_nohash_1_data of TensorFlow Lite Micro's micro_speech example: what
# the "microfrontend" makes of yes_1000ms.wav, as int8 by (256 x + 333) / 666 - 128.
PUBLISHED = {
    0: "116 98 118 95 106 85 101 81 67 -18 -33 -12 -26 -128 9 34 56 45 9 -12 5 30 23 28 0 -18 0 "
    "-128 -60 -50 -50 -37 -60 -60 -50 -26 -33 -50 -33 -50",
    1: "83 61 81 55 76 61 73 64 38 -8 -37 -20 -18 -20 48 29 52 41 55 18 25 37 44 37 8 15 -6 -60 "
    "-128 -50 -37 -37 -18 -37 -26 -29 -37 -60 -50 -60",
    3: "50 48 83 44 56 -128 -33 -60 1 -26 -60 -43 -14 -23 -18 -43 -26 -33 13 -77 -43 -77 -33 -37 "
    "16 -12 -37 -50 -50 -77 -20 -43 -60 -128 -60 -77 -37 -77 -60 -128",
    13: "71 22 84 66 76 -7 48 61 77 62 91 65 95 74 88 59 75 58 83 55 87 55 76 43 76 -3 56 60 79 57 "
    "71 54 82 33 74 71 91 45 18 -7",
    14: "61 56 77 41 73 42 82 49 59 63 82 65 66 38 83 34 48 -8 46 20 54 33 54 6 48 16 60 37 58 22 "
    "58 14 65 53 75 -4 42 16 16 -50",
    25: "86 88 108 75 108 76 98 64 75 61 71 66 85 -1 -77 -128 46 61 92 69 100 93 113 80 108 93 113 "
    "91 110 80 85 15 -33 -128 12 -50 34 50 70 55",
}


def noise(shape: tuple[int, ...], seed: int = 0) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-32768, 32768, shape).astype(np.int16)


def test_features_are_the_published_ones() -> None:
    features = fixed_features(clip("yes")[None], MICROFRONTEND, 49)[0]
    found = np.clip((features * 256 + 333) // 666 - 128, -128, 127)
    for frame, row in PUBLISHED.items():
        np.testing.assert_array_equal(found[frame], list(map(int, row.split())), err_msg=str(frame))
    assert (found[46:] == -128).all(), "the published rows end in silence"


@pytest.mark.parametrize("length", FFT_LENGTHS)
def test_float_transform_is_that_of_scipy(length: int) -> None:
    x = np.random.default_rng(length).normal(0, 1, (3, length)).astype(np.float32)
    found = real_transform(x, tables.transform(length, "float"))
    wanted = fft.rfft(x.astype(np.float64))
    error = np.abs(found[..., 0] + 1j * found[..., 1] - wanted).max()
    assert error < 4e-7 * np.sqrt(length) * np.log2(length)


@pytest.mark.parametrize("length", FFT_LENGTHS)
def test_fixed_transform_is_that_of_scipy_over_its_length(length: int) -> None:
    """Each stage rounds to a unit, and the stages after it shrink that error."""
    x = noise((3, length), length)
    found = real_transform(x, tables.transform(length, "fixed"))
    wanted = fft.rfft(x.astype(np.float64)) / length
    assert np.abs(found[..., 0] + 1j * found[..., 1] - wanted).max() < 8


@pytest.mark.parametrize("kind", ["hann", "hamming"])
def test_windows_are_those_of_scipy(kind: str) -> None:
    settings = AudioInput(16000, 25, 10, 512, 20, 20, 4000, window=kind)  # type: ignore[arg-type]
    np.testing.assert_allclose(
        tables.window(settings), signal.get_window(kind, 400, fftbins=True), atol=1e-12
    )


def test_bands_stand_where_those_of_onnx_do() -> None:
    """ONNX rounds edges down to whole bins; ours lie between. Peaks agree to a bin.

    Its bands are a (bins + 2)th of the range apart, not a (bins + 1)th: it gets a wider range.
    """
    node = helper.make_node("MelWeightMatrix", ["n", "d", "r", "l", "u"], ["y"])
    inputs = [
        helper.make_tensor_value_info(n, TensorProto.INT64 if n in "ndr" else TensorProto.FLOAT, [])
        for n in "ndrlu"
    ]
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, None])
    model = helper.make_model(
        helper.make_graph([node], "g", inputs, [y]), opset_imports=[helper.make_opsetid("", 18)]
    )
    settings = AudioInput(16000, 30, 20, 1024, 20, 125, 6000, arithmetic="float")
    low, high = tables.mel(125), tables.mel(6000)
    upper = 700 * np.expm1((low + (high - low) * 22 / 21) / 1127)
    values = {"n": np.array(20), "d": np.array(1024), "r": np.array(16000)}
    values |= {"l": np.array(125, np.float32), "u": np.array(upper, np.float32)}
    (wanted,) = ReferenceEvaluator(model).run(None, values)
    made = tables.bands(settings)
    ends = np.cumsum(made.count)
    for band, (start, count, end) in enumerate(zip(made.start, made.count, ends, strict=True)):
        peak = start + int(np.argmax(made.weights[end - count : end]))
        assert abs(peak - int(np.argmax(np.asarray(wanted)[:, band]))) <= 1


def test_bands_share_every_bin_between_two() -> None:
    """Slopes are straight in mel: rising and falling weights of a bin add up to one."""
    made = tables.bands(KWS)
    total = np.zeros(KWS.fft_length // 2 + 1)
    for start, count, end in zip(made.start, made.count, np.cumsum(made.count), strict=True):
        total[start : start + count] += made.weights[end - count : end]
    edges = np.linspace(tables.mel(20), tables.mel(4000), 42)
    mels = tables.mel(np.arange(len(total)) * 16000 / 1024)
    inner = (mels > edges[1]) & (mels < edges[-2])
    np.testing.assert_allclose(total[inner], 1, atol=1e-6)
    assert (total[mels >= edges[-1]] == 0).all()


def test_cosine_transform_is_that_of_scipy() -> None:
    x = np.random.default_rng(3).normal(0, 4, (5, 40)).astype(np.float32)
    # scipy halves the power of the first coefficient; here as in the HTK it is like the others
    wanted = fft.dct(x.astype(np.float64), type=2, norm="ortho")[:, :10]
    wanted[:, 0] *= np.sqrt(2)
    np.testing.assert_allclose(real.transformed(x, tables.cosines(KWS)), wanted, atol=1e-5)
    whole = np.rint(x * 64).astype(np.int64)
    spelled = tables.fixed(tables.cosines(KWS).astype(np.float64), tables.DCT_BITS)
    exact = fft.dct(whole.astype(np.float64), type=2, norm="ortho")[:, :10]
    exact[:, 0] *= np.sqrt(2)
    assert np.abs(fixed.transformed(whole, spelled) - exact).max() < 0.5 + 40 * 1000 / 2**15


def test_logarithms_and_roots() -> None:
    rng = np.random.default_rng(4)
    x = np.unique(np.exp2(rng.uniform(0, 29, 4000)).astype(np.int64))
    scaled = fixed.logarithm(x, 3, 6)
    assert np.abs(scaled - 64 * np.log(x * 8)).max() < 1
    assert fixed.logarithm(np.array([0]), 3, 6)[0] == 0
    floats = np.exp2(rng.uniform(-60, 60, 4000)).astype(np.float32)
    np.testing.assert_allclose(real.logarithm(floats), np.log(floats.astype(np.float64)), rtol=2e-7)
    wide = rng.integers(0, 2**50, 1000)
    np.testing.assert_array_equal(fixed.rounded_root(wide), np.rint(np.sqrt(wide.astype(float))))


def test_float_mfcc_is_the_textbook_one() -> None:
    """The whole float chain against scipy in double precision."""
    raw = noise((1, KWS.samples(5)), 6)
    found = real_features(raw, KWS, 5)[0]
    window = signal.get_window("hann", 640, fftbins=True)
    frames = np.stack([raw[0, 320 * i : 320 * i + 640] for i in range(5)]) / 32768.0
    spectrum = np.abs(fft.rfft(frames * window, 1024))
    edges = np.linspace(tables.mel(20), tables.mel(4000), 42)
    mels = np.asarray(tables.mel(np.arange(513) * 16000 / 1024))
    rising = (mels[:, None] - edges[None, :-2]) / np.diff(edges)[None, :-1]
    falling = (edges[None, 2:] - mels[:, None]) / np.diff(edges)[None, 1:]
    triangles = np.maximum(0, np.minimum(rising, falling))
    triangles[0] = 0
    logs = np.log(spectrum @ triangles + 1e-6)
    wanted = fft.dct(logs, type=2, norm="ortho")[:, :10]
    wanted[:, 0] *= np.sqrt(2)
    np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_fixed_log_mel_is_close_to_float() -> None:
    """Root of the bands' power in 15 bits: within two per cent where there is signal."""
    plain = AudioInput(16000, 30, 20, 512, 40, 125, 7500, log_bits=10)
    raw = noise((2, plain.samples(4)), 8)
    found = fixed_features(raw, plain, 4) / 1024
    float_kind = AudioInput(
        16000, 30, 20, 512, 40, 125, 7500, arithmetic="float", sample_scale=1.0, log_offset=1e-3
    )
    # the power of the fixed path is over 512^2, times 2^12 of the bands and 2^3 of the logarithm
    wanted = 0.5 * real_features(raw, float_kind, 4) - np.log(512) + np.log(2**6 * 2**3)
    assert np.abs(found - wanted).max() < 0.02


@pytest.mark.parametrize("tool", ["gcc", "zig"])
@pytest.mark.parametrize("dtype", [DType.INT8, DType.FLOAT32])
def test_c_is_the_numpy_definition(dtype: DType, tool: str) -> None:
    shapes, settings = sounds(dtype)
    compare(emit(graph(shapes), settings), settings, tool)


def test_settings_that_do_not_fit_the_model() -> None:
    shapes: Shapes = {"a": ((1, 41), DType.INT8), "b": ((1, 400), DType.INT8)}
    shapes |= {"c": ((1, 40, 3), DType.INT8), "d": ((2, 40), DType.INT8)}
    shapes |= {"e": ((1, 40), DType.INT8)}
    loud = replace(MICROFRONTEND, feature_scale=1e20)
    crowded = AudioInput(16000, 4, 2, 64, 100, 20, 4000)
    wrong = {"a": MICROFRONTEND, "b": crowded, "c": MICROFRONTEND, "d": MICROFRONTEND}
    with pytest.raises(UsageError) as caught:
        emit(graph(shapes), {**wrong, "e": loud})
    text = str(caught.value)
    assert "input is [1, 41]; allowed: frames one after the other, each of 40 features" in text
    assert "input is [1, 40, 3]; allowed: frames one after the other" in text
    assert "'d': the model takes 2 samples at once; allowed: one" in text
    assert "'e': feature_scale 1e+20: " in text
    assert "has no bin of the spectrum" in text


@pytest.mark.parametrize("name", ["fixed256", "fixed1024", "float128"])
def test_frame_by_frame_is_the_whole_clip(name: str) -> None:
    """With noise reduction the caller keeps the estimate."""
    shapes, settings = sounds(DType.INT8)
    kind = settings[name]
    assert isinstance(kind, AudioInput)
    artefact = emit(graph({"x": shapes[name]}), {"x": kind})
    folder = written(artefact)
    part = preprocess_manifest(artefact.manifest)
    tool = get_toolchain("gcc")
    skip_unless(tool.missing(load_core("host")))
    code = ctypes.CDLL(str(tool.build_host_library(folder, part, folder / "p.so").path))
    raw = raw_samples(part.inputs[0], 1)[0]
    scratch, kept = np.zeros(part.arena_bytes, np.uint8), np.zeros(kind.mel_bins, np.uint32)
    row = np.zeros(kind.features, np.int8)
    noise = [kept] if kind.noise_reduction else []
    (wanted,) = process(raw[None], kind, artefact.manifest.inputs[0])
    for frame, want in enumerate(wanted):
        samples = np.ascontiguousarray(raw[frame * kind.stride :][: kind.window_length])
        arrays: list[NDArray[Any]] = [scratch, *noise, samples, row]
        code.net_preprocess_input_0_frame(*(ctypes.c_void_p(a.ctypes.data) for a in arrays))
        np.testing.assert_array_equal(row, want)
