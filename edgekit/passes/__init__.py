"""Rewrites of graphs, and the two pipelines that `run_passes` executes.

`CANONICAL` brings an imported graph into the form that quantization expects; `TO_NHWC` brings a
canonical graph, float or quantized, into the layout of the kernels.
"""

from edgekit.passes.cancel_transposes import CancelTransposes
from edgekit.passes.dead_code import DeadCode
from edgekit.passes.drop_identity import DropIdentity
from edgekit.passes.fold_batch_norm import FoldBatchNorm
from edgekit.passes.fold_constants import FoldConstants
from edgekit.passes.fold_qdq import FoldQdq
from edgekit.passes.fuse_bias_add import FuseBiasAdd
from edgekit.passes.fuse_clamp import FuseClamp
from edgekit.passes.fuse_pad import FusePad
from edgekit.passes.hoist_port_transposes import HoistPortTransposes
from edgekit.passes.hoist_quantize import HoistQuantize
from edgekit.passes.infra import Pass, run_passes
from edgekit.passes.matmul_to_dense import MatMulToDense
from edgekit.passes.real_constants import RealConstants
from edgekit.passes.to_nhwc import ToNhwc
from edgekit.passes.transpose_to_reshape import TransposeToReshape

CANONICAL: tuple[Pass, ...] = (
    FoldConstants(),  # weights behind a Reshape or Transpose become plain constants
    DropIdentity(),  # nothing stands between a layer and its Add, BatchNorm or Clip any more
    MatMulToDense(),  # needs constant weights; gives FuseBiasAdd its layers
    FuseBiasAdd(),  # before BatchNorm: a bias can still be added under one
    FoldBatchNorm(),  # needs the bias inside its layer
    FuseBiasAdd("fuse-bias-add-after-norm"),  # what was added to a normalised layer
    FusePad(),  # before FuseClamp: looks at the operands' clamps of its own
    FuseClamp(),  # last of the fusions: a clamp closes its layer
    HoistQuantize(),  # a layer and its Quantize stand side by side for FoldQdq
    FoldQdq(),  # needs Clips inside their layers, so that Quantize follows the layer itself
    RealConstants(),  # what FoldQdq left on real numbers
    DeadCode(),
)

TO_NHWC: tuple[Pass, ...] = (
    ToNhwc(),
    CancelTransposes(),  # most of what ToNhwc inserted meets its inverse
    HoistPortTransposes(),  # the rest at the border moves into the bindings
    CancelTransposes("cancel-transposes-again"),  # those that rose towards an input
    HoistPortTransposes("hoist-port-transposes-again"),
    TransposeToReshape(),  # last: a Reshape would stop a Transpose on its way
    DropIdentity(),  # Reshapes of Reshapes
    DeadCode(),
)

__all__ = ["CANONICAL", "TO_NHWC", "Pass", "run_passes"]
