"""The node cases that onnx generates for back ends, and which of their inputs are constants.

A case gives every tensor as a graph input. Generated code fixes shapes and attributes when it is
made, so inputs that say nothing else become constants: those in `PINNED`, and no others. Data
(weights, indices, bounds, scales, zero points, masks) stay inputs at run time.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]

REDUCTIONS = (
    "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean",
    "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare",
)  # fmt: skip

PINNED: dict[str, tuple[int, ...]] = {
    "AffineGrid": (1,),  # size
    "BlackmanWindow": (0,),  # size
    "CenterCropPad": (1,),  # shape
    "Col2Im": (1, 2),  # image_shape, block_shape
    "Compress": (1,),  # condition: how many slices remain
    "ConstantOfShape": (0,),  # shape
    "CumProd": (1,),  # axis
    "CumSum": (1,),  # axis
    "DFT": (1, 2),  # dft_length, axis
    "Dropout": (1, 2),  # ratio, training_mode: attributes before opset 12
    "Expand": (1,),  # shape
    "HammingWindow": (0,),  # size
    "HannWindow": (0,),  # size
    "Loop": (0, 1),  # trip count, first condition: how often the body is written
    "MaxUnpool": (2,),  # output_shape
    "MelWeightMatrix": (0, 1, 2, 3, 4),  # sizes and the band's limits
    "NonMaxSuppression": (2,),  # max_output_boxes_per_class
    "OneHot": (1,),  # depth
    "Pad": (1, 3),  # pads, axes
    "Range": (0, 1, 2),  # start, limit, delta: how many numbers there are
    "Reshape": (1,),  # shape
    "Resize": (1, 2, 3),  # roi, scales, sizes
    "STFT": (1, 3),  # frame_step, frame_length
    "SequenceAt": (1,),  # position
    "SequenceErase": (1,),  # position
    "SequenceInsert": (2,),  # position
    "Slice": (1, 2, 3, 4),  # starts, ends, axes, steps
    "Split": (1,),  # split
    "SplitToSequence": (1,),  # split
    "Squeeze": (1,),  # axes
    "Tile": (1,),  # repeats
    "TopK": (1,),  # k
    "Trilu": (1,),  # k
    "Unsqueeze": (1,),  # axes
    "Upsample": (1,),  # scales
    **dict.fromkeys(REDUCTIONS, (1,)),  # axes
}
"""Operator -> its inputs that determine shapes or stand for attributes, all of them constants in
the models that exporters write."""


UNSOUND = dict.fromkeys(
    ("test_dft_inverse", "test_dft_inverse_opset19"),
    "the stored output is rounding noise (2e-7) where the exact result is 0, and atol is 1e-7",
)
"""Cases that an exact result fails, with the reason; a test shows that it is so."""


@dataclass(frozen=True)
class Case:
    """One node test.

    Attributes:
        name: as onnx calls it.
        operator: the operator under test, also where its function body replaces it.
        model: a serialized ModelProto.
        inputs, outputs: arrays by tensor name; the outputs are onnx's stored ones.
        pinned: inputs that become constants.
        refusal: why it is not tried at all (values that are no tensors, or `UNSOUND`), empty where
            it is.
    """

    name: str
    operator: str
    model: bytes
    inputs: Arrays
    outputs: Arrays
    pinned: frozenset[str]
    rtol: float
    atol: float
    refusal: str = ""

    @property
    def expanded(self) -> bool:
        """True where the operator stands as its function body."""
        return "_expanded" in self.name


def collect(cache: Path, pattern: str = "") -> list[Case]:
    """The cases whose name or operator ``pattern`` (a regular expression) finds, all by default.

    Args:
        cache: folder that keeps what onnx generates (it takes a while) for this version of onnx
            and of this file.
    """
    import onnx

    key = hashlib.sha256(onnx.__version__.encode() + Path(__file__).read_bytes()).hexdigest()[:16]
    path = cache / f"cases-{key}.pickle"
    if path.is_file():
        found: list[Case] = pickle.loads(path.read_bytes())
    else:
        found = _generate()
        cache.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}")
        beside.write_bytes(pickle.dumps(found))
        beside.replace(path)
    wanted = re.compile(pattern, re.IGNORECASE)
    return [c for c in found if wanted.search(c.name) or wanted.fullmatch(c.operator)]


def _generate() -> list[Case]:
    from onnx.backend.test.case.node import collect_testcases

    np.random.seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tests = collect_testcases(None)
    base = {t.name: t.model.graph for t in tests if "_expanded" not in t.name}
    return [_case(t, base[t.name.split("_expanded")[0]]) for t in tests]


def _case(test: Any, base: Any) -> Case:
    """A case from onnx's; ``base`` is the graph before its operator was expanded."""
    graph = test.model.graph
    inputs, outputs = test.data_sets[0]
    refusal = UNSOUND.get(test.name, "")
    named: list[Arrays] = []
    for ports, data in ((graph.input, inputs), (graph.output, outputs)):
        try:
            pairs = zip(ports, data, strict=True)
            named.append({p.name: _array(a) for p, a in pairs})
        except (TypeError, ValueError) as error:
            refusal = refusal or str(error)
            named.append({})
    operators = {n.op_type for n in base.node if n.op_type != "Constant"} or {"Constant"}
    return Case(
        name=test.name,
        operator=min(operators),
        model=test.model.SerializeToString(),
        inputs=named[0],
        outputs=named[1],
        pinned=frozenset({*_pinned(base.node), *_pinned(graph.node)} & named[0].keys()),
        rtol=test.rtol,
        atol=test.atol,
        refusal=refusal,
    )


def _pinned(nodes: Iterable[Any]) -> set[str]:
    return {
        node.input[i]
        for node in nodes
        for i in PINNED.get(node.op_type, ())
        if i < len(node.input) and node.input[i]
    }


def _array(data: Any) -> NDArray[Any]:
    from onnx import TensorProto
    from onnx.numpy_helper import to_array

    if isinstance(data, TensorProto):
        data = to_array(data)
    if data is None or isinstance(data, Sequence):
        raise TypeError("sequences and absent values are no tensors")
    array = np.asarray(data)
    if array.dtype.kind in "OSU":
        raise TypeError("strings are no tensors of a microcontroller")
    return array
