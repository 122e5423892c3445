"""TFLite importer: float32 and int8 models, read with the flatbuffer schema."""

from edgekit.importers.tflite.load import load_tflite

__all__ = ["load_tflite"]
