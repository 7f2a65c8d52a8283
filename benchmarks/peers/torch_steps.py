"""torch, one step at a time, in inference mode.

Peer 'torch' calls the layer, as those do who trained it; 'torch cell' moves the weights to the cell's class, which is
faster.
"""

import torch
from benchmarks.peers import Subject
from benchmarks.peers.stepping import into, stepper
from benchmarks.peers.torch_training import torch_layer
from benchmarks.problems import problem
from benchmarks.registry import Entry

_INFERENCE = torch.inference_mode()

CELLS = {"rnn": torch.nn.RNNCell, "gru": torch.nn.GRUCell, "lstm": torch.nn.LSTMCell}


def build(entry: Entry, peer: str) -> Subject:
    """Builds the subject."""
    torch.set_num_threads(entry.threads)
    # For the life of this process: entering it at each step would be measured too.
    _INFERENCE.__enter__()
    return _cell(entry) if peer == "torch cell" else _layer(entry)


def _layer(entry: Entry) -> Subject:
    layer = torch_layer(entry, problem(entry)).eval()
    x = torch.zeros(1, entry.batch, entry.inputs)
    zero = torch.zeros(1, entry.batch, entry.hidden)
    state: object = (zero, zero.clone()) if entry.cell == "lstm" else zero
    output = zero

    def step() -> None:
        nonlocal output, state
        output, state = layer(x, state)

    code = f"torch.nn.{type(layer).__name__}, T = 1"
    return stepper(entry, code, step=step, write=into(x[0].numpy()), read=lambda: output[0].numpy())


def _cell(entry: Entry) -> Subject:
    cell = CELLS[entry.cell](entry.inputs, entry.hidden).eval()
    cell.load_state_dict({name: torch.tensor(value) for name, value in problem(entry).layer.present().items()})
    x = torch.zeros(entry.batch, entry.inputs)
    zero = torch.zeros(entry.batch, entry.hidden)
    code = f"torch.nn.{type(cell).__name__}"
    if entry.cell == "lstm":
        pair = (zero, zero.clone())

        def step_pair() -> None:
            nonlocal pair
            pair = cell(x, pair)

        return stepper(entry, code, step=step_pair, write=into(x.numpy()), read=lambda: pair[0].numpy())
    h = zero

    def step() -> None:
        nonlocal h
        h = cell(x, h)

    return stepper(entry, code, step=step, write=into(x.numpy()), read=lambda: h.numpy())
