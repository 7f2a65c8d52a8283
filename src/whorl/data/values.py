"""Python values and dataframe columns to the columns of a frame: numbers, timestamps or text."""

import datetime as dt
import decimal
import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.cells import as_objects, clean, spell_number
from whorl.errors import DataError
from whorl.plans.table import Table


@runtime_checkable
class ArrowStream(Protocol):
    """Anything that hands out its columns through the Arrow C stream: polars, pandas, pyarrow, duckdb, ..."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...


def names_of(table: Table) -> frozenset[str]:
    """The columns of a table whose cells are names: those that are called categories, as the keys of series are."""
    return frozenset(name for name, kind in table.kinds.items() if kind == "category")


def frame_of_columns(
    columns: Mapping[str, object], origin: str, missing: frozenset[str], names: frozenset[str] = frozenset()
) -> Frame:
    """Returns the frame of named columns of values; those of `names` hold names, as `column_of` says."""
    made = {}
    for name, values in columns.items():
        if not isinstance(name, str):
            raise DataError(f"{origin}: column names are text, but one is {name!r}. Rename the column.")
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise DataError(
                f"{origin}: column '{name}' must be a list or an array, but is {type(values).__name__}. "
                "Give one value for each row."
            )
        column = values if isinstance(values, np.ndarray) else list(values)
        made[name] = column_of(column, name, origin, missing, names=name in names)
    lengths = {name: len(column) for name, column in made.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"'{name}' {length}" for name, length in list(lengths.items())[:6])
        raise DataError(f"{origin}: columns must be equally long, but have these rows: {said}. Fill the short ones.")
    return Frame(made, origin)


def frame_of_records(
    records: Sequence[Mapping[str, object]],
    origin: str,
    missing: frozenset[str],
    names: frozenset[str] = frozenset(),
) -> Frame:
    """Returns the frame of a list of dicts; a key that a record lacks is a missing value."""
    found: dict[str, None] = {}
    for i, record in enumerate(records):
        if not isinstance(record, Mapping):
            raise DataError(
                f"{origin}, row {i}: every record is a dict of column names to values, but this one is "
                f"{type(record).__name__}. Give dicts only."
            )
        found.update(dict.fromkeys(record))
    return frame_of_columns({name: [record.get(name) for record in records] for name in found}, origin, missing, names)


def column_of(
    values: np.ndarray | Sequence[object], name: str, origin: str, missing: frozenset[str], *, names: bool = False
) -> np.ndarray:
    """Returns float64, datetime64[us] or an object array of `str | None`, by what the values are.

    Numbers and timestamps without a zone are spelled among text as in a category of theirs alone: 7.0 and 7 as '7', a
    date as '2024-02-29T00:00:00.000000'; and True as 'True', as a CSV file of it has it. Where values are `names`,
    whole numbers and booleans are spelled though they stand alone: of whole numbers of 2**53 and more float64 makes
    neighbours one. Elsewhere True is the number 1.
    """
    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise DataError(
                f"{origin}: column '{name}' must have one value for each row, but has shape {values.shape}. "
                "Split it into columns, or give (N, T, D) arrays."
            )
        if values.dtype.kind in "fiub" and not (names and values.dtype.kind in "iub"):
            return values.astype(np.float64)
        if values.dtype.kind == "M":
            return values.astype("datetime64[us]")
        if values.dtype.kind not in "OUSTiub":
            raise DataError(
                f"{origin}: column '{name}' holds {values.dtype}; cells are numbers, text, timestamps or None. "
                "Convert or drop the column."
            )
        values = list(values.tolist())
    present = [value for value in values if not is_missing(value)]
    if all(_is_number(value) for value in present):
        if names and any(isinstance(value, numbers.Integral | np.bool_) for value in present):
            return as_objects([_text(value, name, origin) or None for value in values])
        return np.array([np.nan if is_missing(value) else _float(value, name, origin) for value in values], np.float64)
    if all(isinstance(value, dt.date | np.datetime64) for value in present):
        return _times(values, name, origin)
    for i, value in enumerate(values):
        if not is_missing(value) and not (_is_number(value) or isinstance(value, str | dt.date | np.datetime64)):
            raise DataError(
                f"{origin}: column '{name}', row {i} is a {type(value).__name__}; cells are numbers, text, timestamps "
                "or None. Convert or drop the column."
            )
    return as_objects(clean([_text(value, name, origin) for value in values], missing))


def _text(value: object, name: str, origin: str) -> str:
    """A cell among text; the empty one stands for no value."""
    if is_missing(value):
        return ""
    if isinstance(value, dt.date | np.datetime64) and getattr(value, "tzinfo", None) is None:
        return str(np.datetime_as_string(_times([value], name, origin)[0]))
    # A timestamp with a zone keeps it: among the text of a time column it must not pass for one without.
    if not _is_number(value):
        return str(value)
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    real = _float(value, name, origin)
    return str(int(value)) if isinstance(value, numbers.Integral) else spell_number(real) or ""


def _float(value: object, name: str, origin: str) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        raise DataError(
            f"{origin}: column '{name}' has a whole number beyond the range of floats. Scale it, or make it text."
        ) from None


def _is_number(value: object) -> bool:
    # numpy counts its durations among the whole numbers.
    return isinstance(value, numbers.Real | np.bool_ | decimal.Decimal) and not isinstance(value, np.timedelta64)


def is_missing(value: object) -> bool:
    """Whether a cell has no value: None, NaN, NaT, or the NA of pandas."""
    # NaN and NaT differ from themselves; pandas.NA refuses to say, and its name is all there is to know it by.
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating | np.datetime64) and bool(value != value)


def _times(values: Sequence[object], name: str, origin: str) -> np.ndarray:
    zones = {getattr(value, "tzinfo", None) is not None for value in values if not is_missing(value)}
    if len(zones) > 1:
        raise DataError(
            f"{origin}: column '{name}' mixes timestamps with and without a time zone. Write every timestamp in UTC."
        )
    times = np.empty(len(values), "datetime64[us]")
    for i, value in enumerate(values):
        if is_missing(value):
            times[i] = np.datetime64("NaT", "us")
        elif isinstance(value, dt.datetime) and value.tzinfo is not None:
            times[i] = np.datetime64(value.astimezone(dt.UTC).replace(tzinfo=None), "us")
        else:
            times[i] = np.datetime64(value, "us")  # type: ignore[call-overload]
    return times
