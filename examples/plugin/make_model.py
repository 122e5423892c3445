"""Write a small ONNX model with the operator of `snake.py`."""

from __future__ import annotations

import sys

import numpy as np
import onnx

MODEL = """
<ir_version: 8, opset_import: ["" : 17, "com.example" : 1]>
g (float[1, 8] x) => (float[1, 4] y) {
    hidden = Gemm<transB = 1>(x, w)
    active = com.example.Snake<alpha = 2.0>(hidden)
    y = Gemm<transB = 1>(active, v)
}
"""


def make_model() -> onnx.ModelProto:
    """Two dense layers with a Snake activation between them."""
    rng = np.random.default_rng(0)
    model = onnx.parser.parse_model(MODEL)
    for name, shape in (("w", (16, 8)), ("v", (4, 16))):
        data = rng.normal(size=shape).astype(np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(data, name))
    return model


if __name__ == "__main__":
    onnx.save(make_model(), sys.argv[1])
