"""Arrays as data: (N, T, D), (N, T), lists of (T_i, D), with targets or without, in memory or in a file."""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.ts_files import is_ts, read_ts
from whorl.data.ucr import is_ucr, read_ucr
from whorl.data.values import ArrowStream, is_missing
from whorl.errors import DataError

Targets = np.ndarray | list[np.ndarray]


@dataclass(frozen=True)
class Arrays:
    """Sequences of numbers, and what is to be learned of them.

    Shape:
        x: N arrays (T_i, D), float64; one array (N, T, D) where all are equally long. NaN is missing.
        y: None; an array whose first axis is N, numbers as float64 or text as objects; or N arrays whose first axis
            is T_i, one target for each step of sequences of several lengths. Missing are NaN among numbers, None among
            text.
    """

    x: np.ndarray | list[np.ndarray]
    y: Targets | None = None
    origin: str = "arrays"

    def __len__(self) -> int:
        return len(self.x)

    @property
    def num_features(self) -> int:
        """D, the numbers of one step."""
        return int(self.x[0].shape[-1])

    @property
    def lengths(self) -> np.ndarray:
        """T_i of each sequence, shape (N,), int64."""
        return np.array([len(sequence) for sequence in self.x], np.int64)


ARRAYS = "the arrays"
SERIES = "series"
LABEL = "label"


def series_frame(source: object, label: str | None = None) -> Frame | None:
    """Series without targets of their own as a long table; None when the source is something else.

    (T,) and (T, D) are one series; (N, T, D) and lists of (T_i, D) are several, with a column `series` that numbers
    them. The other columns are c0, c1, ...

    Args:
        source: arrays; with `label` also (X, y), y with a label for each row.
        label: name of the column of these labels; None takes none.
    """
    y: object = None
    if label is not None and isinstance(source, tuple) and len(source) == 2 and _is_arrays(source[0]):
        source, y = source
    if isinstance(source, np.ndarray) and (source.ndim == 2 or (source.ndim == 1 and source.dtype.kind in "fiub")):
        source, y = [source[:, None] if source.ndim == 1 else source], None if y is None else [y]
    arrays = read_arrays(source)
    if arrays is None:
        return None
    if label is not None:
        y, arrays = arrays.y if y is None else y, replace(arrays, y=None)
    if arrays.y is not None:
        raise DataError("a forecast's targets are the series themselves, but (X, y) came. Pass X alone.")
    rows = np.concatenate([np.asarray(x) for x in arrays.x])
    columns: dict[str, np.ndarray] = {f"c{k}": rows[:, k] for k in range(rows.shape[1])}
    if len(arrays.x) > 1:
        names = np.array([str(n) for n in range(len(arrays.x))], object)
        columns[SERIES] = np.repeat(names, [len(x) for x in arrays.x])
    if label is not None and y is not None:
        columns[label] = _row_labels(y, arrays)
    return Frame(columns, ARRAYS)


def _row_labels(y: object, arrays: Arrays) -> np.ndarray:
    """One label for each row of all sequences, below each other."""
    given = list(y) if isinstance(y, list | tuple | np.ndarray) else []
    parts = [_labels(part, f"y[{i}]", arrays.origin) for i, part in enumerate(given) if np.ndim(part) == 1]
    if [len(part) for part in parts] != arrays.lengths.tolist():
        raise DataError(
            f"{arrays.origin}: `y` must have one label for each row of X, but {len(given)} came for "
            f"{', '.join(map(str, arrays.lengths.tolist()[:5]))} rows. Give as many, or judge whole sequences."
        )
    if all(part.dtype.kind == "f" for part in parts):
        return np.concatenate(parts)
    column = np.empty(int(arrays.lengths.sum()), object)
    column[:] = [None if cell is None or cell != cell else str(cell) for part in parts for cell in part.tolist()]
    return column


def read_arrays(source: object, *, labelled: bool = False) -> Arrays | None:
    """Reads arrays; returns None when the source is something else, so that the caller reads a table.

    Args:
        source: X or a pair (X, y), or the path of a file: .npz with the keys X and y, .npy, or the .ts of aeon and
            sktime. X is (N, T, D), (N, T) for D = 1, or a list of (T_i, D) or (T_i,). y is (N,), (N, K) or (N, T, K),
            or a list of (T_i,) or (T_i, K), numbers or text.
        labelled: whole sequences with labels are asked for, and no columns are named. A .tsv or .txt file of numbers
            without a header is then one of the UCR archive: a series on each line, its label first. Otherwise it is a
            table like others.

    Raises:
        DataError: for infinite values, values that are not numbers, empty arrays, and lengths that do not match; for
            files of text with line and column.
    """
    if isinstance(source, str | os.PathLike):
        return _read_path(Path(source), labelled)
    if isinstance(source, tuple) and len(source) == 2 and _is_arrays(source[0]):
        return _arrays(source[0], source[1], "arrays")
    return _arrays(source, None, "arrays") if _is_arrays(source) else None


