"""Sequences on both sides of a split are counted, and what is alike by chance is not."""

import numpy as np

from whorl.data.overlap import num_shared
from whorl.data.sequences import Sequence


def sequence(rows, source=None):
    rows = np.asarray(rows, np.float32)
    rows = rows[:, None] if rows.ndim == 1 else rows
    return Sequence(key="a", past=rows, time=np.arange(len(rows)), source=source)


def noise(count, seed=0):
    return np.random.default_rng(seed).standard_normal(count)


def test_copies_are_counted_and_others_are_not():
    training = [sequence(noise(20, n)) for n in range(10)]
    held_out = [sequence(noise(20, n)) for n in (3, 7, 20, 21, 22)]
    assert num_shared(training, held_out) == (2, 5)


def test_half_of_the_runs_make_a_sequence_shared():
    long = noise(60)
    training = [sequence(long[:30])]
    assert num_shared(training, [sequence(long[8:38])]) == (1, 1)  # 15 of 23 runs
    assert num_shared(training, [sequence(long[18:48])]) == (0, 1)  # 5 of 23


def test_short_sequences_are_one_run_each():
    training = [sequence([1.0, 2.0, 3.0])]
    assert num_shared(training, [sequence([1.0, 2.0, 3.0])]) == (1, 1)
    assert num_shared(training, [sequence([3.0, 2.0, 1.0]), sequence([1.0, 2.0])]) == (0, 2)


def test_rows_that_stand_still_say_nothing():
    still = sequence(np.zeros(40))
    assert num_shared([still], [still]) == (0, 1)


def test_one_column_of_several_that_differs_makes_another_row():
    rows = np.stack([noise(20), noise(20, 1)], axis=1)
    other = rows.copy()
    other[:, 1] += 1.0
    swapped = rows[:, ::-1]
    assert num_shared([sequence(rows)], [sequence(other), sequence(swapped), sequence(rows)]) == (1, 3)


def test_of_pairs_the_sources_count():
    source = noise(12)[:, None].astype(np.float32)
    assert num_shared([sequence([1.0], source)], [sequence([2.0], source)]) == (1, 1)
    assert num_shared([sequence([1.0], source)], [sequence([1.0], source + 1)]) == (0, 1)


def test_nothing_is_shared_with_nothing_and_zeros_have_no_sign():
    empty = sequence(np.empty((0, 2)))
    assert num_shared([], [empty]) == (0, 1)
    assert num_shared([empty], []) == (0, 0)
    assert num_shared([sequence([0.0, 1.0])], [sequence([-0.0, 1.0])]) == (1, 1)


def test_many_held_out_sequences_are_looked_at_evenly():
    training = [sequence([float(n), 0.5]) for n in range(0, 4500, 2)]
    shared, of = num_shared(training, [sequence([float(n), 0.5]) for n in range(4500)])
    assert of == 1500
    assert shared == 750
