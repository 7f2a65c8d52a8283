"""Recordings whose quiet steps are told while a network begins to learn."""

import numpy as np
import pytest

from whorl.data.batches import Batch
from whorl.data.padded import SequenceBatches
from whorl.data.quiet_batches import QuietBatches
from whorl.data.sequences import Sequence

LATE = 2


def recordings() -> list[Sequence]:
    """Steps of two bands that get louder by a half each, from -2.5 on; the second recording is shorter."""
    made = []
    for n, count in enumerate((11, 5)):
        loudness = -2.5 + 0.5 * np.arange(count)
        bands = np.stack([loudness - 1.0, loudness + 1.0], axis=1)
        past = np.concatenate([bands, np.zeros((LATE, 2))]).astype(np.float32)
        made.append(Sequence(key=str(n), past=past, time=np.arange(len(past)), targets=np.array([n], np.float32)))
    return made


def batch(num_steps: int = 8, *, epoch: int = 0, batch_size: int = 2, index: int = 0) -> Batch:
    plain = SequenceBatches(recordings(), batch_size, shuffle=False)
    return QuietBatches(plain, 3.0, num_steps, LATE).batch(index, seed=0, epoch=epoch)


def test_a_step_costs_what_it_is_quieter_than_the_loud_ones_where_it_is_answered() -> None:
    quiet = batch().inputs["quiet"]
    assert quiet.shape == (2, 13)
    assert quiet.dtype == np.float32
    assert not quiet[:, :LATE].any()  # no step is answered there
    np.testing.assert_allclose(quiet[0, LATE:], 3.0 * np.maximum(4.5 - 0.5 * np.arange(11), 0.0), rtol=1e-6)
    np.testing.assert_allclose(quiet[1, LATE : LATE + 5], 3.0 * np.maximum(1.8 - 0.5 * np.arange(5), 0.0), rtol=1e-5)
    assert not quiet[1, LATE + 5 :].any()


def test_a_louder_recording_costs_the_same() -> None:
    louder = [Sequence(key=one.key, past=one.past + 7.0, time=one.time, targets=one.targets) for one in recordings()]
    found = QuietBatches(SequenceBatches(louder, 2, shuffle=False), 3.0, 8, LATE).batch(0, seed=0, epoch=0)
    np.testing.assert_allclose(found.inputs["quiet"], batch().inputs["quiet"], atol=1e-5)


def test_what_a_step_costs_falls_evenly_and_is_nothing_in_the_end() -> None:
    first = batch(4, batch_size=1).inputs["quiet"]
    for epoch, index, left in ((0, 0, 1.0), (1, 0, 0.5)):
        np.testing.assert_allclose(batch(4, epoch=epoch, batch_size=1, index=index).inputs["quiet"], left * first)
    assert batch(4, epoch=1, batch_size=1, index=1).inputs["quiet"].max() == pytest.approx(0.25 * 3.0 * 1.8, rel=1e-5)
    assert set(batch(4, epoch=2, batch_size=1).inputs) == {"past"}
    assert set(batch(0).inputs) == {"past"}


def test_a_recording_without_a_step_costs_nothing() -> None:
    empty = Sequence(key="0", past=np.zeros((LATE, 2), np.float32), time=np.arange(LATE), targets=np.zeros(1))
    found = QuietBatches(SequenceBatches([empty], 1), 3.0, 8, LATE).batch(0, seed=0, epoch=0)
    assert found.inputs["quiet"].tolist() == [[0.0, 0.0]]
