"""The loss of next items: the whole catalogue, and some of a large one."""

from functools import partial

import numpy as np
import pytest
import torch

from whorl.errors import ArgumentError
from whorl.nn import cores
from whorl.nn.autoregressive import NextToken
from whorl.nn.item_loss import drawn, item_loss
from whorl.plans.heads import Categorical
from whorl.plans.networks import Recurrent
from whorl.plans.wiring import Autoregressive, Items
from whorl.specs import Fields, Reals, Tokens

ITEMS = 7


def network(tied=True, seen=3):
    torch.manual_seed(1)
    shape = Autoregressive(embedding_size=5, tied=tied, items=Items(seen=seen))
    core = partial(cores.make, Recurrent("gru", hidden_size=6, num_layers=1))
    return NextToken(past=Tokens(ITEMS + 1), shape=shape, core=core, dropout=0.0)


def batch():
    past = torch.tensor([[1, 5, 3, 0], [2, 7, 0, 0]], dtype=torch.float32)[..., None]
    targets = torch.tensor([[4, 2, -1, torch.nan], [6, torch.nan, torch.nan, torch.nan]])[..., None]
    return {"past": past}, torch.tensor([4, 2]), targets, torch.tensor([1.0, 2.0])


@pytest.mark.parametrize("tied", [True, False])
def test_it_is_the_cross_entropy_of_known_truths_each_with_its_weight(tied):
    own, (inputs, lengths, targets, weights) = network(tied, seen=0), batch()
    found = item_loss(own, Categorical(), inputs, lengths, targets, weights)
    y = own.narrowed(own.read(inputs, lengths=lengths)[0])
    nats = -torch.log_softmax(own.logits(y), dim=-1)
    wanted = nats[0, 0, 4] + nats[0, 1, 2] + 2.0 * nats[1, 0, 6]
    torch.testing.assert_close(found.total, wanted)
    assert found.weight.item() == 4.0


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_items_that_the_session_has_had_are_no_choices_where_they_are_left_out_of_answers(smoothing):
    own, (inputs, lengths, targets, weights) = network(), batch()
    found = item_loss(own, Categorical(smoothing=smoothing), inputs, lengths, targets, weights)
    y = own.narrowed(own.read(inputs, lengths=lengths)[0])
    scores, wanted = own.logits(y), 0.0
    for row, step, truth, seen in ((0, 0, 4, {0}), (0, 1, 2, {0, 4}), (1, 0, 6, {1})):
        others = [item for item in range(ITEMS) if item not in seen]
        nats = -torch.log_softmax(scores[row, step, others], dim=-1)
        each = (1 - smoothing) * nats[others.index(truth)] + smoothing * nats.mean()
        wanted += each * weights[row]
    torch.testing.assert_close(found.total, wanted)
    found.total.backward()
    assert all(torch.isfinite(one.grad).all() for one in own.parameters() if one.grad is not None)


def test_an_item_that_is_forgotten_on_its_way_in_is_no_choice_either_and_one_that_comes_again_is():
    own, (_, _, _, weights) = network(), batch()
    inputs = {"past": torch.tensor([[1, 0, 3]], dtype=torch.float32)[..., None]}
    targets = torch.tensor([[4, 2, 0]], dtype=torch.float32)[..., None]
    found = item_loss(own, Categorical(), inputs, None, targets, weights[:1])
    scores = own.logits(own.narrowed(own.read(inputs)[0]))[0]
    wanted = -torch.log_softmax(scores[0, [1, 2, 3, 4, 5, 6]], dim=-1)[3]
    wanted = wanted - torch.log_softmax(scores[1, [1, 2, 3, 5, 6]], dim=-1)[1]
    wanted = wanted - torch.log_softmax(scores[2, [0, 1, 3, 5, 6]], dim=-1)[0]  # 0 comes again: it is among them
    torch.testing.assert_close(found.total, wanted)


