"""Steps that read and write elements of different sizes in one arena, by every compiler present."""

from __future__ import annotations

import pytest

from edgekit.ir import DType, TensorType
from edgekit.ir.ops import ArgReduce, Cast
from targets.load import load_core
from targets.toolchains import available
from tests.codegen.batch import compile_all
from tests.codegen.graphs import single


@pytest.mark.parametrize("toolchain", [t.name for t in available(load_core("host"))])
def test_wider_results_are_written(toolchain: str) -> None:
    """gcc 12 drops the call of a step whose store it cannot trace to the arena."""
    x = TensorType((3, 6, 2), DType.INT8)
    cases = [single(ArgReduce(0, False, False, False, DType.INT32), [x], None)]
    cases += [single(Cast(to), [x], None) for to in (DType.INT32, DType.INT64, DType.INT16)]
    for case in compile_all(cases, toolchain):
        case.check_samples()
