"""Programs of one recurrent layer."""

import numpy as np
from tests.laws.builder import Builder

from whorl.runtime import operations as ops

CELLS = ["rnn_tanh", "rnn_relu", "gru", "lstm"]


def recurrent(cell, units, features=3, **options):
    """One layer over the stream, its weights small enough for values of order 1, and a last layer."""
    add = Builder()
    add.weights = lambda *shape: add.program.tensor(
        add.program.fresh("w"), add.rng.standard_normal(shape) / np.sqrt(shape[-1])
    )
    h = add.cell(add(ops.Input(out="x", shape=(features,))), cell, "stream", units, **options)
    width = add.program.shapes[h][-1]
    return add.done(add(ops.Affine(x=h, weight=add.weights(2, width), bias=add.weights(2))))
