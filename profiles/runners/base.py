"""What a runner is and what a run gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from edgekit.artefact import Manifest
from edgekit.errors import Problem
from targets.model import Core
from targets.toolchains import Image

Arrays = list[NDArray[Any]]


@dataclass(frozen=True)
class Limits:
    """When a run is stopped.

    Attributes:
        seconds: wall time of the whole run.
        instructions: executed instructions of the whole run, where they are counted.
    """

    seconds: float = 600.0
    instructions: int = 1 << 50


@dataclass(frozen=True)
class LayerCount:
    """Executed instructions of one step in the first sample.

    Attributes:
        symbol: the step's symbol in the manifest.
        instructions: in the first sample.
        samples: in every sample, the first included; they differ where code branches on data.
    """

    symbol: str
    instructions: int
    samples: tuple[int, ...]


@dataclass(frozen=True)
class Block:
    """A basic block as the emulator met it, summed over all samples.

    Attributes:
        address, size: of its code, in bytes.
        instructions: in one execution.
        executions: how often it ran.
        taken: how often the next block was not the one that follows it in memory.
    """

    address: int
    size: int
    instructions: int
    executions: int
    taken: int


@dataclass(frozen=True, eq=False)
class RunResult:
    """What one run gave. Figures that were not measured are None or empty.

    Attributes:
        outputs: one array (n, *port.shape[1:]) for each output.
        instructions: executed for each sample, from the entry of run_copy to its return.
        layers: the steps' share of the first sample, in execution order.
        other_instructions: of the first sample, outside of steps: run and run_copy themselves.
        stack_bytes: the deepest stack use of all samples, below the call of run_copy.
        blocks: executed basic blocks, by address.
    """

    outputs: Arrays
    instructions: tuple[int, ...] | None = None
    layers: tuple[LayerCount, ...] = ()
    other_instructions: int | None = None
    stack_bytes: int | None = None
    blocks: tuple[Block, ...] = ()


class Runner(Protocol):
    """Runs images. Registered in `profiles.runners`."""

    @property
    def name(self) -> str:
        """As on the command line."""
        ...

    def version(self, core: Core) -> str:
        """Name and version of the emulator."""
        ...

    def missing(self, core: Core) -> Problem | None:
        """Why it cannot run images for ``core``; None where it can."""
        ...

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
        """Run every sample.

        Args:
            image: built without trace.
            manifest: of the artefact that the image was built from.
            inputs: one array (n, *port.shape[1:]) for each input port, in its dtype and layout.
            carry_state: keep the state between samples instead of resetting it before each.
            profile: count instructions.
            limits: when to stop.

        Raises:
            DataError: the inputs do not fit the ports.
            ToolError: the guest faulted or was stopped, or the emulator is missing or failed.
        """
        ...

    def trace(
        self, image: Image, manifest: Manifest, inputs: Sequence[NDArray[Any]]
    ) -> list[bytes]:
        """Contents of the arena after each step of the first sample.

        Args:
            image: built with trace.
            manifest: of the artefact that the image was built from.
            inputs: as for `run`; only the first sample is used.

        Raises:
            DataError, ToolError: as for `run`.
        """
        ...
