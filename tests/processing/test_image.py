"""Images: the numpy definition against onnx.reference, the C against the numpy definition."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from edgekit.errors import UsageError
from edgekit.ir import DType
from edgekit.processing import ImageInput
from edgekit.processing.image import Colour
from quantize.processing.image import byte_table, recolour, resize
from tests.processing.helpers import QUANT, Shapes, compare, emit, graph
from tests.processing.kinds import SIZES, images


def outside(image: NDArray[np.uint8], height: int, width: int, mode: str) -> NDArray[np.float32]:
    """ONNX Resize by pixel centres, in float32."""
    rounding = "round_prefer_ceil" if mode == "nearest" else ""
    attributes = {"nearest_mode": rounding} if rounding else {}
    node = helper.make_node(
        "Resize",
        ["x", "", "", "sizes"],
        ["y"],
        mode=mode,
        coordinate_transformation_mode="half_pixel",
        **attributes,
    )
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None] * 4)
    sizes = helper.make_tensor_value_info("sizes", TensorProto.INT64, [4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * 4)
    model = helper.make_model(
        helper.make_graph([node], "g", [x, sizes], [y]),
        opset_imports=[helper.make_opsetid("", 18)],
    )
    planes = image.astype(np.float32).transpose(0, 3, 1, 2)
    target = np.array([*planes.shape[:2], height, width], np.int64)
    (found,) = ReferenceEvaluator(model).run(None, {"x": planes, "sizes": target})
    return np.asarray(found).transpose(0, 2, 3, 1)


@pytest.mark.parametrize("sizes", SIZES)
def test_nearest_is_that_of_onnx(sizes: tuple[int, int, int, int]) -> None:
    rows, columns, height, width = sizes
    image = np.random.default_rng(0).integers(0, 256, (2, rows, columns, 3)).astype(np.uint8)
    wanted = outside(image, height, width, "nearest")
    np.testing.assert_array_equal(resize(image, height, width, linear=False), wanted)


@pytest.mark.parametrize("sizes", SIZES)
def test_bilinear_is_that_of_onnx_rounded_to_a_byte(sizes: tuple[int, int, int, int]) -> None:
    """Positions are rounded to 1/2048: at most 2 * 255 / 4096 off, and half a step of rounding."""
    rows, columns, height, width = sizes
    image = np.random.default_rng(1).integers(0, 256, (2, rows, columns, 3)).astype(np.uint8)
    wanted = outside(image, height, width, "linear")
    found = resize(image, height, width, linear=True).astype(np.float32)
    assert np.abs(found - wanted).max() <= 0.5 + 2 * 255 / 4096 + 1e-3


def test_colours() -> None:
    image = np.array([[[[10, 20, 200]]]], np.uint8)
    bgr = recolour(image, ImageInput(1, 1, model_colour="bgr"))
    np.testing.assert_array_equal(bgr, [[[[200, 20, 10]]]])
    luma = (0.299 * 10 + 0.587 * 20 + 0.114 * 200, 0.299 * 200 + 0.587 * 20 + 0.114 * 10)
    orders: tuple[Colour, ...] = ("rgb", "bgr")
    for colour, wanted in zip(orders, luma, strict=True):
        settings = ImageInput(1, 1, colour=colour, model_colour="gray")
        assert abs(int(recolour(image, settings)[0, 0, 0, 0]) - wanted) <= 1
    wide = recolour(image[..., :1], ImageInput(1, 1, colour="gray"))
    np.testing.assert_array_equal(wide, [[[[10, 10, 10]]]])


def test_table_is_mean_scale_and_quantization() -> None:
    settings = ImageInput(1, 1, mean=(127.5, 0.0, 3.0), scale=(0.25,))
    table = byte_table(settings, DType.INT8, QUANT, half_even=True)
    real = (np.arange(256)[None] - np.array([[127.5], [0.0], [3.0]])) * 0.25
    wanted = np.clip(np.rint(real / QUANT.scale[0]) + QUANT.zero_point[0], -128, 127)
    assert np.abs(table - wanted).max() <= 1
    assert (table == wanted).mean() > 0.99, "ties alone may fall differently in float32"
    floats = byte_table(settings, DType.FLOAT32, None, half_even=True)
    np.testing.assert_allclose(floats, real, rtol=1e-6)


@pytest.mark.parametrize("tool", ["gcc", "zig"])
@pytest.mark.parametrize("dtype", [DType.INT8, DType.FLOAT32])
def test_c_is_the_numpy_definition(dtype: DType, tool: str) -> None:
    shapes, settings = images(dtype)
    compare(emit(graph(shapes), settings), settings, tool)


def test_settings_that_do_not_fit_the_model() -> None:
    shapes: Shapes = {"a": ((1, 4, 4, 3), DType.INT8), "b": ((1, 12), DType.INT8)}
    gray = ImageInput(4, 4, model_colour="gray")
    with pytest.raises(UsageError) as caught:
        emit(graph(shapes), {"a": gray, "b": ImageInput(4, 4), "c": ImageInput(4, 4)})
    text = str(caught.value)
    assert "processing.c: the model has no input of this name; allowed: a, b" in text
    assert "processing of input 'a': the model's input is [1, 4, 4, 3] NHWC" in text
    assert "processing of input 'b': the model's input is [1, 12]" in text
