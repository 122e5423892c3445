"""What comes before and after a model: image and sound into its inputs, answers out of it.

Descriptions only. What they compute is defined in `quantize.reference.processing`; the C is made by
`codegen.c.processing`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgekit.processing.audio import AudioInput
from edgekit.processing.image import ImageInput
from edgekit.processing.post import Ranking

InputProcessing = ImageInput | AudioInput


@dataclass(frozen=True)
class Processing:
    """The contract of one model.

    Attributes:
        inputs: by the input's name in the source model.
        outputs: by the output's name in the source model.
    """

    inputs: dict[str, InputProcessing] = field(default_factory=dict)
    outputs: dict[str, Ranking] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.inputs or self.outputs)


__all__ = ["AudioInput", "ImageInput", "InputProcessing", "Processing", "Ranking"]
