"""Text as tokens: words, characters, bytes or byte pairs."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, Self, get_args

import msgspec
import numpy as np

from whorl.codecs.alphabet import BEGIN, END, UNKNOWN_TEXT, Alphabet, Bytes, Characters, Open, to_bytes
from whorl.codecs.bpe import BytePairs
from whorl.codecs.codec import Codec, Encoder, codecs
from whorl.codecs.codes import MOST_CODES, codes_of, column
from whorl.codecs.normalisation import LONGEST, Form, Normaliser
from whorl.codecs.words import Words
from whorl.errors import ArgumentError, DataError, ModelFileError, NotFittedError
from whorl.specs import Spec, Tokens

Unit = Literal["word", "character", "byte", "bpe"]

_ALPHABETS: dict[Unit, type[Alphabet]] = {"word": Words, "character": Characters, "byte": Bytes, "bpe": BytePairs}


class _Config(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    unit: Unit
    lowercase: bool
    normalize: Form | None
    most: Annotated[int, msgspec.Meta(ge=1, le=MOST_CODES)] | None
    least_count: Annotated[int, msgspec.Meta(ge=1, le=2**62)]
    begin: bool
    end: bool


@codecs.add("text")
class TextCodec(Codec[str]):
    """Encodes texts as codes: one column, `Tokens`. A sequence is a `str`.

    Code 0 is an unknown token, 1 the begin, 2 the end; from 3 on stand the tokens of training, the most frequent
    first, and for words three marks of white space before them. `decode` gives text: `decode(encode(text)) ==
    normalised(text)` where every token is known.

    Args:
        unit: 'word' (words, numbers, the ends of "it's" and "don't", and punctuation, each a token; the characters of
            scripts without spaces between words, each a token), 'character', 'byte' of UTF-8, or 'bpe' (byte pairs,
            to learn which needs the tokenizers library). Nothing is unknown to bytes and byte pairs.
        lowercase: whether upper case is read as lower case.
        normalize: a normal form of Unicode, 'NFC' or 'NFKC'; None leaves characters as they are.
        most: number of tokens beside the reserved codes and marks, the most frequent ones; None is all, and 8000 for
            'bpe'.
        least_count: how often a token occurs at least in training; for 'bpe' a pair that is joined, at least 2.
        begin: whether a text is encoded with the code of the begin before it.
        end: whether a text is encoded with the code of the end after it.
    """

    def __init__(
        self,
        *,
        unit: Unit = "word",
        lowercase: bool = False,
        normalize: Form | None = None,
        most: int | None = None,
        least_count: int = 1,
        begin: bool = False,
        end: bool = False,
    ) -> None:
        if unit not in _ALPHABETS:
            raise ArgumentError(f"`unit` is one of {', '.join(map(repr, _ALPHABETS))}, but {unit!r} came.")
        if normalize is not None and normalize not in get_args(Form):
            raise ArgumentError(f"`normalize` is 'NFC', 'NFKC' or None, but {normalize!r} came.")
        least = 256 if unit == "bpe" else 1
        if most is not None and not least <= most <= MOST_CODES // 2:
            raise ArgumentError(f"`most` is from {least} to {MOST_CODES // 2}, or None, but {most} came.")
        if least_count < 1:
            raise ArgumentError(f"`least_count` is at least 1, but {least_count} came.")
        self.unit: Unit = unit
        self.lowercase = lowercase
        self.normalize: Form | None = normalize
        self.most = most
        self.least_count = least_count
        self.begin = begin
        self.end = end
        self.streams = "at_flush" if _ALPHABETS[unit].holds_back or normalize is not None else "exact"
        self._normaliser = Normaliser(lowercase=lowercase, form=normalize)
        self._alphabet: Alphabet | None = None
        self._names: tuple[str, ...] | None = None

    def fit(self, sequences: Iterable[str]) -> Self:
        """Learns the tokens of training texts.

        Raises:
            DataError: no text has a character, or something is no text.
            MissingExtraError: the unit is 'bpe' and the tokenizers library is not installed.
        """
        if isinstance(sequences, str):
            raise DataError("`fit` takes several texts, but one text came. Put it into a list.")
        seen = [0]

        def normalised() -> Iterator[str]:
            for n, text in enumerate(sequences):
                _require_text(text, f"training text {n}")
                seen[0] += len(text)
                yield self._normaliser.normalised(text)

        alphabet = _ALPHABETS[self.unit].fit(normalised(), self.most, self.least_count)
        if not seen[0]:
            raise DataError("`fit` needs at least one training text that is not empty, but got none.")
        self._alphabet, self._names = alphabet, None
        return self

    @property
    def spec(self) -> Spec:
        return Tokens(self._fitted.size)

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """A readable name for every code, in their order; those of words are the words."""
        if self._names is None:
            self._names = (UNKNOWN_TEXT, "<begin>", "<end>", *self._fitted.readable())
        return self._names

    def normalised(self, text: str) -> str:
        """Returns the text that `decode` gives back where every token is known.

        Upper case is lowered and the normal form made where the codec has been asked to. For words, a run of white
        space becomes one space, or one or two line breaks if it has one or more, and spaces at the ends go.
        """
        _require_text(text, "the text")
        return self._fitted.canonical(self._normaliser.normalised(text))

    def encode(self, values: str) -> np.ndarray:
        _require_text(values, "the text")
        codes, _ = self._fitted.encode(self._normaliser.normalised(values), Open(), last=True)
        return column(np.concatenate([[BEGIN] * self.begin, codes, [END] * self.end]))

    def decode(self, array: np.ndarray) -> str:
        """Returns the text of codes (T, 1) or (T,); an unknown token is UNKNOWN_TEXT, begin and end are left out."""
        return self._fitted.decode(codes_of(array, self._fitted.size).tolist())

    def tokens(self, text: str) -> list[str]:
        """Returns a readable name for every row of `encode(text)`."""
        names = self.vocabulary
        return [names[code] for code in self.encode(text)[:, 0].astype(np.int64).tolist()]

    def chunks(self) -> "TextEncoder":
        return TextEncoder(self._normaliser, self._fitted, begin=self.begin, end=self.end)

    def config(self) -> dict[str, object]:
        return {
            "unit": self.unit,
            "lowercase": self.lowercase,
            "normalize": self.normalize,
            "most": self.most,
            "least_count": self.least_count,
            "begin": self.begin,
            "end": self.end,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        return self._fitted.arrays()

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        try:
            plain = msgspec.convert(config, _Config)
            codec = cls(**msgspec.structs.asdict(plain))
        except (msgspec.ValidationError, ArgumentError) as error:
            raise ModelFileError(f"The text codec of the model file is damaged: {error}") from None
        alphabet = _ALPHABETS[codec.unit].restore(arrays)
        if alphabet.size > MOST_CODES:
            raise ModelFileError(f"The text codec of the model file is damaged: it has {alphabet.size} codes.")
        codec._alphabet = alphabet
        return codec

    @property
    def _fitted(self) -> Alphabet:
        if self._alphabet is None:
            raise NotFittedError("This `TextCodec` has no tokens yet. Call `fit` with training texts first.")
        return self._alphabet


class _Remainder(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    begun: bool
    raw: bytes
    text: bytes
    left: int
    quotes: Annotated[int, msgspec.Meta(ge=0, le=3)]


class TextEncoder(Encoder[str]):
    """Encodes pieces of one text; what may still change, an open word or an accent to come, is held back.

    Args:
        normaliser: what the text goes through first.
        alphabet: what cuts it.
        begin: whether the first push gives the code of the begin.
        end: whether the flush gives the code of the end.
    """

    def __init__(self, normaliser: Normaliser, alphabet: Alphabet, *, begin: bool, end: bool) -> None:
        self._normaliser = normaliser
        self._alphabet = alphabet
        self._begin = begin
        self._end = end
        self._begun = False
        self._raw = ""
        self._open = Open()

    def push(self, piece: str) -> np.ndarray:
        _require_text(piece, "a piece of text")
        return self._rows(piece, last=False)

    def flush(self) -> np.ndarray:
        return self._rows("", last=True)

    def read(self) -> bytes:
        held = self._open
        return msgspec.msgpack.encode(
            _Remainder(self._begun, to_bytes(self._raw), to_bytes(held.text), held.left, held.quotes)
        )

    def write(self, remainder: bytes) -> None:
        try:
            plain = msgspec.msgpack.decode(remainder, type=_Remainder)
            raw, text = (held.decode("utf-8", "surrogatepass") for held in (plain.raw, plain.text))
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ModelFileError("The state of a text codec is damaged, or belongs to another model.") from None
        if max(len(raw), len(text)) > LONGEST + 2 or not 0 <= plain.left < self._alphabet.size:
            raise ModelFileError("The state of a text codec is damaged, or belongs to another model.")
        self._begun, self._raw, self._open = plain.begun, raw, Open(text, plain.left, plain.quotes)

    def _rows(self, piece: str, *, last: bool) -> np.ndarray:
        ready, raw = self._normaliser.ready(self._raw + piece, last=last)
        codes, held = self._alphabet.encode(ready, self._open, last=last)
        begin = [] if self._begun or not self._begin else [BEGIN]
        self._begun, self._raw, self._open = True, raw, held
        return column(np.concatenate([begin, codes, [END] * (last and self._end)]))


def _require_text(text: object, what: str) -> None:
    if not isinstance(text, str):
        raise DataError(f"A text codec takes `str`, but {what} is a {type(text).__name__}. Decode or convert it.")
