"""What comes before and after a model: image and sound into its inputs, answers out of it.

Descriptions only. What they compute is defined in `quantize.processing`; the C is made by
`codegen.c.processing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgekit.processing.audio import AudioInput
from edgekit.processing.image import ImageInput
from edgekit.processing.post import Ranking

InputProcessing = ImageInput | AudioInput
KINDS: dict[str, type[InputProcessing]] = {"audio": AudioInput, "image": ImageInput}


@dataclass(frozen=True)
class Processing:
    """The contract of one model.

    Attributes:
        inputs: by the input's name in the source model.
        outputs: by the output's name in the source model.
    """

    inputs: dict[str, InputProcessing] = field(default_factory=dict)
    outputs: dict[str, Ranking] = field(default_factory=dict)

    @staticmethod
    def from_settings(
        inputs: Mapping[str, Mapping[str, Any]], outputs: Mapping[str, Mapping[str, Any]]
    ) -> Processing:
        """From the settings that a manifest holds.

        Raises:
            SettingsError, TypeError: they are wrong.
        """
        return Processing(
            {n: KINDS[s["kind"]](**_tuples(s)) for n, s in inputs.items()},
            {n: Ranking(**_tuples(s)) for n, s in outputs.items()},
        )

    def __bool__(self) -> bool:
        return bool(self.inputs or self.outputs)


def _tuples(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}


__all__ = ["AudioInput", "ImageInput", "InputProcessing", "Processing", "Ranking"]
