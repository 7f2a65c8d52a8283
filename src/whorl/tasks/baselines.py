"""Naive rivals as programs without weights: they read what the network reads and run on the same engine."""

from collections.abc import Sequence as List

import numpy as np

from whorl.data.pairing import a_season_before
from whorl.data.reader import Reader
from whorl.data.sequences import Sequence
from whorl.data.timestep import TimeStep
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program

# Periods that people and nature keep, in seconds; a series' period is looked for among them first.
_DAY = 86_400.0
_CYCLES = (3_600.0, _DAY, 7 * _DAY, 365.25 * _DAY)
# How much a season must err less than a shorter one to be told.
_LONGER = 0.8
# Errors of so small a share of what varies are those of rounding.
_ROUNDING = 1e-6


def forecasts(width: int, num_targets: int, context: int, horizon: int, period: int) -> dict[str, Program]:
    """Last value, drift and seasonal naive, from rows whose first columns are the targets.

    Args:
        width: columns of a row.
        num_targets: K.
        context: rows that drift looks back; a single one has no drift.
        horizon: H.
        period: rows of a season.
    """
    last_value = _from_window(width, num_targets, 1, np.zeros(horizon, np.int64))
    return {
        "last_value": last_value,
        "drift": last_value if context == 1 else _drift(width, num_targets, context, horizon),
        "seasonal_naive": _from_window(width, num_targets, period, period - 1 + a_season_before(period, horizon)),
    }


def mean_answer(width: int, num_targets: int) -> Program:
    """The training mean, which is zero in the codec's units."""
    program = Program()
    row = program.add(ops.Input(out="past", shape=(width,)))
    first = program.add(ops.Slice(x=row, axis=0, start=0, stop=1))
    nothing = program.add(ops.Combine(a=first, b=first, function="subtract"))
    nothing = program.add(ops.Repeat(x=nothing, axis=0, count=num_targets))
    program.output = program.add(ops.Reshape(x=nothing, shape=(num_targets, 1)))
    return program


def remaining_life(width: int, training: List[Sequence], reader: Reader) -> dict[str, Program]:
    """The mean of what was left, and the median life less the age, for sequences whose remaining rows are counted.

    Args:
        width: columns of a row.
        training: sequences with their truths.
        reader: says how truths are counted and scaled.
    """
    lives = [len(one) + float(reader.decode(one.row_targets[-1:])[0, 0]) for one in training]
    known = [life for life in lives if np.isfinite(life)]
    return {"mean": mean_answer(width, 1), "age": _median_life(width, float(np.median(known)), reader)}


def _median_life(width: int, life: float, reader: Reader) -> Program:
    """What is left of a life of median length at each age; the age is a unit of memory that adds up ones."""
    program = Program()
    row = program.add(ops.Input(out="past", shape=(width,)))

    def matrix(name: str, values: np.ndarray) -> Name:
        return program.tensor(name, values)

    age = program.add(
        ops.Recurrent(
            x=row,
            cell="rnn_relu",
            over="stream",
            weight_ih=matrix("nothing", np.zeros((1, width))),
            weight_hh=matrix("before", np.ones((1, 1))),
            bias_ih=matrix("one", np.ones(1)),
            bias_hh=matrix("zero", np.zeros(1)),
        )
    )
    scale = float(reader.scale[0])
    left = program.add(
        ops.Affine(
            x=age,
            weight=matrix("step", np.full((1, 1), -1.0 / scale)),
            bias=matrix("life", np.full(1, (life - float(reader.center[0])) / scale)),
        )
    )
    program.output = program.add(ops.Reshape(x=left, shape=(1, 1)))
    return program


def prior_answer(width: int, frequencies: np.ndarray) -> Program:
    """How frequent each class is among the training examples, whatever is read.

    Args:
        width: columns of a row.
        frequencies: (C,), above zero.
    """
    return constant_answer(width, np.log(frequencies / frequencies.sum())[None])


def constant_answer(width: int, answer: np.ndarray) -> Program:
    """The same numbers, whatever is read.

    Args:
        width: columns of a row.
        answer: (K, O).
    """
    program = Program()
    row = program.add(ops.Input(out="past", shape=(width,)))
    first = program.add(ops.Slice(x=row, axis=0, start=0, stop=1))
    nothing = program.add(ops.Combine(a=first, b=first, function="subtract"))
    said = program.add(ops.Constant(tensor=program.tensor("prior", answer.ravel())))
    said = program.add(ops.Combine(a=nothing, b=said, function="add"))
    program.output = program.add(ops.Reshape(x=said, shape=answer.shape))
    return program


