"""Networks in torch: recurrent layers that replace `torch.nn`'s, and the cores that models are made of.

Names are loaded when they are first used.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whorl.nn.cells.elman import ElmanState
    from whorl.nn.cells.gru import GRUState
    from whorl.nn.cells.lstm import LSTMState
    from whorl.nn.core import Core, State
    from whorl.nn.explanation import explain
    from whorl.nn.linear import LinearCore
    from whorl.nn.linear_layer import LinearState, LRUState
    from whorl.nn.perceptron import PerceptronCore
    from whorl.nn.recurrent import RecurrentCore
    from whorl.nn.rnn import GRU, LSTM, RNN
    from whorl.nn.temporal import ConvolutionCore
    from whorl.nn.transformer import TransformerCore
    from whorl.ops.dispatch import Decision, Rejection, backend

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "ConvolutionCore",
    "Core",
    "Decision",
    "ElmanState",
    "GRUState",
    "LRUState",
    "LSTMState",
    "LinearCore",
    "LinearState",
    "PerceptronCore",
    "RecurrentCore",
    "Rejection",
    "State",
    "TransformerCore",
    "backend",
    "explain",
]

_HOMES = {
    "ElmanState": "whorl.nn.cells.elman",
    "GRUState": "whorl.nn.cells.gru",
    "LSTMState": "whorl.nn.cells.lstm",
    "Core": "whorl.nn.core",
    "State": "whorl.nn.core",
    "explain": "whorl.nn.explanation",
    "LinearCore": "whorl.nn.linear",
    "LinearState": "whorl.nn.linear_layer",
    "LRUState": "whorl.nn.linear_layer",
    "PerceptronCore": "whorl.nn.perceptron",
    "RecurrentCore": "whorl.nn.recurrent",
    "GRU": "whorl.nn.rnn",
    "LSTM": "whorl.nn.rnn",
    "RNN": "whorl.nn.rnn",
    "ConvolutionCore": "whorl.nn.temporal",
    "TransformerCore": "whorl.nn.transformer",
    "Decision": "whorl.ops.dispatch",
    "Rejection": "whorl.ops.dispatch",
    "backend": "whorl.ops.dispatch",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'whorl.nn' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
