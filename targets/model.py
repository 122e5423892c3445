"""What a core, a board and a target are: frozen dataclasses, validated when they are made.

Units stand in the names (``sram_bytes``, ``clock_hz``). A figure that is not known is None, never
a default.
"""

from __future__ import annotations

from dataclasses import dataclass

FAMILIES = ("cortex-m", "riscv", "host")
LOWERINGS = ("nhwc-int8",)
CYCLE_METHODS = ("pairs", "cpi-range")
FEATURES = (
    "thumb2",  # 32-bit Thumb encodings
    "divide",  # integer division instruction
    "multiply-long",  # 32x32 -> 64 multiply, or its high half
    "saturate",  # SSAT, USAT
    "dsp",  # 16-bit SIMD: SMLAD, SXTB16, SMMUL
    "fpu32",  # single-precision floating point
    "mve",  # M-profile vector extension, integer
    "mve-float",  # and floating point
    "low-overhead-loops",  # DLS, LE
)


@dataclass(frozen=True)
class MemoryMap:
    """Where firmware for the emulated core is linked. Not a board's memory map.

    Attributes:
        vectors_address: vector table, or the first instruction after reset on RISC-V.
        flash_address, flash_bytes: code and constants.
        ram_address, ram_bytes: stack, data, arena and the harness' buffers.
        slow_address, slow_bytes: a second memory, for what a split arena puts elsewhere; None:
            that lies in the same RAM.
    """

    vectors_address: int
    flash_address: int
    flash_bytes: int
    ram_address: int
    ram_bytes: int
    slow_address: int | None = None
    slow_bytes: int | None = None

    def __post_init__(self) -> None:
        if (self.slow_address is None) != (self.slow_bytes is None):
            raise ValueError("slow_address and slow_bytes belong together")


@dataclass(frozen=True)
class BoardMemory:
    """A memory of a board that activations may lie in: its name and size."""

    name: str
    nbytes: int


@dataclass(frozen=True)
class GccConfig:
    """GNU toolchain: command prefix (``arm-none-eabi-``), flags, and who installs it."""

    prefix: str
    flags: tuple[str, ...]
    install: str


@dataclass(frozen=True)
class ZigConfig:
    """``zig cc``: target triple (empty: this machine) and flags."""

    triple: str
    flags: tuple[str, ...]


@dataclass(frozen=True)
class UnicornConfig:
    """Name of the CPU model among Unicorn's constants; empty where the default is right."""

    cpu_model: str


@dataclass(frozen=True)
class QemuConfig:
    """QEMU system emulator: binary, machine, further arguments, and who installs it."""

    binary: str
    machine: str
    args: tuple[str, ...]
    install: str


@dataclass(frozen=True)
class CycleData:
    """How instructions become an estimate of cycles.

    Attributes:
        method: ``pairs`` (neighbouring instructions in each basic block) or ``cpi-range``.
        cpi_low, cpi_typical, cpi_high: cycles per instruction; typical is None where unknown.
        source: where the figures come from.
    """

    method: str
    cpi_low: float
    cpi_typical: float | None
    cpi_high: float
    source: str

    def __post_init__(self) -> None:
        _one_of("cycles.method", self.method, CYCLE_METHODS)
        middle = self.cpi_low if self.cpi_typical is None else self.cpi_typical
        if not 0 < self.cpi_low <= middle <= self.cpi_high:
            raise ValueError("cycles: needs 0 < cpi_low <= cpi_typical <= cpi_high")


@dataclass(frozen=True)
class Core:
    """An instruction set with what is needed to build, run and estimate on it.

    Attributes:
        name: as on the command line, e.g. ``cortex-m4``.
        title: for people.
        family: which start-up code it uses.
        architecture: the architecture's own name, e.g. ``armv7e-m``.
        lowering: the target-owned pass that makes a graph fit for it.
        features: instruction-set features that kernels may use.
        gcc, zig: toolchains, None where one cannot build for the core.
        unicorn, qemu: emulators, None where one does not model the core.
        memory: where emulated firmware lies; None for the host.
        cycles: data of the cycle estimate; None where there is none.
    """

    name: str
    title: str
    family: str
    architecture: str
    lowering: str
    features: tuple[str, ...]
    gcc: GccConfig | None = None
    zig: ZigConfig | None = None
    unicorn: UnicornConfig | None = None
    qemu: QemuConfig | None = None
    memory: MemoryMap | None = None
    cycles: CycleData | None = None

    def __post_init__(self) -> None:
        _one_of("family", self.family, FAMILIES)
        _one_of("lowering", self.lowering, LOWERINGS)
        for feature in self.features:
            _one_of("features", feature, FEATURES)
        if (self.family == "host") != (self.memory is None):
            raise ValueError("every core but the host needs a [memory] table")

    @property
    def is_host(self) -> bool:
        """True for the machine that edgekit itself runs on."""
        return self.family == "host"


@dataclass(frozen=True)
class Board:
    """A board one can buy.

    Attributes:
        name, title: as on the command line, and for people.
        core: name of its core.
        flash_bytes: flash for code and constants.
        sram_bytes: all SRAM.
        contiguous_sram_bytes: the largest piece with consecutive addresses: what an arena can use.
        clock_hz: highest clock of the core.
        flash_wait_states: at that clock; None where unknown.
        memories: what an arena may be split over, the fastest first; empty where there is only one
            kind.
        source: document the figures come from.
    """

    name: str
    title: str
    core: str
    flash_bytes: int
    sram_bytes: int
    contiguous_sram_bytes: int
    clock_hz: int
    source: str
    flash_wait_states: int | None = None
    memories: tuple[BoardMemory, ...] = ()

    def __post_init__(self) -> None:
        for key in ("flash_bytes", "sram_bytes", "contiguous_sram_bytes", "clock_hz"):
            if getattr(self, key) <= 0:
                raise ValueError(f"{key} must be > 0")
        if self.contiguous_sram_bytes > self.sram_bytes:
            raise ValueError("contiguous_sram_bytes is larger than sram_bytes")


@dataclass(frozen=True)
class Target:
    """What ``--target`` names: a core, or a board with its core."""

    core: Core
    board: Board | None = None

    @property
    def name(self) -> str:
        """The name it was asked for."""
        return self.core.name if self.board is None else self.board.name


def _one_of(key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{key} '{value}' is unknown; allowed: {', '.join(allowed)}")
