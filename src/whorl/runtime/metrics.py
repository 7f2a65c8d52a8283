"""Metrics of numbers, summed block by block so that answers need not be kept."""

from typing import Protocol

import numpy as np

from whorl.runtime.prediction import Prediction


class Scoring(Protocol):
    """Sums over answers, from which metrics are made at the end."""

    def add(self, prediction: Prediction, target: np.ndarray) -> None:
        """Adds answers and their truths, of the shape of `prediction.value`."""

    def result(self) -> dict[str, float]:
        """The metrics; empty when no truth was known."""

    def steps(self) -> dict[str, np.ndarray]:
        """Metrics of each step of a horizon, (H, K); empty where there is none."""


# Of an answer that is too long, and of one that is too short.
_LATE, _EARLY = 10.0, 13.0


def phm08(error: np.ndarray) -> np.ndarray:
    """What each error (answer less truth) of a remaining life costs; their sum is the score.

    exp(d / 10) - 1 for answers that are too long and exp(-d / 13) - 1 for those that are too short (Saxena et al. 2008,
    eq. 11): a failure that comes unawares costs more than a repair that comes too soon.
    """
    costs: np.ndarray = np.expm1(np.minimum(np.where(error < 0, -error / _EARLY, error / _LATE), 700.0))
    return costs


class Scores:
    """Sums over answers in the user's units; an unknown truth (NaN) is not counted.

    Keys of `result()`: mae, rmse, mse, smape (in percent), mae_scaled, rmse_scaled, mse_scaled (each output divided by
    its training scale), mase where a naive error is known, phm08 of remaining lives, and pinball, coverage and width
    with quantiles.

    Args:
        scale: (K,) training scale of each output.
        naive_mae: (K,) mean absolute error of the seasonal naive forecast on the training rows, or None.
        levels: levels of the quantiles.
        remaining: whether answers are remaining lives, of which too long a one is worse than too short a one.
    """

    def __init__(
        self,
        scale: np.ndarray,
        naive_mae: np.ndarray | None = None,
        levels: tuple[float, ...] = (),
        *,
        remaining: bool = False,
    ) -> None:
        self.scale, self.naive_mae, self.levels, self.remaining = scale, naive_mae, levels, remaining
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self.by_step: dict[str, np.ndarray] = {}
        self._steps: np.ndarray | None = None

    def add(self, prediction: Prediction, target: np.ndarray) -> None:
        """Adds answers and their truths, of the shape of `prediction.value`."""
        self.update(prediction.value, target, prediction.quantiles)

    def update(self, value: np.ndarray, target: np.ndarray, quantiles: np.ndarray | None = None) -> None:
        """Adds answers and truths of shape (N, K) or (N, H, K); quantiles (..., Q)."""
        known = np.isfinite(target)
        truth = np.where(known, target, 0.0)
        error = np.where(known, value - truth, 0.0)
        size = np.abs(value) + np.abs(truth)
        absolute, squared = np.abs(error), error**2
        self._add("mae", absolute, known)
        self._add("mse", squared, known)
        self._add("smape", 200.0 * absolute / np.where(size > 0, size, 1.0), known)
        self._add("mae_scaled", absolute / self.scale, known)
        self._add("mse_scaled", (error / self.scale) ** 2, known)
        if self.naive_mae is not None:
            self._add("mase", absolute / self.naive_mae, known)
        if self.remaining:
            self._add("phm08", phm08(error), known)
        if quantiles is not None and self.levels:
            self._add_quantiles(quantiles, target, known)
        if value.ndim == 3:
            self._add_steps(absolute, known)

    def _add_quantiles(self, quantiles: np.ndarray, target: np.ndarray, known: np.ndarray) -> None:
        below = np.where(known, target, 0.0)[..., None] - quantiles
        levels = np.asarray(self.levels)
        self._add("pinball", np.maximum(levels * below, (levels - 1.0) * below).mean(axis=-1), known)
        if len(self.levels) > 1:
            inside = (target >= quantiles[..., 0]) & (target <= quantiles[..., -1])
            self._add("coverage", inside, known)
            self._add("width", quantiles[..., -1] - quantiles[..., 0], known)
            if target.ndim == 3:
                self._steps_of("coverage", np.where(known, inside, 0.0), known)
                self._steps_of("width", np.where(known, quantiles[..., -1] - quantiles[..., 0], 0.0), known)

    def _add(self, name: str, values: np.ndarray, known: np.ndarray) -> None:
        self._sums[name] = self._sums.get(name, 0.0) + float(np.sum(values, where=known, dtype=np.float64))
        self._counts[name] = self._counts.get(name, 0) + int(known.sum())

    def _add_steps(self, absolute: np.ndarray, known: np.ndarray) -> None:
        self._steps_of("mae", absolute, known)
        count = known.sum(axis=0)
        self._steps = count if self._steps is None else self._steps + count

    def _steps_of(self, name: str, values: np.ndarray, known: np.ndarray) -> None:
        total = np.where(known, values, 0.0).sum(axis=0)
        self.by_step[name] = self.by_step.get(name, 0.0) + total

    def result(self) -> dict[str, float]:
        """The metrics; empty when no truth was known."""
        out = {name: self._sums[name] / count for name, count in self._counts.items() if count}
        if "phm08" in out:  # a sum by its definition
            out["phm08"] = self._sums["phm08"]
        for name in ("", "_scaled"):
            if f"mse{name}" in out:
                out[f"rmse{name}"] = float(np.sqrt(out[f"mse{name}"]))
        return out

    def steps(self) -> dict[str, np.ndarray]:
        """Mean of mae, coverage and width at each step of the horizon, (H, K)."""
        if self._steps is None:
            return {}
        return {name: total / np.maximum(self._steps, 1) for name, total in self.by_step.items()}
