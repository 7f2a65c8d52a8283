"""Several codecs side by side: one array of the columns that each of them makes."""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Self, cast

import msgspec
import numpy as np

# Imported for their names, which a file may mention.
from whorl.codecs import array as _array  # noqa: F401
from whorl.codecs import symbols as _symbols  # noqa: F401
from whorl.codecs import table as _table  # noqa: F401
from whorl.codecs import text as _text  # noqa: F401
from whorl.codecs.codec import Codec, Encoder, codecs
from whorl.codecs.frame import Frame
from whorl.errors import ArgumentError, DataError, ModelFileError, did_you_mean
from whorl.specs import Fields, Spec

Values = Mapping[str, object] | Frame
# What a codec reads is its own affair; here it is only handed on.
AnyCodec = Codec[Any]

_DEEPEST = 16


class _Part(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: str
    codec: str
    config: dict[str, object]


class _Config(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    fields: list[_Part]


@codecs.add("fields")
class FieldsCodec(Codec[Values]):
    """Encodes a mapping from names to sequences of one length, each by its own codec, as `Fields` of these names.

    Args:
        fields: name -> its codec, in the order of the columns. A mapping may hold more names; they are not read.
    """

    def __init__(self, fields: Mapping[str, AnyCodec]) -> None:
        if not fields:
            raise ArgumentError("`fields` names at least one codec, but is empty. Write {name: codec}.")
        self.fields = dict(fields)
        kinds = {codec.streams for codec in self.fields.values()}
        self.streams = "never" if "never" in kinds else "at_flush" if "at_flush" in kinds else "exact"

    def fit(self, sequences: Iterable[Values]) -> Self:
        made = list(sequences)
        for name, codec in self.fields.items():
            codec.fit([_field(values, name) for values in made])
        return self

    @property
    def spec(self) -> Spec:
        return Fields({name: codec.spec for name, codec in self.fields.items()})

    def encode(self, values: Values) -> np.ndarray:
        parts = {name: codec.encode(_field(values, name)) for name, codec in self.fields.items()}
        _require_one_length({name: len(part) for name, part in parts.items()})
        return np.concatenate(list(parts.values()), axis=1)

    def decode(self, array: np.ndarray) -> dict[str, object]:
        """Returns what each codec decodes from its columns of (T, width)."""
        spec = self.spec
        if array.ndim != 2 or array.shape[1] != spec.width:
            raise DataError(
                f"`decode` takes an array of shape (T, {spec.width}), but {array.shape} came. "
                "Decode with the codec that encoded it."
            )
        ends = np.cumsum([codec.spec.width for codec in self.fields.values()])[:-1]
        parts = np.split(array, ends, axis=1)
        return {name: codec.decode(part) for (name, codec), part in zip(self.fields.items(), parts, strict=True)}

    def chunks(self) -> "FieldsEncoder":
        return FieldsEncoder(self.fields)

    def config(self) -> dict[str, object]:
        fields = [
            {"name": name, "codec": codecs.name_of(type(codec)), "config": codec.config()}
            for name, codec in self.fields.items()
        ]
        return {"fields": fields}

    def arrays(self) -> dict[str, np.ndarray]:
        return {
            f"field{i}.{name}": array
            for i, codec in enumerate(self.fields.values())
            for name, array in codec.arrays().items()
        }

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        try:
            parts = msgspec.convert(config, _Config).fields
        except msgspec.ValidationError as error:
            raise ModelFileError(f"The fields codec of the model file is damaged: {error}.") from None
        if not parts or len({part.name for part in parts}) < len(parts) or _depth(parts) > _DEEPEST:
            raise ModelFileError(
                "The fields codec of the model file is damaged: it has no field, one twice, or fields too deep."
            )
        own: list[dict[str, np.ndarray]] = [{} for _ in parts]
        prefixes = {f"field{i}": i for i in range(len(parts))}
        for name, array in arrays.items():
            prefix, _, rest = name.partition(".")
            if prefix not in prefixes:
                raise ModelFileError(f"The fields codec of the model file is damaged: no field has an array `{name}`.")
            own[prefixes[prefix]][rest] = array
        restored: dict[str, AnyCodec] = {}
        for part, its in zip(parts, own, strict=True):
            if part.codec not in codecs:
                raise ModelFileError(
                    f"Field '{part.name}' of the model file has the codec `{part.codec}`, which is not known here; "
                    f"known are: {', '.join(codecs)}.{did_you_mean(part.codec, codecs)}"
                )
            restored[part.name] = codecs.get(part.codec).restore(part.config, its)
        return cls(restored)


class FieldsEncoder(Encoder[Values]):
    """Encodes pieces; rows that one field has and another has not yet given are held back."""

    def __init__(self, fields: Mapping[str, AnyCodec]) -> None:
        self._encoders: dict[str, Encoder[Any]] = {name: codec.chunks() for name, codec in fields.items()}
        self._widths = {name: codec.spec.width for name, codec in fields.items()}
        self._waiting = {name: np.empty((0, width), np.float32) for name, width in self._widths.items()}

    def push(self, piece: Values) -> np.ndarray:
        # All fields are looked up before one is pushed: a missing one must not leave the others a step ahead.
        pieces = {name: _field(piece, name) for name in self._encoders}
        before = self.read()
        try:
            return self._rows({name: self._encoders[name].push(values) for name, values in pieces.items()})
        except BaseException:
            self.write(before)
            raise

    def flush(self) -> np.ndarray:
        made = self._rows({name: encoder.flush() for name, encoder in self._encoders.items()})
        _require_one_length({name: len(made) + len(rows) for name, rows in self._waiting.items()})
        return made

    def read(self) -> bytes:
        parts = [(encoder.read(), self._waiting[name].tobytes()) for name, encoder in self._encoders.items()]
        return msgspec.msgpack.encode(parts)

    def write(self, remainder: bytes) -> None:
        try:
            parts = msgspec.msgpack.decode(remainder, type=list[tuple[bytes, bytes]])
        except msgspec.DecodeError:
            raise ModelFileError("The state of a fields codec is damaged, or belongs to another model.") from None
        if len(parts) != len(self._encoders) or any(
            len(rows) % (4 * width) for (_, rows), width in zip(parts, self._widths.values(), strict=True)
        ):
            raise ModelFileError("The state of a fields codec is damaged, or belongs to another model.")
        for (name, encoder), (state, rows) in zip(self._encoders.items(), parts, strict=True):
            encoder.write(state)
            self._waiting[name] = np.frombuffer(rows, np.float32).reshape(-1, self._widths[name])

    def _rows(self, pushed: Mapping[str, np.ndarray]) -> np.ndarray:
        joined = {name: np.concatenate([self._waiting[name], rows]) for name, rows in pushed.items()}
        ready = min(map(len, joined.values()))
        self._waiting = {name: rows[ready:].copy() for name, rows in joined.items()}
        return np.concatenate([rows[:ready] for rows in joined.values()], axis=1)


def _field(values: Values, name: str) -> object:
    if isinstance(values, Frame):
        return values[name]
    if not isinstance(values, Mapping):
        raise DataError(f"Fields are a mapping {{name: values}} or a frame, but a {type(values).__name__} came.")
    if name not in values:
        raise DataError(
            f"Field `{name}` is missing; there are {', '.join(map(repr, values)) or 'none'}."
            f"{did_you_mean(name, values)}"
        )
    return values[name]


def _require_one_length(lengths: Mapping[str, int]) -> None:
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"'{name}' {length}" for name, length in lengths.items())
        raise DataError(f"Fields side by side have one number of rows, but these have {found}. Cut them alike.")


def _depth(parts: list[_Part]) -> int:
    """How deep codecs of fields hold codecs of fields, without going deeper than a file may."""
    deepest, waiting = 1, deque((part.config, 1) for part in parts)
    while waiting and deepest <= _DEEPEST:
        config, depth = waiting.popleft()
        deepest = max(deepest, depth)
        inner = config.get("fields")
        for one in inner if isinstance(inner, list) else []:
            if isinstance(one, dict) and isinstance(one.get("config"), dict):
                waiting.append((cast("dict[str, object]", one["config"]), depth + 1))
    return deepest
