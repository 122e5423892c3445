"""Layers as text models: as imported, canonical, in NHWC and in C, against ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.ir import Graph
from edgekit.passes import run_passes
from edgekit.passes.copy_state_outputs import CopyStateOutputs
from tests.codegen.batch import compile_all
from tests.onnx_models import assert_all_stages, onnx_model, save


@dataclass(frozen=True)
class Layer:
    """A text model, its ports and its constants."""

    body: str
    inputs: str
    constants: dict[str, Any] = field(default_factory=dict)
    outputs: str = "float[] y"
    opset: int = 21

    def build(self, folder: Path) -> tuple[Path, dict[str, NDArray[Any]]]:
        """The model's file and random arrays for its inputs."""
        model = onnx_model(self.body, self.inputs, self.outputs, self.opset, **self.constants)
        return save(model, folder), _arrays(model)


def _arrays(model: Any) -> dict[str, NDArray[Any]]:
    from onnx.helper import tensor_dtype_to_np_dtype

    rng = np.random.default_rng(17)
    constants = {t.name for t in model.graph.initializer}
    arrays = {}
    for port in model.graph.input:
        if port.name in constants:
            continue
        dtype = tensor_dtype_to_np_dtype(port.type.tensor_type.elem_type)
        shape = [d.dim_value for d in port.type.tensor_type.shape.dim]
        if np.issubdtype(dtype, np.integer):
            arrays[port.name] = rng.integers(0, 9, shape).astype(dtype)
        else:
            arrays[port.name] = rng.normal(size=shape).astype(dtype)
    return arrays


def check_layers(layers: Sequence[Layer], folder: Path) -> list[Graph]:
    """Every stage gives what ONNX Runtime does, and generated C what the reference does."""
    graphs = []
    for layer in layers:
        path, arrays = layer.build(folder)
        try:
            found = assert_all_stages(path, arrays)
        except Exception as error:
            error.add_note(layer.body)
            raise
        graphs.append(run_passes(found["nhwc"], (CopyStateOutputs(),)))
    for case in compile_all(graphs):
        case.check_samples()
    return graphs
