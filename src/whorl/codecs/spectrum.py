"""Features of pieces of sound: energies in bands of the mel scale, and their cepstrum.

Axes: T pieces, W samples of a piece, F bins of the spectrum, B bands.
"""

import numpy as np

from whorl import _native
from whorl.errors import ArgumentError

# No filter begins below: what is there is hum and wind.
_LOWEST_HZ = 40.0
# Added to the energy of a band, of samples in [-1, 1], so that silence is finite. What rounding to 16 bits adds lies
# below it; a quiet recording does not.
FLOOR = 1e-9
# A spectrum is made finer by silence around the piece until each filter has a bin, up to so many times.
_FINEST = 8
# Weights of all bins in all bands: more would be of windows that nobody cuts, and fill gigabytes.
_MOST_WEIGHTS = 1 << 24


class Bands:
    """Logarithms of the energies of pieces of sound in triangular bands that are evenly wide on the mel scale.

    The spectrum is that of the piece under a Hann window; the mel scale is 2595 log10(1 + f / 700) (O'Shaughnessy 1987,
    as in HTK); the filters are those of Davis & Mermelstein 1980, figure 1, each with a peak of 1.

    Args:
        rate_hz: samples a second.
        length: W.
        num_bands: B.
        num_coefficients: of the cepstrum, which is the discrete cosine transform of the logarithms (Davis & Mermelstein
            1980, eq. 1, scaled to be orthonormal); None leaves the logarithms.

    Raises:
        ArgumentError: the bands are narrower than a piece of that length can tell, or pieces are too long.
    """

    def __init__(self, rate_hz: int, length: int, num_bands: int, num_coefficients: int | None) -> None:
        self.length = length
        self._window = (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(length) / length)).astype(np.float32)
        self._size = 1 << max(1, (length - 1).bit_length())
        finest = min(self._size * _FINEST, 2 * _MOST_WEIGHTS // num_bands)
        if self._size > finest:
            raise ArgumentError(
                f"`window_ms` makes windows of {length} samples at {rate_hz} Hz, which are too long for {num_bands} "
                "bands. Make it shorter, or lower `num_bands` or `sample_rate_hz`."
            )
        filters = triangles(rate_hz, self._size, num_bands)
        while (filters.sum(axis=1) == 0).any() and 2 * self._size <= finest:
            self._size *= 2
            filters = triangles(rate_hz, self._size, num_bands)
        if (filters.sum(axis=1) == 0).any():
            raise ArgumentError(
                f"`num_bands` is {num_bands}, but at {rate_hz} Hz windows of {length} samples tell fewer apart. Lower "
                "it, or make `window_ms` longer."
            )
        # Energy of a sample on average, so that windows of other lengths and rates give like numbers.
        scale = np.float32(2.0 / (float((self._window.astype(np.float64) ** 2).sum()) * self._size))
        self._filters = _native.pack((filters * scale).astype(np.float32))
        self._cosines = None if num_coefficients is None else _native.pack(cosines(num_bands, num_coefficients))
        self.size = num_bands if num_coefficients is None else num_coefficients

    def __call__(self, pieces: np.ndarray) -> np.ndarray:
        """Features (T, size) of pieces (T, W), float32; a row has the same bits in any company."""
        spectrum = np.fft.rfft(pieces * self._window, self._size)
        energy = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        logarithms: np.ndarray = np.log(_native.affine(energy, self._filters, None) + np.float32(FLOOR))
        if self._cosines is None:
            return logarithms
        made: np.ndarray = _native.affine(logarithms, self._cosines, None)
        return made


def triangles(rate_hz: int, size: int, num_bands: int) -> np.ndarray:
    """Weights of each bin of a spectrum of `size` samples in each band, (B, F)."""
    lowest = min(_LOWEST_HZ, rate_hz / 8)
    ends = np.linspace(_mel(lowest), _mel(rate_hz / 2), num_bands + 2)
    edges = 700.0 * (10.0 ** (ends / 2595.0) - 1.0)
    bins = np.arange(size // 2 + 1) * (rate_hz / size)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    made: np.ndarray = np.maximum(0.0, np.minimum(rising, falling))
    return made


def _mel(hz: float) -> float:
    return float(2595.0 * np.log10(1.0 + hz / 700.0))


def cosines(num_bands: int, num_coefficients: int) -> np.ndarray:
    """The first rows of the orthonormal cosine transform, (num_coefficients, B) float32."""
    n = np.arange(num_coefficients)[:, None]
    made = np.cos(np.pi * n * (np.arange(num_bands) + 0.5) / num_bands) * np.sqrt(2.0 / num_bands)
    made[0] = np.sqrt(1.0 / num_bands)
    cast: np.ndarray = made.astype(np.float32)
    return cast
