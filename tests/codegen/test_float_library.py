"""The float library: error bounds over all exponents, and the same bits on every target."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import numpy as np
import pytest

from codegen.c import kernels
from codegen.c.kernels.float_library import FloatFunction, float_functions
from edgekit.artefact import Artefact, Manifest, Port
from edgekit.ir import DType
from profiles.runners import HOST, Runner
from targets.load import load_core
from targets.toolchains import Image, get_toolchain
from tests.codegen.batch import BOTH
from tests.codegen.float_oracles import ORACLES, Floats, errors, pairs, singles
from tests.proofs.emission import STRICT, compiler, run
from tests.runners.support import BOTH_EMULATORS, emulator, skip_unless

FUNCTIONS = float_functions()
SIZE = 512  # arguments in a sample
_FOLDER = tempfile.TemporaryDirectory(prefix="edgekit-tests-")

HEADER = """
#define FL_ARENA_BYTES 16
#define FL_STATE_BYTES 0
void fl_init(void *state);
int fl_run_copy(void *arena, void *state, const float *x, const float *y, float *out);
"""


def library() -> str:
    """Every header of the library, as the emitter places them."""
    names = kernels.closure(list(dict.fromkeys(f.header for f in FUNCTIONS)))
    return "\n".join(kernels.source(n) for n in names)


def artefact() -> Artefact:
    """A model that computes every function of its two inputs."""

    def port(name: str, *shape: int) -> Port:
        return Port(name, name, DType.FLOAT32, shape, "NC", None, 0, DType.FLOAT32, shape)

    calls = []
    for row, f in enumerate(FUNCTIONS):
        arguments = "x[i]" if f.arguments == 1 else "x[i], y[i]"
        calls.append(f"out[{row * SIZE} + i] = {f.name}({arguments});")
    body = "\n".join(f"for (int i = 0; i < {SIZE}; ++i) {call}" for call in calls)
    source = f"""{library()}
#include "fl.h"
void fl_init(void *state) {{ (void)state; }}
int fl_run_copy(void *arena, void *state, const float *x, const float *y, float *out)
{{ (void)arena; (void)state;
{body}
return 0; }}
"""
    manifest = Manifest(
        kind="c",
        name="fl",
        target="host",
        precision="float32",
        sources=("fl.c",),
        headers=("fl.h",),
        inputs=(port("x", 1, SIZE), port("y", 1, SIZE)),
        outputs=(port("out", 1, len(FUNCTIONS), SIZE),),
        arena_bytes=16,
        arena_align=16,
        state_bytes=0,
        scratch_bytes=0,
        steps=(),
        run_symbol="fl_run",
        run_copy_symbol="fl_run_copy",
        init_symbol="fl_init",
        weights_bytes=0,
        table_bytes=0,
    )
    return Artefact(manifest, {"fl.h": HEADER, "fl.c": source})


@functools.cache
def build(core: str, toolchain: str) -> Image:
    tool = get_toolchain(toolchain)
    skip_unless(tool.missing(load_core(core)))
    folder = Path(tempfile.mkdtemp(dir=_FOLDER.name))
    made = artefact()
    made.write(folder)
    if core == "host":
        return tool.build_host_library(folder, made.manifest, folder / "fl.so")
    return tool.build_firmware(folder, made.manifest, load_core(core), folder / "fl.elf")


def compute(runner: Runner, image: Image, x: Floats, y: Floats) -> dict[str, Floats]:
    """Results of every function for each pair of arguments."""
    rows = -(-len(x) // SIZE)
    inputs = [np.resize(a, (rows, SIZE)) for a in (x, y)]
    (found,) = runner.run(image, artefact().manifest, inputs).outputs
    by_function = found.transpose(1, 0, 2).reshape(len(FUNCTIONS), -1)[:, : len(x)]
    return {f.name: row for f, row in zip(FUNCTIONS, by_function, strict=True)}


def check(function: FloatFunction, found: Floats, *arguments: Floats) -> None:
    """The error bound holds, and special values are right."""
    with np.errstate(all="ignore"):
        exact = ORACLES[function.name](*(a.astype(np.float64) for a in arguments))
    error = errors(found, exact)
    worst = int(np.argmax(error))
    at = ", ".join(repr(a[worst]) for a in arguments)
    message = f"{function.name}({at}) = {found[worst]!r}, exact {exact[worst]!r}"
    assert error[worst] <= function.ulp, f"{message}: {error[worst]:.3f} ULP"


@pytest.mark.parametrize("tool", BOTH)
def test_errors_stay_within_their_bounds(tool: str) -> None:
    x = singles(np.random.default_rng(1), 200)
    found = compute(HOST, build("host", tool), x, x)
    for function in FUNCTIONS:
        if function.arguments == 1:
            check(function, found[function.name], x)


@pytest.mark.parametrize("tool", BOTH)
def test_functions_of_two_arguments(tool: str) -> None:
    x, y = pairs(np.random.default_rng(2), 200)
    found = compute(HOST, build("host", tool), x, y)
    for function in FUNCTIONS:
        if function.arguments == 2:
            check(function, found[function.name], x, y)


@pytest.mark.parametrize("toolchain", BOTH)
@pytest.mark.parametrize("core", BOTH_EMULATORS)
def test_every_core_computes_the_same_bits(core: str, toolchain: str) -> None:
    """With an FPU or in software, compiled by gcc or clang."""
    runner = emulator("unicorn", core)
    x, y = pairs(np.random.default_rng(3), 8)
    few = np.random.default_rng(4).permutation(len(x))[: 5 * SIZE]
    x, y = x[few], y[few]
    host = compute(HOST, build("host", BOTH[0]), x, y)
    found = compute(runner, build(core, toolchain), x, y)
    for name, want in host.items():
        same = (found[name].view(np.uint32) == want.view(np.uint32)) | (
            np.isnan(found[name]) & np.isnan(want)
        )
        assert same.all(), (name, x[~same][:5], y[~same][:5], found[name][~same][:5])


@pytest.mark.parametrize("tool", ["gcc", "zig"])
def test_each_header_compiles_alone_without_warnings(tool: str, tmp_path: Path) -> None:
    """Freestanding, with nothing but what it includes; and nothing in it is double."""
    (tmp_path / "use.c").write_text("int main(void) { return 0; }\n", encoding="utf-8")
    folders = [f"-I{p.parent}" for p in kernels.locate().values()]
    strict = [*STRICT, "-ffreestanding", "-Wdouble-promotion", "-Wno-unused-function"]
    for header in sorted({f.header for f in FUNCTIONS}):
        command = [*compiler(tool), *strict, *dict.fromkeys(folders), "-include", header]
        run([*command, "-c", "use.c", "-o", "use.o"], tmp_path)


def test_every_function_has_an_oracle_and_a_bound() -> None:
    assert [f.name for f in FUNCTIONS] == sorted(ORACLES)
    assert max(f.ulp for f in FUNCTIONS if f.name != "ek_geluf") <= 2.5


def test_the_error_measure_sees_wrong_results() -> None:
    """An oracle's measure that accepts anything would make every test above worthless."""
    found = np.array([1.0000001, np.inf, np.nan, 1.0, -0.0, 3.4e38, 0.0], np.float32)
    exact = np.array([1.0, 1.0, 1.0, np.nan, 0.0, np.inf, 2.0**-149])
    error = errors(found, exact)
    assert error[0] == 1.0
    assert error[1] > 1e6
    assert np.isinf(error[2:6]).all()
    assert error[6] == 1.0
