"""Flash and static RAM of a model, from the linked image."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.artefact import Manifest
from profiles.elf import Firmware, load_firmware
from targets.toolchains.base import Image


@dataclass(frozen=True)
class MemoryUse:
    """Bytes of a linked model, without start-up code and test harness.

    Attributes:
        code_bytes: all text and read-only data that is neither weights nor quantization tables;
            library routines that the model pulls in are part of it.
        weights_bytes, table_bytes: constants under those names; tables that lie between weights
            count as tables. A compiler may turn small ones into instructions; they count as code
            then.
        static_bytes: initialised and zeroed data in RAM.
        flash_bytes: all of the above that lies in flash, initial values of data included.
    """

    code_bytes: int
    weights_bytes: int
    table_bytes: int
    static_bytes: int
    flash_bytes: int


def measure_memory(image: Image, manifest: Manifest) -> MemoryUse:
    """Measure a firmware image.

    Raises:
        ToolError: the image cannot be read.
    """
    firmware = load_firmware(image.path)
    text, rodata, data, bss = (
        firmware.section(name).size for name in (".text", ".rodata", ".data", ".bss")
    )
    weights = _objects(firmware, f"{manifest.name}_w_") - manifest.stream_table_bytes
    tables = _objects(firmware, f"{manifest.name}_q_") + manifest.stream_table_bytes
    return MemoryUse(
        code_bytes=text + rodata - weights - tables,
        weights_bytes=weights,
        table_bytes=tables,
        static_bytes=data + bss,
        flash_bytes=text + rodata + data,
    )


def _objects(firmware: Firmware, prefix: str) -> int:
    """Bytes of the constants whose names start with ``prefix``; a shared address counts once."""
    found: dict[int, int] = {}
    for symbol in firmware.symbols:
        if symbol.kind == "object" and symbol.name.startswith(prefix):
            found[symbol.address] = max(symbol.size, found.get(symbol.address, 0))
    return sum(found.values())
