"""How users lay out sequences, checked and turned into (T, B, D), and back.

Axes: B batch, T time, D features, H hidden, L layers times directions.
"""

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from whorl.errors import ArgumentError
from whorl.ops import compiled_lengths
from whorl.ops.call import State, check_lengths

Sequences = TypeVar("Sequences", Tensor, PackedSequence)
"""A tensor (T, B, D), (B, T, D) or (T, D), or a PackedSequence; the output is of the same kind."""


def is_batched(input: Tensor | PackedSequence) -> bool:
    """False for a single sequence (T, D)."""
    return isinstance(input, PackedSequence) or input.dim() != 2


def steps_first(
    input: Tensor | PackedSequence, lengths: Tensor | Sequence[int] | None, batch_first: bool
) -> tuple[Tensor, Tensor | None]:
    """Returns the input as (T, B, D), and its lengths, None where all are T."""
    if isinstance(input, PackedSequence):
        if lengths is not None:
            raise ArgumentError("`lengths` describes a padded tensor, but a PackedSequence came. Leave `lengths` out.")
        return pad_packed_sequence(input)
    if input.dim() == 2:
        if lengths is not None:
            raise ArgumentError(
                "`lengths` needs a batch, but `input` has 2 axes. Cut the sequence or add a batch axis."
            )
        return input[:, None], None
    if input.dim() != 3:
        raise ArgumentError(
            f"`input` must have 3 axes, or 2 for a single sequence, but has {input.dim()}. Add or join axes."
        )
    x_TBD = input.transpose(0, 1) if batch_first else input
    return x_TBD, None if lengths is None else _lengths(lengths, x_TBD.shape[0], x_TBD.shape[1])


def _lengths(lengths: Tensor | Sequence[int], num_steps: int, batch_size: int) -> Tensor | None:
    lengths_B = torch.as_tensor(lengths)
    if lengths_B.dtype not in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8) and batch_size > 0:
        raise ArgumentError(f"`lengths` must be whole numbers, but is of {lengths_B.dtype}. Convert it with `.long()`.")
    if lengths_B.shape != (batch_size,):
        raise ArgumentError(
            f"`lengths` must have one number for each of the {batch_size} sequences, but has shape "
            f"{tuple(lengths_B.shape)}. Give a vector of {batch_size} numbers."
        )
    if batch_size == 0:
        return None
    if torch.compiler.is_compiling():
        checked_B: Tensor = compiled_lengths.checked(lengths_B, num_steps)
        return checked_B
    shortest, _ = check_lengths(lengths_B, num_steps)
    return None if shortest == num_steps else lengths_B.long()


def resets_first(resets: Tensor, x_TBD: Tensor, *, batched: bool, batch_first: bool) -> Tensor:
    """Returns the resets as (T, B)."""
    num_steps, batch_size, _ = x_TBD.shape
    shape: tuple[int, ...] = (batch_size, num_steps) if batch_first else (num_steps, batch_size)
    if not batched:
        shape = (num_steps,)
    if resets.dtype != torch.bool:
        raise ArgumentError(f"`resets` must be of torch.bool, but is of {resets.dtype}. Convert it with `.bool()`.")
    if resets.shape != shape:
        raise ArgumentError(
            f"`resets` must have the leading axes of the input, {shape}, but has shape {tuple(resets.shape)}. "
            "Give one flag for each step of each sequence."
        )
    if not batched:
        return resets[:, None]
    return resets.transpose(0, 1) if batch_first else resets


def check_features(x_TBD: Tensor, input_size: int, weight: Tensor) -> None:
    """Refuses an input of the wrong width or dtype."""
    if x_TBD.shape[-1] != input_size:
        raise ArgumentError(
            f"`input` must have input_size={input_size} features in its last axis, but has {x_TBD.shape[-1]}. "
            "Check the order of its axes."
        )
    if x_TBD.dtype != weight.dtype and not torch.is_autocast_enabled(x_TBD.device.type):
        raise ArgumentError(
            f"`input` must be of the module's {weight.dtype}, but is of {x_TBD.dtype}. Convert one of them."
        )


def layers_first(state: State | None, x_TBD: Tensor, shapes: Sequence[tuple[int, int, int]], batched: bool) -> State:
    """Returns the initial state, each part (L, B, H), with zeros where none came.

    Args:
        state: as the user gave it; without a batch axis for a single sequence.
        x_TBD: the input, for dtype and device.
        shapes: (L, B, H) of each part.
        batched: False for a single sequence.
    """
    if state is None:
        return tuple(x_TBD.new_zeros(shape) for shape in shapes)
    if len(state) != len(shapes):
        raise ArgumentError(f"`hx` must be {len(shapes)} tensors (h, then c), but is {len(state)}. Give h and c.")
    parts = []
    for name, part, shape in zip(("h", "c"), state, shapes, strict=False):
        expected = shape if batched else (shape[0], shape[2])
        if part.shape != expected:
            raise ArgumentError(
                f"`hx`: {name} must have shape {expected}, but has shape {tuple(part.shape)}. "
                "The batch is its second axis, with batch_first too."
            )
        parts.append(part if batched else part[:, None])
    return tuple(parts)


def like_input(input: Sequences, output_TBH: Tensor, batch_first: bool) -> Sequences:
    """Returns the output in the layout of the input."""
    if isinstance(input, PackedSequence):
        order = input.sorted_indices
        sorted_TBH = output_TBH if order is None else output_TBH.index_select(1, order)
        rows_B = torch.arange(sorted_TBH.shape[1])
        real_TB = rows_B < input.batch_sizes[:, None]
        data = sorted_TBH[real_TB.to(sorted_TBH.device)]
        return PackedSequence(data, input.batch_sizes, order, input.unsorted_indices)
    if input.dim() == 2:
        return output_TBH[:, 0]
    return output_TBH.transpose(0, 1) if batch_first else output_TBH
