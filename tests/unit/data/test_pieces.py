"""Pieces of sequences for answers to each row, and the labels that say which rows are anomalies."""

import numpy as np
import pytest

from whorl.data.marks import check_normal, marks
from whorl.data.pieces import COLD, PieceBatches
from whorl.data.sequences import Sequence
from whorl.errors import DataError
from whorl.plans.wiring import EachRow


def sequence(count, key="a", missing=()):
    rows = np.arange(count, dtype=np.float32)[:, None]
    targets = rows.copy()
    targets[list(missing)] = np.nan
    return Sequence(key=key, past=rows, time=np.arange(count), targets=targets)


def drawn(batches, epochs=1):
    return [batches.batch(n, seed=3, epoch=epoch) for epoch in range(epochs) for n in range(len(batches))]


def scored(batch):
    """Rows with a target, one array a piece."""
    return [row[np.isfinite(row)].astype(int) for row in batch.targets[..., 0]]


def test_in_order_the_pieces_score_every_row_of_the_span_once_and_read_rows_before_it():
    batches = PieceBatches([sequence(23)], EachRow(length=5), 2, [(7, 23)], shuffle=False)
    parts = [rows for batch in drawn(batches) for rows in scored(batch)]
    assert np.concatenate(parts).tolist() == list(range(7, 23))
    first = drawn(batches)[0]
    assert first.inputs["past"][0, :, 0].tolist() == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert np.isnan(first.targets[0, :5, 0]).all()


def test_drawn_pieces_stay_in_their_spans_and_one_of_a_few_has_no_rows_before_it():
    batches = PieceBatches([sequence(40), sequence(31, "b")], EachRow(length=6), 4, [(0, 30), (11, 31)])
    cold = 0
    for batch in drawn(batches, epochs=3):
        lengths = batch.lengths if batch.lengths is not None else [batch.inputs["past"].shape[1]] * len(batch.targets)
        for rows, length in zip(scored(batch), lengths, strict=True):
            assert len(rows) == 6
            assert rows[0] >= 0
            assert rows[-1] < 31
            cold += length == 6
    assert cold >= 3 * batches._count // COLD


def test_a_seed_and_an_epoch_say_which_pieces_are_drawn():
    made = PieceBatches([sequence(60)], EachRow(length=5), 3, [(0, 50)])
    same = made.batch(2, seed=3, epoch=1).targets
    made.batch(0, seed=4, epoch=9)
    assert np.array_equal(made.batch(2, seed=3, epoch=1).targets, same, equal_nan=True)
    assert not np.array_equal(made.batch(2, seed=3, epoch=2).targets, same, equal_nan=True)


def test_a_whole_sequence_is_one_piece():
    batches = PieceBatches([sequence(9), sequence(4, "b")], EachRow(length=2, whole=True), 5, [(0, 9), (0, 4)])
    (batch,) = drawn(batches)
    assert sorted(map(len, scored(batch))) == [4, 9]
    assert sorted(batch.lengths.tolist()) == [4, 9]


def test_pieces_without_a_known_row_are_left_out_and_without_any_there_is_nothing_to_learn():
    batches = PieceBatches([sequence(12, missing=range(4, 8))], EachRow(length=4), 9, [(0, 12)], shuffle=False)
    assert [rows.tolist() for rows in scored(drawn(batches)[0])] == [[0, 1, 2, 3], [8, 9, 10, 11]]
    for epoch in range(20):
        batches = PieceBatches([sequence(12, missing=range(3, 12))], EachRow(length=4), 9, [(0, 12)])
        assert all(len(rows) for rows in scored(batches.batch(0, seed=0, epoch=epoch)))
    with pytest.raises(DataError, match="no rows are left"):
        PieceBatches([sequence(5, missing=range(5))], EachRow(length=4), 9, [(0, 5)])


@pytest.mark.parametrize(
    ("cells", "normal", "wanted"),
    [
        (np.array([0.0, 1.0, np.nan]), None, [0, 1, np.nan]),
        (np.array(["0", "yes", None, "Normal", "TRUE"], object), None, [0, 1, np.nan, 0, 1]),
        (np.array([True, False]), None, [1, 0]),
        (np.array([3, -1, 3]), "3", [0, 1, 0]),
        (np.array(["gut", "Ärger"], object), "gut", [0, 1]),
        (np.array(["1.0", "2"], object), "1", [0, 1]),
    ],
)
def test_labels_are_read_as_they_are_written(cells, normal, wanted):
    assert np.array_equal(marks(cells, normal, "`y`"), np.array(wanted, float), equal_nan=True)


def test_a_label_that_means_nothing_is_refused_with_its_row():
    with pytest.raises(DataError, match=r"row 1 that it is '2'.*`normal`"):
        marks(np.array([0, 2]), None, "`y`")
    with pytest.raises(DataError, match="no row that is labelled 'gut'"):
        check_normal(np.array(["schlecht"], object), "gut", "column 'kind'")
