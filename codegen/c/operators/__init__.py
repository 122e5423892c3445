"""How each operator becomes C: one emitter per operator, all listed here."""

from codegen.c.operators import integer, layers, normalize, pointwise, real, shaping, volume
from codegen.c.step import Emitter
from edgekit.ir import DType
from edgekit.ir.op import Op
from edgekit.ir.ops import (
    Add,
    AvgPool2D,
    Clip,
    Concat,
    Conv2D,
    Dense,
    Dequantize,
    MaxPool2D,
    Mean,
    Mul,
    Pad,
    QAdd,
    QAvgPool2D,
    QClip,
    QConv2D,
    QDense,
    QMaxPool2D,
    QMean,
    QRescale,
    QSoftmax,
    Quantize,
    Softmax,
    Sub,
    Transpose,
)

REAL = (DType.FLOAT32,)

EMITTERS: dict[type[Op], Emitter] = {
    **layers.EMITTERS,
    **normalize.EMITTERS,
    **pointwise.EMITTERS,
    **volume.EMITTERS,
    Add: Emitter(real.emit_binary),
    AvgPool2D: Emitter(real.emit_avg_pool, types=REAL),
    Clip: Emitter(real.emit_clip, types=REAL),
    Concat: Emitter(shaping.emit_concat),
    Conv2D: Emitter(real.emit_conv, types=REAL),
    Dense: Emitter(real.emit_dense, types=REAL),
    Dequantize: Emitter(real.emit_dequantize),
    MaxPool2D: Emitter(real.emit_max_pool, types=REAL),
    Mean: Emitter(real.emit_mean, types=REAL),
    Mul: Emitter(real.emit_binary),
    Pad: Emitter(shaping.emit_pad),
    QAdd: Emitter(integer.emit_add),
    QAvgPool2D: Emitter(integer.emit_avg_pool),
    QClip: Emitter(integer.emit_clip),
    QConv2D: Emitter(integer.emit_conv, integer.conv_scratch),
    QDense: Emitter(integer.emit_dense),
    QMaxPool2D: Emitter(integer.emit_max_pool),
    QMean: Emitter(integer.emit_mean),
    QRescale: Emitter(integer.emit_rescale),
    QSoftmax: Emitter(integer.emit_softmax),
    Quantize: Emitter(real.emit_quantize),
    Softmax: Emitter(real.emit_softmax, types=REAL),
    Sub: Emitter(real.emit_binary),
    Transpose: Emitter(shaping.emit_transpose),
}
