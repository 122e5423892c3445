"""The helpers before and after a model, as a report describes them."""

from __future__ import annotations

from dataclasses import dataclass

Scalar = bool | int | float | str | None


@dataclass(frozen=True)
class Preprocessing:
    """The helper that makes one input from pixels or samples.

    Attributes:
        input: the model's input.
        kind: ``image`` or ``audio``.
        settings: as they were given, defaults included.
        dtype: element type of its own input.
        shape: shape of its own input, batch axis included.
        scratch_bytes: scratch that the caller gives, bytes.
        table_bytes: its constants in flash, bytes.
        instructions: instructions of one call, counted on the emulated core.
        stack_bytes: deepest stack of the helpers, on the emulated core, bytes.
        compared: where its results were compared with the numpy definition and found identical.
    """

    input: str
    kind: str
    settings: dict[str, Scalar | tuple[float, ...]]
    dtype: str
    shape: tuple[int, ...]
    scratch_bytes: int
    table_bytes: int
    instructions: int | None = None
    stack_bytes: int | None = None
    compared: tuple[str, ...] = ()


@dataclass(frozen=True)
class Postprocessing:
    """The helper that ranks the classes of one output.

    Attributes:
        output: the model's output.
        labels: names of the classes.
        top: how many classes are given at most.
        threshold: smallest real score that is given; null for none.
    """

    output: str
    labels: tuple[str, ...]
    top: int
    threshold: float | None = None
