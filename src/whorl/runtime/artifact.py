"""The `.whorl` model file: one safetensors file with JSON metadata. Numbers and names, never code.

Layout: 8 bytes with the length of the header, a JSON header (safetensors), the tensors. `__metadata__` holds `format`,
`sha256` and the sections, each a JSON text. The hash covers the whole file with its own 64 digits set to zeros.
"""

import contextlib
import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import safetensors.numpy

from whorl.errors import ModelFileError, ResourceError

FORMAT = "1"
MAX_HEADER = 1_000_000
MAX_TENSORS = 10_000
DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "U8": "|u1", "BOOL": "|b1"}
_HASH = re.compile(rb'"sha256":"([0-9a-f]{64})"')
_NO_HASH = b"0" * 64


@dataclass(frozen=True)
class Artifact:
    """The contents of a model file.

    Args:
        sections: name -> JSON text.
        tensors: name -> array of a dtype in `DTYPES`; floats are finite.
    """

    sections: Mapping[str, str]
    tensors: Mapping[str, np.ndarray]


class _Entry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def write(path: str | Path, artifact: Artifact) -> None:
    """Writes a model file: complete under its name, or not at all."""
    tensors = {}
    for name, array in artifact.tensors.items():
        if np.dtype(array.dtype).newbyteorder("<").str not in DTYPES.values():
            raise ModelFileError(f"tensor `{name}` has dtype {array.dtype}; a model file holds {', '.join(DTYPES)}.")
        _check_finite(name, array)
        tensors[name] = np.ascontiguousarray(array)
    header, body = _packed(tensors, {**artifact.sections, "format": FORMAT, "sha256": _NO_HASH.decode()})
    if len(tensors) > MAX_TENSORS or len(header) > MAX_HEADER:
        raise ModelFileError(
            f"a model file may have {MAX_TENSORS} tensors and a header of {MAX_HEADER} bytes, but `{path}` would have "
            f"{len(tensors)} and {len(header)}. Fit a smaller model."
        )
    places = [match.start(1) for match in _HASH.finditer(header)]
    if len(places) != 1:
        raise ModelFileError("`sha256` must stand once in the metadata. Rename the section that repeats it.")
    length = len(header).to_bytes(8, "little")
    digest = hashlib.sha256(length + header + body).hexdigest().encode()
    write_bytes(Path(path), length + header[: places[0]] + digest + header[places[0] + 64 :] + body)


