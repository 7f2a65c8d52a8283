"""Sound as steps of features: energies in bands, or cepstral coefficients, of short pieces that overlap."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self

import msgspec
import numpy as np

from whorl import _native
from whorl.codecs.codec import Codec, Encoder, codecs
from whorl.codecs.numeric import center_and_scale
from whorl.codecs.sound import Sound
from whorl.codecs.sound_windows import Windows, samples_of
from whorl.codecs.spectrum import Bands
from whorl.errors import ArgumentError, DataError, ModelFileError, NotFittedError, StreamingError
from whorl.plans.media import LEAST_HZ, MOST_HZ, AudioFeatures, Normalise
from whorl.specs import Reals, Spec

# The level of training counts as so many seconds of a recording in its running mean.
_PRIOR_S = 0.03
# Rows that a stream may have counted.
_MOST = 1 << 62
_LEAST_DEVIATION = 1e-3


class _Config(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    sample_rate_hz: Annotated[int, msgspec.Meta(ge=LEAST_HZ, le=MOST_HZ)]
    features: AudioFeatures
    num_bands: Annotated[int, msgspec.Meta(ge=1, le=512)]
    num_coefficients: Annotated[int, msgspec.Meta(ge=1, le=512)]
    window_ms: Annotated[float, msgspec.Meta(ge=1, le=10_000)]
    hop_ms: Annotated[float, msgspec.Meta(ge=1, le=10_000)]
    normalise: Normalise


@codecs.add("audio")
class AudioCodec(Codec[np.ndarray | Sound]):
    """Encodes sound as steps of real numbers. A sequence is a `Sound`, or an array of samples at the codec's rate.

    Channels are mixed, other rates are brought to the codec's own, and step t tells of the samples from t * hop to
    t * hop + window. What stands behind the last whole window is read with silence after it, as one step more, so that
    every sample is read and the shortest sound has a step. `decode` gives features without the normalisation.

    Args:
        sample_rate_hz: samples a second.
        features: 'log_mel' or 'mfcc'.
        num_bands: bands of frequencies.
        num_coefficients: of the cepstrum, `num_bands` at most; unused for 'log_mel'.
        window_ms: length of the piece that a step tells of.
        hop_ms: from the begin of a step to the begin of the next.
        normalise: as of `whorl.Audio`.
    """

    def __init__(
        self,
        *,
        sample_rate_hz: int,
        features: AudioFeatures = "mfcc",
        num_bands: int = 26,
        num_coefficients: int = 13,
        window_ms: float = 25.0,
        hop_ms: float = 10.0,
        normalise: Normalise = "running",
    ) -> None:
        self.sample_rate_hz, self.features, self.normalise = sample_rate_hz, features, normalise
        self.num_bands, self.num_coefficients = num_bands, num_coefficients
        self.window_ms, self.hop_ms = float(window_ms), float(hop_ms)
        self.window = max(2, round(window_ms * sample_rate_hz / 1000))
        self.hop = min(self.window, max(1, round(hop_ms * sample_rate_hz / 1000)))
        coefficients = None if features == "log_mel" else min(num_coefficients, num_bands)
        self._bands = Bands(sample_rate_hz, self.window, num_bands, coefficients)
        self.streams: Literal["at_flush", "never"] = "never" if normalise == "file" else "at_flush"
        self._even = _native.pack(np.full((1, num_bands), 1.0 / num_bands, np.float32))
        self._center: np.ndarray | None = None
        self._scale = np.ones(self._bands.size)

    def fit(self, sequences: Iterable[np.ndarray | Sound]) -> Self:
        """Learns mean and deviation of each feature; deviations are those from what is subtracted.

        Raises:
            DataError: there is no sample, or a sound is none.
        """
        count, total, left, squares = 0, *np.zeros((3, self._bands.size))
        for value in sequences:
            rows = self.rows(value)
            if not len(rows):
                continue
            count += len(rows)
            total += rows.sum(axis=0, dtype=np.float64)
            rest = rows - self._taken(rows)
            left += rest.sum(axis=0)
            squares += (rest**2).sum(axis=0)
        if not count:
            raise DataError("`fit` needs at least one sound that is not empty, but got none. Bring recordings.")
        if self.normalise == "none":
            self._center, self._scale = np.zeros_like(total), np.ones_like(total)
        else:
            spread = squares / count - (left / count) ** 2
            self._center, self._scale = total / count, np.sqrt(np.maximum(spread, _LEAST_DEVIATION**2))
        return self

    def _taken(self, rows: np.ndarray) -> np.ndarray:
        """What is taken from the rows of a whole recording besides the mean of training, float64."""
        if self.normalise == "running":
            return self.spread_level(self.level(rows).mean(dtype=np.float64))
        made: np.ndarray = rows.mean(axis=0, dtype=np.float64) if self.normalise == "file" else np.zeros(1)
        return made

    def level(self, rows: np.ndarray) -> np.ndarray:
        """How loud each step is, (T, 1) float32: the mean of its bands, or the coefficient that stands for it."""
        if self.features == "mfcc":
            return rows[:, :1]
        made: np.ndarray = _native.affine(np.ascontiguousarray(rows), self._even, None)
        return made

    def spread_level(self, level: np.ndarray | np.floating) -> np.ndarray:
        """What a level adds to each number of a step: a column of levels (T, 1) to (T, D), one to (D,)."""
        first = np.zeros(self._bands.size)
        first[: 1 if self.features == "mfcc" else None] = 1.0
        made: np.ndarray = np.asarray(level) * first
        return made

    @property
    def spec(self) -> Spec:
        return Reals(self._bands.size)

    @property
    def center(self) -> np.ndarray:
        """The mean of each feature in training, (D,) float64; zeros where features are not normalised."""
        if self._center is None:
            raise NotFittedError("This `AudioCodec` has no statistics yet. Call `fit` with training sounds first.")
        return self._center

    @property
    def scale(self) -> np.ndarray:
        """What each feature is divided by, (D,) float64."""
        return self._scale

    def rows(self, value: np.ndarray | Sound) -> np.ndarray:
        """Features that are not normalised, (T, D) float32."""
        windows = _windows(self)
        return np.concatenate([windows.push(value), windows.flush()])

    def encode(self, values: np.ndarray | Sound) -> np.ndarray:
        rows = self.rows(values)
        if self.normalise == "file":
            center = rows.astype(np.float64).mean(axis=0) if len(rows) else self.center
            return _cast((rows - center) / self._scale)
        return Running(self).push(rows)

    def decode(self, array: np.ndarray) -> np.ndarray:
        """Returns features (..., D), float64: logarithms of energies, or cepstral coefficients.

        Where something of the recording itself was subtracted it is not known any more, and what training has stands
        for it.
        """
        if array.shape[-1] != self._bands.size:
            raise DataError(
                f"`decode` takes {self._bands.size} columns, but the array has {array.shape[-1]}. Decode with the "
                "codec that encoded it."
            )
        made: np.ndarray = np.asarray(array, np.float64) * self._scale + self.center
        return made

    def chunks(self) -> "AudioEncoder":
        if self.streams == "never":
            raise StreamingError(
                "`normalise` is 'file', which needs the whole recording, so that sound cannot be read while it comes. "
                "Use normalise='running'."
            )
        return AudioEncoder(self)

    def config(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in _Config.__struct_fields__}

    def arrays(self) -> dict[str, np.ndarray]:
        return {"center": self.center, "scale": self._scale}

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        try:
            codec = cls(**msgspec.structs.asdict(msgspec.convert(config, _Config)))
        except (msgspec.ValidationError, ArgumentError) as error:
            raise ModelFileError(f"The audio codec of the model file is damaged: {error}") from None
        codec._center, codec._scale = center_and_scale(arrays, codec._bands.size, _LEAST_DEVIATION)
        return codec


class Running:
    """Takes the mean of training from each row, and the level of the recording so far, and divides by the deviation.

    Args:
        codec: fitted.

    Attributes:
        total: sum of the levels so far, that of training among them, (1,) float64.
        count: how many they are.
    """

    def __init__(self, codec: AudioCodec) -> None:
        self._codec = codec
        self._weight = _PRIOR_S * 1000.0 / codec.hop_ms if codec.normalise == "running" else 0.0
        self._usual = float(self._codec.level(codec.center.astype(np.float32)[None])[0, 0])
        self.total, self.count = np.array([self._usual * self._weight]), 0

    def push(self, rows: np.ndarray) -> np.ndarray:
        """Normalised rows (T, D), float32."""
        if not self._weight:
            self.count += len(rows)
            return _cast((rows - self._codec.center) / self._codec.scale)
        # Added up in their order, whatever the pieces.
        levels = self._codec.level(rows)[:, 0].astype(np.float64)
        totals = np.add.accumulate(np.concatenate([self.total, levels]))
        counts = self._weight + self.count + np.arange(1, len(rows) + 1)
        self.total, self.count = totals[-1:], self.count + len(rows)
        louder = self._codec.spread_level((totals[1:] / counts - self._usual)[:, None])
        return _cast((rows - louder - self._codec.center) / self._codec.scale)


class _Remainder(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """Of one size at any time: `counts` are those of `Windows.read`, and rows."""

    counts: bytes
    signal: bytes
    windows: bytes
    total: bytes


class AudioEncoder(Encoder[np.ndarray | Sound]):
    """Encodes sound that comes in pieces of any sizes.

    Args:
        codec: fitted.
    """

    def __init__(self, codec: AudioCodec) -> None:
        self._codec = codec
        self._windows, self._running = _windows(codec), Running(codec)

    def push(self, piece: np.ndarray | Sound) -> np.ndarray:
        return self._running.push(self._windows.push(piece))

    def flush(self) -> np.ndarray:
        return self._running.push(self._windows.flush())

    def read(self) -> bytes:
        counts, signal, windows = self._windows.read()
        counted = np.array([*counts, self._running.count], np.int64).tobytes()
        return msgspec.msgpack.encode(_Remainder(counted, signal, windows, self._running.total.tobytes()))

    def write(self, remainder: bytes) -> None:
        windows, running = _windows(self._codec), Running(self._codec)
        try:
            plain = msgspec.msgpack.decode(remainder, type=_Remainder)
            *counts, count = np.frombuffer(plain.counts, np.int64).tolist()
            windows.write(counts, plain.signal, plain.windows)
            total = samples_of(plain.total, np.float64)
        except (msgspec.DecodeError, ValueError):
            raise _damaged() from None
        if not 0 <= count < _MOST or len(total) != len(running.total):
            raise _damaged()
        running.total, running.count = total, count
        self._windows, self._running = windows, running


def _windows(codec: AudioCodec) -> Windows:
    """What cuts the windows of one recording."""
    return Windows(codec._bands, codec.sample_rate_hz, codec.hop)


def _cast(values: np.ndarray) -> np.ndarray:
    made: np.ndarray = values.astype(np.float32)
    return made


def _damaged() -> ModelFileError:
    return ModelFileError("The state of an audio codec is damaged, or belongs to another model.")
