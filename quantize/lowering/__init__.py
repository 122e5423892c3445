"""Rules that turn a model-level operator into an integer one; `quantize.lower` applies them."""