def _packed(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> tuple[bytes, bytes]:
    """Header and body as safetensors lays them out, the header in one order: the same model gives the same bytes."""
    data = safetensors.numpy.save(dict(tensors))
    length = int.from_bytes(data[:8], "little")
    header = {**json.loads(data[8 : 8 + length]), "__metadata__": dict(metadata)}
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    return text + b" " * (-len(text) % 8), data[8 + length :]


def write_bytes(path: Path, data: bytes) -> None:
    """Replaces a file in one step: a temporary file in the same folder, synced, then renamed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, ValueError) as error:
        with contextlib.suppress(OSError, ValueError):
            temporary.unlink(missing_ok=True)
        raise ResourceError(
            f"`{path}` could not be written ({getattr(error, 'strerror', None) or error}); nothing was changed. "
            "Free space, or choose a folder that you may write to."
        ) from error


def made_folder(folder: str | Path) -> Path:
    """A folder for what is written down, made where it is not there; raises ResourceError where it cannot be."""
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResourceError(
            f"`folder` is `{path}`, which cannot be made ({error.strerror or error}). Give another one."
        ) from None
    return path


def read(path: str | Path) -> Artifact:
    """Reads and checks a model file; raises ModelFileError for anything that is not one, before allocating for it."""
    path = Path(path)
    if "\0" in str(path):
        raise ModelFileError(f"`{path}` is not a path: it has a NUL character. Check the path.")
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            length = int.from_bytes(file.read(8), "little")
            if size < 10 or length > min(MAX_HEADER, size - 8):
                raise _damaged(path, f"its header would have {length} of {size} bytes (most {MAX_HEADER})")
            raw_header = file.read(length)
            entries, metadata = _header(path, raw_header)
            _check_layout(path, entries, size - 8 - length)
            body = file.read()
    except OSError as error:
        raise ModelFileError(f"`{path}` cannot be read ({error.strerror}). Check the path.") from error
    _check_hash(path, length, raw_header, body, metadata.pop("sha256", ""))
    if metadata.pop("format", None) != FORMAT:
        raise ModelFileError(f"`{path}` has another format than {FORMAT}. Update whorl to read it.")
    tensors = {}
    for name, entry in entries.items():
        start, stop = entry.data_offsets
        if entry.dtype == "BOOL" and max(body[start:stop], default=0) > 1:
            raise _damaged(path, f"tensor `{name}` holds flags that are neither 0 nor 1")
        tensors[name] = np.frombuffer(memoryview(body)[start:stop], DTYPES[entry.dtype]).reshape(entry.shape)
        _check_finite(name, tensors[name])
    return Artifact(metadata, tensors)


def _header(path: Path, raw: bytes) -> tuple[dict[str, _Entry], dict[str, str]]:
    try:
        parts = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        metadata = msgspec.json.decode(parts.pop("__metadata__", b"{}"), type=dict[str, str])
        if len(parts) > MAX_TENSORS:
            raise _damaged(path, f"it names {len(parts)} tensors (most {MAX_TENSORS})")
        return {name: msgspec.json.decode(part, type=_Entry) for name, part in parts.items()}, metadata
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise _damaged(path, f"its header is not valid ({error})") from None


def _check_layout(path: Path, entries: Mapping[str, _Entry], num_bytes: int) -> None:
    """Tensors must fill the rest of the file exactly: sizes that multiply without overflow, no gap, no overlap."""
    at = 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1].data_offsets):
        if entry.dtype not in DTYPES:
            raise _damaged(path, f"tensor `{name}` has dtype {entry.dtype[:20]!r}, known are {', '.join(DTYPES)}")
        sound = len(entry.shape) <= 8 and all(0 <= axis <= num_bytes for axis in entry.shape)
        # The other axes of an empty tensor may not overflow either.
        if not sound or math.prod(axis for axis in entry.shape if axis) > 2**62:
            raise _damaged(path, f"tensor `{name}` has an impossible shape")
        size = math.prod(entry.shape) * np.dtype(DTYPES[entry.dtype]).itemsize
        if entry.data_offsets != (at, at + size):
            raise _damaged(path, f"tensor `{name}` does not lie where it should")
        at += size
    if at != num_bytes:
        raise _damaged(path, f"its tensors have {at} bytes, but {num_bytes} follow the header")


def _check_hash(path: Path, length: int, header: bytes, body: bytes, stored: str) -> None:
    places = list(_HASH.finditer(header))
    if len(places) != 1 or places[0].group(1) != stored.encode("utf-8", "surrogatepass"):
        raise _damaged(path, "it has no checksum")
    start = places[0].start(1)
    digest = hashlib.sha256(length.to_bytes(8, "little"))
    digest.update(header[:start] + _NO_HASH + header[start + 64 :])
    digest.update(body)
    if digest.hexdigest().encode() != places[0].group(1):
        raise _damaged(path, "its checksum does not fit its contents")


def _check_finite(name: str, array: np.ndarray) -> None:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ModelFileError(f"tensor `{name}` must be finite, but holds NaN or infinity. Fit the model again.")


def _damaged(path: Path, what: str) -> ModelFileError:
    return ModelFileError(f"`{path}` is not a sound whorl model file: {what}. Save the model again, or copy it again.")


def section(artifact: Artifact, name: str) -> dict[str, object]:
    """Returns one JSON section as a dictionary."""
    try:
        value = json.loads(artifact.sections[name], parse_constant=_refuse, parse_float=_finite)
    except (KeyError, ValueError, RecursionError):
        raise ModelFileError(f"section `{name}` is missing or not JSON. Save the model again.") from None
    if not isinstance(value, dict):
        raise ModelFileError(f"section `{name}` must be an object. Save the model again.")
    return value


def as_plain(value: object) -> object:
    """Numbers and arrays of numpy as Python's, for JSON."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} is no JSON value")


def _refuse(word: str) -> float:
    raise ValueError(word)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)
