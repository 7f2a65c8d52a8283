"""`native_scan` as operators that torch.compile can put into a graph without looking inside.

In eager mode they are not used: a registered operator costs tens of microseconds a call. Operators take no list with
holes, so a list of tensors comes as those that are there, and `there` says for each weight, then for each tensor of
`Sequences`, whether it is.

Axes: B batch, T time, D features, W width of h.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from whorl.ops import native_scan
from whorl.ops.call import Weights
from whorl.ops.native_bounds import check_numbers
from whorl.ops.native_scan import NUM_WEIGHTS, Sequences

T = TypeVar("T")


def scan(
    cell: str, sequences: Sequences, weights: Weights, x_TBD: Tensor, state: tuple[Tensor, ...], save: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """`native_scan.forward` as one node of a graph; returns the output (T, B, W) and the final state."""
    reverse, hold, *options = sequences
    found = forward(
        cell,
        reverse,
        hold,
        save,
        [tensor is not None for tensor in (*weights, *options)],
        x_TBD,
        list(state),
        [weight for weight in weights if weight is not None],
        [option for option in options if option is not None],
    )
    return found[0], tuple(found[1 : 1 + len(state)])


@torch.library.custom_op("whorl::scan", mutates_args=())
def forward(
    cell: str,
    reverse: bool,
    hold: float,
    save: bool,
    there: list[bool],
    x_TBD: Tensor,
    state: list[Tensor],
    weights: list[Tensor],
    options: list[Tensor],
) -> list[Tensor]:
    """Returns the output (T, B, W), the parts of the final state, and what the backward pass needs."""
    sequences = _sequences(reverse, hold, there, options)
    check_numbers((x_TBD, *state, *weights))  # in a graph nobody else has
    output, final, saved = native_scan.forward(cell, sequences, _weights(there, weights), x_TBD, tuple(state), save)
    return [output, *final] if saved is None else [output, *final, saved]


@forward.register_fake
def _(
    cell: str, _reverse: bool, _hold: float, save: bool, there: list[bool], x_TBD: Tensor, *tensors: list[Tensor]
) -> list[Tensor]:
    state, weights, _ = tensors
    known = _weights(there, weights)
    steps, rows, _ = x_TBD.shape
    output = x_TBD.new_empty(steps, rows, known.weight_hh.shape[1])
    final = [part.new_empty(part.shape) for part in state]
    return [output, *final, *([x_TBD.new_empty(steps, rows, native_scan.saved_size(cell, known))] if save else [])]


@torch.library.custom_op("whorl::scan_backward", mutates_args=())
def backward(
    cell: str,
    reverse: bool,
    hold: float,
    there: list[bool],
    x_TBD: Tensor,
    weights: list[Tensor],
    options: list[Tensor],
    saved: Tensor,
    d_out: Tensor,
    d_final: list[Tensor],
    wanted: list[bool],
) -> list[Tensor]:
    """Returns the gradients of the parts of the initial state, then of the input and of each weight if `wanted`."""
    d_state = tuple(native_scan.dense(grad.clone()) for grad in d_final)
    d_x, d_weights, d_state = native_scan.backward(
        cell,
        _sequences(reverse, hold, there, options),
        _weights(there, weights),
        x_TBD,
        saved,
        d_out,
        d_state,
        wanted,
    )
    return [*d_state, *(grad for grad in (d_x, *d_weights) if grad is not None)]


@backward.register_fake
def _(*given: Any) -> list[Tensor]:
    *_, there, x_TBD, weights, _, _, _, d_final, wanted = given
    learning = [x_TBD, *_spread(there[:NUM_WEIGHTS], weights)]
    found = [tensor for tensor, asked in zip(learning, wanted, strict=True) if asked and tensor is not None]
    return [x_TBD.new_empty(tensor.shape) for tensor in (*d_final, *found)]


def _setup(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    cell, reverse, hold, _, there, x_TBD, state, weights, options = inputs
    ctx.how, ctx.sizes = (cell, reverse, hold, there), (len(state), len(weights), len(options))
    ctx.save_for_backward(x_TBD, output[-1], *weights, *options)


def _backward(ctx: Any, grads: list[Tensor]) -> tuple[Any, ...]:
    num_state, num_weights, num_options = ctx.sizes
    x_TBD, saved, *tensors = ctx.saved_tensors
    weights, options = tensors[:num_weights], tensors[num_weights:]
    there, (needs_x, _, needs_weights) = ctx.how[-1], ctx.needs_input_grad[5:8]
    wanted = [needs_x, *(bool(need) for need in _spread(there[:NUM_WEIGHTS], needs_weights))]
    found = backward(*ctx.how, x_TBD, weights, options, saved, grads[0], grads[1 : 1 + num_state], wanted)
    d_state, rest = found[:num_state], iter(found[num_state:])
    d_x = next(rest) if needs_x else None
    d_weights = [next(rest) if need else None for need in needs_weights]
    return None, None, None, None, None, d_x, d_state, d_weights, [None] * num_options


forward.register_autograd(_backward, setup_context=_setup)


def _spread(there: Sequence[bool], values: Sequence[T]) -> list[T | None]:
    known = iter(values)
    return [next(known) if is_there else None for is_there in there]


def _weights(there: Sequence[bool], weights: Sequence[Tensor]) -> Weights:
    return Weights(*_spread(there[:NUM_WEIGHTS], weights))  # type: ignore[arg-type]


def _sequences(reverse: bool, hold: float, there: Sequence[bool], options: Sequence[Tensor]) -> Sequences:
    return Sequences(reverse, hold, *_spread(there[NUM_WEIGHTS:], options))
