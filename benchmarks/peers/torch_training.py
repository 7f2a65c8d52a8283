"""torch: its own layers where they have the option, else a loop over steps.

Peer 'torch' runs the fastest loop that was found, 'torch cell' the one that most users write.

Axes: T time, B batch, I features of a step, H hidden.
"""

import warnings
from collections.abc import Sequence
from dataclasses import replace

import torch
from benchmarks.peers import Subject, loops, torch_cells
from benchmarks.peers.torch_call import Forward, NewLengths, TorchPass
from benchmarks.problems import Problem, problem
from benchmarks.registry import LOOPED, Entry
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from whorl.ops import masks

LAYERS = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}


def _masks_of_whorl(shape: Sequence[int], probability: float) -> Tensor:
    return masks.draw(torch.empty(0), shape, probability)


def build(entry: Entry, peer: str) -> Subject:
    """Builds the subject."""
    torch.set_num_threads(entry.threads)
    scan = torch_cells.scan if peer == "torch cell" else loops.scan
    right = torch_pass(entry, torch.float32, scan=scan).subject()
    if entry.option != "zoneout":
        return right
    # What is compared has whorl's masks; what is timed draws as users of torch do.
    return replace(right, call=torch_pass(entry, torch.float32, scan=scan, hold=loops.bernoulli).call)


def torch_pass(
    entry: Entry,
    dtype: torch.dtype,
    *,
    looped: bool = False,
    scan: loops.Scan = loops.scan,
    hold: loops.Draw = _masks_of_whorl,
) -> TorchPass:
    """The pass in a precision.

    Args:
        entry: what is computed.
        dtype: of all numbers.
        looped: as a loop over steps, even where torch has a layer.
        scan: the loop.
        hold: draws what zoneout keeps.
    """
    given = problem(entry)
    # With resets, calling the layer from one reset to the next took 1.3 to 2.1 times as long as the loop.
    if looped or entry.option in LOOPED:
        return _looped(entry, given, dtype, scan, hold)
    layer = torch_layer(entry, given, dtype)
    weights = {name.removesuffix("_l0"): weight for name, weight in layer.named_parameters()}
    kind = NewLengths if entry.option == "new lengths" else TorchPass
    code, forward = _layered(entry, given, layer)
    return kind(code, given, forward, weights, dtype=dtype)


def torch_layer(entry: Entry, given: Problem, dtype: torch.dtype = torch.float32) -> torch.nn.RNNBase:
    """Torch's layer with the weights of the problem."""
    options = {"proj_size": entry.projection} if entry.projection else {}
    layer = LAYERS[entry.cell](entry.inputs, entry.hidden, dtype=dtype, **options)
    layer.load_state_dict({f"{name}_l0": torch.tensor(value) for name, value in given.layer.present().items()})
    return layer


def _layered(entry: Entry, given: Problem, layer: torch.nn.RNNBase) -> tuple[str, Forward]:
    name = type(layer).__name__

    def read(x: object, state: Sequence[Tensor]) -> tuple[object, list[Tensor]]:
        parts = tuple(part[None] for part in state)
        output, final = layer(x, parts if entry.cell == "lstm" else parts[0])
        return output, [part[0] for part in (final if entry.cell == "lstm" else (final,))]

    def dense(x: Tensor, state: Sequence[Tensor]) -> Sequence[Tensor]:
        output, final = read(x, state)
        return [output, *final]  # type: ignore[list-item]

    def packed(x: Tensor, state: Sequence[Tensor]) -> Sequence[Tensor]:
        output, final = read(pack_padded_sequence(x, lengths, enforce_sorted=False), state)
        return [pad_packed_sequence(output, total_length=len(x))[0], *final]  # type: ignore[arg-type]

    if entry.option == "lengths":
        assert given.lengths is not None
        lengths = torch.tensor(given.lengths)
        return f"pack_padded_sequence + torch.nn.{name}", packed
    if entry.projection:
        warnings.filterwarnings("ignore", message="LSTM with projections is not supported with oneDNN")
    return f"torch.nn.{name}", dense


def _looped(entry: Entry, given: Problem, dtype: torch.dtype, scan: loops.Scan, hold: loops.Draw) -> TorchPass:
    weights = {
        name: torch.tensor(value, dtype=dtype, requires_grad=True) for name, value in given.layer.present().items()
    }
    keep = None if given.resets is None else 1 - torch.tensor(given.resets)[:, :, None].to(dtype)

    def forward(x: Tensor, state: Sequence[Tensor]) -> Sequence[Tensor]:
        return scan(entry.cell, weights, loops.draw(entry, state, hold), keep, x, state)

    return TorchPass(str(scan.__doc__).partition("\n")[0].rstrip("."), given, forward, weights, dtype=dtype)
