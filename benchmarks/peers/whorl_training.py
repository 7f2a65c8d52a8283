"""whorl's layers with the backend that they choose themselves.

Axes: T time, B batch, I features of a step, H hidden.
"""

from collections.abc import Sequence

import torch
from benchmarks.peers import Subject
from benchmarks.peers.torch_call import NewLengths, TorchPass
from benchmarks.problems import problem
from benchmarks.registry import RECURRENT_DROPOUT, ZONEOUT, Entry
from torch import Tensor

import whorl.nn

LAYERS = {"rnn": whorl.nn.RNN, "gru": whorl.nn.GRU, "lstm": whorl.nn.LSTM}


def build(entry: Entry, peer: str) -> Subject:
    """Builds the subject."""
    torch.set_num_threads(entry.threads)
    given = problem(entry)
    options: dict[str, object] = {
        "layer norm": {"layer_norm": True},
        "zoneout": {"zoneout": ZONEOUT},
        "recurrent dropout": {"recurrent_dropout": RECURRENT_DROPOUT},
        "projection": {"proj_size": entry.projection},
    }.get(entry.option, {})
    layer = LAYERS[entry.cell](entry.inputs, entry.hidden, **options)  # type: ignore[arg-type]
    layer.load_state_dict({f"{name}_l0": torch.tensor(value) for name, value in given.layer.present().items()})
    also = {}
    if given.lengths is not None:
        also["lengths"] = torch.tensor(given.lengths)
    if given.resets is not None:
        also["resets"] = torch.tensor(given.resets)

    def forward(x: Tensor, state: Sequence[Tensor]) -> Sequence[Tensor]:
        parts = tuple(part[None] for part in state)
        output, final = layer(x, parts if entry.cell == "lstm" else parts[0], **also)
        return [output, *(part[0] for part in (final if entry.cell == "lstm" else (final,)))]

    weights = {name.removesuffix("_l0"): weight for name, weight in layer.named_parameters()}
    kind = NewLengths if entry.option == "new lengths" else TorchPass
    decision = whorl.nn.explain(layer, torch.tensor(given.x), **also, measure=False)
    return kind(f"whorl.nn.{type(layer).__name__}, backend {decision.backend!r}", given, forward, weights).subject()
