"""One answer a sequence or a step: predicted against true, and what is left over."""

import numpy as np

from whorl.report import drawing
from whorl.report.curves import MOST_TARGETS
from whorl.report.drawing import Picture
from whorl.report.evidence import Evidence
from whorl.report.scores import number

_VECTORS = 1_000  # so many points are drawn as shapes; more of them as pixels


def scatter(evidence: Evidence) -> list[Picture]:
    """Predicted against true values beside the histogram of the residuals: one picture a target."""
    pictures = []
    for k, target in enumerate(evidence.prediction.names[:MOST_TARGETS]):
        value, truth = evidence.prediction.value[..., k].ravel(), evidence.target[..., k].ravel()
        known = np.isfinite(truth)
        value, truth = value[known], truth[known]
        if not len(value):
            continue
        residual = value - truth
        figure, grid = drawing.figure(4.0, columns=2)
        left, right = grid[0]
        low, high = min(value.min(), truth.min()), max(value.max(), truth.max())
        left.plot([low, high], [low, high], color=drawing.TRUTH, linewidth=1, linestyle="--", label="exact")
        left.scatter(truth, value, s=16, color=drawing.MODEL, alpha=0.6, linewidths=0, rasterized=len(value) > _VECTORS)
        left.set_aspect("equal", adjustable="datalim")
        drawing.tidy(left, x="true", y="predicted")
        drawing.legend(left)
        right.hist(residual, bins=_bins(residual), color=drawing.MODEL, edgecolor="white", linewidth=0.5)
        right.axvline(0, color=drawing.TRUTH, linewidth=1, linestyle="--")
        drawing.tidy(right, x="predicted - true", y="answers")
        says = (
            f"{len(value):,} answers in the units of {target}: predicted against true, and the distribution of the "
            f"residuals, whose mean is {number(float(residual.mean()))} and whose standard deviation is "
            f"{number(float(residual.std()))}."
        )
        pictures.append(Picture(drawing.source(figure), says, target))
    return pictures


def _bins(values: np.ndarray) -> int:
    return int(np.clip(2 * np.sqrt(len(values)), 5, 50))
