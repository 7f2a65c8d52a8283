"""Masks of random bits."""

import pytest
import torch

import whorl.nn
from whorl.ops import masks

NUMBERS = 1 << 22


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.93])
def test_the_share_of_ones_is_the_probability(probability):
    torch.manual_seed(0)
    mask = masks.draw(torch.zeros(1), (NUMBERS,), probability)
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    # Five standard deviations, and the step of the probability.
    assert abs(float(mask.mean()) - probability) < 5 * 0.5 / NUMBERS**0.5 + 2**-17


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_none_and_all_are_exact(probability):
    assert (masks.draw(torch.zeros(1), (1000,), probability) == probability).all()


@pytest.mark.parametrize(("probability", "rare"), [(1e-9, 1.0), (1 - 1e-9, 0.0)])
def test_what_is_nearly_none_or_all_is_not_rounded_to_it(probability, rare):
    torch.manual_seed(0)
    count = int((masks.draw(torch.zeros(1), (NUMBERS,), probability) == rare).sum())
    assert 20 < count < 120  # 64 are expected


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 5), (2, 3, 7)])
def test_shapes_that_four_does_not_divide(shape):
    assert masks.draw(torch.zeros(1), shape, 0.5).shape == shape


def test_another_default_device_changes_nothing():
    layer, x = whorl.nn.GRU(3, 5, zoneout=0.5), torch.randn(4, 2, 3)
    torch.manual_seed(0)
    expected, _ = layer(x)
    torch.manual_seed(0)
    with torch.device("meta"):
        mask = masks.draw(x, (3,), 0.5)
    assert mask.is_cpu
    torch.manual_seed(0)
    with torch.device("meta"):
        held = masks.draw(x, (4, 2, 5), 0.5)
    torch.manual_seed(0)
    assert torch.equal(held, masks.draw(x, (4, 2, 5), 0.5))
    assert expected.is_cpu
