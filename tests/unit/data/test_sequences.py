"""Pieces of encoded sequences."""

import numpy as np

from whorl.data.sequences import Sequence


def sequence(**given):
    past = np.arange(20, dtype=np.float32).reshape(10, 2)
    return Sequence(**{"key": "a", "past": past, "time": np.arange(10), "targets": past[:, :1], **given})


def test_a_part_has_its_rows_and_what_was_known_ahead_of_them():
    whole = sequence(ahead=np.arange(13, dtype=np.float32)[:, None], known_ahead=3, marks=np.zeros(10))
    part = whole.part(2, 6, horizon=3)
    np.testing.assert_array_equal(part.past, whole.past[2:6])
    np.testing.assert_array_equal(part.targets, whole.targets[2:6])
    np.testing.assert_array_equal(part.ahead[:, 0], np.arange(2, 9))
    assert (list(part.time), len(part.marks), part.known_ahead) == ([2, 3, 4, 5], 4, 3)
    assert whole.part(0, 9, horizon=3).known_ahead == 3
    assert whole.part(0, 10) is whole


def test_a_part_of_a_sequence_with_one_truth_keeps_it():
    truth = np.array([1.0, 2.0], np.float32)
    assert sequence(targets=truth).part(0, 3).targets is truth
    assert sequence(targets=None).part(0, 3).targets is None


def test_a_sequence_is_an_anomaly_where_any_row_is():
    assert sequence(marks=np.array([0.0, 1.0, np.nan])).anomaly == 1.0
    assert sequence(marks=np.array([0.0, np.nan])).anomaly == 0.0
    assert np.isnan(sequence(marks=np.array([np.nan])).anomaly)
    assert np.isnan(sequence().anomaly)
