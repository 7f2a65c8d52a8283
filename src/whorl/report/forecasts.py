"""Forecasts with their intervals against what came: the best, the median and the worst."""

from typing import TYPE_CHECKING

import numpy as np

from whorl.report import drawing
from whorl.report.curves import MOST_TARGETS
from whorl.report.drawing import Picture
from whorl.report.evidence import Evidence
from whorl.report.scores import number, short
from whorl.runtime.model import Model
from whorl.runtime.prediction import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEAST_CONTEXT = 24


def windows(model: Model, evidence: Evidence) -> list[Picture]:
    """A picture for each of the chosen answers and each of the first targets."""
    pictures = []
    for rank, row in evidence.ranked().items():
        for k, target in enumerate(evidence.prediction.names[:MOST_TARGETS]):
            figure, grid = drawing.figure(2.7)
            _draw(grid[0, 0], model, evidence, row, k)
            error = np.abs(evidence.prediction.value[row, :, k] - evidence.target[row, :, k])
            known = error[np.isfinite(error)]
            mae = f"mean absolute error {number(float(known.mean()))}" if len(known) else "no truth known"
            series = str(evidence.prediction.index.series[row])
            origin = plain(evidence.prediction.index.origin[row])
            place = f"series {series}, after " if series else "after "
            place += short(origin) if isinstance(origin, str) else f"row {origin}"
            title = f"{rank.capitalize()}: {target}, {place}"
            says = f"{rank.capitalize()} window: {mae}, in the units of {target}."
            pictures.append(Picture(drawing.source(figure), says, title))
    return pictures


def _draw(axes: "Axes", model: Model, evidence: Evidence, row: int, k: int) -> None:
    prediction, sequence, step = evidence.prediction, evidence.sequences[row], int(evidence.steps[row])
    horizon = prediction.value.shape[1]
    first = max(0, step + 1 - max(_LEAST_CONTEXT, 2 * horizon))
    before = model.reader.decode(sequence.row_targets[first : step + 1])[:, k]
    times_before, times_after = sequence.time[first : step + 1], _times(prediction.index.time, row, horizon, step)
    # The line of the truth runs on from the last known row, so that the eye finds the origin.
    times = np.concatenate([times_before[-1:], times_after])
    truth = np.concatenate([before[-1:], evidence.target[row, :, k]])
    marker = "o" if horizon < 60 else ""
    if prediction.quantiles is not None and len(prediction.levels) > 1:
        lower, upper = (bound[row, :, k] for bound in prediction.interval)
        label = f"interval, {prediction.levels[0]:g} to {prediction.levels[-1]:g}"
        axes.fill_between(times_after, lower, upper, label=label, alpha=0.22, color=drawing.MODEL, linewidth=0)
        if horizon == 1:
            axes.vlines(times_after, lower, upper, color=drawing.MODEL, alpha=0.4, linewidth=5)
    axes.plot(times_before, before, color=drawing.TRUTH, linewidth=1.1, label="known before")
    axes.plot(times, truth, color=drawing.TRUTH, linewidth=1.1, linestyle="--", label="what came")
    axes.plot(
        times_after, prediction.value[row, :, k], color=drawing.MODEL, marker=marker, markersize=3.5, label="forecast"
    )
    axes.axvline(times_before[-1], color="#777777", linewidth=0.8)
    axes.margins(x=0.01)
    drawing.tidy(axes, x="" if times_before.dtype.kind == "M" else "row")
    if times_before.dtype.kind == "M":
        drawing.dated(axes)
    drawing.legend(axes)


def _times(times: np.ndarray | None, row: int, horizon: int, step: int) -> np.ndarray:
    return np.arange(step + 1, step + 1 + horizon) if times is None else times[row]
