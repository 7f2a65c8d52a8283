"""Sound as steps: what a step is by its definition, other rates, channels and kinds of numbers, and what is refused."""

import math

import msgspec
import numpy as np
import pytest

import whorl
from whorl.codecs.audio import AudioCodec
from whorl.codecs.resampling import Resampler
from whorl.codecs.sound import Sound, mono
from whorl.codecs.spectrum import FLOOR, cosines, triangles
from whorl.errors import ArgumentError, DataError, ModelFileError, StreamingError

RATE = 8000


def tone(hz: float, seconds: float = 0.5, rate: int = RATE) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, count).astype(np.float32)


def codec(**options: object) -> AudioCodec:
    return AudioCodec(**{"sample_rate_hz": RATE, "features": "log_mel", "num_bands": 40, **options}).fit(
        [noise(4000), tone(440)]
    )  # type: ignore[arg-type]


def by_definition(samples: np.ndarray, window: int, hop: int, num_bands: int) -> np.ndarray:
    """The logarithms of the energies in bands, one sum after the other, as a textbook has them."""
    size = 256
    rows = []
    count = 1 + math.ceil(max(0, len(samples) - window) / hop)
    padded = np.concatenate([samples, np.zeros(window + hop)]).astype(np.float64)
    hann = np.array([0.5 - 0.5 * math.cos(2 * math.pi * n / window) for n in range(window)])
    filters = triangles(RATE, size, num_bands)
    for t in range(count):
        piece = padded[t * hop : t * hop + window] * hann
        row = []
        for band in filters:
            energy = 0.0
            for k in np.flatnonzero(band):
                wave = np.exp(-2j * np.pi * k * np.arange(window) / size)
                energy += band[k] * abs((piece * wave).sum()) ** 2
            row.append(math.log(energy * 2.0 / ((hann**2).sum() * size) + FLOOR))
        rows.append(row)
    return np.array(rows)


def test_steps_are_the_logarithms_of_energies_in_bands_as_defined() -> None:
    samples = noise(700) * 0.3
    found = codec(num_bands=12).rows(samples)
    np.testing.assert_allclose(found, by_definition(samples, 200, 80, 12), rtol=1e-4, atol=1e-4)


def test_coefficients_are_the_orthonormal_cosine_transform_of_the_bands() -> None:
    samples = noise(900)
    bands, coefficients = codec(num_bands=20).rows(samples), codec(num_bands=20, features="mfcc").rows(samples)
    assert coefficients.shape == (len(bands), 13)
    every = cosines(20, 20).astype(np.float64)
    np.testing.assert_allclose(every @ every.T, np.eye(20), atol=1e-6)
    np.testing.assert_allclose(coefficients, bands @ every[:13].T, rtol=1e-4, atol=1e-4)


def test_filters_rise_and_fall_evenly_on_the_mel_scale_up_to_half_the_rate() -> None:
    filters = triangles(RATE, 4096, 10)
    bins = np.arange(2049) * RATE / 4096
    peaks = bins[filters.argmax(axis=1)]
    mel = 2595 * np.log10(1 + peaks / 700)
    np.testing.assert_allclose(np.diff(mel), np.diff(mel)[0], rtol=0.02)
    # Where two filters overlap they add up to one.
    inside = (bins > peaks[0]) & (bins < peaks[-1])
    np.testing.assert_allclose(filters.sum(axis=0)[inside], 1.0, atol=1e-9)


@pytest.mark.parametrize("hz", [150.0, 600.0, 2500.0])
def test_a_tone_is_loudest_in_the_band_of_its_frequency(hz: float) -> None:
    row = codec(num_bands=30).rows(tone(hz))[5]
    centres = (np.arange(4097) * RATE / 8192)[triangles(RATE, 8192, 30).argmax(axis=1)]
    assert abs(int(row.argmax()) - int(np.abs(centres - hz).argmin())) <= 1


def test_all_samples_are_read_and_the_shortest_sound_has_a_step() -> None:
    made = codec()
    assert [len(made.encode(noise(n))) for n in (0, 1, 200, 201, 280, 281)] == [0, 1, 1, 2, 2, 3]
    # The last samples are heard.
    loud = np.zeros(201, np.float32)
    loud[-1] = 1.0
    assert (made.rows(loud)[-1] > made.rows(np.zeros(201, np.float32))[-1]).all()


