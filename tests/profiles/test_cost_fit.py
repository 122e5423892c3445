"""The fit, its data files, and the counts that they hold."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.errors import InternalError
from profiles.cost import table
from profiles.cost.features import FEATURES
from profiles.cost.fit import count_points, fit_family, kernels_digest, nonnegative
from profiles.cost.grid import integer_points
from profiles.cost.table import Family, Images, Table, load_table, to_toml
from targets.load import core_names, load_core
from targets.toolchains import get_toolchain
from tests.runners.support import emulator, skip_unless

CORES = tuple(name for name in core_names() if name != "host")


def tables() -> list[Table]:
    found = [load_table(core) for core in CORES]
    assert None not in found
    return [t for t in found if t is not None]


def test_figures_belong_to_the_kernels_as_they_are() -> None:
    stale = [t.core for t in tables() if t.kernels != kernels_digest()]
    assert not stale, "kernels changed since: run python -m profiles.cost.fit"


@pytest.mark.parametrize("core", CORES)
def test_coefficients_and_errors(core: str) -> None:
    found = load_table(core)
    assert found is not None
    assert found.core == core
    for name, images in found.toolchains.items():
        assert images.compiler
        assert set(images.families) == set(found.toolchains[found.preferred].families)
        for family, fit in images.families.items():
            where = f"{name} {family}"
            assert fit.shapes == len(fit.measured) >= 4, where
            assert min(fit.coefficients.values()) > 0, where
            kernel = family.split(".")[0]
            errors = [abs(fit.modelled(kernel, k) / n - 1) for k, n in fit.measured.items()]
            assert max(errors) == pytest.approx(fit.worst_error, abs=1e-3), where
            assert float(np.median(errors)) == pytest.approx(fit.median_error, abs=1e-3), where


@pytest.mark.parametrize("tool", ["gcc", "zig"])
def test_counts_repeat(tool: str) -> None:
    """Built and run again here, every int8 shape has exactly the instructions on record."""
    core, compiler = load_core("cortex-m4"), get_toolchain(tool)
    skip_unless(compiler.missing(core))
    runner = emulator("unicorn", core.name)
    known = load_table(core.name)
    assert known is not None
    images = known.toolchains[tool]
    if images.compiler != compiler.version(core):
        pytest.skip(f"the figures are of {images.compiler}; here is {compiler.version(core)}")
    for family, counts in count_points(integer_points(), "integer", core, compiler, runner).items():
        on_record = {k: n for k, n in images.families[family].measured.items() if k in counts}
        assert counts == on_record, family


def test_the_fit_finds_planted_coefficients() -> None:
    planted = {"call": 50.0, "rows": 20.0, "blocks": 30.0, "block_steps": 11.0, "singles": 9.0}
    shapes = [(r, k, o) for r in (1, 3) for k in (7, 32, 100) for o in (1, 4, 6, 17)]
    counts: dict[tuple[int, ...], int] = {}
    for key in shapes:
        features = FEATURES["dense_s8"](key, 1)
        counts[key] = round(sum(features[n] * c for n, c in planted.items()))
    fit = fit_family("dense_s8", counts)
    assert fit.worst_error < 1e-3
    unseen = FEATURES["dense_s8"]((2, 55, 9), 1)
    wanted = sum(unseen[n] * c for n, c in planted.items())
    assert fit.modelled("dense_s8", (2, 55, 9)) == pytest.approx(wanted, rel=0.01)


@given(st.integers(0, 10_000))
@settings(deadline=None)
def test_least_squares_with_a_sign(seed: int) -> None:
    optimize = pytest.importorskip("scipy.optimize", reason="scipy is the oracle")
    rng = np.random.default_rng(seed)
    matrix, wanted = rng.normal(size=(12, 5)), rng.normal(size=12)
    found = nonnegative(matrix, wanted)
    assert found.min() >= 0
    _, best = optimize.nnls(matrix, wanted)
    assert np.linalg.norm(matrix @ found - wanted) == pytest.approx(best, rel=1e-6)


def test_data_survive_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    family = Family(2, {"call": 3.5, "rows": 2.0}, 2, 0.01, 0.02, {(1, 10): 30, (2, 10): 55})
    images = {"gcc": Images("gcc 12", {"softmax_s8": family, "dense_s8.high.alone": family})}
    made = Table("cortex-m4", "unicorn 2", "ab", "gcc", images)
    (tmp_path / "cortex-m4.toml").write_text(to_toml(made), encoding="utf-8")
    monkeypatch.setattr(table, "FOLDER", tmp_path)
    assert load_table.__wrapped__("cortex-m4") == made
    assert load_table.__wrapped__("host") is None
    assert tomllib.loads(to_toml(made))["preferred"] == "gcc"


@pytest.mark.parametrize("text", ["core = ", "core = 'x'", "toolchains = 3\ncore='x'"])
def test_a_damaged_file_is_named(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cortex-m4.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(table, "FOLDER", tmp_path)
    with pytest.raises(InternalError, match=r"cortex-m4\.toml"):
        load_table.__wrapped__("cortex-m4")