def _read_path(path: Path, labelled: bool) -> Arrays | None:
    if path.suffix.lower() in (".npz", ".npy"):
        return _read_file(path)
    x: list[np.ndarray]
    y: np.ndarray | None
    if is_ts(path):
        x, y = read_ts(path)
    elif labelled and is_ucr(path):
        x, y = read_ucr(path)
    else:
        return None
    equal = len({len(sequence) for sequence in x}) == 1
    return _arrays(np.stack(x) if equal else x, y, path.name)


def _is_arrays(source: object) -> bool:
    if isinstance(source, np.ndarray):
        return source.dtype.names is None
    if isinstance(source, Frame | ArrowStream | str | os.PathLike):
        return False
    if isinstance(source, list | tuple):
        return bool(source) and (_is_arrays(source[0]) or isinstance(source[0], int | float | np.number))
    return hasattr(source, "__array__") and not hasattr(source, "columns")  # a torch tensor, say


def _read_file(path: Path) -> Arrays:
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            members = {"X": loaded} if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    except FileNotFoundError:
        raise DataError(f"`{path}` is not there. Give the path of a .npz file.") from None
    except Exception as error:  # zipfile, zlib and numpy each have their own errors for a damaged file
        reason = str(error).split("\n")[0][:120]
        raise DataError(
            f"{path.name} is not a readable file of plain arrays ({reason}). Save it again with numpy.savez."
        ) from None
    names = {name.lower(): name for name in members}
    if "x" not in names:
        raise DataError(
            f"{path.name} must hold an array 'X' (and 'y' where there are targets), but holds "
            f"{', '.join(map(repr, members)) or 'nothing'}. Save it with numpy.savez(path, X=..., y=...)."
        )
    return _arrays(members[names["x"]], members[names["y"]] if "y" in names else None, path.name)


def _arrays(x: object, y: object, origin: str) -> Arrays:
    sequences = _sequences(x, origin)
    if not len(sequences):
        raise DataError(f"{origin}: `X` needs at least one sequence, but is empty.")
    widths = {sequence.shape[-1] for sequence in sequences}
    if len(widths) > 1 or 0 in widths:
        raise DataError(
            f"{origin}: every sequence of `X` has the same number of features, at least 1, but these come: "
            f"{sorted(widths)}. Fill or cut the feature axis."
        )
    for i, sequence in enumerate(sequences):
        if not len(sequence):
            raise DataError(f"{origin}: `X[{i}]` needs at least one step, but is empty. Drop the sequence.")
    return Arrays(sequences, None if y is None else _targets(y, sequences, origin), origin)


def _sequences(x: object, origin: str) -> np.ndarray | list[np.ndarray]:
    if isinstance(x, list | tuple) and x and not isinstance(x[0], int | float | np.number):
        parts = [_numbers(part, f"X[{i}]", origin) for i, part in enumerate(x)]
        for i, part in enumerate(parts):
            if part.ndim not in (1, 2):
                raise DataError(f"{origin}: `X[{i}]` must be (T, D) or (T,), but has shape {part.shape}. Reshape it.")
        return [part[:, None] if part.ndim == 1 else part for part in parts]
    whole = _numbers(x, "X", origin)
    if whole.ndim not in (2, 3):
        raise DataError(
            f"{origin}: `X` must be (N, T, D) or (N, T), sequences first, but has shape {whole.shape}. "
            "For one series of T rows give X[None], or a list."
        )
    return whole[:, :, None] if whole.ndim == 2 else whole


