"""The loss of texts that are spread over steps."""

import itertools
import math

import pytest
import torch

from whorl.nn.spread import muted, spread_loss

NAN = float("nan")


def by_hand(logits: torch.Tensor, text: tuple[int, ...]) -> float:
    """The probability of a text over all ways to say it."""
    probabilities, total = logits.softmax(dim=-1), 0.0
    for way in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        if tuple(symbol for symbol, _ in itertools.groupby(way) if symbol) == text:
            total += math.prod(float(probabilities[t, symbol]) for t, symbol in enumerate(way))
    return -math.log(total)


def test_the_loss_is_that_of_all_ways_to_say_a_text():
    logits = torch.randn(2, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    targets = torch.tensor([[1.0, 1.0, NAN, NAN], [2.0, 1.0, 2.0, NAN]])
    found = spread_loss(logits, targets, torch.tensor([1.0, 0.5]), None)
    wanted = by_hand(logits[0], (1, 1)) + 0.5 * by_hand(logits[1], (2, 1, 2))
    assert float(found.total) == pytest.approx(wanted)
    assert float(found.weight) == 2 + 0.5 * 3


def test_padding_changes_neither_the_loss_nor_the_gradient():
    logits = torch.randn(1, 3, 4, generator=torch.Generator().manual_seed(2))
    alone = logits.clone().requires_grad_()
    targets = torch.tensor([[3.0, 1.0, NAN]])
    wanted = spread_loss(alone, targets, torch.ones(1), None)
    wanted.total.backward()
    padded = torch.cat([logits, torch.full((1, 2, 4), 7.0)], dim=1).requires_grad_()
    longer = torch.cat([targets, torch.full((1, 2), NAN)], dim=1)
    found = spread_loss(padded, longer, torch.ones(1), torch.tensor([3]))
    found.total.backward()
    assert torch.equal(found.total, wanted.total)
    assert torch.equal(padded.grad[:, :3], alone.grad)
    assert not padded.grad[:, 3:].any()


def test_what_is_said_before_the_first_answer_counts_for_nothing():
    logits = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(3)).requires_grad_()
    targets = torch.tensor([[3.0, 1.0, NAN], [2.0, NAN, NAN]])
    wanted = spread_loss(logits[:, 2:], targets, torch.ones(2), torch.tensor([3, 2]))
    found = spread_loss(logits, targets, torch.ones(2), torch.tensor([5, 4]), 2)
    assert torch.equal(found.total, wanted.total)
    found.total.backward()
    assert not logits.grad[:, :2].any()
    assert float(spread_loss(logits[:1], targets[:1], torch.ones(1), torch.tensor([1]), 2).weight) == 0.0


@pytest.mark.parametrize("lengths", [None, torch.tensor([2, 1])])
def test_sequences_that_end_before_the_first_answer_teach_nothing_and_count_for_nothing(lengths):
    logits = torch.randn(2, 2, 4, requires_grad=True)
    loss = spread_loss(logits, torch.tensor([[NAN, NAN], [2.0, 3.0]]), torch.ones(2), lengths, 2)
    assert (loss.total.item(), loss.weight.item()) == (0.0, 0.0)
    loss.total.backward()
    assert not logits.grad.any()


@pytest.mark.parametrize("text", [[1.0, 2.0, 3.0], [1.0, 1.0, NAN]])
def test_a_text_that_does_not_fit_teaches_nothing_and_counts_for_nothing(text):
    logits = torch.randn(2, 3, 4, requires_grad=True)
    targets = torch.tensor([text, [2.0, NAN, NAN]])
    found = spread_loss(logits, targets, torch.ones(2), torch.tensor([2, 3]))
    found.total.backward()
    assert found.weight.item() == 1.0
    assert not logits.grad[0].any()
    assert logits.grad[1].any()


def test_silence_is_learned_too():
    logits = torch.zeros(1, 2, 3, requires_grad=True)
    found = spread_loss(logits, torch.full((1, 2), NAN), torch.ones(1), None)
    found.total.backward()
    assert found.total.item() == pytest.approx(2 * math.log(3))
    assert found.weight.item() == 1.0
    assert (logits.grad[0, :, 0] < 0).all()


def test_a_muted_step_has_the_same_odds_between_symbols_and_worse_ones_beside_none():
    logits = torch.randn(1, 2, 4, generator=torch.Generator().manual_seed(4))
    before = logits.log_softmax(dim=-1)
    after = muted(logits, torch.tensor([[0.0, 1.5]])).log_softmax(dim=-1)
    torch.testing.assert_close(after[0, 0], before[0, 0])
    torch.testing.assert_close(after[0, 1, 1:] - after[0, 1, 1], before[0, 1, 1:] - before[0, 1, 1])
    torch.testing.assert_close(after[0, 1, 1] - after[0, 1, 0], before[0, 1, 1] - before[0, 1, 0] - 1.5)
