"""Quantization: calibration, the requantize specification, the integer reference and lowering."""
