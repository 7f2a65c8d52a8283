"""Ranks of recommendations, and what is made of them."""

import numpy as np
import pytest

from whorl.runtime.item_metrics import ItemScores, ranks
from whorl.runtime.item_readout import ItemReadout, ranked
from whorl.runtime.prediction import Index, labelled

INDEX = Index(np.array(["u"] * 3, object), np.arange(3))
CATALOGUE = np.array(["a", "b", "c", "d"], object)
SHARES = np.array([[0.1, 0.4, 0.3, 0.2], [0.0, 0.5, 0.5, 0.0], [0.7, 0.1, 0.1, 0.1]])


def test_the_rank_counts_what_is_better_and_equals_that_stand_before():
    assert ranks(SHARES, np.array([3, 2, 3])).tolist() == [3.0, 2.0, 4.0]


def test_what_was_left_out_or_is_in_no_catalogue_has_no_rank():
    assert ranks(SHARES, np.array([-1, 0, 0])).tolist() == [np.inf, np.inf, 1.0]


def test_metrics_are_those_of_the_ranks():
    scores = ItemScores()
    scores.add(labelled(INDEX, SHARES, CATALOGUE, ("next item",)), np.array(["d", "c", None], object))
    found = scores.result()
    assert found["hr@1"] == 0.0
    assert found["hr@5"] == found["hr@10"] == found["recall@10"] == pytest.approx(2 / 3)
    assert found["ndcg@10"] == pytest.approx((1 / 2 + 1 / np.log2(3)) / 3)
    assert found["mrr"] == found["mrr@10"] == pytest.approx((1 / 3 + 1 / 2) / 3)
    assert (found["unseen"], found["seen"]) == (pytest.approx(1 / 3), 0.0)
    assert ItemScores().result() == {}


def test_items_that_came_and_were_left_out_are_counted():
    scores = ItemScores()
    scores.add(labelled(INDEX, SHARES, CATALOGUE, ("next item",)), np.array(["a", "a", "e"], object))
    found = scores.result()
    assert (found["seen"], found["unseen"]) == (pytest.approx(1 / 3), pytest.approx(1 / 3))


def test_the_items_of_the_last_steps_are_left_out_and_the_others_share_what_is_left():
    outputs = np.array([[[0.0, np.log(3.0), 0.0, 5.0, 4.0, 0.0, 9.0, -1.0]]], np.float32)  # 4 scores, 4 codes
    shares = ItemReadout(2, seen=4).stacked(outputs)
    assert shares[0] == pytest.approx([0.2, 0.6, 0.2, 0.0])


def test_probabilities_are_as_sure_as_those_that_came_and_ranks_are_as_before():
    draw = np.random.default_rng(0)
    logits = draw.standard_normal((2000, 9)).astype(np.float32)
    chosen = np.stack([[draw.choice(5, p=_shares(own[:5])), draw.choice(4, p=_shares(own[5:]))] for own in logits])
    codes = np.full((2000, 2), -1.0, np.float32)
    codes[:500, 0] = chosen[:500, 0] + 1  # these came, and are left out
    outputs = np.concatenate([3.0 * logits[:, :5], 0.5 * logits[:, 5:], codes], axis=1)
    came = np.stack([chosen[:, 0], np.zeros(2000), chosen[:, 1]], axis=1).astype(np.float64)
    came[500:510, 0], came[510:520] = -1.0, np.nan  # no item of training, and no truth
    plain, fitted = ItemReadout(2, seen=2, bins=4), ItemReadout(2, seen=2, bins=4).fit(outputs[:, None], came[:, None])
    assert fitted.temperatures == pytest.approx((3.0, 0.5), rel=0.1)
    assert fitted.judge.temperatures == fitted.temperatures
    before, after = (np.argsort(-one.stacked(outputs)[:, :5], axis=1, kind="stable") for one in (plain, fitted))
    assert np.array_equal(before, after)
    again = ItemReadout.restore(fitted.arrays())
    assert again.judge.stacked(outputs).tobytes() == fitted.stacked(outputs).tobytes()
    assert fitted.of_rivals().stacked(outputs).tobytes() == plain.stacked(outputs).tobytes()
    assert ItemReadout(2).fit(outputs[:2, :5], np.full((2, 1), np.nan)).temperatures == (1.0, 1.0)


def _shares(logits):
    return np.exp(logits.astype(float)) / np.exp(logits.astype(float)).sum()


def test_the_best_items_come_first_and_equal_ones_in_order_of_the_catalogue():
    found = ranked(INDEX, SHARES, CATALOGUE, ("next item",), 3)
    assert found.value.tolist() == [["b", "c", "d"], ["b", "c", None], ["a", "b", "c"]]
    assert found.probabilities[1].tolist() == [0.5, 0.5, 0.0]
