"""The time between two rows: a fixed duration, calendar months, or a count."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, Self, assert_never

import msgspec
import numpy as np

from whorl.errors import ArgumentError, ModelFileError

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_SHORTEST_MONTH = 28 * _DAY
_MEAN_MONTH = 2_629_746.0  # seconds: a 400-year cycle of the calendar in 4,800 months
_NAMES = (("week", 7 * _DAY), ("day", _DAY), ("hour", 3600 * _SECOND), ("minute", 60 * _SECOND), ("second", _SECOND))
_LONGEST = 2**62  # of int64, in which times are counted


@dataclass(frozen=True, kw_only=True)
class TimeStep:
    """The step of a series.

    Args:
        unit: 'microseconds' (a fixed duration), 'months' (of the calendar) or 'index' (rows or whole numbers).
        count: how many of the unit.
        day: for 'months', the day of the month on which timestamps fall, or the month's last if it is shorter.
    """

    unit: Literal["microseconds", "months", "index"]
    count: int = 1
    day: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.count < _LONGEST:
            raise ArgumentError(f"`count` of a time step is a whole number in [1, 2^62), but is {self.count!r}.")
        if (self.unit == "months") != (1 <= self.day <= 31):
            raise ArgumentError(f"`day` is 1 to 31 for months and 0 otherwise, but is {self.day!r} for {self.unit}.")

    @property
    def seconds(self) -> float | None:
        """The length of a step, a month's mean length for months; None for counted rows."""
        match self.unit:
            case "microseconds":
                return self.count / _SECOND
            case "months":
                return self.count * _MEAN_MONTH
            case "index":
                return None
            case _:
                assert_never(self.unit)

    def after(self, time: np.datetime64 | int | np.integer | np.ndarray, n: int) -> np.ndarray:
        """Returns the n timestamps that follow `time`: shape (n,), datetime64[us] or int64."""
        steps = np.arange(1, n + 1, dtype=np.int64) * self.count
        match self.unit:
            case "microseconds":
                return np.datetime64(time, "us") + steps.astype("timedelta64[us]")  # type: ignore[call-overload,no-any-return]
            case "months":
                start = np.datetime64(time, "us")  # type: ignore[call-overload]
                clock = start - start.astype("datetime64[D]")
                return _on_day(start.astype("datetime64[M]") + steps.astype("timedelta64[M]"), self.day) + clock  # type: ignore[no-any-return]
            case "index":
                return np.int64(time) + steps
            case _:
                assert_never(self.unit)

    def gaps(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns how many timestamps are missing between neighbours, and whether the later one is off the step."""
        if self.unit == "months":
            months = times.astype("datetime64[M]")
            distance: np.ndarray = np.diff(months.astype(np.int64))
            clock = times - times.astype("datetime64[D]")
            off = (_on_day(months, self.day) + clock != times)[1:] | (np.diff(clock) != np.timedelta64(0, "us"))
        else:
            distance = np.diff(times.astype(np.int64))
            off = np.zeros(len(distance), bool)
        return np.maximum(distance // self.count - 1, 0), off | (distance % self.count != 0) | (distance <= 0)

    def describe(self) -> str:
        """Returns "1 hour", "12 months", "1 row"."""
        if self.unit == "months":
            count, name = (self.count // 12, "year") if self.count % 12 == 0 else (self.count, "month")
        elif self.unit == "index":
            count, name = self.count, "row"
        else:
            fits = [(self.count // size, name) for name, size in _NAMES if self.count % size == 0]
            count, name = fits[0] if fits else (self.count, "microsecond")
        return f"{count} {name}{'' if count == 1 else 's'}"

    def to_config(self) -> dict[str, object]:
        """Returns a JSON description; `from_config` is the way back."""
        return asdict(self)

    @classmethod
    def from_config(cls, config: Mapping[str, object]) -> Self:
        """Builds the step that `to_config` described; raises ModelFileError on any mismatch."""
        if set(config) != {"unit", "count", "day"}:
            raise ModelFileError(f"A time step has `unit`, `count` and `day`, but this one has {sorted(config)}.")
        try:
            return msgspec.convert(config, cls)
        except (msgspec.ValidationError, ArgumentError) as error:
            raise ModelFileError(f"The time step of the model file is damaged: {error}.") from None


def infer_step(series: Sequence[np.ndarray]) -> TimeStep | None:
    """Returns the step of series of ascending, distinct timestamps, or None where no series has two.

    Months, if all timestamps keep their day of the month and the time of day; else the commonest distance.
    """
    parts: list[np.ndarray] = [np.diff(times.astype(np.int64)) for times in series]
    distances = np.concatenate(parts) if parts else np.empty(0, np.int64)
    distances = distances[distances > 0]
    if not len(distances):
        return None
    if series[0].dtype.kind != "M":
        return TimeStep(unit="index", count=_commonest(distances))
    if distances.min() >= _SHORTEST_MONTH and (months := _months(np.concatenate(list(series)))):
        counts = [np.diff(times.astype("datetime64[M]").astype(np.int64)) for times in series]
        return TimeStep(unit="months", count=_commonest(np.concatenate(counts)), day=months)
    return TimeStep(unit="microseconds", count=_commonest(distances))


def _months(times: np.ndarray) -> int:
    """The day of the month on which all timestamps fall (31: the last one), or 0 when they do not."""
    days = times.astype("datetime64[D]")
    if len(np.unique(times - days)) > 1:
        return 0
    months = times.astype("datetime64[M]")
    day = int((days - months.astype("datetime64[D]")).astype(np.int64).max()) + 1
    if bool((_on_day(months, day) == days).all()):
        return 31 if bool((_on_day(months, 31) == days).all()) else day
    return 0


def _on_day(months: np.ndarray, day: int) -> np.ndarray:
    first = months.astype("datetime64[D]")
    length = ((months + 1).astype("datetime64[D]") - first).astype(np.int64)
    on_day: np.ndarray = (first + (np.minimum(day, length) - 1)).astype("datetime64[us]")
    return on_day


def _commonest(values: np.ndarray) -> int:
    found, counts = np.unique(values, return_counts=True)
    return int(found[np.argmax(counts)])
