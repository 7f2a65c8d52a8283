"""Sound at another sample rate: a low-pass filter of sinc form, at the places of the new samples.

Axes: M samples that come out, K coefficients.
"""

import math

import numpy as np

# Zeros of the sinc on each side of its centre, how much of the band is kept, and the form of the Kaiser window around
# it: what lies above half the lower rate is 80 dB below what passes.
_ZEROS, _ROLL_OFF, _BETA = 24, 0.92, 8.6
# Coefficients that are kept; rates with fewer in common have theirs made block by block.
_MOST_KEPT = 1 << 23
_BLOCK = 4096


class Resampler:
    """Brings sound from one rate to another, in pieces of any sizes: the bits are those of the whole.

    Sample m of the answer is the signal at the time m / `to_hz`: what came, convolved with a sinc of the lower of the
    two bands under a Kaiser window (Smith 1984). It is given once all samples that it depends on came.

    Args:
        from_hz: samples a second that come.
        to_hz: samples a second that are wanted.

    Attributes:
        num_coefficients: K.
        most: samples that are held at most.
        held: samples that later answers still depend on, float32.
        given: samples that were given so far.
        first: number of the first sample in `held`, counted from the first one that came.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        shared = math.gcd(from_hz, to_hz)
        self._up, self._down = to_hz // shared, from_hz // shared
        cutoff = _ROLL_OFF * min(1.0, self._up / self._down)
        half = math.ceil(_ZEROS / min(1.0, self._up / self._down))
        self._half, self._cutoff = half, cutoff
        self.num_coefficients = 2 * half
        self.most = self.num_coefficients + self._down // self._up + 1
        kept = self._up * self.num_coefficients <= _MOST_KEPT
        self._table = self._coefficients(np.arange(self._up)) if kept else None
        self.held, self.first, self.given = np.zeros(half - 1, np.float32), 1 - half, 0

    def push(self, samples: np.ndarray) -> np.ndarray:
        """What comes out of these samples (T,), (M,) float32."""
        self.held = np.concatenate([self.held, samples.astype(np.float32, copy=False)])
        # The last sample with all of its coefficients: floor(m * down / up) + half must have come.
        count = max(0, self._place_after(self.first + len(self.held) - self._half) - self.given)
        return self._next(count)

    def flush(self) -> np.ndarray:
        """What silence after the end brings out."""
        came = self.first + len(self.held)
        count = -(-came * self._up // self._down) - self.given
        self.held = np.concatenate([self.held, np.zeros(self._half, np.float32)])
        return self._next(max(0, count))

    def fits(self, count: int, first: int, given: int) -> bool:
        """Whether a state with so many samples held, from sample `first` on, is one that this filter can be in."""
        after = given * self._down // self._up - (self._half - 1)
        return 0 <= count <= self.most and 0 <= given < 1 << 62 and first == max(1 - self._half, after)

    def _place_after(self, stop: int) -> int:
        """How many answers stand before the time of sample `stop`."""
        return max(0, -(-stop * self._up // self._down))

    def _next(self, count: int) -> np.ndarray:
        made = np.empty(count, np.float32)
        for at in range(0, count, _BLOCK):
            places = np.arange(self.given + at, self.given + min(count, at + _BLOCK), dtype=np.int64) * self._down
            starts = places // self._up - (self._half - 1) - self.first
            windows = np.lib.stride_tricks.sliding_window_view(self.held, self.num_coefficients)[starts]
            phases = places % self._up
            chosen = self._coefficients(phases) if self._table is None else self._table[phases]
            np.einsum("mk,mk->m", windows, chosen, out=made[at : at + len(places)])
        self.given += count
        keep = self.given * self._down // self._up - (self._half - 1)
        self.held, self.first = self.held[max(0, keep - self.first) :].copy(), max(self.first, keep)
        return made

    def _coefficients(self, phases: np.ndarray) -> np.ndarray:
        """The filter at these places between two samples, (M, K) float32."""
        distance = np.arange(1 - self._half, self._half + 1) - phases[:, None] / self._up
        window = np.i0(_BETA * np.sqrt(np.maximum(0.0, 1.0 - (distance / self._half) ** 2))) / np.i0(_BETA)
        made: np.ndarray = (self._cutoff * np.sinc(self._cutoff * distance) * window).astype(np.float32)
        return made
