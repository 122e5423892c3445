"""The model files of the material, and those that do not count because of what they hold."""

from __future__ import annotations

import fnmatch
from pathlib import Path

SUFFIXES = (".onnx", ".tflite")
NOT_COUNTED = {
    "BipolarQuant": "vendor quantizer",
    "MultiThreshold": "vendor quantizer",
    "PACT": "vendor quantizer",
    "Quant": "vendor quantizer",
    "RandomNormal": "random generator",
    "RandomUniform": "random generator",
    "RequantShift": "vendor quantizer",
    "TreeEnsemble": "tree ensemble",
}
"""Beginning of an operator's name -> why files with it do not count."""
VENDOR = "PACTOps"
"""Operator set of a quantizer that gives standard operators attributes of its own."""


def find(folder: Path, pattern: str = "*") -> list[Path]:
    """Model files below a folder whose relative path matches a pattern, sorted."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix in SUFFIXES and fnmatch.fnmatch(str(path.relative_to(folder)), pattern)
    ]


def not_counted(path: Path) -> str:
    """Why the file does not count, empty where it does."""
    if path.suffix != ".onnx":
        return ""
    import onnx

    model = onnx.load(path, load_external_data=False)
    if any(entry.domain == VENDOR for entry in model.opset_import):
        return f"vendor quantizer ({VENDOR})"
    for node in model.graph.node:
        if node.op_type.endswith("Grad"):
            return f"gradient ({node.op_type})"
        for start, reason in NOT_COUNTED.items():
            if node.op_type.startswith(start):
                return f"{reason} ({node.op_type})"
    return ""
