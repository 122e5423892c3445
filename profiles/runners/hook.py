"""The native block hook as Unicorn's ctypes see it; the structs mirror profiles/native."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from profiles.elf import Segment
from profiles.runners.base import Block
from profiles.runners.counting import CountPlan, Totals
from profiles.runners.native import native_library

UC_HOOK_BLOCK = 8


class _Block(ctypes.Structure):
    _fields_ = (
        ("address", ctypes.c_uint64),
        ("size", ctypes.c_uint32),
        ("instructions", ctypes.c_uint32),
        ("executions", ctypes.c_uint64),
        ("taken", ctypes.c_uint64),
        ("kind", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
    )


class _Counter(ctypes.Structure):
    _fields_ = (
        ("start", ctypes.c_uint64),
        ("harness_from", ctypes.c_uint64),
        ("harness_to", ctypes.c_uint64),
        ("range_count", ctypes.c_uint32),
        ("step_count", ctypes.c_uint32),
        ("ranges", ctypes.c_void_p),
        ("entries", ctypes.c_void_p),
        ("totals", ctypes.c_void_p),
        ("capacity", ctypes.c_uint32),
        ("samples", ctypes.c_uint32),
        ("limit", ctypes.c_uint64),
        ("total", ctypes.c_uint64),
        ("active", ctypes.c_uint32),
        ("current", ctypes.c_uint32),
        ("previous", ctypes.c_void_p),
    )


class _Hook(ctypes.Structure):
    _fields_ = (
        ("counter", _Counter),
        ("stop", ctypes.c_void_p),
        ("code", ctypes.c_void_p),
        ("code_address", ctypes.c_uint64),
        ("code_bytes", ctypes.c_uint64),
        ("thumb", ctypes.c_uint32),
        ("block_count", ctypes.c_uint32),
        ("table_size", ctypes.c_uint32),
        ("stopped", ctypes.c_uint32),
        ("table", ctypes.c_void_p),
    )


class BlockHook:
    """Counts blocks of one engine. Keep it alive as long as the engine; then `close` it."""

    def __init__(
        self, plan: CountPlan, code: Segment, thumb: bool, samples: int, limit: int
    ) -> None:
        self._library = ctypes.CDLL(str(native_library("unicorn_hook.c")))
        self._library.ek_blocks.restype = ctypes.c_uint32
        pairs = [address for pair in plan.ranges for address in pair]
        self._ranges = np.array(pairs, dtype=np.uint64)
        self._entries = np.array(plan.entries, dtype=np.uint64)
        self._totals: Totals = np.zeros((samples, len(plan.entries) + 1), dtype=np.uint64)
        self._code = code.data
        self._hook = hook = _Hook()
        counter = hook.counter
        counter.start, (counter.harness_from, counter.harness_to) = plan.start, plan.harness
        counter.range_count, counter.step_count = len(plan.ranges), len(plan.entries)
        counter.ranges, counter.entries = self._ranges.ctypes.data, self._entries.ctypes.data
        counter.totals, counter.capacity = self._totals.ctypes.data, samples
        counter.limit = limit
        hook.code = ctypes.cast(ctypes.c_char_p(code.data), ctypes.c_void_p).value
        hook.code_address, hook.code_bytes = code.address, len(code.data)
        hook.thumb = thumb

    def install(self, engine: Any) -> None:
        """Register with an open ``unicorn.Uc``.

        The binding's own hooks call back into Python; this one goes to the library directly.
        """
        from unicorn.unicorn_py3 import unicorn as binding

        uclib = binding.uclib
        self._hook.stop = ctypes.cast(uclib.uc_emu_stop, ctypes.c_void_p).value
        handle = ctypes.c_size_t()
        function = ctypes.cast(self._library.ek_on_block, ctypes.c_void_p)
        add = ctypes.CFUNCTYPE(
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_void_p,
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_void_p,
            ctypes.c_uint64,
            ctypes.c_uint64,
        )(ctypes.cast(uclib.uc_hook_add, ctypes.c_void_p).value or 0)
        status = add(engine._uch, ctypes.byref(handle), UC_HOOK_BLOCK, function, self._user(), 1, 0)
        if status != 0:
            raise RuntimeError(f"uc_hook_add failed with {status}")

    @property
    def stopped(self) -> bool:
        """True where the instruction limit ended the run."""
        return bool(self._hook.stopped)

    @property
    def samples(self) -> int:
        """Samples that ran to their end."""
        return int(self._hook.counter.samples)

    @property
    def totals(self) -> Totals:
        """Instructions (samples, steps + 1)."""
        return self._totals

    def blocks(self) -> list[Block]:
        """Every block that ran."""
        count = self._library.ek_blocks(self._user(), None, 0)
        found = (_Block * count)()
        self._library.ek_blocks(self._user(), ctypes.byref(found), count)
        return [Block(b.address, b.size, b.instructions, b.executions, b.taken) for b in found]

    def close(self) -> None:
        """Free the table; the hook must not be called any more."""
        self._library.ek_release(self._user())

    def _user(self) -> ctypes.c_void_p:
        return ctypes.cast(ctypes.byref(self._hook), ctypes.c_void_p)
