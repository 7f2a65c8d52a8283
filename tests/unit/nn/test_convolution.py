"""Convolutions before a core: how far their layers reach back, and what they read of it."""

import msgspec
import numpy as np
import pytest
import torch

import whorl
from whorl.nn.convolution import CausalConvolution, within
from whorl.plans.wiring import Convolution

PLAN = Convolution(channels=5, kernel_size=3, num_layers=3, growth=4)


def reach(network: CausalConvolution, steps: int = 80) -> list[int]:
    """How many steps back lie those that the last output changes with."""
    x = torch.randn(1, steps, 2, requires_grad=True)
    network(x)[0, -1].sum().backward()
    return (steps - 1 - torch.nonzero(x.grad[0].abs().sum(dim=1)).ravel()).flip(0).tolist()


def test_each_layer_reads_steps_that_lie_further_apart():
    torch.manual_seed(0)
    network = CausalConvolution(2, PLAN).eval()
    for norm in network.norms:  # nothing is cut off, so that every path counts
        torch.nn.init.constant_(norm.bias, 50.0)
    # Steps that the first layer reads lie 1 apart, those of the second 4 and those of the third 16; each reads three.
    assert reach(network) == sorted({a + 4 * b + 16 * c for a in range(3) for b in range(3) for c in range(3)})


@pytest.mark.parametrize(
    ("longest", "growth"), [(None, 4), (1000, 4), (32, 4), (31, 3), (18, 3), (17, 2), (8, 2), (7, 1), (1, 1)]
)
def test_the_last_layer_reaches_no_further_back_than_the_longest_sequence_is_long(longest, growth):
    assert within(PLAN, longest).growth == growth


@pytest.mark.parametrize(("longest", "size"), [(None, 7), (300, 7), (56, 7), (55, 6), (29, 3), (1, 3)])
def test_a_kernel_that_nobody_chose_goes_by_how_long_sequences_are(longest, size):
    plan = msgspec.structs.replace(PLAN, kernel_size=None)
    assert within(plan, longest).kernel_size == size
    assert within(msgspec.structs.replace(PLAN, kernel_size=9), longest).kernel_size == 9


def test_short_series_are_read_closely_and_long_ones_widely():
    random = np.random.default_rng(0)
    training = whorl.Training(epochs=1, device="cpu")
    network = whorl.Recurrent("gru", hidden_size=3)
    found = []
    for steps in (5, 24, 300):
        x, y = random.normal(size=(20, steps, 1)), np.arange(20) % 2
        model = whorl.Classifier(network=network, training=training).fit((x, y), verbose=False)
        found.append([layer.dilation[0] for layer in model.network_.convolution.layers])
    assert found == [[1, 1, 1], [1, 3, 9], [1, 4, 16]]
