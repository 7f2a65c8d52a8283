"""One layer in one direction as two calls of native code, and as one function of autograd.

Axes: B batch, T time, D features, W width of h, H hidden, G stacked gates.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from whorl import _native
from whorl.ops import reference
from whorl.ops.call import InputGates, State, Step, Weights
from whorl.ops.native_bounds import addresses, check_layer, check_numbers, check_option, check_state
from whorl.ops.stack import Pass

NUM_GATES = {name: gates for name, (gates, _) in _native.CELLS.items()}
NUM_WEIGHTS = len(Weights._fields)
# Fresh memory for fewer numbers than this costs no more than one that is used again.
_FEW = 65_536
_NO_OPTIONS = (None,) * 5
_OPTION_DTYPES = (torch.int64, torch.bool, torch.float32, torch.float32, torch.float32)


class Sequences(NamedTuple):
    """How the sequences are read; the tensors are contiguous.

    Args:
        reverse: from the last real step to the first.
        hold: share of the old state that stays, where `hold_h_TBW` is None.
        lengths_B: int64, real steps.
        resets_TB: bool, the state before that step is zero.
        mask_BW: factor of h on its way into the product.
        hold_h_TBW: share of the old h that stays.
        hold_c_TBH: share of the old c that stays.
    """

    reverse: bool
    hold: float
    lengths_B: Tensor | None
    resets_TB: Tensor | None
    mask_BW: Tensor | None
    hold_h_TBW: Tensor | None
    hold_c_TBH: Tensor | None


def dense(tensor: Tensor) -> Tensor:
    """The numbers side by side in memory, with the signs that they have."""
    return tensor.resolve_neg().contiguous()


def _rows(x_TBD: Tensor) -> Tensor:
    """Steps and rows may lie anywhere, but the numbers of a row side by side."""
    x_TBD = x_TBD.resolve_neg()
    return x_TBD if x_TBD.stride(2) == 1 or x_TBD.shape[2] == 1 else x_TBD.contiguous()


def _open(cell: str, sequences: Sequences, weights: Weights, x_TBD: Tensor, state: State) -> _native.Scan:
    hidden, width = check_layer(cell, NUM_GATES[cell], weights, x_TBD)
    steps, rows, features = x_TBD.shape
    check_state(state, rows, width, hidden)
    options = sequences[2:]
    if options != _NO_OPTIONS:
        shapes = ((rows,), (steps, rows), (rows, width), (steps, rows, width), (steps, rows, hidden))
        for name, tensor, shape, dtype in zip(Sequences._fields[2:], options, shapes, _OPTION_DTYPES, strict=True):
            check_option(name, tensor, shape, dtype)
    scan = _native.Scan(cell, features, hidden, width, steps, rows, sequences.reverse, torch.get_num_threads())
    scan.weights(*addresses(weights))
    scan.options(sequences.hold, *addresses(options))
    return scan


def _dense_weights(weights: Weights) -> Weights:
    if all(weight is None or (weight.is_contiguous() and not weight.is_neg()) for weight in weights):
        return weights
    return Weights(*(None if weight is None else dense(weight) for weight in weights))  # type: ignore[arg-type]


def saved_size(cell: str, weights: Weights) -> int:
    """Numbers that the backward pass needs of each row at each step."""
    gates, width = weights.weight_hh.shape
    normed, normed_c = weights.norm_weight_hh is not None, weights.norm_weight_c is not None
    return _native.saved_floats(cell, gates // NUM_GATES[cell], width, normed, normed_c, weights.weight_hr is not None)


def empty(like: Tensor, steps: int, rows: int, size: int) -> Tensor:
    """Memory for three axes, used before if it is much."""
    if steps * rows * size < _FEW:
        return like.new_empty(steps, rows, size)
    return torch.from_numpy(_native.recycled_array(steps, rows, size))


def forward(
    cell: str, sequences: Sequences, weights: Weights, x_TBD: Tensor, state: State, save: bool
) -> tuple[Tensor, State, Tensor | None]:
    """Runs the layer.

    Args:
        cell: 'rnn_tanh', 'rnn_relu', 'gru' or 'lstm'.
        sequences: how they are read.
        weights: of the layer and direction; float32 on CPU.
        x_TBD: the input.
        state: h (B, W), and c (B, H) of an LSTM; axes of length 1 in front of them are kept.
        save: keep what the backward pass needs.

    Returns:
        h of each step (T, B, W), 0 at padding; the final state; what was saved, (T, B, `saved_size`) in no useful
        order.
    """
    x_TBD, weights = _rows(x_TBD), _dense_weights(weights)
    steps, rows, _ = x_TBD.shape
    final = tuple([dense(part.clone()) for part in state])
    scan = _open(cell, sequences, weights, x_TBD, final)
    gates, width = weights.weight_hh.shape
    output = empty(x_TBD, steps, rows, width)
    if save:
        products = saved = empty(x_TBD, steps, rows, saved_size(cell, weights))
        scan.saved(saved.data_ptr())
    else:
        products, saved = empty(x_TBD, steps, rows, gates), None
    step, row, _ = x_TBD.stride()
    c = final[1].data_ptr() if len(final) > 1 else 0
    scan.forward(x_TBD.data_ptr(), step, row, products.data_ptr(), final[0].data_ptr(), c, output.data_ptr())
    return output, final, saved


def backward(
    cell: str,
    sequences: Sequences,
    weights: Weights,
    x_TBD: Tensor,
    saved: Tensor,
    d_out: Tensor | None,
    d_final: State,
    wanted: Sequence[bool],
) -> tuple[Tensor | None, list[Tensor | None], State]:
    """Gradients of the input, of the weights and of the initial state.

    Args:
        cell: as in `forward`.
        sequences: as in `forward`.
        weights: as in `forward`.
        x_TBD: as in `forward`.
        saved: by `forward`; left as it is.
        d_out: gradient of its output, or None for zeros.
        d_final: gradient of the final state, contiguous; overwritten by that of the initial one.
        wanted: whether the gradient of the input, and that of each weight, is wanted; None comes for the others.
    """
    check_numbers((x_TBD, *weights, *d_final))
    x_TBD, weights = _rows(x_TBD), _dense_weights(weights)
    scan = _open(cell, sequences, weights, x_TBD, d_final)
    check_option("saved", saved, (*x_TBD.shape[:2], saved_size(cell, weights)), torch.float32)
    scan.saved(saved.data_ptr())
    if d_out is not None:
        d_out = _rows(d_out)
        check_numbers((d_out,))
    d_x = empty(x_TBD, *x_TBD.shape) if wanted[0] else None
    d_weights = [
        weight.new_empty(weight.shape) if asked and weight is not None else None
        for weight, asked in zip(weights, wanted[1:], strict=True)
    ]
    scan.gradients(*addresses(d_weights))
    step, row, _ = x_TBD.stride()
    out_step, out_row, _ = (0, 0, 0) if d_out is None else d_out.stride()
    d_c = d_final[1] if len(d_final) > 1 else None
    x_at, out_at, h_at, c_at, d_x_at = addresses((x_TBD, d_out, d_final[0], d_c, d_x))
    scan.backward(x_at, step, row, out_at, out_step, out_row, h_at, c_at, d_x_at)
    return d_x, d_weights, d_final


class ScanFunction(torch.autograd.Function):
    """`forward` and `backward` for autograd; differentiable twice, the second time through plain PyTorch.

    `apply(cell, (input_gates, step), sequences, x, *weights, *state)` returns the output and the parts of the final
    state; the pair is the cell's equation in plain PyTorch.
    """

    @staticmethod
    def forward(
        ctx: Any,
        cell: str,
        equation: tuple[InputGates, Step],
        sequences: Sequences,
        x_TBD: Tensor,
        *tensors: Tensor,
    ) -> tuple[Tensor, ...]:
        weights, state = Weights(*tensors[:NUM_WEIGHTS]), tensors[NUM_WEIGHTS:]
        output, final, saved = forward(cell, sequences, weights, x_TBD, state, save=True)
        # All tensors go this way, so that torch frees them after the backward pass and notices changes in place.
        ctx.save_for_backward(x_TBD, saved, *sequences[2:], *tensors)
        ctx.set_materialize_grads(False)
        ctx.how = (cell, equation, sequences.reverse, sequences.hold)
        return output, *final

    @staticmethod
    def backward(ctx: Any, d_out: Tensor | None, *d_final: Tensor | None) -> tuple[Tensor | None, ...]:
        cell, equation, reverse, hold = ctx.how
        x_TBD, saved, *tensors = ctx.saved_tensors
        options, inputs = tensors[:5], tensors[5:]
        sequences = Sequences(reverse, hold, *options)
        weights, state = Weights(*inputs[:NUM_WEIGHTS]), tuple(inputs[NUM_WEIGHTS:])
        # Somebody wants the gradient of the gradient, or many gradients at once: wrapped tensors have no memory.
        is_wrapped = any(grad is not None and not torch._C._has_storage(grad) for grad in (d_out, *d_final))
        if torch.is_grad_enabled() or is_wrapped:
            layer = _in_torch(cell, equation, sequences, x_TBD, weights, state)
            return None, None, None, *_backward_in_torch(layer, ctx.needs_input_grad[3:], (d_out, *d_final))
        d_state = tuple(
            part.new_zeros(part.shape) if grad is None else dense(grad.clone())
            for part, grad in zip(state, d_final, strict=True)
        )
        wanted = ctx.needs_input_grad[3 : 4 + NUM_WEIGHTS]
        d_x, d_weights, d_state = backward(cell, sequences, weights, x_TBD, saved, d_out, d_state, wanted)
        return None, None, None, d_x, *d_weights, *d_state


def _in_torch(
    cell: str,
    equation: tuple[InputGates, Step],
    sequences: Sequences,
    x_TBD: Tensor,
    weights: Weights,
    state: State,
) -> Pass:
    reverse, hold, lengths_B, resets_TB, mask_BW, *held = sequences
    parts = tuple(part for part in held if part is not None)
    share = parts or (hold if hold > 0 else None)
    return Pass(cell, *equation, x_TBD, state, weights, lengths_B, resets_TB, reverse, mask_BW, share)


def _backward_in_torch(layer: Pass, needs: Sequence[bool], grads: Sequence[Tensor | None]) -> list[Tensor | None]:
    """Gradients of x, the weights and the state, themselves differentiable."""
    create_graph = torch.is_grad_enabled()
    # The forward pass took no part in autocast, so this does not either.
    with torch.autocast("cpu", enabled=False):
        # Each input gets a name of its own: autograd would go on beyond it, into what x or the state were made of,
        # which is for the caller to do.
        with torch.enable_grad():
            x_TBD, *tensors = (
                None if one is None else one.view_as(one) for one in (layer.x_TBD, *layer.weights, *layer.state)
            )
            weights, state = Weights(*tensors[:NUM_WEIGHTS]), tuple(tensors[NUM_WEIGHTS:])  # type: ignore[arg-type]
            named = layer._replace(x_TBD=x_TBD, weights=weights, state=state)  # type: ignore[arg-type]
            output, final = reference.scan(named)
        given = [(one, grad) for one, grad in zip((output, *final), grads, strict=True) if grad is not None]
        inputs = (x_TBD, *tensors)
        wanted = [one for one, needed in zip(inputs, needs, strict=True) if one is not None and needed]
        if not given or not wanted:
            return [None] * len(inputs)
        outputs, seeds = zip(*given, strict=True)
        found = iter(torch.autograd.grad(outputs, wanted, seeds, create_graph=create_graph, allow_unused=True))
    return [next(found) if one is not None and needed else None for one, needed in zip(inputs, needs, strict=True)]
