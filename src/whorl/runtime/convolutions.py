"""What `Convolve` does, in numpy: each patch of a picture is a row, and all rows go through one product."""

from collections.abc import Callable

import numpy as np

from whorl.runtime import operations as ops

Array = np.ndarray


def kernel_rows(kernels: Array) -> Array:
    """Kernels (O, C, kh, kw) as a matrix (O, kh kw C): the channels of a pixel stand side by side, as engines read."""
    return np.ascontiguousarray(kernels.transpose(0, 2, 3, 1).reshape(len(kernels), -1))


def convolved(op: ops.Convolve, x: Array, kernel: tuple[int, int], product: Callable[[Array], Array]) -> Array:
    """Convolves pictures.

    Args:
        op: the operation.
        x: (..., C, H, W).
        kernel: kh, kw.
        product: rows (..., kh kw C) times the kernels as a matrix, (..., O); a row's bits depend on it alone.

    Returns:
        (..., O, H', W').
    """
    around = (op.padding, op.padding)
    padded = np.pad(x, [(0, 0)] * (x.ndim - 2) + [around, around])
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel, axis=(-2, -1))
    patches = np.moveaxis(windows[..., :: op.stride, :: op.stride, :, :], -5, -1)
    size = kernel[0] * kernel[1] * x.shape[-3]
    return np.moveaxis(product(patches.reshape(*patches.shape[:-3], size)), -1, -3)
