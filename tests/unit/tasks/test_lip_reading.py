"""Transcriber of videos: what is shown frame by frame, whole and while it comes."""

import numpy as np
import pytest

import whorl
from whorl.errors import StreamingError
from whorl.plans.changes import SoundChange, Views

SIDE = 8
LETTERS = " abc"


def clip(text: str, rng: np.random.Generator) -> np.ndarray:
    """Grey frames (T, H, W, 1): a bright quarter for each letter, for some frames, and none between them."""
    frames = []
    for letter in text:
        shown, corner = np.zeros((SIDE, SIDE)), LETTERS.index(letter)
        shown[SIDE // 2 * (corner // 2) :, SIDE // 2 * (corner % 2) :][: SIDE // 2, : SIDE // 2] = 200
        frames += [shown] * int(rng.integers(2, 4)) + [np.zeros((SIDE, SIDE))]
    noisy = np.array(frames)[..., None] + rng.integers(0, 20, (len(frames), SIDE, SIDE, 1))
    return noisy.astype(np.uint8)


def clips(count: int, seed: int) -> tuple[list[np.ndarray], list[str]]:
    rng = np.random.default_rng(seed)
    texts = [" ".join(("ab", "cab", "ba")[n] for n in rng.integers(0, 3, rng.integers(1, 3))) for _ in range(count)]
    return [clip(text, rng) for text in texts], texts


def reader(epochs: int = 1, **media: object) -> whorl.Transcriber:
    plan = whorl.Video(height=SIDE, width=SIDE, mode="grey", **{"background": "running", **media})
    training = whorl.Training(epochs=epochs, batch_size=4, learning_rate=1e-2, seed=0)
    network = whorl.Recurrent("gru", hidden_size=24)
    return whorl.Transcriber(
        media=plan, augmentation="none", convolution=3, dropout=0.0, network=network, training=training
    )


@pytest.fixture(scope="module")
def fitted() -> whorl.Transcriber:
    return reader(epochs=20).fit(clips(48, seed=0), verbose=False)


def test_what_is_shown_is_read(fitted):
    found = fitted.evaluate(clips(16, seed=1))
    assert found.metrics["wer"] < 0.3
    assert min(rival["wer"] for rival in found.baseline.values()) > 0.4


def test_frames_that_come_one_by_one_or_several_are_read_as_their_video(fitted):
    (frames,), _ = clips(1, seed=2)
    wanted = fitted.predict([frames])
    for size in (1, 5):
        stream = fitted.stream()
        for at in range(0, len(frames), size):
            stream.push(frames[at] if size == 1 else frames[at : at + size])
        (last,) = stream.flush()
        assert (last.value, last.score.tolist()) == (wanted.value, wanted.score.tolist())


def test_a_background_of_the_whole_file_is_not_streamed():
    model = reader(background="file").fit(clips(12, seed=0), verbose=False)
    assert len(model.predict(clips(2, seed=1)[0]).value) == 2
    with pytest.raises(StreamingError, match="background"):
        model.stream()


def test_words_of_a_video_have_times_in_frames_or_in_seconds_where_its_rate_is_known(fitted):
    (frames,), (text,) = clips(1, seed=2)
    times = fitted.predict([frames]).index.time[0]
    assert len(times) == len(text.split())
    assert len(frames) / 2 < times[-1, 1] <= len(frames)
    rated = reader(frame_rate_hz=20.0).fit(clips(12, seed=0), verbose=False)
    read = rated.model_.reader
    assert (read.step_time, read.time_unit) == (1 / 20, "seconds")
    read = fitted.model_.reader
    assert (read.step_time, read.time_unit) == (1.0, "frames")


def test_frames_are_moved_and_paced_in_training_and_sound_is_not_moved():
    assert isinstance(whorl.Transcriber(media=whorl.Video()).wiring().augmentation, Views)
    assert isinstance(whorl.Transcriber(media=whorl.Audio()).wiring().augmentation, SoundChange)
    assert whorl.Transcriber(media=whorl.Video(), augmentation="none").wiring().augmentation is None


def test_a_frame_of_another_size_is_brought_to_that_of_training_and_no_frames_say_nothing(fitted):
    (frames,), _ = clips(1, seed=2)
    large = frames.repeat(2, axis=1).repeat(2, axis=2)
    assert fitted.predict([large]).value == fitted.predict([frames]).value
    assert fitted.predict([frames[:0]]).value == [""]
