"""Losses against their formulas, and the mask that networks drop with."""

import pytest
import torch

from whorl.nn.dropout import dropout
from whorl.nn.heads import loss
from whorl.plans.heads import Bernoulli, Head, Normal, Point, Quantiles, StudentT

HEADS = (Point("mse"), Point("mae"), Quantiles((0.1, 0.5, 0.9)), Quantiles((0.25,)))
# Orders in which (B, T, K, O) may lie in memory.
ORDERS = ((0, 1, 2, 3), (3, 0, 2, 1), (1, 0, 2, 3), (2, 3, 1, 0))


def by_the_formula(head: Head, outputs: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    known = torch.isfinite(targets)
    truth = torch.where(known, targets, 0.0)
    error = truth - outputs[..., 0]
    cost = error.square() if head == Point("mse") else error.abs()
    if isinstance(head, Quantiles):
        level = torch.tensor(head.levels, dtype=outputs.dtype)
        below = truth[..., None] - outputs[..., 1:]
        cost = cost + 2.0 * torch.maximum(level * below, (level - 1.0) * below).mean(-1)
    return (cost * known * weights.reshape(-1, 1, 1)).sum()


def laid_out(order: tuple[int, ...], x: torch.Tensor) -> torch.Tensor:
    """The same numbers, in memory in that order of the axes."""
    back = [order.index(axis) for axis in range(x.ndim)]
    return x.permute(order).contiguous().permute(back)


@pytest.mark.parametrize("head", HEADS, ids=str)
@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_loss_and_gradient_are_those_of_the_formula_in_every_layout(head: Head, order: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    num_outputs = 1 + len(head.levels) if isinstance(head, Quantiles) else 1
    outputs = laid_out(order, torch.randn(3, 7, 5, num_outputs, dtype=torch.float64)).requires_grad_()
    targets, weights = torch.randn(3, 7, 5, dtype=torch.float64), torch.tensor([1.0, 0.5, 2.0], dtype=torch.float64)
    targets[0, 2:, 1], targets[2] = torch.nan, torch.nan
    total, weight = loss(head, outputs, targets, weights)
    expected = by_the_formula(head, outputs, targets, weights)
    torch.testing.assert_close(total, expected)
    assert weight.item() == 1.0 * (35 - 5) + 0.5 * 35
    (found,) = torch.autograd.grad(3.0 * total, outputs)
    (wanted,) = torch.autograd.grad(3.0 * expected, outputs)
    torch.testing.assert_close(found, wanted)
    assert found[2].abs().max() == 0.0


@pytest.mark.parametrize("head", [Normal(), StudentT(floor=0.2)], ids=str)
def test_a_density_learns_by_its_negative_log_likelihood(head: Normal | StudentT) -> None:
    torch.manual_seed(0)
    outputs = torch.randn(3, 5, 2, 3 if isinstance(head, StudentT) else 2, dtype=torch.float64)
    targets, weights = 4 * torch.randn(3, 5, 2, dtype=torch.float64), torch.tensor([1.0, 0.5, 2.0], dtype=torch.float64)
    targets[0, 2:, 1] = torch.nan
    known = torch.isfinite(targets)
    scale = torch.nn.functional.softplus(outputs[..., 1]) + head.floor
    if isinstance(head, StudentT):
        freedom = 2 + torch.nn.functional.softplus(outputs[..., 2])
        density: torch.distributions.Distribution = torch.distributions.StudentT(freedom, outputs[..., 0], scale)
    else:
        density = torch.distributions.Normal(outputs[..., 0], scale)
    wanted = -(density.log_prob(torch.where(known, targets, 0.0)) * known * weights[:, None, None]).sum()  # type: ignore[no-untyped-call]
    total, weight = loss(head, outputs, targets, weights)
    torch.testing.assert_close(total, wanted)
    assert weight.item() == 7 + 0.5 * 10 + 2.0 * 10


@pytest.mark.parametrize("head", HEADS, ids=str)
def test_where_an_output_is_the_truth_the_gradient_is_that_of_the_formula(head: Head) -> None:
    num_outputs = 1 + len(head.levels) if isinstance(head, Quantiles) else 1
    outputs = torch.ones(2, 3, 1, num_outputs, requires_grad=True)
    targets, weights = torch.ones(2, 3, 1), torch.ones(2)
    (found,) = torch.autograd.grad(loss(head, outputs, targets, weights).total, outputs)
    (wanted,) = torch.autograd.grad(by_the_formula(head, outputs, targets, weights), outputs)
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("head", HEADS, ids=str)
@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_an_output_that_is_not_a_number_is_not_hidden(head: Head, bad: float) -> None:
    num_outputs = 1 + len(head.levels) if isinstance(head, Quantiles) else 1
    for number in range(num_outputs):
        outputs = torch.zeros(2, 3, 1, num_outputs)
        outputs[1, 0, 0, number] = bad
        assert not torch.isfinite(loss(head, outputs, torch.ones(2, 3, 1), torch.ones(2)).total)


def test_outputs_of_half_precision_are_summed_in_single() -> None:
    torch.manual_seed(0)
    head = Quantiles((0.1, 0.9))
    outputs = torch.randn(9, 101, 3, 3).bfloat16().requires_grad_()
    targets = torch.randn(9, 101, 3)
    total, _ = loss(head, outputs, targets, torch.ones(9))
    torch.testing.assert_close(total, by_the_formula(head, outputs.float(), targets, torch.ones(9)))
    (gradient,) = torch.autograd.grad(total, outputs)
    assert gradient.dtype == torch.bfloat16


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_dropout_drops_as_often_as_it_says_and_keeps_the_mean(probability: float) -> None:
    torch.manual_seed(5)
    x = torch.ones(401, 997)
    y = dropout(x, probability, True)
    dropped = y == 0
    # Four standard deviations of a mean of as many draws; rounding the probability to 2^-16 is far below.
    spread = 4.0 * (probability * (1.0 - probability) / x.numel()) ** 0.5
    assert abs(dropped.float().mean().item() - probability) < spread
    assert abs(y.double().mean().item() - 1.0) < spread / (1.0 - probability)
    assert y[~dropped].unique().numel() == 1
    # A number says nothing of its neighbours, which share their random bits' draw.
    for shift in (1, 2, 3):
        together = (dropped[:, shift:] & dropped[:, :-shift]).float().mean().item()
        assert abs(together - probability**2) < 3.0 * spread


def test_dropout_is_a_function_of_the_seed_and_spares_what_it_must() -> None:
    x = torch.randn(5, 7, requires_grad=True)
    drawn = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        drawn.append(dropout(x, 0.4, True))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert dropout(x, 0.0, True) is x or torch.equal(dropout(x, 0.0, True), x)
    assert torch.equal(dropout(x, 0.4, False), x)
    (gradient,) = torch.autograd.grad(drawn[0].sum(), x)
    torch.testing.assert_close(gradient, torch.where(drawn[0] == 0, 0.0, 1 / (1 - round(0.4 * 2**16) / 2**16)))
    assert dropout(torch.zeros(0, 3), 0.5, True).shape == (0, 3)


def test_labels_that_may_come_together_learn_each_by_its_own_cross_entropy() -> None:
    torch.manual_seed(0)
    outputs = torch.randn(3, 5, 1, dtype=torch.float64) * 4
    targets = (torch.rand(3, 5, dtype=torch.float64) < 0.4).double()
    targets[1, 2:], weights = torch.nan, torch.tensor([1.0, 0.5, 2.0], dtype=torch.float64)
    shares = torch.sigmoid(outputs[..., 0])
    nats = -torch.where(targets > 0, shares, 1 - shares).log() * torch.isfinite(targets) * weights[:, None]
    found = loss(Bernoulli(), outputs, targets, weights)
    torch.testing.assert_close(found.total, nats.sum())
    torch.testing.assert_close(found.weight, torch.tensor(5 * 1.0 + 2 * 0.5 + 5 * 2.0, dtype=torch.float64))
    # Whatever is sure is no reason for an infinite loss.
    sure = loss(Bernoulli(), torch.full((1, 2, 1), 1e4), torch.tensor([[0.0, 1.0]]), torch.ones(1))
    torch.testing.assert_close(sure.total, torch.tensor(1e4))
