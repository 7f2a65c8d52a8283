"""Files of aeon and sktime (.ts): a header of @ lines, then one case a line, its dimensions between colons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from whorl.data.cells import as_objects, is_number, to_numbers
from whorl.data.problems import plural
from whorl.data.text_files import text_lines
from whorl.data.ucr import check_range
from whorl.errors import DataError, did_you_mean

TS_SUFFIXES = (".ts",)

_MISSING = ("?", "NaN", "nan", "NAN")
_TAGS = {
    name.lower(): name
    for name in (
        "@problemName",
        "@timeStamps",
        "@missing",
        "@univariate",
        "@dimensions",
        "@equalLength",
        "@seriesLength",
        "@classLabel",
        "@targetLabel",
        "@data",
    )
} | {"@dimension": "@dimensions"}


@dataclass(frozen=True, kw_only=True)
class _Header:
    """What the header promises of every case.

    Args:
        label: 'class' for text, 'target' for numbers, None for none.
        classes: the labels there are; empty where the header does not list them.
        num_dimensions: None where the header does not say.
        length: of all series; 0 for that of the first, None for several lengths.
        end: number of the line @data.
    """

    label: str | None
    classes: tuple[str, ...]
    num_dimensions: int | None
    length: int | None
    end: int


def is_ts(path: Path) -> bool:
    """Whether the first line that is no comment starts with @."""
    if path.suffix.lower() not in TS_SUFFIXES:
        return False
    try:
        with path.open("rb") as file:
            lines = (line.removeprefix(b"\xef\xbb\xbf").strip() for line in file)
            first = next((line for line in lines if line and not line.startswith(b"#")), b"")
    except OSError:  # the reader of tables says what is wrong with it
        return False
    return first.startswith(b"@")


def read_ts(path: Path) -> tuple[list[np.ndarray], np.ndarray | None]:
    """Reads the cases and their labels.

    Returns:
        N arrays (T_i, D), float64, NaN where a value is missing. And the labels, (N,): text as objects, or float64 for
        classes that are all whole numbers and for targets, NaN where one is missing; None where there are none.

    Raises:
        DataError: naming file, line and, in the cases, dimension and value.
    """
    lines = [line.strip() for line in text_lines(path, "utf-8")]
    header = _header(lines, path.name)
    x: list[np.ndarray] = []
    labels: list[str] = []
    dimensions, length = header.num_dimensions, header.length
    for number, line in enumerate(lines[header.end :], header.end + 1):
        if not line or line.startswith("#"):
            continue
        place = f"{path.name}, line {number}"
        fields = line.split(":")
        if header.label:
            labels.append(_checked_label(fields.pop().strip(), header, place))
        dimensions = dimensions or max(1, len(fields))
        if len(fields) != dimensions:
            raise DataError(
                f"{place}: every case has {plural(dimensions, 'dimension')}{' and a label' if header.label else ''} "
                f"with colons between, but this one has {plural(len(fields), 'dimension')}. Correct the line, or "
                "@dimensions and @classLabel of the header."
            )
        case = _case(fields, place)
        length = len(case) if length == 0 else length
        if length is not None and len(case) != length:
            raise DataError(
                f"{place}: @equalLength says that every series has {plural(length, 'value')}, but this one has "
                f"{len(case)}. Correct the line, or write @equalLength false."
            )
        x.append(case)
    if not x:
        raise DataError(f"{path.name} has no cases after @data. Give a file with at least one.")
    return x, _labels(labels, header)


def _header(lines: Sequence[str], origin: str) -> _Header:
    said: dict[str, str] = {}
    end = 0
    for number, line in enumerate(lines, 1):
        if not line or line.startswith("#"):
            continue
        tag, value = [*line.split(None, 1), ""][:2]
        name = _TAGS.get(tag.lower())
        if name is None:
            raise DataError(
                f"{origin}, line {number}: the lines before @data are comments (#) and known words (@), but this one "
                f"starts with {tag[:40]!r}.{did_you_mean(tag, _TAGS.values())} Correct or drop it."
            )
        if name in said:
            raise DataError(f"{origin}, line {number}: {name} comes twice in the header. Drop one of them.")
        said[name] = value.strip()
        if name == "@data":
            end = number
            break
    if not end:
        raise DataError(f"{origin} has no line @data, after which the cases stand. Add it.")
    if _flag(said, "@timeStamps", origin):
        raise _has_times(origin)
    label, classes = _kind_of_label(said, origin)
    univariate = _flag(said, "@univariate", origin)
    dimensions = _count(said, "@dimensions", origin)
    if univariate and dimensions not in (None, 1):
        raise DataError(
            f"{origin}: @univariate true is one dimension, but @dimensions is {dimensions}. Correct one of them."
        )
    length = (_count(said, "@seriesLength", origin) or 0) if _flag(said, "@equalLength", origin) else None
    return _Header(label=label, classes=classes, num_dimensions=1 if univariate else dimensions, length=length, end=end)


def _kind_of_label(said: Mapping[str, str], origin: str) -> tuple[str | None, tuple[str, ...]]:
    if "@classLabel" not in said and "@targetLabel" not in said:
        raise DataError(
            f"{origin}: the header must say whether the last field of a case is its label. Add a line "
            "'@classLabel true' with the classes, '@targetLabel true', or '@classLabel false'."
        )
    flag, *classes = said.get("@classLabel", "false").split() or [""]
    of_class = _flag({"@classLabel": flag}, "@classLabel", origin)
    if of_class and _flag(said, "@targetLabel", origin):
        raise DataError(f"{origin}: @classLabel and @targetLabel are both true, but a case has one label. Drop one.")
    if of_class:
        return "class", tuple(classes)
    return ("target" if _flag(said, "@targetLabel", origin) else None), ()


def _flag(said: Mapping[str, str], name: str, origin: str) -> bool:
    value = said.get(name, "false").lower()
    if value not in ("true", "false"):
        raise DataError(f"{origin}: {name} is true or false, but is {value[:40]!r}. Correct the header.")
    return value == "true"


def _count(said: Mapping[str, str], name: str, origin: str) -> int | None:
    value = said.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) < 10 and int(value)):
        raise DataError(f"{origin}: {name} is a whole number, at least 1, but is {value[:40]!r}. Correct the header.")
    return int(value)


def _case(fields: Sequence[str], place: str) -> np.ndarray:
    """Returns the values of a case, shape (T, D)."""
    parts: list[np.ndarray] = []
    for k, field in enumerate(fields, 1):
        where = f"{place}, dimension {k}"
        if field.lstrip().startswith("("):
            raise _has_times(place)
        cells = [cell.strip() for cell in field.split(",")]
        values = to_numbers([None if cell in _MISSING else cell for cell in cells])
        if values is None:
            j = next(j for j, cell in enumerate(cells) if cell not in _MISSING and not is_number(cell))
            raise DataError(
                f"{where}, column {j + 1}: a series holds numbers, but here is {cells[j][:40]!r}. Write a number, or ? "
                "where a value is missing."
            )
        check_range(values, where, first_column=1)
        if parts and len(values) != len(parts[0]):
            raise DataError(
                f"{where}: the dimensions of a case are equally long, but this one has {plural(len(values), 'value')} "
                f"and the first has {len(parts[0])}. Write ? where values are missing."
            )
        parts.append(values)
    return np.stack(parts, axis=1)


def _checked_label(label: str, header: _Header, place: str) -> str:
    if header.label == "target":
        if label not in _MISSING and not is_number(label):
            raise DataError(f"{place}: the target is a number, but is {label[:40]!r}. Correct the last field.")
        if label not in _MISSING:
            check_range(np.array([float(label)]), f"{place}, target", first_column=1)
        return label
    if not label or label in _MISSING:
        raise DataError(f"{place}: the label of a case is missing. Write it as the last field, or drop the line.")
    if header.classes and label not in header.classes:
        raise DataError(
            f"{place}: the label is one of those in @classLabel, but is {label[:40]!r}."
            f"{did_you_mean(label, header.classes)} Correct it, or add it to the header."
        )
    return label


def _labels(labels: Sequence[str], header: _Header) -> np.ndarray | None:
    if header.label is None:
        return None
    if header.label == "target":
        return np.array([np.nan if label in _MISSING else float(label) for label in labels], np.float64)
    # The header counts too, so that the files of one problem agree even if one of them lacks a class.
    whole = all(_is_whole(label) for label in (*labels, *header.classes))
    return np.array(labels, np.float64) if whole else as_objects(labels)


def _is_whole(label: str) -> bool:
    """Whether it is spelled as a whole number is, and floats hold it exactly; '07' is a name."""
    return len(label) <= 15 and is_number(label) and label.removeprefix("-").isdecimal() and str(int(label)) == label


def _has_times(place: str) -> DataError:
    return DataError(
        f"{place}: the series have timestamps, written (time, value), but a .ts file is read by the order of its "
        "values. Write the values alone with @timeStamps false, or make a table with columns for case, time and value."
    )
