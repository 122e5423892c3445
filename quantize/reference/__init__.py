"""The numpy definition of every operator: it says what the right result is.

`evaluate` runs a graph, float or integer, on any number of samples at once. Integer results are
exact; the emitted C, every emulated core and later RTL are compared with them.
"""

from quantize.reference.evaluator import Evaluator, evaluate

__all__ = ["Evaluator", "evaluate"]
