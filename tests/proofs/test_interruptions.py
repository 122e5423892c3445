"""Ctrl-C, a full disk, a missing emulator: nothing half-written, and the exit code says which."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from targets.load import load_core
from targets.toolchains import get_toolchain
from tests.proofs.data import int8_model
from tests.proofs.program import COMMAND, edgekit, environment, listing, refused, small_model
from tests.runners.support import skip_unless

CONVERT = ("convert", "model.onnx", "--target", "cortex-m4", "-o", "out", "--precision", "float32")


def stage(folder: Path) -> Path | None:
    """The folder in which a conversion is being made."""
    return next(iter(folder.glob(".out.*.part")), None)


def stage_exists(folder: Path) -> bool:
    return stage(folder) is not None


def building(folder: Path) -> bool:
    found = stage(folder)
    return found is not None and (found / "build").exists()


def first_image(folder: Path) -> bool:
    found = stage(folder)
    return found is not None and any(found.glob("build/*/lib*.so"))


def last_image(folder: Path) -> bool:
    found = stage(folder)
    return found is not None and any(found.glob("build/cortex-m4-*/firmware.elf"))


@pytest.mark.parametrize("to_group", [False, True], ids=["process", "group"])
@pytest.mark.parametrize("moment", [stage_exists, building, first_image, last_image])
def test_ctrl_c(moment: Callable[[Path], bool], to_group: bool, tmp_path: Path) -> None:
    """In a terminal Ctrl-C reaches the compilers too; from another program only edgekit."""
    skip_unless(get_toolchain("zig").missing(load_core("cortex-m4")))
    model = int8_model("vww_96_int8")
    arguments = ("convert", str(model), "--target", "cortex-m4", "-o", "out", "--vectors", "200")
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not moment(tmp_path) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    assert process.poll() is None, process.communicate()[1]
    if to_group:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    out, text = process.communicate(timeout=60)
    assert process.returncode == 130, text
    assert text.rstrip().endswith("edgekit: interrupted")
    assert "Traceback" not in text
    assert "Exception" not in text
    assert out == ""
    assert listing(tmp_path) == {}


def test_ctrl_c_keeps_what_force_would_replace(tmp_path: Path) -> None:
    small_model(tmp_path)
    done = edgekit(tmp_path, *CONVERT, "--emulator", "none", "--toolchain", "zig")
    assert done.returncode == 0, done.stderr
    before = listing(tmp_path)
    process = subprocess.Popen(
        [*COMMAND, *CONVERT, "--force"], cwd=tmp_path, env=environment(), stderr=subprocess.PIPE
    )
    while not stage_exists(tmp_path) and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    _, text = process.communicate(timeout=60)
    assert process.returncode == 130, text
    assert listing(tmp_path) == before


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with less room than a conversion needs."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("a small file system needs root and mount")
    command = [mount, "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("this environment does not allow mounting a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(tiny_disk: Path) -> None:
    model = int8_model("kws_ref_model")
    arguments = ("convert", model, "--target", "cortex-m4", "-o", "out", "--emulator", "none")
    message = refused(tiny_disk, 3, *arguments)
    assert "No space left on device" in message


def limited(size: int) -> Callable[[], None]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@pytest.mark.parametrize("size", [500, 20_000])
def test_a_limit_on_file_sizes(size: int, tmp_path: Path) -> None:
    """The same without root: every file may only have so many bytes."""
    skip_unless(get_toolchain("gcc").missing(load_core("cortex-m4")))
    model = int8_model("kws_ref_model")
    arguments = ("convert", str(model), "--target", "cortex-m4", "-o", "out", "--emulator", "none")
    cache = tmp_path / "cache"  # the compilers' caches must not be cut off for other tests
    cache.mkdir()
    folder = tmp_path / "work"
    folder.mkdir()
    env = environment(EDGEKIT_CACHE=str(cache), ZIG_LOCAL_CACHE_DIR=str(cache))
    done = subprocess.run(
        [*COMMAND, *arguments, "--toolchain", "gcc"],
        cwd=folder,
        env={**env, "ZIG_GLOBAL_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=limited(size),
    )
    assert done.returncode in (3, 4), done.stderr  # our own file, or a compiler's
    assert "edgekit: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    assert listing(folder) == {}


@pytest.fixture
def bare_path(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which no program of the system is found."""
    return environment(PATH=str(tmp_path_factory.mktemp("empty")))


def test_a_chosen_emulator_that_is_missing(tmp_path: Path, bare_path: dict[str, str]) -> None:
    small_model(tmp_path)
    message = refused(tmp_path, 4, *CONVERT, "--emulator", "qemu", env=bare_path)
    assert "qemu-system-arm is not installed" in message
    assert "apt-get install -y qemu-system-arm" in message


M55 = ("convert", "model.onnx", "--target", "cortex-m55", "-o", "out", "--precision", "float32")


def test_no_emulator_for_a_core_is_a_warning(tmp_path: Path, bare_path: dict[str, str]) -> None:
    """Unicorn does not model the M55; without QEMU nothing runs its code."""
    small_model(tmp_path)
    done = edgekit(tmp_path, *M55, env=bare_path)
    assert done.returncode == 0, done.stderr
    assert "not run on an emulated core" in " ".join((done.stdout + done.stderr).split())
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["verification"]["emulator"] == "not_run"
    assert "qemu-system-arm" in report["verification"]["reason"]
    assert report["latency"]["instructions"] is None
    assert report["memory"]["stack_bytes"] is None
    assert report["memory"]["ram_bytes"] is None  # unknown stays unknown
    assert report["verification"]["bit_exact"] is not None  # the host was still checked


def test_require_emulator(tmp_path: Path, bare_path: dict[str, str]) -> None:
    small_model(tmp_path)
    message = refused(tmp_path, 4, *M55, "--require-emulator", env=bare_path)
    assert "--require-emulator" in message
    assert "qemu-system-arm" in message
    message = refused(tmp_path, 4, *CONVERT, "--emulator", "none", "--require-emulator")
    assert "--emulator none" in message


def test_a_chosen_compiler_that_is_missing(tmp_path: Path, bare_path: dict[str, str]) -> None:
    small_model(tmp_path)
    message = refused(tmp_path, 4, *CONVERT, "--toolchain", "gcc", env=bare_path)
    assert "arm-none-eabi-gcc is not installed" in message
    assert "apt-get install -y gcc-arm-none-eabi" in message
