"""Scores as a table in the user's units, and the verdict in a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from whorl.report.metric_table import JUDGES, METRICS

Metrics = Mapping[str, Mapping[str, float]]
_MOST_NAMES = 6
# A larger error than so many times a rival's is told as such, not in percent of it.
_MANY_TIMES = 100.0
# Share of the items that came, from which on it is said that they were left out.
_MANY_SEEN = 0.05
# Below how many seconds a time is told in which unit, and the seconds that this has.
_UNITS = (
    (1e-3, "us", 1e-6),
    (1.0, "ms", 1e-3),
    (120.0, "s", 1.0),
    (7_200.0, "min", 60.0),
    (172_800.0, "h", 3_600.0),
    (86_400_000.0, "days", 86_400.0),
)


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


def listed(names: Sequence[str]) -> str:
    """Names side by side, and how many more there are."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def table(metrics: Metrics) -> Table:
    """The model and its rivals side by side; `metrics` has the model first."""
    names = [name for name in METRICS if any(name in row for row in metrics.values())]
    best: list[tuple[str, ...]] = []
    for name in names:
        values = {row: scores[name] for row, scores in metrics.items() if name in scores}
        wanted = {"least": min, "most": max}.get(METRICS[name].best or "", lambda _: None)(values.values())
        best.append(tuple(row for row in values if len(values) > 1 and values[row] == wanted))
    return Table(
        columns={name: METRICS[name].meaning for name in names},
        rows={row: tuple(_cell(name, scores.get(name)) for name in names) for row, scores in metrics.items()},
        best=tuple(best),
    )


def verdict(metrics: Metrics) -> tuple[bool, str]:
    """Whether the model beats every rival, and a sentence that says so; the first of `JUDGES` that it has decides."""
    scores = metrics.get("model", {})
    judge = next((name for name in JUDGES if name in scores), None)
    rivals = {name: row[judge] for name, row in metrics.items() if name != "model" and judge in row} if judge else {}
    if judge is None or not rivals:
        if "alarm_rate" in scores:
            share = f"{100 * scores['alarm_rate']:.2g} % of the answers are alarms"
            return False, f"No anomaly is labelled here, so it is not known what the alarms are worth; {share}."
        return False, "No truth was known, so nothing could be scored."
    beats, said = (_higher if METRICS[judge].best == "most" else _lower)(judge, scores[judge], rivals)
    return beats, said + left_out(scores.get("seen", 0.0))


def left_out(share: float) -> str:
    """What to say where many of the items that came are never answered, as they were there before."""
    if share < _MANY_SEEN:
        return ""
    return (
        f" {100 * share:.0f} % of the items that came had been there before and are left out, which counts as missed: "
        "fit with seen='keep' (--seen keep) if they may come again."
    )


def _higher(judge: str, own: float, rivals: Mapping[str, float]) -> tuple[bool, str]:
    best = max(rivals, key=lambda name: rivals[name])
    if own > rivals[best]:
        return True, f"The model's {judge} is {number(own)}, that of the best rival, {best}, {number(rivals[best])}."
    return False, (
        f"The model does not beat {best} here ({judge} {number(own)} against {number(rivals[best])}): use that, or "
        "bring more data."
    )


def _lower(judge: str, own: float, rivals: Mapping[str, float]) -> tuple[bool, str]:
    best = min(rivals, key=lambda name: rivals[name])
    if own < rivals[best]:
        below = 100 * (1 - own / rivals[best])
        return True, f"The model's {judge} is {below:.1f} % below that of the best rival, {best}."
    if own > _MANY_TIMES * rivals[best]:  # of a rival that makes no error, or hardly any
        above = f"{number(own)} against {number(rivals[best])}"
    else:
        above = f"{100 * (own / max(rivals[best], 1e-300) - 1):.1f} % above it"
    return False, f"The model does not beat {best} here ({judge} {above}): use that, or bring more data or covariates."


def number(value: float) -> str:
    """Four significant digits, no powers of ten where it can be helped."""
    if value and not 1e-4 <= abs(value) < 1e7:
        return f"{value:.3e}"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3
    return f"{value:,.{digits}f}" if abs(value) >= 1 or not value else f"{value:.4g}"


def probability(p: float) -> str:
    """A probability in few digits."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """A table of texts as lines: names to the left, all else to the right, and no column that has a heading alone."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    kept = [n for n, width in enumerate(widths) if n == 0 or any(row[n] for row in rows[1:])]
    return [
        "  " + "  ".join(row[n].ljust(widths[n]) if n == 0 else row[n].rjust(widths[n]) for n in kept).rstrip()
        for row in rows
    ]


def size_of(num_bytes: int) -> str:
    """Returns a size for people: 812 bytes, 34 kB, 1.2 MB."""
    if num_bytes < 1000:
        return f"{num_bytes} bytes"
    return f"{num_bytes / 1e3:.0f} kB" if num_bytes < 1e6 else f"{num_bytes / 1e6:.1f} MB"


def duration(seconds: float) -> str:
    """A time for people: 34 us, 1.2 ms, 3.4 s, 5 min, 3.5 h, 12 days."""
    if not seconds:
        return "0 s"
    for limit, unit, size in _UNITS:
        if seconds < limit:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 86_400:,.0f} days"


def short(time: str) -> str:
    """A time without seconds, where it has none."""
    return time.removesuffix(":00") if time.count(":") == 2 else time


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{100 * value:.1f} %" if METRICS[name].is_share else number(value)
