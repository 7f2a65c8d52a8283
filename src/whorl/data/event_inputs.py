"""What a step of a log of events is as numbers: its item, and how long after the one before it the event came."""

from collections.abc import Sequence as List
from typing import Self

import msgspec
import numpy as np

from whorl.codecs.symbols import SymbolsCodec
from whorl.data.events import Session, seconds
from whorl.errors import ModelFileError
from whorl.specs import Fields, Reals, Spec, Tokens

# Bins of times at most, and training times that one has at least, where there are as many.
_MOST_BINS, _LEAST_TIMES = 64, 20


class Pace(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long after the one before it an event came, as a number: the logarithm of 1 + t, scaled as in training.

    Args:
        mean: of the logarithm in training.
        deviation: its standard deviation there; 1 where it does not vary.
    """

    mean: float = 0.0
    deviation: float = 1.0

    @classmethod
    def fit(cls, sessions: List[Session]) -> "Pace":
        """Learns the scale from training events."""
        logs = np.log1p(_apart(sessions))
        if not len(logs):
            return cls()
        return cls(mean=float(logs.mean()), deviation=float(logs.std()) or 1.0)

    def encode(self, apart: np.ndarray) -> np.ndarray:
        """One number for each time between two events, (n, 1)."""
        found: np.ndarray = ((np.log1p(apart) - self.mean) / self.deviation).astype(np.float32)
        return found[:, None]


class Lapses:
    """Times between two events as bins of which each had about as many of them in training.

    Cut points at evenly spaced quantiles tell short times and long ones apart alike (Kvamme & Borgan 2021, who find
    them better than even distances where data are few). A time that is so frequent that it fills a bin by itself, such
    as 0 where events of one second are told apart by nothing, has a bin of its own.

    Args:
        least: (B,) the smallest training time of each bin, float32.
        most: (B,) the largest one, ascending; times of a bin lie above that of the bin before it.
    """

    def __init__(self, least: np.ndarray, most: np.ndarray) -> None:
        self.least, self.most = least, most

    @classmethod
    def fit(cls, sessions: List[Session]) -> Self:
        """Learns the bins from training events."""
        times = np.sort(_apart(sessions).astype(np.float32))
        levels = max(1, min(_MOST_BINS, len(times) // _LEAST_TIMES))
        ranks = np.ceil(np.arange(1, levels + 1) / levels * len(times)).astype(np.int64) - 1
        ends, often = np.unique(times[ranks], return_counts=True)
        before = np.searchsorted(times, ends[often > 1]) - 1
        most = np.union1d(ends, times[before[before >= 0]])
        starts = np.concatenate([[0], np.searchsorted(times, most[:-1], side="right")])
        return cls(times[starts], most)

    def __len__(self) -> int:
        return len(self.most)

    def bins(self, times: np.ndarray) -> np.ndarray:
        """The bin of each time, from 0 on; what is longer than any of training is in the last one."""
        found: np.ndarray = np.searchsorted(self.most, times.astype(np.float32)).clip(max=len(self) - 1)
        return found

    def arrays(self) -> dict[str, np.ndarray]:
        """The bins."""
        return {"least": self.least, "most": self.most}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> Self:
        """The way back; raises ModelFileError for bins that no fit gives."""
        least, most = arrays.get("least"), arrays.get("most")
        if set(arrays) != {"least", "most"} or least is None or most is None or not _are_bins(least, most):
            raise ModelFileError("the reader of the model file is damaged: its bins of times are none.")
        return cls(least, most)


class EventInputs:
    """What a step is: its item, and how long after the one before it came where that is read.

    Args:
        items: codes of items.
        pace: scale of times; None reads none.
        lapses: bins of times, where it is answered when the next event comes; None where not.
    """

    def __init__(self, items: SymbolsCodec, pace: Pace | None, lapses: Lapses | None = None) -> None:
        self.items, self.pace, self.lapses = items, pace, lapses

    @property
    def spec(self) -> Spec:
        """Columns of an encoded event."""
        if self.pace is None:
            return self.items.spec
        fields: dict[str, Spec] = {"item": self.items.spec, "elapsed": Reals(1)}
        if self.lapses is not None:
            fields["lapse"] = Tokens(len(self.lapses) + 1)
        return Fields(fields)

    def encode(self, items: List[object], apart: np.ndarray) -> np.ndarray:
        """Encodes events, (T, D); `apart` (T,) is NaN where nothing came before."""
        codes = self.items.encode(items)  # type: ignore[arg-type]
        if self.pace is None:
            return codes
        first = np.isnan(apart)
        times = np.where(first, 0.0, apart)
        known = self.pace.encode(times)
        known[first] = 0.0
        if self.lapses is None:
            return np.concatenate([codes, known], axis=1)
        lapses = np.where(first, 0, self.lapses.bins(times) + 1).astype(np.float32)  # 0: nothing came before
        return np.concatenate([codes, known, lapses[:, None]], axis=1)


def _apart(sessions: List[Session]) -> np.ndarray:
    """Times between events that follow each other, of all sessions."""
    return np.concatenate([np.empty(0), *(seconds(one.times) for one in sessions)])


def _are_bins(least: np.ndarray, most: np.ndarray) -> bool:
    if least.dtype != np.float32 or most.dtype != np.float32 or least.shape != most.shape or most.ndim != 1:
        return False
    finite = np.isfinite(least).all() and np.isfinite(most).all()
    ordered = (least >= 0).all() and (least <= most).all() and (least[1:] > most[:-1]).all()
    return 0 < len(most) <= 2 * _MOST_BINS and bool(finite and ordered)
