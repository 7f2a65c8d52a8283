"""Cores of every kind that are held to the laws."""

from collections.abc import Callable
from typing import Any

import torch
from tests.laws.core_laws import CoreSubject
from torch import nn

from whorl.cells import LinearName
from whorl.nn.convlstm import ConvLSTMCore
from whorl.nn.core import Core
from whorl.nn.linear import LinearCore
from whorl.nn.perceptron import PerceptronCore
from whorl.nn.recurrent import RecurrentCore
from whorl.nn.temporal import ConvolutionCore
from whorl.nn.transformer import TransformerCore
from whorl.specs import Picture


def core(cell: str, dtype: torch.dtype = torch.float64, **options: Any) -> CoreSubject:
    hidden = 5

    def theirs() -> nn.Module:
        kinds = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
        shared = {name: options[name] for name in ("num_layers", "bidirectional", "nonlinearity") if name in options}
        return kinds[cell](3, hidden, batch_first=True, **shared)

    return CoreSubject(new=lambda: RecurrentCore(cell, 3, hidden, **options), theirs=theirs, dtype=dtype)


TWO = {"num_layers": 2, "dropout": 0.25}
BOTH = {"bidirectional": True}
CORES = {
    "rnn tanh": ("rnn", {}),
    "rnn relu, two layers": ("rnn", {"nonlinearity": "relu", **TWO}),
    "rnn, both ways": ("rnn", BOTH),
    "rnn, layer norm": ("rnn", {"layer_norm": True}),
    "gru": ("gru", {}),
    "gru, two layers": ("gru", TWO),
    "gru, both ways, two layers": ("gru", {**BOTH, **TWO}),
    "gru, layer norm, two layers": ("gru", {"layer_norm": True, **TWO}),
    "gru, zoneout": ("gru", {"zoneout": 0.2}),
    "gru, recurrent dropout": ("gru", {"recurrent_dropout": 0.3}),
    "lstm": ("lstm", {}),
    "lstm, two layers": ("lstm", TWO),
    "lstm, both ways": ("lstm", BOTH),
    "lstm, layer norm": ("lstm", {"layer_norm": True}),
    "lstm, zoneout, two layers": ("lstm", {"zoneout": 0.2, **TWO}),
    "lstm, everything": (
        "lstm",
        {"layer_norm": True, "zoneout": 0.1, "recurrent_dropout": 0.2, **BOTH, **TWO},
    ),
}
# Read by native code, which runs in float32 alone. What it does with each option is law 08's.
NATIVE_CORES = ("rnn tanh", "gru, both ways, two layers", "lstm", "lstm, everything")

LOOKING_BACK: dict[str, Callable[[], Core]] = {
    "perceptron": lambda: PerceptronCore(3, 5, window=4, dropout=0.25),
    "perceptron, one layer, longer than most sequences": lambda: PerceptronCore(3, 5, num_layers=1, window=9),
    "perceptron of one step": lambda: PerceptronCore(3, 5, num_layers=3, window=1),
    "convolution": lambda: ConvolutionCore(3, 5, num_layers=2, dropout=0.25),
    "convolution, as wide as its input, four layers": lambda: ConvolutionCore(3, 3, kernel_size=2),
    "convolution of one step": lambda: ConvolutionCore(3, 5, num_layers=1, kernel_size=1),
    "transformer": lambda: TransformerCore(3, 8, num_heads=2, window=3, dropout=0.25),
    "transformer, one layer, longer than most sequences": lambda: TransformerCore(3, 4, num_layers=1, num_heads=1),
    "transformer of one step": lambda: TransformerCore(3, 8, window=1),
}

# What a step of a core of pictures is: channels that no other size has.
SPEC = Picture(2, 3, 4)
LINEAR_CORES = {
    "mingru": ("mingru", {}),
    "mingru, two layers": ("mingru", TWO),
    "mingru, both ways, two layers": ("mingru", {**BOTH, **TWO}),
    "minlstm": ("minlstm", {}),
    "minlstm, both ways": ("minlstm", BOTH),
    "lru": ("lru", {}),
    "lru, both ways, two layers": ("lru", {**BOTH, **TWO}),
}


OF_PICTURES: dict[str, Callable[[], Core]] = {
    "convlstm": lambda: ConvLSTMCore(SPEC, 3),
    "convlstm, two layers of smaller maps": lambda: ConvLSTMCore(SPEC, 2, num_layers=2, side=2, dropout=0.25),
    "convlstm, wide kernels, all places": lambda: ConvLSTMCore(SPEC, 2, kernel_size=5, places="kept"),
}


def linear_core(cell: LinearName, dtype: torch.dtype, **options: Any) -> CoreSubject:
    return CoreSubject(new=lambda: LinearCore(cell, 3, 5, **options), dtype=dtype)
