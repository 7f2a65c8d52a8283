"""Pictures of answers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from whorl.errors import ArgumentError, MissingExtraError
from whorl.runtime.prediction import MOST_LISTED, Prediction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plotted(answers: Prediction, row: int) -> "Figure":
    """Draws one answer; see `Prediction.plot`."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("matplotlib", "train", "to draw") from None
    if isinstance(answers.value, list) and answers.classes is None:
        raise ArgumentError("`plot` draws numbers and probabilities, but these answers are not. Print or write them.")
    if isinstance(answers.value, list):
        return _bars(*_of_steps(answers, answers.value[row], row))
    if answers.ranks or (isinstance(answers.probabilities, np.ndarray) and answers.classes is not None):
        likely = answers.take(slice(row, row + 1)).most_likely(MOST_LISTED)[0]
        return _bars([str(label) for label, _ in likely], [share for _, share in likely])
    if answers.contributions is not None:
        # The first channel stands at the bottom.
        return _bars(answers.names[::-1], np.nan_to_num(answers.contributions[row])[::-1].tolist())
    figure = Figure(figsize=(8, 2.2 * len(answers.names)), layout="constrained")
    _lines(answers, row, figure.subplots(len(answers.names), squeeze=False)[:, 0].tolist())
    return figure


def _bars(names: Sequence[str], lengths: Sequence[float]) -> "Figure":
    """A bar for each name, the first one at the top; names may be the same."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 0.8 + 0.25 * len(names)), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(names))
    axes.barh(places, lengths)
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    return figure


def _of_steps(answers: Prediction, labels: np.ndarray, row: int) -> tuple[list[str], list[float]]:
    """The label of each step of a sequence, and how probable it is."""
    assert answers.probabilities is not None
    assert answers.classes is not None
    tokens, place = answers.index.tokens, {label: n for n, label in enumerate(answers.classes.tolist())}
    names = [str(label) if tokens is None else f"{tokens[row][t]}  {label}" for t, label in enumerate(labels)]
    # With a chain the label of a step need not be its most probable one.
    pairs = zip(labels.tolist(), answers.probabilities[row], strict=True)
    return names, [float(shares[place[label]]) for label, shares in pairs]


def _lines(answers: Prediction, row: int, axes: Sequence["Axes"]) -> None:
    """Numbers over their steps, each output in axes of its own, with the interval where there is one."""
    value = answers.value if answers.value.ndim == 3 else answers.value[:, None]
    steps = np.arange(1, value.shape[1] + 1) if answers.index.time is None else answers.index.time[row]
    for k, (axis, name) in enumerate(zip(axes, answers.names, strict=True)):
        if answers.quantiles is not None and len(answers.levels) > 1:
            lower, upper = (bound.reshape(value.shape)[row, :, k] for bound in answers.interval)
            ends = f"{answers.levels[0]:g} to {answers.levels[-1]:g}"
            axis.fill_between(steps, lower, upper, alpha=0.25, label=ends)
        axis.plot(steps, value[row, :, k], marker="." if value.shape[1] < 30 else "", label=name)
        axis.legend(loc="upper left", frameon=False)