def _targets(program: Program, width: int, num_targets: int, length: int) -> Name:
    row = program.add(ops.Input(out="past", shape=(width,)))
    targets = program.add(ops.Slice(x=row, axis=0, start=0, stop=num_targets))
    return program.add(ops.Window(x=targets, length=length))


def _from_window(width: int, num_targets: int, length: int, indices: np.ndarray) -> Program:
    """Each step of the horizon is one of the last `length` rows."""
    program = Program()
    window = _targets(program, width, num_targets, length)
    steps = program.add(ops.Take(x=window, axis=0, indices=tuple(int(index) for index in indices)))
    program.output = program.add(ops.Reshape(x=steps, shape=(len(indices), num_targets, 1)))
    return program


def _drift(width: int, num_targets: int, context: int, horizon: int) -> Program:
    """The line through the first and the last row of the context, continued."""
    program = Program()
    length = context
    window = _targets(program, width, num_targets, length)
    first = program.add(ops.Slice(x=window, axis=0, start=0, stop=1))
    last = program.add(ops.Slice(x=window, axis=0, start=length - 1, stop=length))
    rise = program.add(ops.Combine(a=last, b=first, function="subtract"))
    steps = program.tensor("steps", np.arange(1, horizon + 1)[:, None] / (length - 1))
    rise = program.add(ops.Combine(a=program.add(ops.Constant(tensor=steps)), b=rise, function="multiply"))
    line = program.add(ops.Combine(a=last, b=rise, function="add"))
    program.output = program.add(ops.Reshape(x=line, shape=(horizon, num_targets, 1)))
    return program


def find_period(targets: List[np.ndarray], step: TimeStep, longest: int, horizon: int) -> int:
    """The period whose seasonal naive forecast errs least on the training rows; 1 where none beats the last value.

    Candidates are the calendar's cycles in steps, and those lags where the autocorrelation peaks that are no chance.

    Args:
        targets: training rows of each series, (T, K).
        step: time between rows.
        longest: largest period allowed.
        horizon: steps that are forecast.
    """
    best, least = 1, np.inf
    # Where a season comes again exactly, what is left is rounding.
    nothing = _ROUNDING * _mean_error(targets, 1, horizon)
    # Every multiple of a season is one too, and of few rows some multiple errs less by chance.
    by_chance = 2.0 / np.sqrt(max(1, sum(map(len, targets))))
    calendar = _calendar_periods(step)
    for period in [1, *sorted(calendar | _peaks(targets, longest))]:
        if period > longest or not (period in calendar or is_regular(targets, period, horizon)):
            continue
        error = _mean_error(targets, period, horizon)
        margin = 0.01 if best == 1 or period % best else max(0.01, by_chance)
        if error < (1.0 - margin) * least - nothing:
            best, least = period, error
    return best


def is_regular(targets: List[np.ndarray], period: int, horizon: int) -> bool:
    """Whether rows a period before tell more than the mean of the last period does.

    Of noise some lag always does better than the last value, none better than a mean.

    Args:
        targets: training rows of each series, (T, K).
        period: rows of it.
        horizon: steps that are forecast.
    """
    return period == 1 or _mean_error(targets, period, horizon) < _error_of_the_mean(targets, period, horizon)


def longer_season(targets: List[np.ndarray], step: TimeStep, period: int, horizon: int) -> int:
    """A season that the context is too short to hold, and that errs less by a fifth; else the period.

    It must have come four times in the longest series, so that it is no chance.

    Args:
        targets: training rows of each series, (T, K).
        step: time between rows.
        period: of the rivals.
        horizon: steps that are forecast.
    """
    longest = max(map(len, targets)) // 4
    found = find_period(targets, step, longest, horizon)
    if found <= period or _mean_error(targets, found, horizon) > _LONGER * _mean_error(targets, period, horizon):
        return period
    return found