def test_padding_does_not_change_it():
    own, (inputs, lengths, targets, weights) = network(), batch()
    wanted = item_loss(own, Categorical(), inputs, lengths, targets, weights)
    longer = torch.nn.functional.pad(inputs["past"], (0, 0, 0, 3), value=6.0)
    unknown = torch.nn.functional.pad(targets, (0, 0, 0, 3), value=torch.nan)
    found = item_loss(own, Categorical(), {"past": longer}, lengths, unknown, weights)
    torch.testing.assert_close(found.total, wanted.total)


def test_a_batch_without_a_truth_costs_nothing():
    own, (inputs, lengths, targets, weights) = network(), batch()
    for head in (Categorical(), Categorical(negatives=3)):
        found = item_loss(own, head, inputs, lengths, torch.full_like(targets, torch.nan), weights)
        assert found.total.item() == found.weight.item() == 0.0


@pytest.mark.parametrize("seen", [0, 3])
def test_drawn_items_estimate_the_sum_over_all_of_them(seen):
    own, (inputs, lengths, targets, weights) = network(seen=seen).train(), batch()
    exact = item_loss(own, Categorical(), inputs, lengths, targets, weights).total.item()
    few = [
        item_loss(own, Categorical(negatives=400), inputs, lengths, targets, weights).total.item() for _ in range(60)
    ]
    # The spread of the mean was measured as 0.008; without the correction for q it is off by more than 1.
    assert np.mean(few) == pytest.approx(exact, abs=0.05)
    own.eval()
    assert item_loss(own, Categorical(negatives=2), inputs, lengths, targets, weights).total.item() == exact


def test_frequent_items_are_drawn_more_often_and_q_says_how_often():
    torch.manual_seed(3)
    truths = torch.tensor([2] * 6 + [0] * 2)
    others, log_q = drawn(truths, 4, 20_000)
    shares = np.bincount(others.numpy(), minlength=4) / 20_000
    assert shares == pytest.approx([0.25, 0.125, 0.5, 0.125], abs=0.02)
    assert np.exp(log_q[others == 2][0].item()) == pytest.approx(0.5)


def test_when_the_next_event_came_is_learned_beside_what_it_was():
    torch.manual_seed(1)
    shape = Autoregressive(embedding_size=5, items=Items(until=True))
    core = partial(cores.make, Recurrent("gru", hidden_size=6, num_layers=1))
    past = Fields({"item": Tokens(ITEMS + 1), "elapsed": Reals(1), "lapse": Tokens(4)})
    own, (inputs, lengths, targets, weights) = NextToken(past, shape, core, dropout=0.0), batch()
    elapsed, lapse = torch.zeros_like(inputs["past"]), torch.tensor([[0, 3, 1, 2], [0, 2, 0, 0]])[..., None]
    inputs = {"past": torch.cat([inputs["past"], elapsed, lapse], dim=-1)}
    bins = torch.tensor([[2.0, 0.0, 1.0, torch.nan], [1.0, torch.nan, torch.nan, torch.nan]])[..., None]
    found = item_loss(own, Categorical(), inputs, lengths, torch.cat([targets, 9 * bins, bins], dim=-1), weights)
    y = own.read(inputs, lengths=lengths)[0]
    items = -torch.log_softmax(own.logits(own.narrowed(y)), dim=-1)
    times = -torch.log_softmax(own.until(y), dim=-1)
    wanted = items[0, 0, 4] + items[0, 1, 2] + 2.0 * items[1, 0, 6]
    wanted = wanted + times[0, 0, 2] + times[0, 1, 0] + times[0, 2, 1] + 2.0 * times[1, 0, 1]
    torch.testing.assert_close(found.total, wanted)
    assert found.weight.item() == 5.0  # an item that training does not have came at a time, too


def test_a_network_that_says_when_needs_bins_of_time():
    shape = Autoregressive(embedding_size=5, items=Items(until=True))
    core = partial(cores.make, Recurrent("gru", hidden_size=6, num_layers=1))
    with pytest.raises(ArgumentError, match="ends with a column of bins of time"):
        NextToken(past=Tokens(ITEMS + 1), shape=shape, core=core, dropout=0.0)
