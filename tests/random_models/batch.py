"""Generated C of many models in one program with both sanitizers: compiling takes the time."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codegen.c.emit import Vectors
from edgekit.artefact import Artefact
from edgekit.pipeline.checks import difference
from tests.proofs.emission import pack, unpack

Array = NDArray[Any]
SANITIZE = (
    "-fsanitize=address,undefined,float-cast-overflow",
    "-fno-sanitize-recover=all",
)
FLAGS = ("-std=c99", "-O0", "-ffp-contract=off", "-Wno-unused-function", *SANITIZE)
"""Without optimisation: half the time, and the sanitizers see every access as it was written."""
SECONDS = 600

MODEL = """
static int run_@(void)
{
    FILE *in = fopen("@.in", "rb");
    FILE *out = fopen("@.out", "wb");
    /* Exact sizes from malloc: the address sanitizer sees the first byte beyond them. */
    unsigned char *arena = malloc(ARENA);
BUFFERS
    while (READS) {
        if (@_run_copy(arena, NULL, ARGUMENTS) != 0) {
            return 1;
        }
WRITES
    }
    free(arena);
FREES
    fclose(in);
    return fclose(out);
}
"""


@dataclass(frozen=True)
class Case:
    """Generated C with inputs and what the reference answers.

    Attributes:
        artefact: the C; its name is unique in a batch.
        vectors: inputs and the reference's outputs.
    """

    artefact: Artefact
    vectors: Vectors

    @property
    def name(self) -> str:
        """C symbol prefix."""
        return self.artefact.manifest.name


def run_batch(cases: Sequence[Case], folder: Path) -> dict[str, str]:
    """What is wrong with each case, by name; empty texts where nothing is.

    A program that does not compile or that a sanitizer stops says nothing of its other models:
    then each is tried alone.
    """
    folder.mkdir(parents=True)
    for case in cases:
        case.artefact.write(folder)
        (folder / f"{case.name}.in").write_bytes(pack(list(case.vectors.inputs)))
    (folder / "all.c").write_text(_program([case.artefact for case in cases]), encoding="utf-8")
    failure = _execute(["gcc", *FLAGS, "all.c", "-o", "all"], folder)
    failure = failure or _execute([str(folder / "all")], folder)
    if failure and len(cases) > 1:
        found: dict[str, str] = {}
        for case in cases:
            found |= run_batch([case], folder / f"alone_{case.name}")
        return found
    result = {case.name: failure or _compare(case, folder) for case in cases}
    shutil.rmtree(folder)
    return result


def _execute(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={"PATH": "/usr/bin:/bin", "ASAN_OPTIONS": "detect_leaks=0"},
    )
    lines = (done.stdout + done.stderr).strip().splitlines()
    return "\n".join(lines[:12]) or f"exit code {done.returncode}" if done.returncode else ""


def _compare(case: Case, folder: Path) -> str:
    wanted = list(case.vectors.outputs)
    found = unpack((folder / f"{case.name}.out").read_bytes(), wanted)
    ports = case.artefact.manifest.outputs
    for port, want, got in zip(ports, wanted, found, strict=True):
        gap, limit = difference(want, got)
        if gap.max(initial=0.0) > limit:
            return (
                f"output '{port.name}' differs by {gap.max():g}, allowed {limit:g} "
                f"({np.count_nonzero(gap > limit)} of {gap.size})"
            )
    return ""


def _program(artefacts: Sequence[Artefact]) -> str:
    names = [a.manifest.name for a in artefacts]
    parts = ["#include <stdio.h>\n#include <stdlib.h>\n"]
    parts += [f'#include "{name}.c"\n' for name in names]
    parts += [_function(a) for a in artefacts]
    calls = " || ".join(f"run_{name}()" for name in names)
    parts.append(f"\nint main(void)\n{{\n    return {calls};\n}}\n")
    return "".join(parts)


def _function(artefact: Artefact) -> str:
    m = artefact.manifest
    pairs = [(p, f"{p.c_name}_buffer") for p in (*m.inputs, *m.outputs)]
    ins, outs = pairs[: len(m.inputs)], pairs[len(m.inputs) :]
    values = {
        "@": m.name,
        "ARENA": str(m.arena_bytes),
        "BUFFERS": "\n".join(f"    {p.dtype.c_name} *{n} = malloc({p.nbytes});" for p, n in pairs),
        "READS": " && ".join(f"fread({n}, {p.nbytes}, 1, in) == 1" for p, n in ins),
        "ARGUMENTS": ", ".join(n for _, n in pairs),
        "WRITES": "\n".join(f"        fwrite({n}, {p.nbytes}, 1, out);" for p, n in outs),
        "FREES": "\n".join(f"    free({n});" for _, n in pairs),
    }
    text = MODEL
    for key, value in values.items():
        text = text.replace(key, value)
    return text
