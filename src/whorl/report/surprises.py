"""Scores over time with their threshold, which channel surprises, and how scores lie."""

import numpy as np

from whorl.report import drawing
from whorl.report.drawing import Picture
from whorl.report.evidence import Evidence
from whorl.runtime.volume import events

_MOST_SERIES = 4
_MOST_POINTS = 4_000
_MOST_CHANNELS = 30


def pictures(evidence: Evidence, *, whole: bool) -> list[Picture]:
    """Scores over time and the surprise of each channel, for the first series; and the histogram of all scores."""
    prediction = evidence.prediction
    assert prediction.score is not None
    if not np.isfinite(prediction.score).any():
        return []
    made = []
    if not whole:
        keys = list(dict.fromkeys(prediction.index.series.tolist()))[:_MOST_SERIES]
        made = [_over_time(evidence, str(key), np.flatnonzero(prediction.index.series == key)) for key in keys]
    return [*made, _histogram(evidence)]


def _over_time(evidence: Evidence, key: str, rows: np.ndarray) -> Picture:
    prediction = evidence.prediction
    assert prediction.score is not None
    assert prediction.contributions is not None
    assert prediction.threshold is not None
    rows = rows[:_MOST_POINTS]
    score, alarm = prediction.score[rows], prediction.value[rows] > 0
    parts = prediction.contributions[rows][:, :_MOST_CHANNELS]
    truth = np.asarray(evidence.target, np.float64)[rows] > 0
    time = prediction.index.origin[rows]
    figure, grid = drawing.figure(4.4, rows=2, sharex=True, height_ratios=[2, 1.4])
    above, below = grid[:, 0]
    at = np.arange(len(rows))
    for start, stop in events(truth):
        above.axvspan(start - 0.5, stop - 0.5, color=drawing.RIVALS[0], alpha=0.3, linewidth=0)
    above.plot(at, score, color=drawing.MODEL, linewidth=1, label="score")
    above.axhline(prediction.threshold, color=drawing.TRUTH, linewidth=1, linestyle="--", label="threshold")
    if alarm.any():
        above.scatter(at[alarm], score[alarm], s=9, color=drawing.ACCENT, linewidths=0, label="alarm", zorder=3)
    drawing.tidy(above, y="nats")
    drawing.legend(above)
    top = float(np.nanmax(np.abs(parts))) if np.isfinite(parts).any() else 1.0
    edges = np.arange(len(rows) + 1) - 0.5
    places = np.arange(parts.shape[1] + 1) + 0.5
    mesh = below.pcolormesh(edges, places, parts.T, cmap="RdBu_r", vmin=-top, vmax=top, rasterized=True)
    figure.colorbar(mesh, ax=below, pad=0.01).set_label("nats", fontsize=9.5)
    below.invert_yaxis()
    drawing.tidy(below, x="rows", y="channel")
    below.grid(visible=False)
    below.yaxis.get_major_locator().set_params(integer=True)
    names = ", ".join(f"{n + 1}: {name}" for n, name in enumerate(prediction.names[:_MOST_CHANNELS]))
    said = f" Rows that are labelled as anomalies are shaded: {int(truth.sum()):,}." if truth.any() else ""
    says = (
        f"{len(rows):,} rows from {time[0]} to {time[-1]}: score and threshold, {int(alarm.sum()):,} alarms, and the "
        f"surprise of each channel. The channels are {names}.{said}"
    )
    return Picture(drawing.source(figure), says, key)


def _histogram(evidence: Evidence) -> Picture:
    prediction = evidence.prediction
    assert prediction.score is not None
    assert prediction.threshold is not None
    known = np.isfinite(prediction.score)
    score, truth = prediction.score[known], np.asarray(evidence.target, np.float64)[known] > 0
    low, high = np.quantile(score, [0.0, 0.995])
    bins = np.linspace(min(low, prediction.threshold), max(high, prediction.threshold) + 1e-9, 40)
    clipped = np.minimum(score, bins[-1])
    figure, grid = drawing.figure(3.2)
    axes = grid[0, 0]
    axes.hist(clipped[~truth], bins=bins, color=drawing.MODEL, alpha=0.7, label="not labelled as anomalies")
    if truth.any():
        axes.hist(clipped[truth], bins=bins, color=drawing.ACCENT, alpha=0.6, label="labelled as anomalies")
    axes.axvline(prediction.threshold, color=drawing.TRUTH, linewidth=1, linestyle="--", label="threshold")
    drawing.tidy(axes, x="score in nats (the last bar has all above)", y="answers")
    drawing.legend(axes)
    above = float((score[~truth] > prediction.threshold).mean()) if (~truth).any() else 0.0
    says = f"How {len(score):,} scores lie; {above:.2%} of those not labelled as anomalies are above the threshold."
    return Picture(drawing.source(figure), says, "Scores and threshold")
