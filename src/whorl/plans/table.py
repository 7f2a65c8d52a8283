"""How the columns of a table are read: kinds, scaling, and which repairs are allowed. Frozen data, no behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from whorl.errors import ArgumentError, did_you_mean

Kind = Literal["numeric", "category", "time", "ignore"]
Scaling = Literal["standard", "robust", "none"]

_CHOICES: dict[str, tuple[str, ...]] = {
    "scaling": ("standard", "robust", "none"),
    "on_duplicate": ("error", "first", "last", "mean"),
    "on_gap": ("error", "fill", "ignore"),
    "on_unsorted": ("error", "sort"),
    "on_missing": ("mask", "error"),
    "on_infinite": ("error", "missing"),
    "on_text": ("error", "missing"),
    "calendar": ("auto", "on", "off"),
    "elapsed": ("auto", "on", "off"),
}


@dataclass(frozen=True, kw_only=True)
class Table:
    """Options of a table's columns and rows. Nothing is repaired unless an option here says so.

    Args:
        kinds: overrides the inferred kind of a column: 'numeric', 'category', 'time' or 'ignore'.
        scaling: of numeric columns, by statistics of training rows: 'standard' (mean, standard deviation), 'robust'
            (median, interquartile range) or 'none'.
        clip: numbers further than so many scales from the centre are read as if they were so far from it, because they
            may be mistakes; what is forecast or judged is never clipped. None reads all numbers as they are.
        calendar: features of the time column (hour, weekday, day of year as sine and cosine): 'on', 'off', or 'auto',
            which leaves it to the task; today's tasks leave them off, which measured better.
        elapsed: features of how long ago the row before was, and the last value of each numeric column with missing
            values: 'on', 'off', or 'auto', which is on where rows come at irregular times and on_gap is 'ignore'.
        missing: text cells that mean "no value", besides the empty one.
        on_duplicate: rows of one series with equal timestamps: 'error', keep 'first', keep 'last', or 'mean'.
        on_gap: missing timestamps: 'error', 'fill' with rows of missing values, or 'ignore' (rows as they are).
        on_unsorted: timestamps out of order: 'error' or 'sort'.
        on_missing: missing values: 'mask' (the last value is held and a flag says so) or 'error'.
        on_infinite: infinite values: 'error' or treat as 'missing'.
        on_text: text in a numeric column: 'error' or treat as 'missing'.
        delimiter: of CSV files; None detects it.
        encoding: of CSV files; None detects it.
    """

    kinds: Mapping[str, Kind] = field(default_factory=dict)
    scaling: Scaling = "standard"
    clip: float | None = None
    calendar: Literal["auto", "on", "off"] = "auto"
    elapsed: Literal["auto", "on", "off"] = "auto"
    missing: tuple[str, ...] = ("NA", "N/A", "n/a", "NaN", "nan", "NAN", "null", "NULL", "None", "-", "?")
    on_duplicate: Literal["error", "first", "last", "mean"] = "error"
    on_gap: Literal["error", "fill", "ignore"] = "error"
    on_unsorted: Literal["error", "sort"] = "error"
    on_missing: Literal["mask", "error"] = "mask"
    on_infinite: Literal["error", "missing"] = "error"
    on_text: Literal["error", "missing"] = "error"
    delimiter: str | None = None
    encoding: str | None = None

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                raise ArgumentError(
                    f"`{name}` must be one of {', '.join(known)}, but is {value!r}.{did_you_mean(str(value), known)}"
                )
        clip: object = self.clip
        if clip is not None and (
            isinstance(clip, bool) or not isinstance(clip, int | float) or not 0 < clip < float("inf")
        ):
            raise ArgumentError(f"`clip` is a positive number of scales, or None, but is {clip!r}. Use 5, say.")
        for column, kind in self.kinds.items():
            if kind not in ("numeric", "category", "time", "ignore"):
                raise ArgumentError(
                    f"`kinds` maps columns to numeric, category, time or ignore, but {column!r} is mapped to {kind!r}."
                )
