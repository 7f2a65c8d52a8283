"""Several labels at once: how often each is true and found, and whether the probabilities can be believed."""

import numpy as np

from whorl.report import drawing
from whorl.report.classes import reliability
from whorl.report.drawing import Picture
from whorl.report.evidence import Evidence
from whorl.runtime.indicator_metrics import counts

_MOST_NAMED = 30  # labels


def pictures(evidence: Evidence) -> list[Picture]:
    """Bars of each label, and probabilities against frequencies; nothing where no truth is known."""
    prediction, known = evidence.prediction, np.isfinite(evidence.target)
    if not known.any():
        return []
    assert isinstance(prediction.probabilities, np.ndarray)
    assert prediction.thresholds is not None
    counted = counts(prediction.probabilities >= prediction.thresholds, evidence.target)
    share = prediction.probabilities[known]
    # Of a label with a probability below one half it is the claim that it is not there.
    right = (share >= 0.5) == (evidence.target[known] > 0)
    return [
        _bars(counted, known.sum(axis=0), prediction.names, prediction.thresholds),
        reliability(np.maximum(share, 1.0 - share), right),
    ]


def _bars(counted: np.ndarray, known: np.ndarray, names: tuple[str, ...], thresholds: np.ndarray) -> Picture:
    there, said, right = counted
    order = np.argsort(-there, kind="stable")[:_MOST_NAMED]
    place, count = np.arange(len(order)), np.maximum(known[order], 1)
    figure, grid = drawing.figure(1.4 + 0.34 * len(order))
    axes = grid[0, 0]
    axes.barh(place - 0.2, there[order] / count, height=0.36, color=drawing.TRUTH, label="true")
    axes.barh(place + 0.2, said[order] / count, height=0.36, color=drawing.ACCENT, label="answered")
    axes.barh(place + 0.2, right[order] / count, height=0.36, color=drawing.MODEL, label="answered and true")
    axes.set_yticks(place, [names[k] for k in order])
    axes.invert_yaxis()
    drawing.tidy(axes, x="share of the answers", y="")
    drawing.legend(axes)
    told = ", ".join(f"{names[k]} {thresholds[k]:.2f}" for k in order)
    more = f", and of {len(names) - len(order)} more" if len(names) > len(order) else ""
    says = (
        "How often each label is true, is answered, and is answered rightly. A label is answered where its probability "
        f"reaches its threshold: {told}{more}."
    )
    return Picture(drawing.source(figure), says, "Which labels are found")
