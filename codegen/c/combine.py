"""Several models as one: run in turn in one arena, their states side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from codegen.c.copies import ALIGN
from codegen.c.render import arguments, render
from edgekit import __version__
from edgekit.artefact import Artefact, Copied, Manifest, Port, Region
from edgekit.options import Optimize, allowed
from targets.toolchains.base import OPTIMIZATION


@dataclass(frozen=True)
class Part:
    """A model of the combination.

    Attributes:
        manifest: its own.
        state_offset: bytes from the start of the common state to its own.
        weights_offset: likewise for copied constants.
        inputs, outputs: its ports, named apart from those of the others.
    """

    manifest: Manifest
    state_offset: int
    weights_offset: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    @property
    def state(self) -> str:
        """Expression of its state in the generated functions."""
        return f"s + {self.state_offset}" if self.manifest.state_bytes else "NULL"

    @property
    def arguments(self) -> str:
        """What its functions get between arena and state."""
        weights = f", w + {self.weights_offset}" if self.manifest.copied else ""
        return arguments(self.manifest.regions) + weights


def parts_of(manifests: Sequence[Manifest]) -> tuple[Part, ...]:
    """Place the states of several models one after the other, and their copied constants."""
    align = max(m.arena_align for m in manifests)
    found, state, weights = [], 0, 0
    for m in manifests:
        ports = _ports(m.name, m.inputs), _ports(m.name, m.outputs)
        found.append(Part(m, state, weights, *ports))
        state += -(-m.state_bytes // align) * align
        weights += -(-m.copied_bytes // ALIGN) * ALIGN
    return tuple(found)


def _copied(parts: Sequence[Part], name: str) -> Copied | None:
    """The constants of all models side by side."""
    found = [m.copied for p in parts if (m := p.manifest).copied]
    if not found:
        return None
    nbytes = max(p.weights_offset + p.manifest.copied_bytes for p in parts)
    memory, count = found[0].memory, sum(c.count for c in found)
    return Copied(memory, nbytes, count, min(c.share for c in found), f"{name}_load")


def _ports(model: str, ports: Sequence[Port]) -> tuple[Port, ...]:
    return tuple(
        dataclasses.replace(p, name=f"{model}/{p.name}", c_name=f"{model}_{p.c_name}")
        for p in ports
    )


def combine(manifests: Sequence[Manifest], name: str) -> Artefact:
    """An artefact that calls models one after the other; their own files are not in it.

    Arena and further regions are as large as the largest of the models' own; nothing of a model
    but its state and its copied constants has to survive the run of another. All are built for
    what the model that is to be the fastest is optimised for.

    Args:
        manifests: of models for the same core, with different names.
        name: symbol prefix.
    """
    parts = parts_of(manifests)
    last = parts[-1]
    align = max(m.arena_align for m in manifests)
    state = last.state_offset + -(-last.manifest.state_bytes // align) * align
    sizes: dict[str, int] = {}
    for m in manifests:
        for region in m.regions:
            sizes[region.name] = max(sizes.get(region.name, 0), region.nbytes)
    made = Manifest(
        kind="c",
        name=name,
        target=manifests[0].target,
        precision="float32" if any(m.precision == "float32" for m in manifests) else "int8",
        sources=(f"{name}.c", *(s for m in manifests for s in m.sources)),
        headers=(f"{name}.h",),
        inputs=tuple(p for part in parts for p in part.inputs),
        outputs=tuple(p for part in parts for p in part.outputs),
        arena_bytes=max(m.arena_bytes for m in manifests),
        arena_align=align,
        state_bytes=state,
        scratch_bytes=max(m.scratch_bytes for m in manifests),
        steps=tuple(s for m in manifests for s in m.steps),
        run_symbol=f"{name}_run_copy",
        run_copy_symbol=f"{name}_run_copy",
        init_symbol=f"{name}_init",
        weights_bytes=sum(m.weights_bytes for m in manifests),
        table_bytes=sum(m.table_bytes for m in manifests),
        stream_table_bytes=sum(m.stream_table_bytes for m in manifests),
        arena_memory=next((m.arena_memory for m in manifests if m.arena_memory), ""),
        regions=tuple(Region(n, size) for n, size in sizes.items()),
        optimize=min((m.optimize for m in manifests), key=allowed(Optimize).index),
        copied=_copied(parts, name),
    )
    context = {
        "name": name,
        "NAME": name.upper(),
        "version": __version__,
        "manifest": made,
        "flag": OPTIMIZATION[made.optimize],
        "sources": made.sources,
        "parts": parts,
        "weights_align": ALIGN,
    }
    files = {
        f"{name}.h": render("combined.h.j2", context),
        f"{name}.c": render("combined.c.j2", context),
        "CMakeLists.txt": render("combined.cmake.j2", context),
    }
    return Artefact(made, files)
