"""Files of features that another encoder found: `.npy` and safetensors."""

import math
import os
import re
from collections.abc import Sequence as List
from pathlib import Path
from typing import TypeGuard

import numpy as np

from whorl.codecs.features import FeaturesCodec
from whorl.data.media import Medium, mediums, unread
from whorl.errors import DataError
from whorl.plans.media import Features

_ARRAY_SUFFIXES = (".npy", ".safetensors")
# What arrays of safetensors files may hold; numpy knows no others, such as BF16.
_PLAIN = ("BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64", "F16", "F32", "F64")
# Numbers of one source, and of all in a file; a header that promises more is that of a damaged or hostile file.
MOST_NUMBERS = 1 << 26
_MOST_IN_FILE = 1 << 30


def read_array(path: Path, most: int = MOST_NUMBERS) -> np.ndarray:
    """The array of a `.npy` file.

    Raises:
        DataError: the file is damaged, is none, holds objects, or promises more numbers than `most`.
    """
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            if version not in ((1, 0), (2, 0)):
                raise ValueError(f"its version is {version}")
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(file)
            _check(path, shape, str(dtype), most, plain=dtype.kind in "fiub")
            if path.stat().st_size - file.tell() < math.prod(shape) * dtype.itemsize:
                raise ValueError("it is cut off")  # before memory is taken for what is not there
            file.seek(0)
            array: np.ndarray = np.load(file, allow_pickle=False)
    except (DataError, OSError):
        raise
    except Exception as error:  # numpy reads headers as Python, which has its own errors for what is none
        raise DataError(f"`{path}` is no `.npy` file, or is damaged ({error!s:.80}). Write it anew.") from None
    return array


def is_arrays_file(source: object) -> TypeGuard[str | os.PathLike[str]]:
    """Whether this is the name of a file that may hold the arrays of several sources."""
    return isinstance(source, str | os.PathLike) and Path(source).suffix.lower() in _ARRAY_SUFFIXES


def read_arrays_file(path: Path) -> dict[str, np.ndarray]:
    """The sources of a file by name: the rows of a `.npy` array (N, S, D), or the arrays of a safetensors file.

    Rows are called by their number, and arrays, whose order no such file keeps, come in that of their names, where
    numbers compare as numbers: '2' before '10'.

    Raises:
        DataError: as of `read_array`.
        ResourceError: the file may not be read.
    """
    try:
        return _read_arrays_file(path)
    except OSError as error:
        raise unread(path, error) from None


def _read_arrays_file(path: Path) -> dict[str, np.ndarray]:
    if path.suffix.lower() == ".npy":
        array = read_array(path, _MOST_IN_FILE)
        if array.ndim < 3:
            raise DataError(f"`{path}` is of the shape {array.shape}, but sources are (N, S, D). Reshape it.")
        return {str(n): one for n, one in enumerate(array)}
    from safetensors import SafetensorError, safe_open

    found: dict[str, np.ndarray] = {}
    try:
        with safe_open(path, "numpy") as file:
            for name in sorted(file.keys(), key=_natural):
                part = file.get_slice(name)
                kind = part.get_dtype()
                _check(path, part.get_shape(), kind, MOST_NUMBERS, plain=kind in _PLAIN)
                found[name] = np.asarray(file.get_tensor(name))
    except (SafetensorError, ValueError, TypeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"`{path}` is no safetensors file, or is damaged ({error!s:.80}). Write it anew.") from None
    if not found:
        raise DataError(f"`{path}` has no arrays. Give a file with one for each source.")
    return found


def _natural(name: str) -> list[tuple[int, str]]:
    """What names are ordered by: of two numbers without zeros in front the longer one is larger."""
    parts = [(0, part) for part in re.split("([0-9]+)", name)]
    parts[1::2] = [(len(digits), digits) for digits in (part.lstrip("0") for _, part in parts[1::2])]
    return [*parts, (0, name)]  # '01' and '1' are the same number


def _check(path: Path, shape: List[int], kind: str, most: int, *, plain: bool) -> None:
    if not plain:
        raise DataError(f"`{path}` holds {kind}, but features are plain numbers. Convert it.")
    if math.prod(shape) > most:
        raise DataError(f"`{path}` promises {math.prod(shape)} numbers, but at most {most} are read. Cut it in parts.")


mediums.add("features")(
    Medium(
        plan=Features,
        plural="files of features",
        suffixes=(".npy",),
        load=lambda path, _: read_array(path),
        codec=lambda _: FeaturesCodec(),
        complete=lambda plan, _: plan,
    )
)
