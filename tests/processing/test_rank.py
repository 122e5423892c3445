"""Ranking: the numpy definition against plain sorting, the C against the numpy definition."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codegen.c.processing import add_processing
from edgekit.artefact import Artefact
from edgekit.errors import UsageError
from edgekit.ir import DType
from edgekit.processing import Processing, Ranking
from quantize.processing.rank import rank, scores
from targets.load import load_core
from targets.toolchains import get_toolchain
from tests.processing.helpers import QUANT, Array, graph, written
from tests.proofs.emission import STRICT, compiler, emission, run
from tests.runners.support import skip_unless

LABELS = ("plain", 'quo"ted', "back\\slash", "trigraph??=", "näöne", "a b")


def ranked(settings: Ranking, dtype: DType, size: int = 6) -> Artefact:
    """A model with one output of some classes."""
    made = emission(
        graph({"x": ((1, size), dtype)}), "net", "litert" if dtype is DType.INT8 else None
    )
    return add_processing(made.artefact, Processing({}, {"x_out": settings}))


def library(artefact: Artefact, tool: str = "gcc") -> Path:
    """Its postprocessing compiled without a warning."""
    skip_unless(get_toolchain(tool).missing(load_core("host")))
    folder = written(artefact)
    source = f"{artefact.manifest.name}_postprocess.c"
    run([*compiler(tool), *STRICT, "-O1", "-c", source, "-o", "x.o"], folder)
    only = replace(artefact.manifest, sources=(source,))
    return get_toolchain(tool).build_host_library(folder, only, folder / "r.so").path


def samples(dtype: DType) -> Array:
    """Random scores with many ties, and the extremes."""
    rng = np.random.default_rng(9)
    if dtype is DType.INT8:
        x = rng.integers(-3, 3, (200, 6)).astype(np.int8)
        x[0], x[1] = -128, 127
        return np.concatenate([x, rng.integers(-128, 128, (200, 6)).astype(np.int8)])
    x = np.round(rng.normal(0, 1, (200, 6)), 1).astype(np.float32)
    x[0, 2] = np.nan
    return x


@pytest.mark.parametrize("tool", ["gcc", "zig"])
@pytest.mark.parametrize("dtype", [DType.INT8, DType.FLOAT32])
@pytest.mark.parametrize("settings", [Ranking(), Ranking(LABELS, 3, 0.1), Ranking(top=6)])
def test_c_is_the_numpy_definition(settings: Ranking, dtype: DType, tool: str) -> None:
    artefact = ranked(settings, dtype)
    quant = artefact.manifest.outputs[0].quant
    code = ctypes.CDLL(str(library(artefact, tool)))
    classes = (ctypes.c_int32 * 6)()
    found = (ctypes.c_float * 6)()
    for row in samples(dtype):
        count = code.net_rank_output_0(ctypes.c_void_p(row.ctypes.data), classes, found)
        wanted = rank(row, settings, quant)
        assert list(classes[:count]) == wanted.tolist()
        np.testing.assert_array_equal(found[:count], scores(row, quant)[wanted])
    if settings.labels:
        names = (ctypes.c_char_p * 6).in_dll(code, "net_labels_output_0")
        assert [n.decode() for n in names if n is not None] == list(LABELS)


def test_ranking_is_sorting_by_score() -> None:
    x = np.array([3, 7, -5, 7, 0], np.int8)
    assert rank(x, Ranking(top=4), QUANT).tolist() == [1, 3, 0, 4]
    real = (x.astype(np.float64) + 7) * QUANT.scale[0]
    kept = rank(x, Ranking(top=5, threshold=float(real[0])), QUANT)
    assert kept.tolist() == [1, 3, 0], "a score that equals the threshold is kept"
    np.testing.assert_allclose(scores(x, QUANT), real, rtol=1e-6)


def test_settings_that_do_not_fit_the_model() -> None:
    with pytest.raises(UsageError) as caught:
        ranked(Ranking(("a", "b"), 2, 1000.0), DType.INT8)
    text = str(caught.value)
    assert "2 labels are given; allowed: 6 classes" in text
    assert "no score reaches the threshold" in text
    made = emission(graph({"x": ((1, 3), DType.INT8)}), "net", "litert").artefact
    with pytest.raises(UsageError, match=r"postprocessing\.y: the model has no output"):
        add_processing(made, Processing({}, {"y": Ranking()}))
