"""Where a timestamp stands in its day, week and year, as points on circles."""

import numpy as np

_DAY_S = 86_400
_DAY_US = 86_400_000_000


def num_features(step_s: float | None) -> int:
    """Width of `features`: two for each cycle."""
    return 2 * len(cycles(step_s))


def cycles(step_s: float | None) -> tuple[str, ...]:
    """Returns the cycles that rows `step_s` seconds apart can tell: 'day', 'week', 'year'; all where it is unknown."""
    step = 0.0 if step_s is None else step_s
    return (*(("day",) if step < _DAY_S else ()), *(("week",) if step < 7 * _DAY_S else ()), "year")


def features(times: np.ndarray, step_s: float | None) -> np.ndarray:
    """Returns sine and cosine of each cycle, float32, shape (T, num_features); zeros for NaT.

    The position is continuous: half past six is half a step beyond six.
    """
    absent = np.isnat(times)
    known = np.where(absent, np.datetime64(0, "us"), times)
    microseconds = known.astype("datetime64[us]").astype(np.int64)
    days = microseconds / _DAY_US
    turns = []
    for cycle in cycles(step_s):
        if cycle == "day":
            turns.append((microseconds % _DAY_US) / _DAY_US)
        elif cycle == "week":
            turns.append(((days + 3.0) % 7.0) / 7.0)  # 1970-01-01 was a Thursday; the week starts on Monday
        else:
            years = known.astype("datetime64[Y]")
            start = years.astype("datetime64[D]").astype(np.int64)
            length = (years + 1).astype("datetime64[D]").astype(np.int64) - start
            turns.append((days - start) / length)
    angles = 2.0 * np.pi * np.stack(turns, axis=1)
    points = np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(times), num_features(step_s))
    points[absent] = 0.0
    return points.astype(np.float32)