def naive_error(targets: List[np.ndarray], period: int) -> np.ndarray:
    """Mean absolute error of the seasonal naive forecast one season ahead, for each target, (K,); never zero."""
    errors = [np.abs(part[period:] - part[:-period]) for part in targets if len(part) > period]
    if not errors:
        return np.ones(targets[0].shape[1])
    with np.errstate(invalid="ignore"):
        joined = np.concatenate(errors)
    known = np.isfinite(joined)
    mean = np.where(known, joined, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.where(mean > _ROUNDING * _spread(targets), mean, 1.0)


def _spread(targets: List[np.ndarray]) -> np.ndarray:
    """Mean distance of each target from its mean, (K,)."""
    rows = np.concatenate(targets)
    known = np.isfinite(rows)
    count = np.maximum(known.sum(axis=0), 1)
    rows = np.where(known, rows - np.where(known, rows, 0.0).sum(axis=0) / count, 0.0)
    spread: np.ndarray = np.abs(rows).sum(axis=0) / count
    return spread


def _mean_error(targets: List[np.ndarray], period: int, horizon: int) -> float:
    """Mean absolute error of the seasonal naive forecast over the horizon, at up to 12 of its steps."""
    steps = _some_steps(horizon)
    lags = [int(period * -(-step // period)) for step in steps]
    errors = [np.abs(part[lag:] - part[:-lag]).ravel() for part in targets for lag in lags if len(part) > lag + period]
    joined = np.concatenate(errors) if errors else np.empty(0)
    joined = joined[np.isfinite(joined)]
    return float(joined.mean()) if len(joined) else np.inf


def _error_of_the_mean(targets: List[np.ndarray], period: int, horizon: int) -> float:
    """The same of the mean of the last `period` rows; what is missing counts for nothing."""
    errors = []
    for part in targets:
        known = np.isfinite(part)
        ends = np.arange(period, len(part) + 1)
        sums = [np.cumsum(of, axis=0, dtype=float) for of in (np.where(known, part, 0.0), known)]
        total, count = (np.concatenate([np.zeros((1, of.shape[1])), of]) for of in sums)
        count = count[ends] - count[ends - period]
        mean = np.where(count > 0, total[ends] - total[ends - period], np.nan) / np.maximum(count, 1)
        errors += [
            np.abs(part[period - 1 + step :] - mean[: len(mean) - step]).ravel()
            for step in _some_steps(horizon)
            if len(mean) > step
        ]
    joined = np.concatenate(errors) if errors else np.empty(0)
    joined = joined[np.isfinite(joined)]
    return float(joined.mean()) if len(joined) else np.inf


def _some_steps(horizon: int) -> np.ndarray:
    """Up to 12 of the steps of a horizon."""
    steps: np.ndarray = np.unique(np.linspace(1, horizon, min(horizon, 12)).round().astype(int))
    return steps


def _calendar_periods(step: TimeStep) -> set[int]:
    seconds = step.seconds
    if seconds is None:
        return set()
    return {round(cycle / seconds) for cycle in _CYCLES if round(cycle / seconds) > 1}


def _peaks(targets: List[np.ndarray], longest: int) -> set[int]:
    """Lags up to `longest` where the longest series is most like itself: peaks of its autocorrelation.

    Changes tell the season of a random walk, where values do not. Values tell a smooth season under noise, where
    changes are mostly noise.
    """
    series = max(targets, key=len)[-50_001:]
    return _highest(np.diff(series, axis=0), longest) | _highest(_about_its_line(series), longest)


def _highest(values: np.ndarray, longest: int) -> set[int]:
    """The three highest peaks of the autocorrelation of (T, K); what is missing counts as zero."""
    values, size = np.nan_to_num(values), len(values)
    if size < 8:
        return set()
    spectrum = np.fft.rfft(values - values.mean(axis=0), n=2 * size, axis=0)
    # One lag more, by which the longest is seen to be a peak.
    correlation = np.fft.irfft(np.abs(spectrum) ** 2, axis=0)[: min(longest + 1, size // 2) + 1].sum(axis=1)
    inner = np.arange(2, len(correlation) - 1)
    peaks = inner[(correlation[inner] > correlation[inner - 1]) & (correlation[inner] >= correlation[inner + 1])]
    return {int(lag) for lag in peaks[np.argsort(-correlation[peaks])][:3]}


def _about_its_line(series: np.ndarray) -> np.ndarray:
    """(T, K) less the line of least squares through what is known of each column."""
    known = np.isfinite(series)
    count = np.maximum(known.sum(axis=0), 1)
    time = np.arange(len(series), dtype=float)[:, None]
    time = time - (known * time).sum(axis=0) / count
    values = series - np.where(known, series, 0.0).sum(axis=0) / count
    spread = (known * time**2).sum(axis=0)
    slope = (np.where(known, values, 0.0) * time).sum(axis=0) / np.where(spread > 0, spread, 1.0)
    line: np.ndarray = values - slope * time
    return line
