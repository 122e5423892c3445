"""Runs a shared library on this machine, in this process."""

from __future__ import annotations

import ctypes
import math
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.artefact import Manifest
from edgekit.errors import Problem, ToolError
from profiles.runners.base import Limits, RunResult
from profiles.runners.data import check_inputs, check_status, require_trace
from targets.model import Core
from targets.toolchains.base import Image

_Callback = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p)
_FILL = 0xA5  # an arena that holds garbage shows code that reads what it never wrote


class HostRunner:
    """This machine. Neither instructions nor stack are measured."""

    name = "host"

    def version(self, core: Core) -> str:
        """The machine's architecture."""
        return f"host {platform.machine()}"

    def missing(self, core: Core) -> Problem | None:
        """Why it cannot run images for ``core``; None where it can."""
        if core.is_host:
            return None
        return Problem("this machine cannot run its code", core.name)

    def run(
        self,
        image: Image,
        manifest: Manifest,
        inputs: Sequence[NDArray[Any]],
        *,
        carry_state: bool = False,
        profile: bool = False,
        limits: Limits | None = None,
    ) -> RunResult:
        """Run every sample; see `profiles.runners.base.Runner.run`. Limits do not apply."""
        require_trace(image, False)
        with _library(image) as library:
            return RunResult(_Call(library, manifest).samples(inputs, carry_state))

    def trace(
        self, image: Image, manifest: Manifest, inputs: Sequence[NDArray[Any]]
    ) -> list[bytes]:
        """The arena after each step of the first sample; see `profiles.runners.base.Runner`."""
        require_trace(image, True)
        snapshots: list[bytes] = []
        with _library(image) as library:
            call = _Call(library, manifest)

            def reported(step: int, arena: int) -> None:
                more = b"".join(region.tobytes() for region in call.regions)
                snapshots.append(ctypes.string_at(arena, manifest.arena_bytes) + more)

            callback = _Callback(reported)
            library.ek_set_trace(callback)
            call.samples([a[:1] for a in inputs], False)
        return snapshots


class _Call:
    """The model's functions with the buffers they need."""

    def __init__(self, library: ctypes.CDLL, manifest: Manifest) -> None:
        self.manifest = manifest
        self._run = getattr(library, manifest.run_copy_symbol)
        self._init = getattr(library, manifest.init_symbol)
        self._arena = aligned(manifest.arena_bytes, manifest.arena_align)
        self.regions = [aligned(r.nbytes, manifest.arena_align) for r in manifest.regions]
        self._weights = _loaded(library, manifest)
        self._state = aligned(manifest.state_bytes, 16) if manifest.state_bytes else None

    def samples(self, inputs: Sequence[NDArray[Any]], carry_state: bool) -> list[NDArray[Any]]:
        """Outputs of every sample, one after the other along the first axis."""
        count = check_inputs(self.manifest, inputs)
        arrays = [np.ascontiguousarray(a) for a in inputs]
        ports = [*self.manifest.inputs, *self.manifest.outputs]
        outputs = [
            np.zeros((count * math.prod(p.shape[:1]), *p.shape[1:]), dtype=p.dtype.numpy)
            for p in self.manifest.outputs
        ]
        state = None if self._state is None else self._state.ctypes.data
        pieces = [self._arena, *self.regions, *self._weights]
        fixed = [*(ctypes.c_void_p(p.ctypes.data) for p in pieces), ctypes.c_void_p(state)]
        moving = [*arrays, *outputs]
        for index in range(count):
            if self._state is not None and (index == 0 or not carry_state):
                self._init(fixed[-1])
            # The address of a row stays valid as long as its array; a row alone may be empty.
            rows = [
                ctypes.c_void_p(a.ctypes.data + index * p.nbytes)
                for a, p in zip(moving, ports, strict=True)
            ]
            check_status(self.manifest, self._run(*fixed, *rows), index)
        return outputs


def _loaded(library: ctypes.CDLL, manifest: Manifest) -> list[NDArray[np.uint8]]:
    """The memory that constants are read from, filled; nothing where they stay where they are."""
    if manifest.copied is None:
        return []
    weights = aligned(manifest.copied_bytes, 16)
    getattr(library, manifest.copied.symbol)(ctypes.c_void_p(weights.ctypes.data))
    return [weights]


def aligned(size: int, align: int) -> NDArray[np.uint8]:
    """A buffer of ``size`` bytes at a multiple of ``align``, filled with garbage."""
    raw = np.full(max(size, 1) + align, _FILL, dtype=np.uint8)
    start = -raw.ctypes.data % align
    return raw[start : start + max(size, 1)]


@contextmanager
def _library(image: Image) -> Iterator[ctypes.CDLL]:
    """The library, unloaded again at the end: a search loop builds thousands."""
    import _ctypes

    try:
        library = ctypes.CDLL(str(image.path.resolve()))
    except OSError as error:
        raise ToolError(f"{image.path.name} cannot be loaded: {error}") from error
    try:
        yield library
    finally:
        _ctypes.dlclose(library._handle)
