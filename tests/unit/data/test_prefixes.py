"""Training sequences that end early: which, where, and what stays as it was."""

import numpy as np

from whorl.data.padded import SequenceBatches
from whorl.data.prefixes import PrefixBatches
from whorl.data.sequences import Sequence


def whole(lengths):
    """Sequences in one batch, whose steps are numbered."""
    made = [
        Sequence(key=str(n), past=np.arange(t, dtype=np.float32)[:, None], time=np.arange(t), targets=np.ones(1))
        for n, t in enumerate(lengths)
    ]
    return SequenceBatches(made, len(made), shuffle=False)


def ends(batches, epochs):
    """Where the sequences of the only batch end, by epoch."""
    return np.stack([batches.batch(0, seed=0, epoch=epoch).lengths for epoch in range(epochs)])


def test_the_share_ends_early_and_every_end_is_alike_probable():
    found = ends(PrefixBatches(whole([4] * 400), 0.8), 10)
    shares = np.bincount(found.ravel(), minlength=5) / found.size
    assert shares[0] == 0
    assert np.allclose(shares[1:], [0.2, 0.2, 0.2, 0.4], atol=0.03)


def test_where_sequences_end_is_a_function_of_seed_and_epoch():
    batches = PrefixBatches(whole([50] * 20), 0.5)
    assert np.array_equal(ends(batches, 3), ends(PrefixBatches(whole([50] * 20), 0.5), 3))
    assert not np.array_equal(*ends(batches, 2))
    assert not np.array_equal(batches.batch(0, seed=1, epoch=0).lengths, batches.batch(0, seed=0, epoch=0).lengths)


def test_what_is_left_is_what_stood_there_and_nothing_is_padded_beyond_the_longest():
    plain = whole([30, 7, 0]).batch(0, seed=0, epoch=0)
    for epoch in range(20):
        batch = PrefixBatches(whole([30, 7, 0]), 1.0).batch(0, seed=0, epoch=epoch)
        assert (batch.lengths <= plain.lengths).all()
        assert batch.lengths[2] == 0
        assert batch.inputs["past"].shape[1] == batch.lengths.max() >= 1
        for row, length in enumerate(batch.lengths):
            assert np.array_equal(batch.inputs["past"][row, :length], plain.inputs["past"][row, :length])
        assert np.array_equal(batch.targets, plain.targets)
        assert np.array_equal(batch.weights, plain.weights)


def test_none_ends_early_where_the_share_is_none():
    batch = PrefixBatches(whole([9, 9]), 0.0).batch(0, seed=0, epoch=0)
    assert batch.lengths.tolist() == [9, 9]