def _targets(y: object, x: Sequence[np.ndarray] | np.ndarray, origin: str) -> Targets:
    parts = y if isinstance(y, list | tuple) else None
    targets: Targets
    if parts and all(isinstance(part, np.ndarray | list | tuple) for part in parts) and isinstance(x, list):
        targets = [_labels(part, f"y[{i}]", origin) for i, part in enumerate(parts)]
        for i, (part, sequence) in enumerate(zip(targets, x, strict=False)):
            if len(part) != len(sequence):
                raise DataError(
                    f"{origin}: `y[{i}]` has a target for each step of `X[{i}]`, but has {len(part)} for "
                    f"{len(sequence)} steps. Give equally long ones, or one array y for whole sequences."
                )
    else:
        targets = _labels(y, "y", origin)
        if targets.ndim not in (1, 2, 3):
            raise DataError(
                f"{origin}: `y` must be (N,), (N, K) or (N, T, K), but has shape {targets.shape}. Reshape it."
            )
    if len(targets) != len(x):
        raise DataError(
            f"{origin}: `y` has one target for each sequence of `X`, but has {len(targets)} for {len(x)} sequences. "
            "Give arrays of the same length."
        )
    return targets


def _labels(values: object, name: str, origin: str) -> np.ndarray:
    given = [_unmasked(value) for value in values] if isinstance(values, list | tuple) else _unmasked(values)
    try:
        array = np.asarray(given)
        if array.dtype.kind == "U" and isinstance(given, list):
            cells = np.asarray(given, object)
            gone = [is_missing(cell) for cell in cells.flat]  # which numpy has spelled, as 'nan'
            array = _without(array, np.reshape(gone, cells.shape))
    except ValueError:
        raise DataError(f"{origin}: `{name}` must be one array, but its parts differ in shape.") from None
    if array.dtype.kind in "SUT" or (array.dtype.kind == "O" and any(map(_is_text, array.flat))):
        return _texts(array, name, origin)
    if array.dtype.kind == "O":
        array = np.array([np.nan if is_missing(one) else one for one in array.flat], object).reshape(array.shape)
    return _numbers(array, name, origin)


def _unmasked(values: object) -> object:
    """A masked array as one in which what is masked is missing: NaN among numbers, else None."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    if values is np.ma.masked:
        return None
    if values.dtype.kind in "fiub":
        return np.ma.filled(values.astype(np.float64), np.nan)
    return _without(values.data, np.ma.getmaskarray(values))


def _without(array: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """The array as objects, None where a value is gone."""
    made = array.astype(object)
    made[gone] = None
    return made


def _is_text(value: object) -> bool:
    return isinstance(value, str | bytes)


def _texts(array: np.ndarray, name: str, origin: str) -> np.ndarray:
    """Returns an object array of `str | None`: bytes are utf-8, numpy's strings become Python's, NaN is missing."""
    texts = np.empty(array.shape, object)
    for place, value in np.ndenumerate(array):
        if is_missing(value):
            continue  # an empty array of objects holds None
        try:
            if not _is_text(value):
                raise TypeError(type(value).__name__)
            texts[place] = value.decode() if isinstance(value, bytes) else str(value)
        except (TypeError, UnicodeDecodeError):
            at = ", ".join(map(str, place))
            raise DataError(
                f"{origin}: `{name}` must be all text or all numbers, but {name}[{at}] is {value!r:.40}. "
                "Write all of them in one way, and None where one is missing."
            ) from None
    return texts


def _on_host(values: Any) -> Any:
    """A tensor of torch as numpy reads one: without a gradient, on the CPU, and of a type that numpy has."""
    if not (hasattr(values, "detach") and hasattr(values, "cpu")):
        return values
    tensor = values.detach().cpu()
    return tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor


def _numbers(values: object, name: str, origin: str) -> np.ndarray:
    try:
        array = np.asarray(_on_host(_unmasked(values)))
    except ValueError:
        raise DataError(f"{origin}: `{name}` must be one array, but its parts differ in shape. Give a list.") from None
    if array.dtype.kind == "O":
        with contextlib.suppress(TypeError, ValueError):
            array = array.astype(np.float64)
    if array.dtype.kind not in "fiub":
        raise DataError(f"{origin}: `{name}` must hold real numbers, but holds {array.dtype}. Encode or convert them.")
    array = array.astype(np.float64, copy=False)
    infinite = np.argwhere(np.abs(array) > np.finfo(np.float32).max)
    if len(infinite):
        place = ", ".join(map(str, infinite[0].tolist()))
        raise DataError(
            f"{origin}: `{name}` must be finite and within 3.4e38, the range of 32-bit floats, but {name}[{place}] is "
            f"{array[tuple(infinite[0])]}. Write NaN where a value is missing."
        )
    return array
