"""Labels: which are taken for which, and whether their probabilities can be believed."""

import numpy as np

from whorl.data.corpus_reader import NEXT
from whorl.report import drawing
from whorl.report.drawing import Picture
from whorl.report.evidence import Evidence

_MOST_NAMED = 30  # classes
_MOST_COUNTED = 12  # classes whose counts can be read in their squares
_BINS = 10


def pictures(evidence: Evidence) -> list[Picture]:
    """The confusion matrix, and confidence against accuracy; nothing where no truth is known.

    Of next tokens, which are many, the latter alone.
    """
    truths = evidence.classes_of_truths
    probabilities = evidence.prediction.probabilities
    assert probabilities is not None
    assert evidence.prediction.classes is not None
    known = np.isfinite(truths)
    if not known.any():
        return []
    truths, probabilities = truths[known].astype(np.int64), probabilities[known]
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truths
    if evidence.prediction.names == (NEXT,):
        return [reliability(confidence, right)]
    number = {label: n for n, label in enumerate(evidence.prediction.classes.tolist())}
    answers = np.array([number[label] for label in evidence.prediction.value[known].tolist()], np.int64)
    names = [str(label) for label in evidence.prediction.classes.tolist()]
    return [_confusion(truths, answers, names), reliability(confidence, right)]


def _confusion(truths: np.ndarray, answers: np.ndarray, names: list[str]) -> Picture:
    count = len(names)
    table = np.zeros((count, count), np.int64)
    np.add.at(table, (truths, answers), 1)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    figure, grid = drawing.figure(min(7.0, 3.2 + 0.25 * count))
    axes = grid[0, 0]
    numbers = np.arange(count + 1) + 0.5
    mesh = axes.pcolormesh(numbers, numbers, shares, cmap="Blues", vmin=0.0, vmax=1.0, rasterized=True)
    figure.colorbar(mesh, ax=axes, pad=0.01).set_label("share of the true class", fontsize=9.5)
    axes.invert_yaxis()
    axes.set_aspect("equal")
    if count <= _MOST_COUNTED:
        axes.set_xticks(np.arange(count) + 1)
        axes.set_yticks(np.arange(count) + 1)
        for row, column in np.argwhere(table > 0):
            ink = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column + 1, row + 1, f"{table[row, column]}", ha="center", va="center", fontsize=9, color=ink)
    drawing.tidy(axes, x="answered class", y="true class")
    axes.grid(visible=False)
    told = ", ".join(f"{n + 1}: {name}" for n, name in enumerate(names[:_MOST_NAMED]))
    more = f" and {count - _MOST_NAMED} more" if count > _MOST_NAMED else ""
    says = (
        f"{len(truths):,} answers: how often each true class (row) was answered with each class (column). The classes "
        f"are {told}{more}."
    )
    return Picture(drawing.source(figure), says, "Which is taken for which")


def reliability(confidence: np.ndarray, right: np.ndarray) -> Picture:
    """What answers claim beside the share that is right.

    Args:
        confidence: (N,) probability that an answer is right.
        right: (N,) whether it is.
    """
    bins = np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    there = counts > 0
    means = np.bincount(bins, confidence, _BINS)[there] / counts[there]
    shares = np.bincount(bins, right, _BINS)[there] / counts[there]
    figure, grid = drawing.figure(3.6, columns=2)
    left, below = grid[0]
    left.plot([0, 1], [0, 1], color=drawing.TRUTH, linewidth=1, linestyle="--", label="exact")
    left.plot(means, shares, color=drawing.MODEL, marker="o", label="model")
    drawing.tidy(left, x="probability of the answer", y="share that is right")
    drawing.legend(left)
    below.bar((np.arange(_BINS) + 0.5) / _BINS, counts, width=0.09, color=drawing.MODEL)
    drawing.tidy(below, x="probability of the answer", y="answers")
    says = (
        f"The probability of an answer against the share of such answers that are right, over {_BINS} ranges, and how "
        f"many answers fall into each. On average {right.mean():.1%} are right, and {confidence.mean():.1%} is claimed."
    )
    return Picture(drawing.source(figure), says, "Are the probabilities right?")
