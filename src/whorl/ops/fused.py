"""torch's own recurrent kernels: oneDNN for the plain LSTM on CPU, cuDNN on GPU, small fused operations elsewhere.

Axes: B batch, T time, D features, H hidden, L layers times directions.
"""

import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from whorl.ops.call import Call, State

_KERNELS = {"gru": torch.gru, "rnn_tanh": torch.rnn_tanh, "rnn_relu": torch.rnn_relu}
_CUDNN_MODES = {"rnn_relu": 0, "rnn_tanh": 1, "lstm": 2, "gru": 3}  # the numbers of cudnnRNNMode_t


def refuse(call: Call) -> str | None:
    """Says why torch cannot run this call; None if it can."""
    if call.cell != "lstm" and call.cell not in _KERNELS:
        return f"torch has no kernel for {call.cell!r} cells"
    if call.layer_norm:
        return "torch has no layer norm inside the recurrence"
    if call.zoneout > 0:
        return "torch has no zoneout"
    if call.recurrent_dropout > 0 and call.training:
        return "torch has no recurrent dropout"
    if call.resets_TB is not None:
        return "torch cannot reset the state inside a sequence"
    if 0 in call.x_TBD.shape[:2]:
        return "torch refuses empty input"
    if call.lengths_B is not None and torch.compiler.is_compiling():
        return "torch packs by lengths, which a graph does not know while it is compiled"
    if call.lengths_B is not None and int(call.lengths_B.min()) == 0:
        return "torch cannot pack a sequence of length 0"
    return None


def run(call: Call) -> tuple[Tensor, State]:
    """Runs a call; returns the output (T, B, directions * H) and the final state, each part (L, B, H)."""
    if call.lengths_B is None:
        output_TBH, *final = _dense(call)
        return output_TBH, tuple(final)
    packed = pack_padded_sequence(call.x_TBD, call.lengths_B.cpu(), enforce_sorted=False)
    order, back = packed.sorted_indices, packed.unsorted_indices
    assert order is not None
    assert back is not None
    state = tuple(part.index_select(1, order) for part in call.state)
    data, *final = _packed(call, packed, state)
    output = PackedSequence(data, packed.batch_sizes, order, back)
    output_TBH, _ = pad_packed_sequence(output, total_length=len(call.x_TBD))
    return output_TBH, tuple(part.index_select(1, back) for part in final)


def _dense(call: Call) -> tuple[Tensor, ...]:
    flat = _flat(call)
    options = (call.weights[0].bias_ih is not None, call.num_layers, call.dropout, call.training, call.bidirectional)
    if call.cell == "lstm":
        if call.weights[0].weight_hr is None:
            return torch.lstm(call.x_TBD, call.state, flat, *options, False)
        if torch.compiler.is_compiling():  # which can neither trace the next lines nor emit the warning
            return torch.lstm(call.x_TBD, call.state, flat, *options, False)
        with warnings.catch_warnings():
            # That oneDNN has no projection is torch's affair; a user who asked for one can do nothing about it.
            warnings.filterwarnings("ignore", message="LSTM with projections is not supported with oneDNN")
            return torch.lstm(call.x_TBD, call.state, flat, *options, False)
    return _KERNELS[call.cell](call.x_TBD, call.state[0], flat, *options, False)


def _packed(call: Call, packed: PackedSequence, state: State) -> tuple[Tensor, ...]:
    flat = _flat(call)
    options = (call.weights[0].bias_ih is not None, call.num_layers, call.dropout, call.training, call.bidirectional)
    if call.cell == "lstm":
        return torch.lstm(packed.data, packed.batch_sizes, state, flat, *options)
    return _KERNELS[call.cell](packed.data, packed.batch_sizes, state[0], flat, *options)


def _flat(call: Call) -> list[Tensor]:
    """The weights in the order that torch's kernels read them; without gains, which a refused call alone has."""
    return [weight for layer in call.weights for weight in layer[:5] if weight is not None]


def flatten(
    weights: Sequence[Tensor],
    *,
    cell: str,
    input_size: int,
    hidden_size: int,
    proj_size: int,
    num_layers: int,
    bidirectional: bool,
) -> None:
    """Moves weights on a GPU into one block of memory; without it cuDNN copies them at every call, and warns."""
    first = weights[0]
    is_acceptable: Callable[[Tensor], bool] = torch.backends.cudnn.is_acceptable
    if cell not in _CUDNN_MODES or not all(w.dtype == first.dtype and is_acceptable(w) for w in weights):
        return
    # Weights that share memory cannot be moved apart from each other.
    if len({w.data_ptr() for w in weights}) != len(weights):
        return
    per_layer = len(weights) // (num_layers * (2 if bidirectional else 1))
    sizes = (input_size, _CUDNN_MODES[cell], hidden_size, proj_size, num_layers)
    with torch.cuda.device(first.device), torch.no_grad():
        if torch._use_cudnn_rnn_flatten_weight():
            torch._cudnn_rnn_flatten_weight(list(weights), per_layer, *sizes, False, bidirectional)
