"""What comes before and after a model, as C."""

from codegen.c.processing.emit import add_processing

__all__ = ["add_processing"]