@pytest.mark.parametrize("rate", [8000, 16000, 11025, 44100])
@pytest.mark.parametrize("options", [{}, {"features": "mfcc", "normalise": "training"}, {"normalise": "none"}])
def test_pieces_of_any_sizes_give_the_bits_of_the_whole(rate: int, options: dict[str, object]) -> None:
    random = np.random.default_rng(rate)
    made, samples = codec(**options), noise(rate // 4, seed=3)
    wanted = made.encode(Sound(samples, rate))
    for sizes in ([1], [7, 0, 300], [80], [5000]):
        encoder, found, at = made.chunks(), [], 0
        while at < len(samples):
            size = (
                int(random.choice(sizes)) if len(sizes) > 1 else sizes[0] * (50 if rate > 8000 and sizes == [1] else 1)
            )
            found.append(encoder.push(Sound(samples[at : at + size], rate)))
            other = made.chunks()
            other.write(encoder.read())
            encoder, at = other, at + size
        found.append(encoder.flush())
        np.testing.assert_array_equal(np.concatenate(found), wanted)


@pytest.mark.parametrize("features", ["log_mel", "mfcc"])
def test_a_quiet_recording_is_read_as_a_loud_one(features: str) -> None:
    made = codec(features=features)
    loud = noise(RATE, seed=8)
    rows, encoded = made.rows(loud).astype(np.float64), made.encode(loud)
    # Three steps' worth of the level of training, and that of the first step.
    width = rows.shape[1]
    level = (lambda one: one[0]) if features == "mfcc" else np.mean
    added = np.eye(width)[0] if features == "mfcc" else np.ones(width)
    usual = level(made.center)
    so_far = (3 * usual + level(rows[0])) / 4
    np.testing.assert_allclose(
        encoded[0], (rows[0] - (so_far - usual) * added - made.center) / made.scale, rtol=1e-4, atol=1e-4
    )
    plain = codec(features=features, normalise="training")
    differs = [np.abs(one.encode(loud * 0.02)[60:] - one.encode(loud)[60:]).max() for one in (made, plain)]
    assert differs[1] > 1
    assert differs[0] * made.scale[0] < 0.1 * differs[1] * plain.scale[0]


def test_the_mean_of_a_file_is_taken_from_it_and_cannot_be_known_while_it_comes() -> None:
    made = codec(normalise="file")
    assert made.streams == "never"
    np.testing.assert_allclose(made.encode(noise(3000, seed=4)).mean(axis=0), 0.0, atol=1e-4)
    with pytest.raises(StreamingError, match="normalise='running'"):
        made.chunks()


@pytest.mark.parametrize(("kind", "scale"), [("int16", 2**15), ("int32", 2**31), ("int8", 2**7)])
def test_whole_numbers_are_parts_of_full_scale(kind: str, scale: int) -> None:
    samples = np.array([0, -scale, scale // 2], kind)
    assert mono(samples).tolist() == [0.0, -1.0, 0.5]


def test_unsigned_bytes_are_silent_in_their_middle() -> None:
    assert mono(np.array([128, 0, 192], np.uint8)).tolist() == [0.0, -1.0, 0.5]


def test_channels_are_mixed() -> None:
    left, right = noise(500, seed=1), noise(500, seed=2)
    np.testing.assert_allclose(mono(np.stack([left, right], axis=1)), (left + right) / 2, atol=1e-7)


@pytest.mark.parametrize(
    ("source", "target"), [(44100, 16000), (8000, 16000), (16000, 8000), (22050, 8000), (8000, 8001)]
)
def test_another_rate_keeps_what_both_can_hold(source: int, target: int) -> None:
    for hz in (100.0, 1000.0, 0.4 * min(source, target)):
        made = Resampler(source, target)
        found = np.concatenate([made.push(tone(hz, 0.2, source)), made.flush()])
        wanted = tone(hz, 0.2, target)
        assert abs(len(found) - len(wanted)) <= 1
        inner = slice(len(wanted) // 4, -len(wanted) // 4)
        assert np.abs(found[: len(wanted)][inner] - wanted[: len(found)][inner]).max() < 2e-4


def test_a_lower_rate_has_no_echo_of_what_it_cannot_hold() -> None:
    made = Resampler(16000, 8000)
    found = np.concatenate([made.push(tone(5500, 0.2, 16000)), made.flush()])
    assert np.abs(found[100:-100]).max() < 1e-4


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((2, 2, 2)), r"shape \(2, 2, 2\)"),
        (np.array(["a"]), "array of samples"),
        (np.array([True]), "array of samples"),
        ("beep.wav", "array of samples"),
        (np.zeros((3, 65), np.float32), "1 to 64 channels"),
        ([[1, 2], [3]], "an array of shape"),
        (np.array([0.0, np.nan]), "sample 1 of a sound is not finite"),
        (Sound(np.zeros(3), 0), "`rate_hz` is a whole number from 100"),
        (Sound(np.zeros(3), 44100.5), "`rate_hz`"),  # type: ignore[arg-type]
        (Sound(np.zeros(3), 10**9), "`rate_hz`"),
    ],
)
def test_what_is_no_sound_is_refused(value: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        codec().encode(value)  # type: ignore[arg-type]


def test_a_stream_has_one_rate() -> None:
    encoder = codec().chunks()
    encoder.push(Sound(noise(50), 16000))
    before = encoder.read()
    with pytest.raises(DataError, match="came at 16000"):
        encoder.push(Sound(noise(50), 8000))
    assert encoder.read() == before


def test_a_state_of_another_codec_is_refused() -> None:
    encoder = codec().chunks()
    encoder.push(noise(333))
    plain = msgspec.msgpack.decode(encoder.read())
    for n, wrong in ((0, b""), (0, np.full(7, -1).tobytes()), (1, b"\0" * 8), (2, b"\0" * 8), (3, b"\xff" * 320)):
        damaged = list(plain)
        damaged[n] = wrong
        with pytest.raises(ModelFileError, match="state of an audio codec"):
            encoder.write(msgspec.msgpack.encode(damaged))
    with pytest.raises(ModelFileError, match="state of an audio codec"):
        codec(window_ms=50).chunks().write(encoder.read())


def test_a_codec_of_damaged_statistics_is_refused() -> None:
    made = codec()
    arrays = made.arrays()
    for wrong in ({}, {**arrays, "scale": arrays["scale"] * 0}, {**arrays, "center": arrays["center"][:3]}):
        with pytest.raises(ModelFileError, match="model file is damaged"):
            AudioCodec.restore(made.config(), wrong)
    with pytest.raises(ModelFileError, match="audio codec"):
        AudioCodec.restore({**made.config(), "sample_rate_hz": 10**9}, arrays)


def test_windows_that_would_fill_the_memory_are_refused() -> None:
    with pytest.raises(ArgumentError, match="`window_ms` makes windows of 1920000 samples"):
        codec(sample_rate_hz=192_000, window_ms=10_000, num_bands=512)
    made = codec()
    with pytest.raises(ModelFileError, match="audio codec"):
        AudioCodec.restore({**made.config(), "sample_rate_hz": 192_000, "window_ms": 10_000.0}, made.arrays())


@pytest.mark.parametrize("normalise", ["training", "file", "running", "none"])
def test_a_codec_that_has_heard_silence_alone_is_restored(normalise: str) -> None:
    made = AudioCodec(sample_rate_hz=RATE, normalise=normalise).fit([np.zeros(RATE, np.float32)])  # type: ignore[arg-type]
    again = AudioCodec.restore(made.config(), made.arrays())
    assert np.array_equal(again.encode(noise(RATE)), made.encode(noise(RATE)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": "melody"}, "`features` must be one of"),
        ({"normalise": "flie"}, "Did you mean 'file'"),
        ({"sample_rate_hz": 10}, "from 100 to 192000"),
        ({"num_bands": 0}, "`num_bands`"),
        ({"num_bands": True}, "`num_bands`"),
        ({"num_coefficients": 0}, "`num_coefficients`"),
        ({"hop_ms": 30.0}, "`hop_ms` is at most `window_ms`"),
        ({"window_ms": float("nan")}, "`window_ms`"),
        ({"longest_s": 0}, "`longest_s`"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        whorl.Audio(**options)  # type: ignore[arg-type]


def test_more_bands_than_a_window_tells_apart_are_refused() -> None:
    with pytest.raises(ArgumentError, match="make `window_ms` longer"):
        AudioCodec(sample_rate_hz=1000, num_bands=400, features="log_mel", window_ms=4, hop_ms=2)
