"""Curves: losses over the epochs, errors and coverage over the steps of the horizon."""

from collections.abc import Mapping, Sequence

import numpy as np

from whorl.report import drawing
from whorl.report.card import History
from whorl.report.drawing import Picture
from whorl.report.scores import number

MOST_TARGETS = 3
_WIDE_RANGE = 30.0  # losses that span more than this factor are drawn on a logarithmic axis


def losses(history: History) -> Picture | None:
    """Training and validation loss of each epoch, the best one marked, and said which one's weights the model has."""
    if not history.epochs:
        return None
    epochs = np.arange(1, len(history.epochs) + 1)
    train = np.array([epoch.train_loss for epoch in history.epochs])
    valid = np.array([epoch.valid_loss for epoch in history.epochs])
    figure, grid = drawing.figure(2.9)
    axes = grid[0, 0]
    marker = "o" if len(epochs) < 40 else ""
    axes.plot(epochs, train, color=drawing.RIVALS[0], linestyle="--", marker=marker, markersize=4, label="training")
    axes.plot(epochs, valid, color=drawing.MODEL, marker=marker, markersize=4, label="validation")
    best, kept = history.best_epoch, history.kept_epoch
    says = f"Mean loss in {len(epochs)} {'epoch' if len(epochs) == 1 else 'epochs'}."
    if 1 <= best <= len(epochs):
        axes.axvline(best, color=drawing.ACCENT, linewidth=1, linestyle=":")
        axes.plot(best, valid[best - 1], "D", color=drawing.ACCENT, markersize=8, label=f"best epoch, {best}")
        says += f" Validation was lowest, {number(float(valid[best - 1]))}, after epoch {best}"
        says += ": the model has its weights." if kept in (0, best) else f"; the model has the weights of epoch {kept}."
    both = np.concatenate([train, valid])
    both = both[np.isfinite(both)]
    if len(both) and both.min() > 0 and both.max() / both.min() > _WIDE_RANGE:
        axes.set_yscale("log")
    axes.set_xlim(0.5, len(epochs) + 0.5)
    axes.xaxis.get_major_locator().set_params(integer=True)
    drawing.tidy(axes, x="epoch", y="loss")
    drawing.legend(axes)
    return Picture(drawing.source(figure), says)


def errors(by_step: Mapping[str, Mapping[str, np.ndarray]], names: Sequence[str]) -> list[Picture]:
    """Mean absolute error at each step of the horizon, the model beside its rivals: one picture a target."""
    found = {name: scores["mae"] for name, scores in by_step.items() if "mae" in scores}
    if "model" not in found:
        return []
    pictures = []
    for k, target in enumerate(names[:MOST_TARGETS]):
        figure, grid = drawing.figure(2.9)
        axes = grid[0, 0]
        steps = np.arange(1, len(found["model"]) + 1)
        marker = "o" if len(steps) < 40 else ""
        for n, (name, values) in enumerate(_rivals(found, k)):
            axes.plot(steps, values, label=name, color=drawing.RIVALS[n % 4], linestyle=drawing.DASHES[n % 4])
        axes.plot(steps, found["model"][:, k], color=drawing.MODEL, marker=marker, markersize=4, label="model")
        axes.set_ylim(bottom=0)
        axes.set_xlim(0.5, len(steps) + 0.5)
        drawing.tidy(axes, x="steps ahead", y="mean absolute error")
        drawing.legend(axes, columns=5)
        own = found["model"][:, k]
        says = (
            f"Mean absolute error at each step ahead, in the units of {target}: the model's is {number(own[0])} at the "
            f"first step and {number(own[-1])} at the last."
        )
        pictures.append(Picture(drawing.source(figure), says, target))
    return pictures


def _rivals(found: Mapping[str, np.ndarray], k: int) -> list[tuple[str, np.ndarray]]:
    """The rivals' curves of a target; rivals that are the same here share one."""
    curves: list[tuple[str, np.ndarray]] = []
    for name, values in found.items():
        if name == "model":
            continue
        same = next((n for n, (_, known) in enumerate(curves) if np.array_equal(known, values[:, k])), None)
        if same is None:
            curves.append((drawing.plain(name), values[:, k]))
        else:
            curves[same] = (f"{curves[same][0]} = {drawing.plain(name)}", curves[same][1])
    return curves


def coverage(by_step: Mapping[str, np.ndarray], levels: Sequence[float], names: Sequence[str]) -> Picture | None:
    """Share of the truths inside the interval at each step of the horizon."""
    shares = by_step.get("coverage")
    if shares is None or len(levels) < 2:
        return None
    promise = levels[-1] - levels[0]
    figure, grid = drawing.figure(2.6)
    axes = grid[0, 0]
    steps = np.arange(1, len(shares) + 1)
    axes.axhline(
        100 * promise, color=drawing.TRUTH, linestyle="--", linewidth=1, label=f"promised: {100 * promise:g} %"
    )
    shown = list(names[:MOST_TARGETS])
    colours = (drawing.MODEL, *drawing.RIVALS)
    for k in range(len(shown)):
        label = "measured" if len(shown) == 1 else f"target {k + 1}"
        marker = "os^"[k] if len(steps) < 40 else ""
        axes.plot(steps, 100 * shares[:, k], color=colours[k], marker=marker, markersize=4, label=label)
    axes.set_ylim(0, 104)
    axes.set_xlim(0.5, len(steps) + 0.5)
    drawing.tidy(axes, x="steps ahead", y="inside the interval, %")
    drawing.legend(axes)
    says = (
        f"Share of truths inside the interval from quantile {levels[0]:g} to {levels[-1]:g}, which promises "
        f"{100 * promise:g} %; over all steps it is {100 * float(np.mean(shares[:, : len(shown)])):.1f} %."
    )
    if len(shown) > 1:
        says += " Targets: " + ", ".join(f"{k + 1} is {name}" for k, name in enumerate(shown)) + "."
    return Picture(drawing.source(figure), says)
