"""Scores as a table in the user's units, and the verdict in a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass

Metrics = Mapping[str, Mapping[str, float]]

_LEAST = ("mae", "rmse", "mase", "nll")  # the least is best
_MOST = ("accuracy", "balanced_accuracy", "f1", "auroc")
_SHARES = (*_MOST, "coverage")

_COLUMNS = {
    "mae": "mean absolute error",
    "rmse": "root of the mean squared error",
    "mase": "mae over that of the seasonal naive forecast in training",
    "accuracy": "share of answers that are right",
    "balanced_accuracy": "share of right answers, the mean over classes",
    "f1": "harmonic mean of precision and recall, the mean over classes",
    "auroc": "share of pairs of a class and another that its probability puts in order",
    "nll": "nats by which the truth surprises the model, on average",
    "coverage": "share of truths inside the interval",
    "width": "mean width of the interval",
}


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of texts.

    Args:
        columns: name of each column and what it means.
        rows: name of each row and its cells.
        best: for each column the names of the rows that are best; none where none can be.
    """

    columns: Mapping[str, str]
    rows: Mapping[str, tuple[str, ...]]
    best: tuple[tuple[str, ...], ...]


def table(metrics: Metrics) -> Table:
    """The model and its rivals side by side; `metrics` has the model first."""
    names = [name for name in _COLUMNS if any(name in row for row in metrics.values())]
    best: list[tuple[str, ...]] = []
    for name in names:
        values = {row: scores[name] for row, scores in metrics.items() if name in scores}
        wanted = min(values.values()) if name in _LEAST else max(values.values()) if name in _MOST else None
        best.append(tuple(row for row in values if len(values) > 1 and values[row] == wanted))
    return Table(
        columns={name: _COLUMNS[name] for name in names},
        rows={row: tuple(_cell(name, scores.get(name)) for name in names) for row, scores in metrics.items()},
        best=tuple(best),
    )


def verdict(metrics: Metrics) -> tuple[bool, str]:
    """Whether the model beats every rival, by mae or by nll, and a sentence that says so."""
    judge = "nll" if "nll" in metrics.get("model", {}) else "mae"
    rivals = {name: scores[judge] for name, scores in metrics.items() if name != "model" and judge in scores}
    own = metrics.get("model", {}).get(judge)
    if own is None or not rivals:
        return False, "No truth was known, so nothing could be scored."
    best = min(rivals, key=lambda name: rivals[name])
    if own < rivals[best]:
        below = 100 * (1 - own / rivals[best])
        return True, f"The model's {judge} is {below:.1f} % below that of the best rival, {best}."
    return False, (
        f"The model does not beat {best} here ({judge} {100 * (own / max(rivals[best], 1e-12) - 1):.1f} % above it): "
        "use that, or bring more data or covariates."
    )


def number(value: float) -> str:
    """Four significant digits, no powers of ten where it can be helped."""
    if value and not 1e-4 <= abs(value) < 1e7:
        return f"{value:.3e}"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3
    return f"{value:,.{digits}f}" if abs(value) >= 1 or not value else f"{value:.4g}"


def short(time: str) -> str:
    """A time without seconds, where it has none."""
    return time.removesuffix(":00") if time.count(":") == 2 else time


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{100 * value:.1f} %" if name in _SHARES else number(value)
