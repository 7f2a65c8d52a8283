"""Remaining life over time: what was answered at each row of some sequences, beside what was left."""

import numpy as np

from whorl.report import drawing
from whorl.report.drawing import Picture
from whorl.report.evidence import Evidence
from whorl.report.scores import number

_MOST = 3


def lives(evidence: Evidence) -> list[Picture]:
    """Sequences whose every row was answered: the best, the median and the worst by mean error; none where none was."""
    keys = evidence.prediction.index.series
    places = [np.flatnonzero(keys == key) for key in dict.fromkeys(keys.tolist())]
    places = [at[np.isfinite(evidence.target[at, 0])] for at in places]
    places = [at for at in places if len(at) > 1]
    if not places:
        return []
    errors = [float(np.abs(evidence.prediction.value[at, 0] - evidence.target[at, 0]).mean()) for at in places]
    order = np.argsort(errors, kind="stable").tolist()
    chosen = list(dict.fromkeys([order[0], order[len(order) // 2], order[-1]]))[:_MOST]
    return [_picture(evidence, places[n], errors[n]) for n in chosen]


def _picture(evidence: Evidence, at: np.ndarray, error: float) -> Picture:
    prediction = evidence.prediction
    figure, grid = drawing.figure(2.7)
    axes = grid[0, 0]
    rows = evidence.steps[at] + 1
    if prediction.quantiles is not None and len(prediction.levels) > 1:
        lower, upper = (bound[at, 0] for bound in prediction.interval)
        label = f"interval, {prediction.levels[0]:g} to {prediction.levels[-1]:g}"
        axes.fill_between(rows, lower, upper, label=label, alpha=0.22, color=drawing.MODEL, linewidth=0)
    axes.plot(rows, evidence.target[at, 0], color=drawing.TRUTH, linewidth=1.1, linestyle="--", label="left")
    axes.plot(rows, prediction.value[at, 0], color=drawing.MODEL, linewidth=1.1, label="answered")
    drawing.tidy(axes, x="row", y=prediction.names[0])
    drawing.legend(axes)
    key = str(prediction.index.series[at[0]])
    says = f"Series {key}: what was answered after each row, beside what was left. Mean absolute error {number(error)}."
    return Picture(drawing.source(figure), says, f"{prediction.names[0]}, series {key}")
