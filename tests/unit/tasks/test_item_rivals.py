"""Rivals of a recommender: what each of them counts."""

import numpy as np
import pytest

from whorl.data.sequences import Sequence
from whorl.runtime.interpreter import Interpreter
from whorl.tasks.item_rivals import rivals


def session(codes):
    return Sequence(key="u", past=np.array(codes, np.float32)[:, None], time=np.arange(len(codes)))


def scores(name, training, asked, num_items=4):
    """What a rival says of each item after the session `asked`."""
    program = rivals([session(codes) for codes in training], num_items, 0)[name]
    return Interpreter(program).run({"past": session(asked).past[None]})[0, -1, 0]


def test_the_chain_looks_ahead_and_neighbours_look_both_ways():
    training = [[1, 2], [1, 2], [3, 1], [4, 3]]
    ahead, both = (scores(name, training, [1]) for name in ("markov", "neighbours"))
    assert ahead.argmax() == both.argmax() == 1
    assert both[2] > both[3]  # 3 stood before 1
    assert ahead[2] - ahead[3] == pytest.approx(np.log((3 / 12) / (2 / 12)), abs=1e-5)  # popularity alone


def test_a_neighbour_counts_less_the_farther_it_stands_and_none_at_more_than_ten_events():
    far = [1, *([5] * 9), 2, 3]
    found = scores("neighbours", [far, [1, 4], [2, 3]], [1], num_items=5)
    ties = 1e-4 * (np.bincount(np.concatenate([far, [1, 4, 2, 3]]), minlength=6)[1:] + 1) / 21
    assert found - ties == pytest.approx([0.0, 0.8**9 / 2, 0.0, 0.5, sum(0.8**d for d in range(9)) / 2], abs=1e-6)


def test_the_last_item_tells_neighbours_most_and_an_unknown_one_what_is_popular():
    training = [[1, 2], [3, 4]]
    assert scores("neighbours", training, [1, 3]).argmax() == 3
    assert scores("neighbours", training, [3, 1]).argmax() == 1
    assert scores("neighbours", training, [0]) == pytest.approx(np.full(4, 1e-4 / 4))  # how popular they are
