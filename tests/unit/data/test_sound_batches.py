"""Recordings that are changed while they are learned from."""

import numpy as np

from whorl.data.padded import SequenceBatches
from whorl.data.sequences import Sequence
from whorl.data.sound_batches import SoundBatches
from whorl.plans.changes import SoundChange

STILL = {"speed": 0.0, "warp": 0.0, "gain": 0.0, "tilt": 0.0, "noise": 0.0, "masks": 0}


def recordings(count: int = 3, steps: int = 20, width: int = 10) -> list[Sequence]:
    random = np.random.default_rng(5)
    return [
        Sequence(
            key=str(n),
            past=random.standard_normal((steps + n, width)).astype(np.float32),
            time=np.arange(steps + n),
            targets=np.array([n], np.float32),
        )
        for n in range(count)
    ]


def changed(epoch: int = 0, **plan: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What was, what became of it, and its lengths."""
    plain = SequenceBatches(recordings(), 3, shuffle=False)
    batch = SoundBatches(plain, SoundChange(**{**STILL, **plan})).batch(0, seed=1, epoch=epoch)  # type: ignore[arg-type]
    return plain.batch(0, seed=1, epoch=epoch).inputs["past"], batch.inputs["past"], np.asarray(batch.lengths)


def test_nothing_changes_where_nothing_is_to() -> None:
    before, after, lengths = changed()
    assert lengths.tolist() == [20, 21, 22]
    np.testing.assert_array_equal(after, before)


def test_another_speed_is_another_length_with_the_same_first_and_last_step() -> None:
    before, after, lengths = changed(speed=0.4)
    assert len(set(lengths.tolist())) > 1
    assert (lengths != [20, 21, 22]).any()
    for n, length in enumerate(lengths):
        np.testing.assert_allclose(after[n, 0], before[n, 0], rtol=1e-6)
        np.testing.assert_allclose(after[n, length - 1], before[n, 19 + n], rtol=1e-6)
        assert not after[n, length:].any()


def test_a_higher_voice_has_its_bands_further_up_and_a_ramp_stays_one() -> None:
    ramp = [
        Sequence(key="0", past=np.tile(np.arange(10, dtype=np.float32), (4, 1)), time=np.arange(4), targets=np.zeros(1))
    ]
    batches = SoundBatches(SequenceBatches(ramp, 1), SoundChange(**{**STILL, "warp": 0.3}))  # type: ignore[arg-type]
    slopes = []
    for epoch in range(8):
        past = batches.batch(0, seed=0, epoch=epoch).inputs["past"][0]
        np.testing.assert_allclose(past, np.tile(np.minimum(past[0, 1] * np.arange(10), 9), (4, 1)), atol=1e-5)
        slopes.append(past[0, 1])
    assert min(slopes) < 1 < max(slopes)


def test_a_louder_voice_is_higher_in_all_bands_and_another_microphone_tilts_them() -> None:
    before, after, _ = changed(gain=0.5)
    added = (after - before)[0, :20]
    np.testing.assert_allclose(added, added[0, 0], atol=1e-5)
    assert added[0, 0] != 0
    before, after, _ = changed(tilt=0.5)
    added = (after - before)[0, :20]
    np.testing.assert_allclose(added, np.tile(added[0, -1] * np.linspace(-1, 1, 10), (20, 1)), atol=1e-5)
    assert added[0, -1] != 0


def test_masks_hide_whole_steps_and_whole_bands_of_no_more_than_their_share() -> None:
    hidden_steps, hidden_bands = 0, 0
    for epoch in range(20):
        _, after, lengths = changed(epoch, masks=1, time_share=0.25, band_share=0.3)
        for own, length in zip(after, lengths, strict=True):
            zero = own[:length] == 0
            steps, bands = zero.all(axis=1), zero.all(axis=0)
            assert (zero == (steps[:, None] | bands[None, :])).all()
            assert steps.sum() <= 0.25 * length + 1
            assert bands.sum() <= 0.3 * 10 + 1
            hidden_steps, hidden_bands = hidden_steps + steps.sum(), hidden_bands + bands.sum()
    assert hidden_steps > 20
    assert hidden_bands > 20


def test_of_a_cepstrum_no_coefficient_takes_the_place_of_another() -> None:
    before, after, _ = changed(warp=0.5, gain=0.5, masks=2, time_share=0.0, bands=False)
    np.testing.assert_array_equal(after, before)
    before, after, _ = changed(tilt=0.5, bands=False)
    added = (after - before)[0, :20]
    np.testing.assert_allclose(added, np.tile(added[0], (20, 1)), atol=1e-5)
    assert len(set(added[0].round(4).tolist())) == 10


def test_another_epoch_has_other_changes_and_the_same_one_the_same() -> None:
    _, first, _ = changed(0, noise=0.1)
    _, again, _ = changed(0, noise=0.1)
    _, other, _ = changed(1, noise=0.1)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_empty_steps_behind_a_recording_stay_empty_and_stay_behind_it():
    frames = np.random.default_rng(1).standard_normal((2, 12, 5)).astype(np.float32)
    ended = np.concatenate([frames, np.zeros((2, 2, 5), np.float32)], axis=1)

    def changed(rows: np.ndarray, late: int):
        sequences = [
            Sequence(key=str(n), past=one, time=np.arange(len(one)), targets=np.zeros(1, np.float32))
            for n, one in enumerate(rows)
        ]
        return SoundBatches(SequenceBatches(sequences, 2), SoundChange(), 1, late).batch(0, seed=3, epoch=1)

    alone, late = changed(frames, 0), changed(ended, 2)
    assert late.lengths.tolist() == (alone.lengths + 2).tolist()
    for n, length in enumerate(alone.lengths.tolist()):
        assert late.inputs["past"][n, :length].tobytes() == alone.inputs["past"][n, :length].tobytes()
        assert not late.inputs["past"][n, length:].any()


def test_frames_of_a_step_are_changed_one_by_one():
    """What is done to frames that stand alone is done to the same ones where three are a step."""
    frames = np.random.default_rng(1).standard_normal((2, 12, 5)).astype(np.float32)

    def changed(stride: int) -> np.ndarray:
        past = frames.reshape(2, 12 // stride, 5 * stride)
        sequences = [
            Sequence(key=str(n), past=one, time=np.arange(len(one)), targets=np.zeros(1, np.float32))
            for n, one in enumerate(past)
        ]
        plan = SoundChange(speed=0.0)
        return SoundBatches(SequenceBatches(sequences, 2), plan, stride).batch(0, seed=3, epoch=1).inputs["past"]

    assert changed(3).shape == (2, 4, 15)
    assert changed(3).tobytes() == changed(1).tobytes()
