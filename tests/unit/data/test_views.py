"""Pictures of training seen as from elsewhere: mirrored and shifted, all steps of an example alike."""

import numpy as np
import pytest

from whorl.data.padded import SequenceBatches
from whorl.data.pair_batches import PairBatches
from whorl.data.sequences import Sequence
from whorl.data.views import ViewedBatches
from whorl.plans.changes import Views
from whorl.specs import Picture

SPEC = Picture(2, 5, 7)


def batches(steps=3, count=6):
    rng = np.random.default_rng(0)
    made = []
    for n in range(count):
        source = rng.random((steps, SPEC.width)).astype(np.float32)
        targets = np.ones((2, 1), np.float32)
        made.append(
            Sequence(key=str(n), past=np.zeros((2, 1), np.float32), time=np.arange(2), targets=targets, source=source)
        )
    return PairBatches(made, count, shuffle=False, together=2)


def pictures(array):
    return array.reshape(*array.shape[:2], SPEC.c, SPEC.h, SPEC.w)


def test_a_mirrored_example_is_mirrored_in_all_of_its_steps_and_channels():
    plain = pictures(batches().batch(0, seed=0, epoch=0).inputs["source"])
    seen = ViewedBatches(batches(), Views(shift=0.0), SPEC, "source").batch(0, seed=0, epoch=0)
    mirrored = 0
    for own, view in zip(plain, pictures(seen.inputs["source"]), strict=True):
        mirrored += np.array_equal(view, own[..., ::-1])
        assert np.array_equal(view, own) or np.array_equal(view, own[..., ::-1])
    assert 0 < mirrored < 6


def test_a_shift_repeats_the_border_and_goes_no_further_than_it_may():
    plain = pictures(batches(1, 40).batch(0, seed=0, epoch=0).inputs["source"])
    seen = ViewedBatches(batches(1, 40), Views(mirror=False, shift=0.3), SPEC, "source").batch(0, seed=1, epoch=2)
    shifts = set()
    for own, view in zip(plain, pictures(seen.inputs["source"]), strict=True):
        for down in (-1, 0, 1):
            for right in (-2, -1, 0, 1, 2):
                rows = np.clip(np.arange(5) - down, 0, 4)
                columns = np.clip(np.arange(7) - right, 0, 6)
                if np.array_equal(view, own[..., rows[:, None], columns]):
                    shifts.add((down, right))
    assert len(shifts) > 8  # of 15


def test_other_epochs_show_other_views_and_equal_arguments_the_same():
    made = ViewedBatches(batches(), Views(), SPEC, "source")
    first, again, other = (made.batch(0, seed=3, epoch=n).inputs["source"] for n in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def video(steps):
    """A sequence of pictures, each of one level: one more than its number."""
    levels = np.repeat(np.arange(1.0, steps + 1)[:, None], SPEC.width, axis=1).astype(np.float32)
    return Sequence(key=str(steps), past=levels, time=np.arange(steps), targets=np.zeros(1, np.float32))


def still(**changes):
    return Views(mirror=False, shift=0.0, **changes)


def test_a_video_is_faster_or_slower_from_its_first_frame_to_its_last():
    made = ViewedBatches(SequenceBatches([video(20), video(40), video(30)], 3), still(speed=0.3), SPEC)
    lengths = set()
    for epoch in range(5):
        batch = made.batch(0, seed=0, epoch=epoch)
        for frames, length in zip(batch.inputs["past"], batch.lengths, strict=True):
            levels = frames[:length, 0]
            last = levels[-1]
            assert last in (20.0, 30.0, 40.0)
            np.testing.assert_allclose(levels, np.linspace(1.0, last, length), rtol=1e-5)
            assert (frames[:length] == levels[:, None]).all()
            assert not frames[length:].any()
            lengths.add(length / last)
        assert batch.inputs["past"].dtype == np.float32
        assert batch.inputs["past"].shape[1] == batch.lengths.max()
    assert min(lengths) < 0.8
    assert max(lengths) > 1.25


def test_masked_frames_are_zero_and_no_span_is_longer_than_its_share():
    made = ViewedBatches(SequenceBatches([video(40)] * 20, 20), still(masks=1, time_share=0.1), SPEC)
    batch = made.batch(0, seed=0, epoch=0)
    gone = ~batch.inputs["past"].any(axis=2)
    assert batch.lengths.tolist() == [40] * 20
    assert set(gone.sum(axis=1)) == {0, 1, 2, 3, 4}
    for row in gone:
        assert np.diff(np.flatnonzero(row)).max(initial=1) == 1
    wanted = np.arange(1.0, 41.0)
    assert all((row[~mask, 0] == wanted[~mask]).all() for row, mask in zip(batch.inputs["past"], gone, strict=True))


def test_empty_steps_behind_a_video_stay_empty_and_stay_behind_it():
    changes = still(speed=0.3, masks=2, time_share=0.2)

    def changed(late):
        ended = [np.pad(video(steps).past, ((0, late), (0, 0))) for steps in (20, 40, 30)]
        sequences = [
            Sequence(key=str(n), past=past, time=np.arange(len(past)), targets=np.zeros(1, np.float32))
            for n, past in enumerate(ended)
        ]
        return ViewedBatches(SequenceBatches(sequences, 3), changes, SPEC, lookahead=late).batch(0, seed=0, epoch=0)

    alone, late = changed(0), changed(4)
    assert late.lengths.tolist() == (alone.lengths + 4).tolist()
    for own, ended, length in zip(alone.inputs["past"], late.inputs["past"], alone.lengths, strict=True):
        assert ended[:length].tobytes() == own[:length].tobytes()
        assert not ended[length:].any()


def test_pictures_that_stand_still_in_time_keep_their_lengths():
    plain = SequenceBatches([video(20), video(40)], 2).batch(0, seed=0, epoch=0)
    seen = ViewedBatches(SequenceBatches([video(20), video(40)], 2), still(), SPEC).batch(0, seed=0, epoch=0)
    np.testing.assert_array_equal(seen.inputs["past"], plain.inputs["past"])
    np.testing.assert_array_equal(seen.lengths, plain.lengths)


@pytest.mark.parametrize("together", [1, 2, 3])
def test_texts_that_share_a_source_come_with_it_once(together):
    sources = [np.full((2, 1), n, np.float32) for n in range(3)]
    made = [
        Sequence(
            key=str(n),
            past=np.full((1 + k, 1), 10 * n + k, np.float32),
            time=np.arange(1 + k),
            targets=np.ones((1 + k, 1), np.float32),
            source=sources[n],
        )
        for n in range(3)
        for k in range(3)
    ]
    batches = PairBatches(made, 2, together=together)
    seen = []
    for index in range(len(batches)):
        batch = batches.batch(index, seed=0, epoch=0)
        assert len(batch.inputs["source"]) <= 2
        for row in range(len(batch.targets)):
            place = int(batch.inputs["source_place"][row, 0]) if together > 1 else row
            first = int(batch.inputs["past"][row, 0, 0])
            assert batch.inputs["source"][place, 0, 0] == first // 10
            assert batch.lengths[row] == 1 + first % 10
            seen.append(first)
    assert sorted(seen) == [10 * n + k for n in range(3) for k in range(3)]
