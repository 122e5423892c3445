"""Reads ONNX models without executing anything."""

from edgekit.importers.onnx.load import load_onnx

__all__ = ["load_onnx"]
