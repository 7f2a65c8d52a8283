"""Layer norm, recurrent dropout and zoneout, with weights whose answer is known."""

import math

import pytest
import torch
from torch import Tensor

import whorl.nn


def normal(vector: Tensor) -> Tensor:
    return (vector - vector.mean(-1, keepdim=True)) / (vector.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()


def test_layer_norm_of_an_lstm_is_equations_20_to_22():
    torch.manual_seed(0)
    layer = whorl.nn.LSTM(3, 5, layer_norm=True, dtype=torch.float64)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    x, h, c = (torch.randn(2, size, dtype=torch.float64) for size in (3, 5, 5))
    summed = (
        normal(h @ layer.weight_hh_l0.T) * layer.norm_weight_hh_l0
        + layer.bias_hh_l0
        + normal(x @ layer.weight_ih_l0.T) * layer.norm_weight_ih_l0
        + layer.bias_ih_l0
    )
    i, f, g, o = summed.chunk(4, -1)
    expected_c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    expected_h = o.sigmoid() * (normal(expected_c) * layer.norm_weight_c_l0 + layer.norm_bias_c_l0).tanh()
    output, (new_h, new_c) = layer(x[None], (h[None], c[None]))
    torch.testing.assert_close(new_c[0], expected_c)
    torch.testing.assert_close(new_h[0], expected_h)
    torch.testing.assert_close(output[0], expected_h)


def test_layer_norm_of_a_gru_keeps_the_two_products_apart():
    torch.manual_seed(0)
    layer = whorl.nn.GRU(3, 5, layer_norm=True, dtype=torch.float64)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    x, h = torch.randn(2, 3, dtype=torch.float64), torch.randn(2, 5, dtype=torch.float64)
    a = normal(x @ layer.weight_ih_l0.T) * layer.norm_weight_ih_l0 + layer.bias_ih_l0
    u = normal(h @ layer.weight_hh_l0.T) * layer.norm_weight_hh_l0 + layer.bias_hh_l0
    (a_r, a_z, a_n), (u_r, u_z, u_n) = a.chunk(3, -1), u.chunk(3, -1)
    z = (a_z + u_z).sigmoid()
    expected = (1 - z) * (a_n + (a_r + u_r).sigmoid() * u_n).tanh() + z * h
    torch.testing.assert_close(layer(x[None], h[None])[1][0], expected)


def test_layer_norm_ignores_the_scale_of_the_input_weights():
    layer = whorl.nn.RNN(3, 5, layer_norm=True, dtype=torch.float64)
    x = torch.randn(4, 2, 3, dtype=torch.float64)
    before = layer(x)[0]
    with torch.no_grad():
        layer.weight_ih_l0 *= 100
    # The epsilon of the variance weighs less once the variance is larger: measured 3e-5.
    torch.testing.assert_close(layer(x)[0], before, rtol=0, atol=1e-3)


def counter(**options) -> whorl.nn.RNN:
    """One relu unit that adds its input to what it holds: with x = 1 it counts steps."""
    layer = whorl.nn.RNN(1, 1, nonlinearity="relu", bias=False, **options)
    torch.nn.init.ones_(layer.weight_ih_l0)
    torch.nn.init.ones_(layer.weight_hh_l0)
    return layer


def test_zoneout_in_evaluation_is_the_expectation():
    layer = counter(zoneout=0.25).eval()
    # h1 = 0.75 * 1; h2 = 0.25 * h1 + 0.75 * (h1 + 1); each step adds 0.75.
    torch.testing.assert_close(layer(torch.ones(3, 1))[0][:, 0], torch.tensor([0.75, 1.5, 2.25]))


def test_zoneout_in_training_keeps_or_steps_and_keeps_with_its_probability():
    torch.manual_seed(0)
    layer = counter(zoneout=0.25)
    output, _ = layer(torch.ones(20, 1000, 1))
    moved = torch.diff(output[:, :, 0], dim=0, prepend=torch.zeros(1, 1000))
    assert set(moved.unique().tolist()) == {0.0, 1.0}
    # 20000 draws: four standard deviations are 0.0123.
    assert abs((moved == 0).float().mean().item() - 0.25) < 0.0123


def test_zoneout_of_an_lstm_holds_h_and_c_apart():
    torch.manual_seed(0)
    layer = whorl.nn.LSTM(1, 1, zoneout=0.5)
    h, c = torch.full((1, 4000, 1), 7.0), torch.full((1, 4000, 1), 9.0)
    _, (new_h, new_c) = layer(torch.ones(1, 4000, 1), (h, c))
    held_h, held_c = (new_h == h).float(), (new_c == c).float()
    for share, expected in ((held_h, 0.5), (held_c, 0.5), (held_h * held_c, 0.25)):
        # Four standard deviations.
        assert abs(share.mean().item() - expected) < 4 * math.sqrt(expected * (1 - expected) / 4000)


def test_recurrent_dropout_keeps_one_mask_for_the_whole_sequence():
    torch.manual_seed(0)
    layer = counter(recurrent_dropout=0.5)
    output, _ = layer(torch.ones(4, 1000, 1))
    # A dropped unit forgets at every step: 1, 1, 1, 1. A kept one doubles what it holds: 1, 3, 7, 15.
    runs = {tuple(run) for run in output[:, :, 0].T.tolist()}
    assert runs == {(1.0, 1.0, 1.0, 1.0), (1.0, 3.0, 7.0, 15.0)}
    dropped = (output[-1] == 1).float().mean().item()
    assert abs(dropped - 0.5) < 4 * math.sqrt(0.25 / 1000)


def test_recurrent_dropout_does_nothing_in_evaluation():
    layer = counter(recurrent_dropout=0.5).eval()
    assert layer(torch.ones(4, 1))[0][:, 0].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_recurrent_dropout_of_a_gru_spares_the_h_that_is_carried():
    torch.manual_seed(0)
    layer = whorl.nn.GRU(1, 1, recurrent_dropout=0.9, bias=True)
    for parameter in layer.parameters():
        torch.nn.init.zeros_(parameter)
    with torch.no_grad():
        layer.bias_ih_l0[1] = 50.0  # z = 1: the state is kept whole
    _, h = layer(torch.ones(5, 8, 1), torch.full((1, 8, 1), 3.0))
    torch.testing.assert_close(h, torch.full((1, 8, 1), 3.0))


@pytest.mark.parametrize("options", [{"recurrent_dropout": 0.5}, {"zoneout": 0.5}])
def test_a_seed_fixes_the_masks(options):
    layer = whorl.nn.LSTM(3, 5, **options)
    x, found = torch.randn(6, 2, 3), []
    for _ in range(2):
        torch.manual_seed(4)
        found.append(layer(x)[0])
    assert torch.equal(*found)
    assert not torch.equal(found[0], layer(x)[0])


@pytest.mark.parametrize("cell", [whorl.nn.RNN, whorl.nn.GRU, whorl.nn.LSTM])
def test_all_options_together_have_right_first_and_second_derivatives(cell):
    torch.manual_seed(0)
    layer = cell(2, 3, layer_norm=True, zoneout=0.3, recurrent_dropout=0.3, dtype=torch.float64)
    x = torch.randn(3, 2, 2, dtype=torch.float64, requires_grad=True)
    resets = torch.tensor([[False, False], [False, True], [False, False]])

    def run(x: Tensor) -> Tensor:
        torch.manual_seed(1)
        return layer(x, lengths=[3, 2], resets=resets)[0]

    assert torch.autograd.gradcheck(run, (x,))
    assert torch.autograd.gradgradcheck(run, (x,))
