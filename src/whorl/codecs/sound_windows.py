"""Sound that comes in pieces, at whatever rate, as features of windows that overlap."""

import numpy as np

from whorl.codecs.resampling import Resampler
from whorl.codecs.sound import Sound, mono
from whorl.codecs.spectrum import Bands
from whorl.errors import DataError
from whorl.plans.media import LEAST_HZ, MOST_HZ


class Windows:
    """Cuts sound that comes in pieces into overlapping windows, and makes features of each.

    Args:
        bands: makes features of a window.
        rate_hz: samples a second that windows are cut at; others are brought to it.
        hop: samples from the begin of a window to the begin of the next, as many as a window has at most.
    """

    def __init__(self, bands: Bands, rate_hz: int, hop: int) -> None:
        self._bands, self._own_hz, self._hop = bands, rate_hz, hop
        self._resampler: Resampler | None = None
        self._rate_hz = 0
        # Samples from the begin of the next window on; of those, the first `_read` stood in a window already.
        self._held, self._read = np.empty(0, np.float32), 0

    def push(self, piece: np.ndarray | Sound) -> np.ndarray:
        """Features (n, D) of the windows that this piece completes."""
        samples, rate = mono(piece), piece.rate_hz if isinstance(piece, Sound) else self._own_hz
        if not len(samples):
            return self._cut(samples)
        if self._rate_hz not in (0, rate):
            raise DataError(
                f"`rate_hz` of a piece of sound is {rate}, but the pieces before it came at {self._rate_hz}. Start "
                "another stream."
            )
        if not self._rate_hz:
            self._begin(rate)
        return self._cut(samples if self._resampler is None else self._resampler.push(samples))

    def _begin(self, rate: int) -> None:
        """Settles at which rate samples come."""
        self._rate_hz = rate
        self._resampler = None if rate == self._own_hz else Resampler(rate, self._own_hz)

    def flush(self) -> np.ndarray:
        """Features of what is left, with silence after it."""
        rows = self._cut(np.empty(0, np.float32) if self._resampler is None else self._resampler.flush())
        if len(self._held) > self._read:
            silence = np.zeros(self._bands.length - len(self._held), np.float32)
            rows = np.concatenate([rows, self._bands(np.concatenate([self._held, silence])[None])])
        self._held, self._read = self._held[:0], 0
        return rows

    def _cut(self, samples: np.ndarray) -> np.ndarray:
        """Features of the windows that these samples complete."""
        window, hop = self._bands.length, self._hop
        held = np.concatenate([self._held, samples])
        count = max(0, (len(held) - window) // hop + 1)
        if not count:
            self._held = held
            return np.empty((0, self._bands.size), np.float32)
        pieces = np.lib.stride_tricks.sliding_window_view(held, window)[::hop][:count]
        rows = np.concatenate([self._bands(pieces[at : at + 1024]) for at in range(0, count, 1024)])
        self._held, self._read = held[count * hop :].copy(), window - hop
        return rows

    def read(self) -> tuple[list[int], bytes, bytes]:
        """All that later windows depend on, as large at any time once samples came.

        Returns:
            The rate, samples held of the signal and of its windows, those that a window had, the place of the first and
            how many were given; the samples of the signal; and those of its windows.
        """
        one = self._resampler
        signal = np.empty(0, np.float32) if one is None else one.held
        first, given, room = (0, 0, 0) if one is None else (one.first, one.given, one.most)
        counts = [self._rate_hz, len(signal), len(self._held), self._read, first, given]
        return counts, _padded(signal, room), _padded(self._held, self._bands.length)

    def write(self, counts: list[int], signal: bytes, windows: bytes) -> None:
        """Goes on, as a new one, from what `read` returned; raises ValueError for what it never returned."""
        rate, many, few, read, first, given = counts
        resampled, held, window = samples_of(signal, np.float32), samples_of(windows, np.float32), self._bands.length
        fits = len(held) == window and 0 <= few < window and read in (0, window - self._hop)
        if not fits or not (rate == 0 or LEAST_HZ <= rate <= MOST_HZ):
            raise ValueError
        if rate:
            self._begin(rate)
        one = self._resampler
        if len(resampled) != (0 if one is None else one.most) or (one is not None and not one.fits(many, first, given)):
            raise ValueError
        if one is not None:
            one.held, one.first, one.given = resampled[:many], first, given
        self._held, self._read = held[:few], read


def samples_of(held: bytes, kind: type[np.floating]) -> np.ndarray:
    """Finite numbers from their bytes; raises ValueError for others."""
    made = np.frombuffer(held, kind).copy()
    if not np.isfinite(made).all():
        raise ValueError
    return made


def _padded(samples: np.ndarray, room: int) -> bytes:
    return np.pad(samples, (0, room - len(samples))).tobytes()
