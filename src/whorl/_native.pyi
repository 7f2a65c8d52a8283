"""Native kernels of whorl's inference engine."""

import numpy as np
from numpy.typing import NDArray

class PackedWeight:
    """A weight matrix laid out for `affine`. Made by `pack`; immutable."""

    @property
    def in_features(self) -> int: ...
    @property
    def out_features(self) -> int: ...
    @property
    def nbytes(self) -> int:
        """Bytes held, the padding of the last panel included."""

def pack(weight: NDArray[np.float32]) -> PackedWeight:
    """Lays a weight matrix out for `affine`.

    Args:
        weight: C-contiguous. It is copied; later changes to it are not seen.

    Shape:
        weight: (out_features, in_features), as in `torch.nn.Linear`.

    Raises:
        TypeError: `weight` is not a float32 array.
        ValueError: it does not have two axes or is not C-contiguous.
    """

def affine(
    x: NDArray[np.float32],
    packed: PackedWeight,
    bias: NDArray[np.float32] | None = None,
    num_threads: int = 1,
    *,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """The affine product x * weight^T + bias, each row as if it were alone.

    Every output element starts from the bias (0 without one) and takes one fused multiply-add per input feature, in
    order, in float32. So the bits of a row depend on that row, the weight and the bias only: not on how many rows come
    with it, its position, what the others hold, `num_threads`, or the instruction set (`isa`). NaN and infinity stay
    in their row; only which of the many bit patterns of NaN comes out is open.

    Args:
        x: C-contiguous.
        packed: the weight.
        bias: None means no bias.
        num_threads: upper limit; small products run on the caller's thread.
        out: where to write. It is returned, and must not share memory with `x` or `bias`.

    Shape:
        x: (N, in_features); bias: (out_features,); out: (N, out_features). Any of the sizes may be 0.

    Raises:
        TypeError: an argument is not a float32 array.
        ValueError: a shape or a layout does not fit, or `num_threads` is below 1.
    """

def isa() -> str:
    """The instruction set in use: `portable`, `avx2` or `avx512`.

    The best one that the processor has; the environment variable WHORL_ISA overrides it before the first import.
    """
