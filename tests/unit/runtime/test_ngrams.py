"""Kneser-Ney n-grams are probabilities, and know what they have seen."""

import numpy as np
import pytest

from whorl.errors import ArgumentError, ModelFileError
from whorl.runtime.ngrams import KneserNey


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_the_probabilities_of_all_next_tokens_add_up_to_one(order):
    draw = np.random.default_rng(3)
    texts = [draw.integers(0, 4, size) for size in (1, 2, 57, 111)]
    model = KneserNey(order, num_tokens=6).fit(texts)
    for context in ([], [0], [1, 2], [5, 5], [0, 1, 2, 3, 0], [3, 3, 3, 5, 1]):
        total = sum(np.exp(-model.nats([*context, token])[-1]) for token in range(6))
        assert total == pytest.approx(1.0)


def test_unigrams_are_frequencies_but_for_their_discount():
    model = KneserNey(1, num_tokens=3).fit([[0] * 5 + [1] * 3 + [2] * 2])
    shares = np.exp(-model.nats([0, 1, 2]))
    held = (1.0 - 0.5 * 3 / 10, 0.5 * 3 / 10 / 3)  # no token was seen once, so each discount is 0.5
    assert shares == pytest.approx([0.45 + held[1], 0.25 + held[1], 0.15 + held[1]])


def test_lower_orders_count_contexts_and_not_occurrences():
    # 'francisco' is frequent, but after 'san' alone: in a new context it is no likelier than what follows many words.
    san, francisco, a, b, c, glass, new = range(7)
    text = [san, francisco] * 9 + [a, glass, b, glass, c, glass]
    model = KneserNey(2, num_tokens=7).fit([text])
    surprise = {token: model.nats([new, token])[1] for token in (francisco, glass)}
    assert surprise[glass] < surprise[francisco]
    assert model.nats([san, francisco])[1] < 0.2


def test_longer_contexts_help_where_the_text_needs_them():
    text = np.tile([0, 1, 0, 2, 0, 1, 0, 3], 40)
    held_out = text[:80]
    nats = [KneserNey(order, num_tokens=4).fit([text]).nats(held_out)[8:].mean() for order in (1, 2, 5)]
    assert nats[0] > nats[1] > nats[2]
    assert nats[2] < 0.1


def test_sizes_are_checked():
    with pytest.raises(ArgumentError, match="`order` and `num_tokens`"):
        KneserNey(0, num_tokens=3)


def test_n_grams_come_back_from_their_arrays():
    draw = np.random.default_rng(5)
    model = KneserNey(3, num_tokens=7).fit([draw.integers(0, 7, 40) for _ in range(3)])
    other = KneserNey.restore(model.arrays())
    text = draw.integers(0, 7, 30)
    assert model.nats(text).tobytes() == other.nats(text).tobytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays.pop("order2"),
        lambda arrays: arrays.pop("num_tokens"),
        lambda arrays: arrays.update(num_tokens=np.array([2])),
        lambda arrays: arrays.update(order1=arrays["order1"].astype(np.float64)),
        lambda arrays: arrays.update(order3=-arrays["order3"]),
        lambda arrays: arrays.clear(),
    ],
)
def test_damaged_n_grams_are_refused(change):
    arrays = KneserNey(3, num_tokens=4).fit([[0, 1, 2, 3, 0, 1]]).arrays()
    change(arrays)
    with pytest.raises(ModelFileError, match="n-grams"):
        KneserNey.restore(arrays)
