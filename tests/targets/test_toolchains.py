"""Toolchains: clear errors, nothing left behind, the same bytes every time."""

from __future__ import annotations

import ctypes
import dataclasses
import random
import subprocess
import tempfile
from pathlib import Path

import pytest

from edgekit.artefact import Manifest
from edgekit.errors import ToolError, UsageError
from targets.cache import cached
from targets.load import core_names, load_core
from targets.toolchains import TOOLCHAINS, Image, Toolchain, available, get_toolchain
from targets.toolchains.build import FIRMWARE
from tests.runners import sample_model

BOTH = pytest.mark.parametrize("name", list(TOOLCHAINS))


def present(name: str, core: str) -> Toolchain:
    toolchain = get_toolchain(name)
    problem = toolchain.missing(load_core(core))
    if problem is not None:
        pytest.skip(str(problem))
    return toolchain


def build(toolchain: Toolchain, core: str, folder: Path, manifest: Manifest, out: Path) -> Image:
    if core == "host":
        return toolchain.build_host_library(folder, manifest, out)
    return toolchain.build_firmware(folder, manifest, load_core(core), out)


def write_whole(path: Path) -> None:
    path.write_bytes(b"whole")


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of its own, to see what a build leaves there."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@BOTH
@pytest.mark.parametrize("core", core_names())
def test_the_image_is_the_same_in_every_folder(name: str, core: str, tmp_path: Path) -> None:
    toolchain = present(name, core)
    images = []
    for folder in (tmp_path / "one", tmp_path / "another with spaces"):
        manifest = sample_model.write(folder)
        out = folder / "out" / "image"
        image = build(toolchain, core, folder, manifest, out)
        assert (image.toolchain, image.core.name, image.trace) == (name, core, False)
        assert image.version == toolchain.version(load_core(core))
        images.append(out.read_bytes())
    assert images[0] == images[1]


@BOTH
@pytest.mark.parametrize("core", ["cortex-m4", "host"])
def test_the_first_error_is_shown_and_nothing_is_left(
    name: str, core: str, tmp_path: Path, scratch: Path
) -> None:
    toolchain = present(name, core)
    source = sample_model.SOURCE.replace("int32_t total = 0;", "int32_t total = nonsense;")
    manifest = sample_model.write(tmp_path, source)
    out = tmp_path / "out" / "image"
    with pytest.raises(ToolError) as caught:
        build(toolchain, core, tmp_path, manifest, out)
    assert "compile tiny.c" in str(caught.value)
    assert "nonsense" in str(caught.value)
    assert not out.exists()
    assert list(scratch.iterdir()) == []


@BOTH
def test_a_manifest_that_disagrees_with_the_header_does_not_build(
    name: str, tmp_path: Path
) -> None:
    toolchain = present(name, "cortex-m4")
    manifest = sample_model.write(tmp_path)
    wrong = dataclasses.replace(manifest, arena_bytes=manifest.arena_bytes + 1)
    with pytest.raises(ToolError, match="arena_bytes_agree"):
        toolchain.build_firmware(tmp_path, wrong, load_core("cortex-m4"), tmp_path / "x.elf")


@BOTH
def test_a_model_larger_than_the_emulated_flash_says_so(name: str, tmp_path: Path) -> None:
    toolchain = present(name, "cortex-m3")
    big = sample_model.SOURCE.replace("tiny_w_0[32]", "tiny_w_0[5000000]").replace(
        "tiny_w_0[8 * i + k]", "tiny_w_0[8 * i + k + 1000 * x[0] * x[1]]"
    )
    manifest = sample_model.write(tmp_path, big)
    with pytest.raises(ToolError, match="overflowed"):
        toolchain.build_firmware(tmp_path, manifest, load_core("cortex-m3"), tmp_path / "x.elf")


@BOTH
def test_an_undefined_function_is_named(name: str, tmp_path: Path) -> None:
    toolchain = present(name, "rv32imc")
    source = sample_model.SOURCE.replace("int32_t total = 0;", "int32_t total = elsewhere();")
    manifest = sample_model.write(tmp_path, "int elsewhere(void);\n" + source)
    with pytest.raises(ToolError, match="elsewhere"):
        toolchain.build_firmware(tmp_path, manifest, load_core("rv32imc"), tmp_path / "x.elf")


def test_a_missing_compiler_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    gcc, core = get_toolchain("gcc"), load_core("cortex-m7")
    problem = gcc.missing(core)
    assert problem is not None
    assert "arm-none-eabi-gcc is not installed" in str(problem)
    assert "apt-get install -y gcc-arm-none-eabi" in problem.hint
    assert gcc not in available(core)
    with pytest.raises(ToolError) as caught:
        gcc.build_firmware(tmp_path, sample_model.write(tmp_path), core, tmp_path / "x.elf")
    assert caught.value.exit_code == 4


def test_an_unknown_toolchain_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="allowed: auto, zig, gcc"):
        get_toolchain("armcc")


def test_the_runtime_copies_and_fills_like_the_c_library(tmp_path: Path) -> None:
    present("gcc", "host")
    library = tmp_path / "runtime.so"
    names = [f"-D{n}=ek_{n}" for n in ("memcpy", "memset", "memmove")]
    command = ["gcc", "-Os", "-shared", "-fPIC", "-ffreestanding", *names]
    command += [str(FIRMWARE / "runtime.c"), "-o", str(library)]
    subprocess.run(command, check=True)
    functions = ctypes.CDLL(str(library))
    rng = random.Random(3)
    for _ in range(2000):
        data = bytearray(rng.randbytes(96))
        mine = (ctypes.c_uint8 * 96)(*data)
        base, size = ctypes.addressof(mine), rng.randrange(40)
        source, target, value = rng.randrange(56), rng.randrange(56), rng.randrange(256)
        kind = rng.choice(["memmove", "memset", "memcpy"])
        apart = abs(source - target) >= size
        if kind == "memset":
            functions.ek_memset(ctypes.c_void_p(base + target), value, ctypes.c_size_t(size))
            data[target : target + size] = bytes([value]) * size
        elif kind == "memmove" or apart:
            call = getattr(functions, f"ek_{kind}")
            pointers = ctypes.c_void_p(base + target), ctypes.c_void_p(base + source)
            call(*pointers, ctypes.c_size_t(size))
            data[target : target + size] = data[source : source + size]
        assert bytes(mine) == bytes(data)


def test_a_cached_file_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path))

    def fails(path: Path) -> None:
        path.write_text("half", encoding="ascii")
        raise ToolError("interrupted")

    with pytest.raises(ToolError):
        cached("thing", "key", fails)
    assert list(tmp_path.iterdir()) == []
    made = cached("thing", "key", write_whole)
    assert made.read_bytes() == b"whole"
    assert cached("thing", "key", fails) == made  # not made again


def test_a_cache_folder_that_cannot_be_made_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="ascii")
    monkeypatch.setenv("EDGEKIT_CACHE", str(tmp_path / "file" / "cache"))
    made = cached("thing", "key", write_whole)
    assert made.read_bytes() == b"whole"
