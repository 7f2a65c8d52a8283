"""Symbols as codes: labels, items, moves, any finite alphabet."""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Self

import msgspec
import numpy as np

from whorl.codecs.category import Categories
from whorl.codecs.codec import Codec, Encoder, codecs
from whorl.codecs.codes import MOST_CODES, codes_of, column
from whorl.codecs.numeric import require_array
from whorl.errors import ArgumentError, DataError, ModelFileError, NotFittedError, did_you_mean
from whorl.specs import Spec, Tokens

Kind = Literal["text", "integer", "boolean", "number"]
Unseen = Literal["unknown", "error"]
Symbol = str | int | bool | float
Values = Sequence[Symbol | None] | np.ndarray

_KINDS: dict[type, Kind] = {str: "text", int: "integer", bool: "boolean", float: "number"}
_DTYPES: dict[Kind, type[np.generic]] = {"integer": np.int64, "boolean": np.bool_, "number": np.float64}
_MISSING = (None, "")


class _Config(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    kind: Kind
    unseen: Unseen
    most: Annotated[int, msgspec.Meta(ge=1, le=MOST_CODES)] | None
    least_count: Annotated[int, msgspec.Meta(ge=1, le=2**62)]


@codecs.add("symbols")
class SymbolsCodec(Codec[Values]):
    """Encodes sequences of text, whole numbers, booleans or numbers as codes: one column, `Tokens`.

    Code 0 is unknown or missing (None, NaN, empty text); from 1 on stand the symbols of training in sorted order.
    `decode` gives arrays of the kind that `fit` saw: text as object, int64, bool or float64. Code 0 is NaN among
    numbers and None otherwise; whole numbers and booleans with a None among them come as object.

    Args:
        unseen: what becomes of a value that training did not have: 'unknown' (code 0) or 'error'.
        most: keeps this many of the most frequent symbols, of equally frequent ones the first in sorted order.
        least_count: keeps symbols that training has at least this often.
    """

    def __init__(self, *, unseen: Unseen = "unknown", most: int | None = None, least_count: int = 1) -> None:
        if unseen not in ("unknown", "error"):
            raise ArgumentError(f"`unseen` is 'unknown' or 'error', but {unseen!r} came.")
        if most is not None and not 1 <= most < MOST_CODES:
            raise ArgumentError(f"`most` is from 1 to {MOST_CODES - 1}, or None, but {most} came.")
        if least_count < 1:
            raise ArgumentError(f"`least_count` is at least 1, but {least_count} came.")
        self.when_unseen: Unseen = unseen
        self.most = most
        self.least_count = least_count
        self._kind: Kind | None = None
        self._symbols: list[Symbol] = []
        self._codes: dict[object, int] = {}

    def fit(self, sequences: Iterable[Values]) -> Self:
        counts: Counter[Symbol] = Counter()
        kinds: dict[Kind, str] = {}
        for n, values in enumerate(sequences):
            items = _items(values)
            for kind, position in _kinds(items, f"training sequence {n}").items():
                kinds.setdefault(kind, position)
            counts.update(value for value in items if not is_missing(value))  # type: ignore[misc]
        if kinds.keys() == {"integer", "number"}:
            kinds = {"number": kinds["number"]}
        if len(kinds) > 1:
            found = " and ".join(f"{kind} ({position})" for kind, position in kinds.items())
            raise DataError(f"Symbols are of one kind, but training has {found}. Write them in one way.")
        if not kinds:
            raise DataError("`fit` needs at least one value that is not missing, but got none. Give training rows.")
        (kind,) = kinds
        if kind == "number":  # as a float a whole number may be another one, and -0.0 is 0.0
            numbers: Counter[Symbol] = Counter()
            for symbol, count in counts.items():
                numbers[float(symbol) + 0.0] += count
            counts = numbers
        kept = [symbol for symbol, count in counts.items() if count >= self.least_count]
        if self.most is not None:
            kept = sorted(kept, key=lambda symbol: (-counts[symbol], symbol))[: self.most]
        if not kept:
            raise DataError(
                f"No symbol of training occurs `least_count`={self.least_count} times; the most frequent one occurs "
                f"{max(counts.values())} times. Lower it."
            )
        if len(kept) >= MOST_CODES:
            raise DataError(f"Training has {len(kept)} symbols; at most {MOST_CODES - 1} can be told. Give `most`.")
        self._learn(kind, sorted(kept))
        return self

    @property
    def kind(self) -> Kind:
        """What the symbols are: 'text', 'integer', 'boolean' or 'number'."""
        if self._kind is None:
            raise NotFittedError("This `SymbolsCodec` has no symbols yet. Call `fit` with training sequences first.")
        return self._kind

    @property
    def symbols(self) -> np.ndarray:
        """The known symbols in the order of their codes, from code 1 on: shape (n - 1,)."""
        if self.kind != "text":
            return np.array(self._symbols, _DTYPES[self.kind])
        made = np.empty(len(self._symbols), object)
        made[:] = self._symbols
        return made

    @property
    def spec(self) -> Spec:
        assert self.kind
        return Tokens(len(self._symbols) + 1)

    def encode(self, values: Values) -> np.ndarray:
        items = self._checked(values)
        codes = self._codes
        made = [codes.get(value, 0) for value in items]
        if self.when_unseen == "error" and 0 in made:
            for position, (value, code) in enumerate(zip(items, made, strict=True)):
                if not code and not is_missing(value):
                    close = did_you_mean(value, map(str, self._symbols)) if isinstance(value, str) else ""
                    raise DataError(
                        f"`{value!r}` at position {position} is not among the {len(self._symbols)} symbols of "
                        f"training.{close} Correct it, or read it as unknown with unseen='unknown'."
                    )
        return column(made)

    def unseen(self, values: Values) -> dict[Symbol, int]:
        """Returns the values that training did not have, or that were not kept, and how often each occurs."""
        items = self._checked(values)
        counts = Counter(value for value in items if value not in self._codes and not is_missing(value))
        return dict(counts)  # type: ignore[arg-type]

    def decode(self, array: np.ndarray) -> np.ndarray:
        """Returns the symbols, shape (T,), of codes (T, 1) or (T,)."""
        symbols = self.symbols
        codes = codes_of(array, len(symbols) + 1)
        if self.kind != "text" and codes.all():
            return np.take(symbols, codes - 1)
        made = np.empty(len(symbols) + 1, np.float64 if self.kind == "number" else object)
        made[0] = np.nan if self.kind == "number" else None
        made[1:] = self._symbols
        return np.take(made, codes)

    def chunks(self) -> "SymbolsEncoder":
        return SymbolsEncoder(self)

    def config(self) -> dict[str, object]:
        return {
            "kind": self.kind,
            "unseen": self.when_unseen,
            "most": self.most,
            "least_count": self.least_count,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        if self.kind == "text":
            return Categories(tuple(map(str, self._symbols))).arrays("symbols")
        return {"symbols": self.symbols}

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        try:
            plain = msgspec.convert(config, _Config)
            codec = cls(unseen=plain.unseen, most=plain.most, least_count=plain.least_count)
        except (msgspec.ValidationError, ArgumentError) as error:
            raise ModelFileError(f"The symbols codec of the model file is damaged: {error}") from None
        names = {"symbols.bytes", "symbols.ends"} if plain.kind == "text" else {"symbols"}
        if set(arrays) != names:
            raise ModelFileError(f"The symbols codec of the model file is damaged: its arrays are {sorted(arrays)}.")
        symbols: list[Symbol]
        if plain.kind == "text":
            data, ends = (require_array(arrays, f"symbols.{part}", kind) for part, kind in _TEXT_PARTS)
            symbols = list(Categories.restore(data, ends).values)
        else:
            array = require_array(arrays, "symbols", _DTYPES[plain.kind])
            if array.dtype == np.float64 and not np.isfinite(array).all():
                raise ModelFileError("The model file is damaged: a symbol is not finite.")
            symbols = array.tolist()
        rising = all(before < after for before, after in itertools.pairwise(symbols))  # type: ignore[operator]
        if not 0 < len(symbols) < (plain.most or MOST_CODES - 1) + 1 or not rising or "" in symbols:
            raise ModelFileError(
                "The model file is damaged: the symbols of a codec must be in rising order, at least one, none empty."
            )
        codec._learn(plain.kind, symbols)
        return codec

    def _learn(self, kind: Kind, symbols: list[Symbol]) -> None:
        self._kind, self._symbols = kind, symbols
        self._codes = {symbol: code for code, symbol in enumerate(symbols, 1)}

    def _checked(self, values: Values) -> list[object]:
        """Returns the values; raises DataError for one of another kind. A whole number may be written as a float."""
        kind, items = self.kind, _items(values)
        accepted = {kind} if kind in ("text", "boolean") else {"integer", "number"}
        for found, position in _kinds(items, "the sequence").items():
            if found not in accepted:
                raise DataError(
                    f"A symbol is of the kind '{kind}', as in training, but {position} is of the kind '{found}'. "
                    "Write symbols as in training."
                )
        return [float(value) if type(value) is int else value for value in items] if kind == "number" else items


class SymbolsEncoder(Encoder[Values]):
    """Encodes pieces; there is nothing to remember between them."""

    def __init__(self, codec: SymbolsCodec) -> None:
        self._codec = codec

    def push(self, piece: Values) -> np.ndarray:
        return self._codec.encode(piece)

    def flush(self) -> np.ndarray:
        return column([])

    def read(self) -> bytes:
        return b""

    def write(self, remainder: bytes) -> None:
        if remainder:
            raise ModelFileError(
                f"The state of a codec of symbols is empty, but {len(remainder)} bytes came. "
                "It belongs to another model."
            )


_INFINITE = (float("inf"), float("-inf"))
_TEXT_PARTS = (("bytes", np.uint8), ("ends", np.int64))


def _items(values: Values) -> list[object]:
    """Returns the values of one sequence as Python's own."""
    if isinstance(values, str | bytes):
        raise DataError(f"A sequence of symbols is a list or an array, but the text {values[:20]!r} came. Split it.")
    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise DataError(f"A sequence of symbols has shape (T,), but {values.shape} came. Give one dimension.")
        values = values.tolist()
    if not isinstance(values, Iterable):
        raise DataError(
            f"A sequence of symbols is a list or an array, but a {type(values).__name__} came. Give a list."
        )
    return [value.item() if isinstance(value, np.generic) else value for value in values]


def is_missing(value: object) -> bool:
    """Whether a value is none: None, NaN or empty text."""
    return value is None or value == "" or value != value


def _kinds(items: list[object], where: str) -> dict[Kind, str]:
    """Returns the kinds of the values that are not missing, and where each occurs first."""
    found: dict[Kind, str] = {}
    if set(map(type, items)) <= {str, type(None)}:  # what most alphabets are, without a look at each value
        position = next((n for n, value in enumerate(items) if value not in _MISSING), None)
        return {} if position is None else {"text": f"position {position} of {where}, {items[position]!r}"}
    for position, value in enumerate(items):
        kind = _KINDS.get(type(value))
        if kind is None and value is not None:
            raise DataError(
                f"A symbol is text, a whole number, a boolean or a number, but position {position} of {where} is a "
                f"{type(value).__name__}. Convert it."
            )
        if kind is None or is_missing(value):
            continue
        if value in _INFINITE or (kind == "integer" and not -(2**63) <= value < 2**63):  # type: ignore[operator]
            raise DataError(f"A symbol is finite and fits 64 bits, but position {position} of {where} is {value}.")
        found.setdefault(kind, f"position {position} of {where}, {value!r}")
    return found
