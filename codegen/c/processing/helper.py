"""What an emitter of processing works with: one input of the model and the helper that fills it."""

from __future__ import annotations

from dataclasses import dataclass, field

from codegen.c.writer import Writer
from edgekit.artefact import Port
from edgekit.errors import Problem


@dataclass(frozen=True)
class Frames:
    """A helper that works frame by frame.

    Attributes:
        count: frames of a clip.
        window: samples of a frame.
        stride: samples from frame to frame.
        features: elements that a frame gives.
        noise: elements of the noise estimate that is kept from frame to frame; 0 for none.
        noise_offset: where a clip's own estimate lies in the scratch.
    """

    count: int
    window: int
    stride: int
    features: int
    noise: int
    noise_offset: int


@dataclass
class HelperWriter(Writer):
    """Writes the body of one helper: from ``raw`` to ``out``, with ``scratch`` where it needs some.

    Attributes:
        port: the model's input that it fills.
        index: its number.
        raw: the helper's own input.
        scratch_bytes: scratch that the body uses.
        frames: where the body is that of one frame.
        problems: why the settings do not fit the model.
    """

    port: Port
    index: int
    raw: Port | None = None
    scratch_bytes: int = 0
    frames: Frames | None = None
    problems: list[Problem] = field(default_factory=list, kw_only=True)

    @property
    def tag(self) -> str:
        """The input's number."""
        return f"raw{self.index}"

    @property
    def suffix(self) -> str:
        """Of the kernels that write the model's element type."""
        return "f32" if self.port.dtype.itemsize == 4 else "s8"

    def refuse(self, what: str, allowed: str, hint: str = "") -> None:
        """Note why the settings do not fit."""
        where = f"processing of input '{self.port.name}'"
        self.problems.append(Problem(what, where, allowed, hint))
