"""What must be true of tensors before native code reads their memory: it gets addresses and believes the sizes.

Axes: B batch, T time, D features, W width of h, H hidden, G stacked gates.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from whorl import _native
from whorl.errors import ArgumentError
from whorl.ops.call import State, Weights


def check_layer(cell: str, gates: int, weights: Weights, x_TBD: Tensor) -> tuple[int, int]:
    """Refuses weights and inputs that do not fit together; returns H and W.

    Args:
        cell: one that native code knows.
        gates: how many the cell has.
        weights: of the layer; None where it has no such tensor.
        x_TBD: the input.
    """
    if x_TBD.dim() != 3 or weights.weight_hh.dim() != 2 or len(weights.weight_hh) % gates:
        raise ArgumentError(
            f"the input must have 3 axes and `weight_hh` {gates} rows for each unit of a {cell!r} cell, but they have "
            f"shapes {tuple(x_TBD.shape)} and {tuple(weights.weight_hh.shape)}. Correct the layer's weights."
        )
    if weights.weight_hr is not None and not _native.CELLS[cell][1]:
        raise ArgumentError(
            f"`weight_hr` projects h, which only a cell that keeps a c beside h allows, but the cell is {cell!r}. "
            "Leave `weight_hr` out."
        )
    size, width = weights.weight_hh.shape
    hidden = size // gates if weights.weight_hr is not None else width
    row, unit = (gates * hidden,), (hidden,)
    shapes = ((*row, x_TBD.shape[2]), (*row, width), row, row, (width, hidden), row, row, unit, unit)
    for field, weight in enumerate(weights):
        if weight is not None and weight.shape != shapes[field]:
            raise ArgumentError(
                f"`{Weights._fields[field]}` must have shape {shapes[field]} beside an input of {x_TBD.shape[2]} "
                f"features and a `weight_hh` of shape {(size, width)}, but has shape {tuple(weight.shape)}. Correct "
                "the layer's weights."
            )
    return hidden, width


def check_numbers(tensors: Iterable[Tensor | None]) -> None:
    """Refuses what is not float32 on a CPU."""
    for tensor in tensors:
        if tensor is not None and (tensor.dtype is not torch.float32 or not tensor.is_cpu):
            raise ArgumentError(
                f"native code reads float32 on a CPU, but a tensor is of {tensor.dtype} on {tensor.device}. Saved "
                "tensors must come back as they were; else choose another backend."
            )


def check_state(state: State, rows: int, width: int, hidden: int) -> None:
    """Refuses a state that is not of these sizes."""
    for part, size in zip(state, (width, hidden), strict=False):
        if part.shape[-2:] != (rows, size) or part.numel() != rows * size:
            raise ArgumentError(
                f"a state must be of {rows} sequences and {size} units, but has shape {tuple(part.shape)}. Give a "
                "state of the layer's sizes."
            )


def check_option(name: str, tensor: Tensor | None, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    """Refuses lengths, resets or masks of another shape, dtype, device or layout."""
    if tensor is None:
        return
    if tensor.shape != shape or tensor.dtype is not dtype or not tensor.is_cpu or not tensor.is_contiguous():
        raise ArgumentError(
            f"`{name}` must be a contiguous {dtype} of shape {shape} on a CPU, but is a {tensor.dtype} of shape "
            f"{tuple(tensor.shape)} on {tensor.device}. Saved tensors must come back as they were."
        )


def addresses(tensors: Iterable[Tensor | None]) -> list[int]:
    """Where the numbers of each tensor are; 0 for None."""
    found = []
    for tensor in tensors:
        address = 0 if tensor is None else tensor.data_ptr()
        if not address and tensor is not None and tensor.numel():
            raise ArgumentError(
                f"a tensor of shape {tuple(tensor.shape)} has no memory any more. Give back its storage before the "
                "layer is called."
            )
        found.append(address)
    return found
