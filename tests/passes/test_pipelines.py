"""Both pipelines on random networks, and their running time on long chains."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgekit.importers.onnx import load_onnx
from edgekit.ir import verify
from edgekit.passes import CANONICAL, TO_NHWC, run_passes
from tests.onnx_models import Arrays, assert_all_stages, ints, noise, onnx_model, operators, save


class Net:
    """A random network as text, drawn operator by operator."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.lines: list[str] = []
        self.constants: Arrays = {}
        self.shapes = {"x": (2, 6, 6)}

    def constant(self, *shape: int, positive: bool = False) -> str:
        """A new constant."""
        name = f"k{len(self.constants)}"
        values = noise(*shape, seed=len(self.constants) + 1, scale=0.5)
        self.constants[name] = np.abs(values) + np.float32(0.1) if positive else values
        return name

    def put(self, shape: tuple[int, int, int], text: str) -> None:
        """A new value of that shape."""
        name = f"t{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        self.shapes[name] = shape

    def step(self) -> None:
        """One more operator on some value."""
        source = self.data.draw(st.sampled_from(sorted(self.shapes)))
        c, h, w = self.shapes[source]
        kind = self.data.draw(
            st.sampled_from(["conv", "depth", "relu", "clip", "norm", "bias", "add", "pool", "pad",
                             "mean", "concat", "mul", "turn"])
        )  # fmt: skip
        if kind == "conv":
            f = self.data.draw(st.integers(1, 3))
            self.put((f, h, w), f"Conv<pads=[1,1,1,1]>({source}, {self.constant(f, c, 3, 3)})")
        elif kind == "depth":
            self.put((c, h, w), f"Conv<group={c}, pads=[1,1,1,1]>"
                     f"({source}, {self.constant(c, 1, 3, 3)}, {self.constant(c)})")  # fmt: skip
        elif kind == "relu":
            self.put((c, h, w), f"Relu({source})")
        elif kind == "clip":
            low, high = self.constant(), self.constant(positive=True)
            self.constants[low] = np.asarray(-0.25, np.float32)
            self.put((c, h, w), f"Clip({source}, {low}, {high})")
        elif kind == "norm":
            stats = ", ".join([*(self.constant(c) for _ in range(3)),
                               self.constant(c, positive=True)])  # fmt: skip
            self.put((c, h, w), f"BatchNormalization({source}, {stats})")
        elif kind in ("bias", "mul"):
            op = "Add" if kind == "bias" else "Mul"
            self.put((c, h, w), f"{op}({source}, {self.constant(c, 1, 1)})")
        elif kind in ("add", "concat"):
            same = [n for n, s in sorted(self.shapes.items()) if s == (c, h, w)]
            other = self.data.draw(st.sampled_from(same))
            joined = (2 * c, h, w) if kind == "concat" else (c, h, w)
            call = "Concat<axis=1>" if kind == "concat" else "Add"
            self.put(joined, f"{call}({source}, {other})")
        elif kind == "pool":
            name = self.data.draw(st.sampled_from(["MaxPool", "AveragePool"]))
            self.put((c, h, w), f"{name}<kernel_shape=[3,3], pads=[1,1,1,1]>({source})")
        elif kind == "mean":
            self.put((c, 1, 1), f"GlobalAveragePool({source})")
        elif kind == "turn":
            self.put((h, w, c), f"Transpose<perm=[0,2,3,1]>({source})")
        else:
            pads = self.constant(8)
            self.constants[pads] = ints([0, 0, 1, 0, 0, 0, 0, 1])
            self.put((c, h + 1, w + 1), f"Pad({source}, {pads})")


@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(st.data())
def test_random_networks_keep_their_results(data: st.DataObject) -> None:
    net = Net(data)
    for _ in range(data.draw(st.integers(1, 9))):
        net.step()
    last = f"t{len(net.lines) - 1}"
    head = data.draw(st.sampled_from(["value", "flat", "dense"]))
    if head == "value":
        net.lines.append(f"y = Identity({last})")
    elif head == "flat":
        net.lines.append(f"y = Flatten({last})")
    else:
        weights = net.constant(int(np.prod(net.shapes[last])), 3)
        net.lines.append(f"f = Flatten({last}) g = Gemm(f, {weights}) y = Softmax(g)")
    model = onnx_model(" ".join(net.lines), **net.constants)
    with tempfile.TemporaryDirectory() as folder:
        path = save(model, Path(folder))
        graphs = assert_all_stages(path, {"x": noise(2, 2, 6, 6)}, tolerance=1e-4)
    again = run_passes(graphs["nhwc"], (*CANONICAL, *TO_NHWC))
    assert operators(again).count("Transpose") <= operators(graphs["nhwc"]).count("Transpose")


def chain(layers: int) -> str:
    """conv - bias - relu, every third time with a shortcut."""
    lines, x = [], "x"
    for i in range(layers):
        lines.append(f"c{i} = Conv<pads=[1,1,1,1]>({x}, w) a{i} = Add(c{i}, b)")
        lines.append(f"r{i} = Add(a{i}, {x})" if i % 3 == 2 else f"r{i} = Relu(a{i})")
        x = f"r{i}"
    return " ".join([*lines, f"y = Identity({x})"])


def seconds(layers: int, folder: Path) -> float:
    """Time of import and both pipelines."""
    constants = {"w": noise(2, 2, 3, 3), "b": noise(2, 1, 1)}
    path = save(onnx_model(chain(layers), **constants), folder, f"{layers}.onnx")
    best = float("inf")
    for _ in range(2):
        start = time.perf_counter()
        graph = run_passes(load_onnx(path), (*CANONICAL, *TO_NHWC))
        best = min(best, time.perf_counter() - start)
    verify(graph)
    assert "Transpose" not in operators(graph)
    assert len(graph.nodes) == layers + layers // 3
    return best


def test_time_is_linear_in_the_number_of_layers(tmp_path: Path) -> None:
    """Ten times the layers take well below a hundred times the time (quadratic would)."""
    short, long = seconds(100, tmp_path), seconds(1000, tmp_path)
    assert long < 10.0
    assert long < 35 * short
