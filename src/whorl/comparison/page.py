"""A comparison as one HTML page that needs nothing but itself."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from whorl.comparison.result import Comparison, Contestant, cells, columns
from whorl.comparison.statistics import Estimate
from whorl.report import drawing
from whorl.report.drawing import Picture
from whorl.report.metric_table import METRICS
from whorl.report.scores import duration, number
from whorl.report.template import template

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MATCHED = {
    "parameters": "as many parameters",
    "time": "as long in training",
    "latency": "as long a step",
    "none": "each as the task would have it",
}
# Times that span more than this factor are drawn on a logarithmic axis.
_WIDE = 10.0
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")


def page(found: Comparison) -> str:
    """The page.

    Raises:
        MissingExtraError: matplotlib or jinja2 is not installed.
    """
    fitted = [one for one in found.networks if one.failed is None]
    names, others = _others(found)
    return template(Path(__file__).with_name("page.html")).render(
        title=f"Comparison of networks: {found.task}",
        found=found,
        notes=found.notes,
        wins=True,
        matched=_MATCHED[found.match],
        columns=columns(found),
        meaning=METRICS[found.metric].meaning,
        rows=[(one, cells(found, one)) for one in (*found.networks, *found.rivals)],
        names=names,
        others=others if names else [],
        pictures=[
            one
            for one in (_scores(found, fitted), _differences(found, fitted), _costs(found, fitted), _losses(fitted))
            if one is not None
        ],
        fits=[
            (
                one.name,
                record,
                duration(record.seconds),
                "" if record.test is None else _told(found, record.test.metrics),
            )
            for one in found.networks
            for record in one.records
        ],
        models=[(one.name, Path(one.model).name) for one in fitted if one.model is not None],
    )


def _told(found: Comparison, metrics: dict[str, float]) -> str:
    return number(metrics[found.metric]) if found.metric in metrics else ""


def _others(found: Comparison) -> tuple[list[str], list[tuple[Contestant, list[str]]]]:
    """The names of the other metrics, and their means in each row."""
    every = [one for one in (*found.networks, *found.rivals) if one.failed is None]
    names = [name for name in METRICS if name != found.metric and any(name in one.scores for one in every)]
    return names, [
        (one, [number(one.scores[name].mean) if name in one.scores else "" for name in names]) for one in every
    ]


def _scores(found: Comparison, fitted: list[Contestant]) -> Picture | None:
    """Means with their intervals, one below the other; the best naive rival as a line."""
    if not fitted:
        return None
    figure, axes = _rows(fitted)
    for at, one in enumerate(fitted):
        seeds = [record.test.metrics[found.metric] for record in one.records if record.test is not None]
        axes.plot(seeds, [at] * len(seeds), "|", color=drawing.TRUTH, markersize=9)
        _interval(axes, at, one.scores[found.metric])
    says = f"Mean {found.metric} of each network on the test part, with its interval at 95 %; bars are single seeds."
    if found.rivals:
        rival = found.rivals[0]
        value = rival.scores[found.metric].mean
        low, high = axes.get_xlim()
        if low - 0.5 * (high - low) <= value <= high + 0.5 * (high - low):
            axes.axvline(value, color=drawing.ACCENT, linestyle="--", linewidth=1.2)
            says += f" The dashed line is the best naive rival, {rival.name}, {number(value)}."
        else:
            says += f" The best naive rival, {rival.name}, lies outside at {number(value)}."
    drawing.tidy(axes, x=found.metric)
    better = "left" if found.lower_is_better else "right"
    return Picture(drawing.source(figure), f"{says} Further {better} is better.", "Scores")


def _differences(found: Comparison, fitted: list[Contestant]) -> Picture | None:
    """How far each is behind the best one, which is what is tested."""
    behind = [(one, one.behind) for one in fitted if one.behind is not None]
    if not behind:
        return None
    figure, axes = _rows([one for one, _ in behind])
    for at, (_, difference) in enumerate(behind):
        _interval(axes, at, difference)
    axes.axvline(0.0, color=drawing.TRUTH, linewidth=1)
    drawing.tidy(axes, x=f"{found.metric} behind the {fitted[0].name}")
    says = (
        f"How far each network is behind the best one, the {fitted[0].name}, on the same answers, with its interval at "
        "95 %. One whose interval holds 0 may be as good. What is hard for one network is hard for all, and falls out "
        "of a difference."
    )
    return Picture(drawing.source(figure), says, "Differences")


def _rows(shown: list[Contestant]) -> "tuple[Figure, Axes]":
    """A figure with a row for each network."""
    figure, grid = drawing.figure(0.9 + 0.34 * len(shown))
    axes: Axes = grid[0, 0]
    axes.set_yticks(range(len(shown)), [drawing.plain(one.name) for one in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    return figure, axes


def _interval(axes: "Axes", at: int, own: Estimate) -> None:
    if own.low is not None and own.high is not None:
        axes.plot([own.low, own.high], [at, at], color=drawing.MODEL, linewidth=2)
    axes.plot(own.mean, at, "o", color=drawing.MODEL, markersize=7)


def _costs(found: Comparison, fitted: list[Contestant]) -> Picture | None:
    """What a step costs against what it brings."""
    timed = [one for one in fitted if one.latency is not None]
    if len(timed) < 2:
        return None
    figure, grid = drawing.figure(3.2)
    axes = grid[0, 0]
    for n, one in enumerate(timed):
        assert one.latency is not None
        axes.plot(
            one.latency.p50_s * 1e6,
            one.scores[found.metric].mean,
            _MARKERS[n % 10],
            color=_colour(n),
            markersize=8,
            label=drawing.plain(one.name),
        )
    times = [one.latency.p50_s for one in timed if one.latency is not None]
    if max(times) > _WIDE * min(times):
        axes.set_xscale("log")
    else:
        axes.set_xlim(0, 1.1e6 * max(times))
    drawing.tidy(axes, x="microseconds of a step (median)", y=found.metric)
    drawing.legend(axes, columns=6)
    corner = "lower" if found.lower_is_better else "upper"
    says = f"What a step of one stream costs, and what it brings: the {corner} left corner is where one wants to be."
    return Picture(drawing.source(figure), says, "Cost of a step")


def _losses(fitted: list[Contestant]) -> Picture | None:
    """The validation loss of the first seed over the seconds of training."""
    told = [one for one in fitted if len(one.records[0].losses) > 1]
    if not told:
        return None
    figure, grid = drawing.figure(3.2)
    axes = grid[0, 0]
    for n, one in enumerate(told):
        first = one.records[0]
        seconds = np.linspace(0, first.seconds, len(first.losses) + 1)[1:]
        axes.plot(
            seconds,
            first.losses,
            color=_colour(n),
            linestyle=("-", *drawing.DASHES)[n % 5],
            marker=_MARKERS[n % 10],
            markevery=max(1, len(seconds) // 8),
            markersize=5,
            label=drawing.plain(one.name),
        )
    worst = [max(one.records[0].losses[len(one.records[0].losses) // 4 :]) for one in told]
    best = min(min(one.records[0].losses) for one in told)
    axes.set_ylim(best - 0.05 * (max(worst) - best), max(worst) + 0.05 * (max(worst) - best) or None)
    drawing.tidy(axes, x="seconds of training", y="validation loss")
    drawing.legend(axes, columns=6)
    says = "Loss of the validation part over the seconds of training, of the first seed; early values may lie above."
    return Picture(drawing.source(figure), says, "Training")


def _colour(n: int) -> str:
    return (drawing.MODEL, drawing.ACCENT, drawing.TRUTH, *drawing.RIVALS)[n % 7]
