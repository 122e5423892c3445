"""LiteRT's reference kernels as an oracle: one loader for whichever package is installed.

Only tests and explicit checks use it; conversion never depends on it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import ModelError, ToolError

_PACKAGES = (
    ("ai-edge-litert", "ai_edge_litert.interpreter"),
    ("tflite-runtime", "tflite_runtime.interpreter"),
)


def _load() -> tuple[str, Any]:
    """Name of the installed distribution and its interpreter module.

    Raises:
        ToolError: neither package can be imported.
    """
    for package, module in _PACKAGES:
        # tflite-runtime was built against numpy 1 and crashes the process under numpy 2.
        if package == "tflite-runtime" and int(np.__version__.split(".")[0]) > 1:
            continue
        try:
            return package, importlib.import_module(module)
        except ImportError:
            continue
    raise ToolError("no TFLite interpreter is installed. Install one: pip install ai-edge-litert")


def oracle_version() -> str:
    """The oracle's name and version, e.g. ``ai-edge-litert 2.3.0``.

    Raises:
        ToolError: none is installed.
    """
    package, _ = _load()
    return f"{package} {importlib.metadata.version(package)}"


def litert_interpreter(
    model: Path | bytes, *, keep_all: bool = False, reference: bool = True
) -> Any:
    """An allocated interpreter that runs the reference kernels (``BUILTIN_REF``), one thread.

    Args:
        model: path or content of a .tflite file.
        keep_all: keep intermediate tensors readable after a run.
        reference: False takes LiteRT's default instead, XNNPACK where it can. Its results differ.

    Raises:
        ToolError: no interpreter is installed.
        ModelError: the interpreter rejects the model.
    """
    _, module = _load()
    kernels = module.OpResolverType.BUILTIN_REF if reference else module.OpResolverType.AUTO
    source = {"model_content": model} if isinstance(model, bytes) else {"model_path": str(model)}
    try:
        interpreter = module.Interpreter(
            **source,
            num_threads=1,
            experimental_preserve_all_tensors=keep_all,
            experimental_op_resolver_type=kernels,
        )
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"LiteRT rejects the model: {error}") from error
    return interpreter


def run_litert(model: Path | bytes, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Run samples one by one through the reference kernels; variables are reset before each.

    Args:
        model: path or content of a .tflite file.
        inputs: for each input an array with samples in axis 0, in place of the batch of 1.

    Returns:
        For each output an array with samples in axis 0.

    Raises:
        ToolError: no interpreter is installed.
        ModelError: the interpreter rejects the model.
    """
    interpreter = litert_interpreter(model)
    details = interpreter.get_input_details()
    results: list[list[NDArray[Any]]] = [[] for _ in interpreter.get_output_details()]
    for index in range(len(inputs[0])):
        interpreter.reset_all_variables()
        for detail, array in zip(details, inputs, strict=True):
            interpreter.set_tensor(detail["index"], array[index].reshape(detail["shape"]))
        interpreter.invoke()
        for result, detail in zip(results, interpreter.get_output_details(), strict=True):
            result.append(interpreter.get_tensor(detail["index"]))
    return [np.concatenate(result) for result in results]
