"""Sound as a user gives it: samples of any common kind, in any channels, with their rate; and as codecs read it."""

from typing import NamedTuple

import numpy as np

from whorl.errors import DataError
from whorl.plans.media import LEAST_HZ, MOST_HZ

MOST_CHANNELS = 64
# Far above full scale: the energies of louder samples would not be finite numbers.
_LOUDEST = np.float32(1e6)
# What samples of these kinds are divided by; unsigned bytes are silent at 128.
_FULL_SCALE = {"i1": 2.0**7, "u1": 2.0**7, "i2": 2.0**15, "i4": 2.0**31}


class Sound(NamedTuple):
    """Samples of sound with their rate.

    Args:
        samples: (T,), or (T, C) of several channels; whole numbers of 8, 16 or 32 bits, or numbers from -1 to 1.
        rate_hz: samples a second.
    """

    samples: np.ndarray
    rate_hz: int


def mono(piece: np.ndarray | Sound) -> np.ndarray:
    """Samples of one channel, (T,) float32, in [-1, 1] where they were whole numbers.

    Raises:
        DataError: they are no samples, or not finite, or the rate is none.
    """
    samples = piece.samples if isinstance(piece, Sound) else piece
    rate: object = piece.rate_hz if isinstance(piece, Sound) else LEAST_HZ
    if isinstance(rate, bool) or not isinstance(rate, int | np.integer) or not LEAST_HZ <= rate <= MOST_HZ:
        raise DataError(f"`rate_hz` is a whole number from {LEAST_HZ} to {MOST_HZ}, but is {rate!r}. Correct it.")
    try:
        given = np.asarray(samples)
    except ValueError:  # lists of several lengths
        given = np.empty((), object)
    kind = f"{given.dtype.kind}{given.dtype.itemsize}"
    if given.ndim not in (1, 2) or (given.dtype.kind != "f" and kind not in _FULL_SCALE and given.size):
        raise DataError(
            "a sound is an array of samples (T,) or (T, C), numbers from -1 to 1 or whole ones of 8, 16 or 32 bits, "
            f"but an array of shape {given.shape} of {given.dtype} came. Convert it."
        )
    if given.ndim == 2 and not 1 <= given.shape[1] <= MOST_CHANNELS:
        raise DataError(
            f"a sound has 1 to {MOST_CHANNELS} channels, (T, C), but the shape is {given.shape}. Turn it around."
        )
    if kind in _FULL_SCALE:
        given = (given.astype(np.float64) - (128.0 if kind == "u1" else 0.0)) / _FULL_SCALE[kind]
    values = given.astype(np.float64) if given.ndim == 2 else given
    if values.ndim == 2:
        # Channel by channel: their sum has the same bits however many samples come at once.
        mixed = values[:, 0].copy()
        for channel in range(1, values.shape[1]):
            mixed += values[:, channel]
        values = mixed / given.shape[1]
    made = values.astype(np.float32)
    if not np.isfinite(made).all():
        raise DataError(f"sample {int(np.argmin(np.isfinite(made)))} of a sound is not finite. Repair the recording.")
    return np.clip(made, -_LOUDEST, _LOUDEST)
