"""Scores as a table in the user's units, and the verdict in a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass

Metrics = Mapping[str, Mapping[str, float]]

_COLUMNS = {
    "mae": "mean absolute error",
    "rmse": "root of the mean squared error",
    "mase": "mae over that of the seasonal naive forecast in training",
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
        able = name in ("mae", "rmse", "mase") and len(values) > 1
        best.append(tuple(row for row in values if able and values[row] == min(values.values())))
    return Table(
        columns={name: _COLUMNS[name] for name in names},
        rows={row: tuple(_cell(name, scores.get(name)) for name in names) for row, scores in metrics.items()},
        best=tuple(best),
    )


def verdict(metrics: Metrics) -> tuple[bool, str]:
    """Whether the model beats every rival by mae, and a sentence that says so."""
    rivals = {name: scores["mae"] for name, scores in metrics.items() if name != "model" and "mae" in scores}
    own = metrics.get("model", {}).get("mae")
    if own is None or not rivals:
        return False, "No truth was known, so nothing could be scored."
    best = min(rivals, key=lambda name: rivals[name])
    if own < rivals[best]:
        return True, f"The model's mae is {100 * (1 - own / rivals[best]):.1f} % below that of the best rival, {best}."
    return False, (
        f"The model does not beat {best} here (mae {100 * (own / max(rivals[best], 1e-12) - 1):.1f} % above it): "
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
    return f"{100 * value:.1f} %" if name == "coverage" else number(value)
