"""Files and folders to write: nothing is lost, and a wrong path is told as it was given."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

import pytest

from edgekit.cli import paths
from edgekit.cli.failures import describe
from edgekit.errors import UsageError
from edgekit.report.codec import to_json
from tests.cli.conftest import FakeApi, Runner
from tests.report.samples import full_report

Line = tuple[str | Path, ...]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a conversion leaves, as far as these commands look at it."""
    out = tmp_path / "out"
    (out / "edgekit").mkdir(parents=True)
    (out / "edgekit" / "graph.npz").write_bytes(b"graph")
    (out / "manifest.json").write_text("{}", encoding="utf-8")
    (out / "report.json").write_text(to_json(full_report()), encoding="utf-8")
    return out


def lines(folder: Path, samples: Path, path: Path) -> list[Line]:
    """Every command that writes a file."""
    return [
        ("run", folder, "--input", samples, "--output", path),
        ("debug", folder, "--output", path),
        ("report", folder, "--html", path),
        ("quantize", "m.onnx", "--calibration", samples, "-o", path),
    ]


def test_existing_files_stay(
    api: FakeApi, edgekit_cli: Runner, folder: Path, samples: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.onnx"
    for line in lines(folder, samples, mine):
        mine.write_bytes(b"mine")
        refused = edgekit_cli(*line)
        assert refused.exit_code == 2, line
        assert f"{mine} exists already. Choose another" in refused.stderr
        assert "--force" in refused.stderr
        assert mine.read_bytes() == b"mine"
        assert edgekit_cli(*line, "-f").exit_code == 0, line
        if line[0] != "quantize":  # the stand-in writes nothing
            assert mine.read_bytes() != b"mine"


def test_what_is_read_is_never_written(
    api: FakeApi, edgekit_cli: Runner, folder: Path, samples: Path
) -> None:
    cases: list[tuple[Path, Line]] = [
        (samples, ("run", folder, "--input", samples, "--output", samples)),
        (samples, ("debug", folder, "--input", samples, "--output", samples)),
    ]
    for inner in ("edgekit/graph.npz", "report.json", "manifest.json"):
        cases.append((folder / inner, ("run", folder, "--input", samples, "--output")))
    report = folder / "report.json"
    cases.append((report, ("report", report, "--html", report)))
    for path, line in cases:
        before = path.read_bytes()
        whole = line if line[-1] == path else (*line, path)
        result = edgekit_cli(*whole, "--force")
        assert result.exit_code == 2, whole
        assert f"{path} is a file that is read" in result.stderr
        assert path.read_bytes() == before
    assert api.calls == []


def test_a_link_to_what_is_read_is_seen(tmp_path: Path) -> None:
    real = tmp_path / "x.npz"
    real.write_bytes(b"x")
    link = tmp_path / "y.npz"
    link.symlink_to(real)
    with pytest.raises(UsageError, match="is read"):
        paths.check_file(link, "--output", force=True, reads=(real,))


def test_folders_and_devices_are_no_files(
    api: FakeApi, edgekit_cli: Runner, folder: Path, samples: Path
) -> None:
    for path, what in ((folder, "is a folder"), (Path("/dev/null"), "is not a regular file")):
        for line in lines(folder, samples, path)[:3]:
            result = edgekit_cli(*line, "--force")
            assert result.exit_code == 2, line
            assert f"{path} {what}; name a file" in result.stderr


def test_quantize_writes_onnx(api: FakeApi, edgekit_cli: Runner, samples: Path) -> None:
    line = ("quantize", "m.onnx", "--calibration", samples, "-o")
    result = edgekit_cli(*line, "q.tflite")
    assert result.exit_code == 2
    assert "-o q.tflite: the quantized model is written as ONNX" in result.stderr
    assert api.calls == []


def test_place_that_takes_no_files(
    api: FakeApi,
    edgekit_cli: Runner,
    samples: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(dir: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(dir / ".tmp1234"))

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    for path, line in (
        (tmp_path / "y.npz", ("run", "m", "--input", samples, "--output")),
        (tmp_path / "a" / "b", ("convert", "m.onnx", "--target", "cortex-m4", "-o")),
    ):
        result = edgekit_cli(*line, path)
        assert result.exit_code == 3
        assert f"edgekit: {path}: Permission denied" in result.stderr
        assert ".tmp1234" not in result.stderr
    assert api.calls == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no /proc")
def test_place_for_no_files(api: FakeApi, edgekit_cli: Runner, samples: Path) -> None:
    for line in (
        ("run", "m", "--input", samples, "--output", "/proc/foo"),
        ("convert", "m.onnx", "--target", "cortex-m4", "-o", "/proc/foo/out"),
    ):
        result = edgekit_cli(*line)
        assert result.exit_code == 2
        assert f"cannot write {line[-1]}: /proc takes no files" in result.stderr


def test_folder_below_a_file(api: FakeApi, edgekit_cli: Runner, samples: Path) -> None:
    line = ("convert", "m.onnx", "--target", "cortex-m4", "-o")
    for path in (samples, samples / "out"):
        result = edgekit_cli(*line, path)
        assert result.exit_code == 2
        assert f"edgekit: -o {path} " in result.stderr
        assert "name a folder" in result.stderr
    assert api.calls == []


def test_names_of_unfinished_files_are_not_shown() -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "a/.out.0123abcd.part/m.c")
    assert describe(error).summary.startswith("a/out/m.c: No space left")
