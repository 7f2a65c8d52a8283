"""Codecs that lose, forget or look ahead."""

import dataclasses
import functools
from typing import Any

import numpy as np
from tests.laws import codecs, sources
from tests.laws.broken.twins import half, twin
from tests.laws.codec_laws import CodecSubject

from whorl.codecs.array import ArrayCodec
from whorl.codecs.fields import FieldsCodec
from whorl.codecs.numeric import NumericEncoder
from whorl.codecs.symbols import SymbolsCodec
from whorl.codecs.text import TextCodec
from whorl.codecs.words import JOIN, SPACE


class DecodesHalf(ArrayCodec):
    """Drops digits on the way back."""

    def decode(self, array: np.ndarray) -> np.ndarray:
        return super().decode(array.astype(np.float16))


class ForgetsBetweenPieces(ArrayCodec):
    """Its encoder does not know what the last piece held."""

    def chunks(self) -> Any:
        return NumericEncoder(lambda piece, held: (self.encode(piece), held), np.zeros(3), self.spec.width)


class NormalisesTheWhole(ArrayCodec):
    """An acausal normaliser: the mean of a sequence is known at its end alone."""

    def encode(self, values: np.ndarray) -> np.ndarray:
        encoded = super().encode(values)
        return encoded - encoded.mean(axis=0) if len(encoded) else encoded


class SavesHalf(ArrayCodec):
    """Its statistics lose digits in the file."""

    def arrays(self) -> dict[str, np.ndarray]:
        return {name: half(array) for name, array in super().arrays().items()}


class SortsInPlace(ArrayCodec):
    """Wants medians, and takes them from the caller's own rows."""

    def fit(self, sequences: Any) -> Any:
        made = list(sequences)
        for sequence in made:
            sequence.sort(axis=0)
        return super().fit(made)


class RemembersAll(ArrayCodec):
    """Its encoder keeps every row."""

    def chunks(self) -> Any:
        encoder = super().chunks()
        seen: list[np.ndarray] = []
        encoder.read = lambda: b"".join(row.tobytes() for row in seen)  # type: ignore[method-assign]
        push = encoder.push
        encoder.push = lambda piece: (seen.append(piece), push(piece))[1]  # type: ignore[method-assign]
        return encoder


class ForgetsExceptions(TextCodec):
    """Decodes words with spaces as usual, whatever the text said."""

    def decode(self, array: np.ndarray) -> str:
        return super().decode(array[~np.isin(array[:, 0], [SPACE, JOIN])])


class GivesOpenWords(TextCodec):
    """Its encoder takes the end of a piece for the end of a word."""

    def chunks(self) -> Any:
        encoder = super().chunks()
        encoder.push = self.encode  # type: ignore[method-assign]
        return encoder


class SavesWordsOnly(TextCodec):
    """What it has learned of spaces does not reach the file."""

    def arrays(self) -> dict[str, np.ndarray]:
        made = super().arrays()
        return {**made, "spaces": np.zeros_like(made["spaces"])}


class KeepsTheText(TextCodec):
    """Its encoder keeps all that came."""

    def chunks(self) -> Any:
        encoder = super().chunks()
        seen: list[str] = []
        encoder.read = lambda: "".join(seen).encode("utf-8", "surrogatepass")  # type: ignore[method-assign]
        push = encoder.push
        encoder.push = lambda piece: (seen.append(piece), push(piece))[1]  # type: ignore[method-assign]
        return encoder


class SortsLists(SymbolsCodec):
    """Sorts the caller's own list."""

    def fit(self, sequences: Any) -> Any:
        made = list(sequences)
        for sequence in made:
            sequence.sort(key=str)
        return super().fit(made)


class KnowsEverything(SymbolsCodec):
    """Gives a symbol for what is missing."""

    def decode(self, array: np.ndarray) -> Any:
        return super().decode(np.maximum(array, 1))


class FieldsThatDoNotWait(FieldsCodec):
    """Gives a row when the first of its fields has it, with nothing in the others."""

    def chunks(self) -> Any:
        encoder = super().chunks()

        def give(pushed: dict[str, np.ndarray]) -> np.ndarray:
            longest = max(map(len, pushed.values()))
            parts = [np.pad(rows, ((0, longest - len(rows)), (0, 0))) for rows in pushed.values()]
            return np.concatenate(parts, axis=1)

        encoder._rows = give  # type: ignore[method-assign]
        return encoder


def words(kind: type[TextCodec]) -> CodecSubject:
    return dataclasses.replace(codecs.text_codec(), new=kind)


def symbols(kind: type[SymbolsCodec]) -> CodecSubject:
    return dataclasses.replace(codecs.symbols_codec("integers"), new=kind)


def fields(kind: type[FieldsCodec]) -> CodecSubject:
    """A field of which nothing is held back beside one of which something is."""
    own = {"first": TextCodec(unit="character"), "second": TextCodec(unit="character", normalize="NFC")}
    value = functools.partial(codecs.text, pieces=(["a", "b"],))
    return CodecSubject(
        new=lambda: kind(own),
        training=[{"first": "ab", "second": "ab"}],
        value=lambda rng, count: dict.fromkeys(own, value(rng, count)),
    )


def codec(kind: type[ArrayCodec]) -> CodecSubject:
    rng = np.random.default_rng(4)
    value = functools.partial(sources.array, width=3, missing=0.3)
    return CodecSubject(new=kind, training=[value(rng, 17)], value=value)


twin("01 round trip", "codec", codec, DecodesHalf)
twin("02 chunk", "codec", codec, ForgetsBetweenPieces)
twin("07 causality", "codec", codec, NormalisesTheWhole)
twin("10 save", "codec", codec, SavesHalf)
twin("12 purity", "codec", codec, SortsInPlace)
twin("15 constant stream", "codec", codec, RemembersAll)

twin("01 round trip", "codec", words, ForgetsExceptions, which="text")
twin("01 round trip", "codec", symbols, KnowsEverything, which="symbols")
twin("02 chunk", "codec", words, GivesOpenWords, which="text")
twin("02 chunk", "codec", fields, FieldsThatDoNotWait, which="fields")
twin("07 causality", "codec", words, GivesOpenWords, which="text")
twin("10 save", "codec", words, SavesWordsOnly, which="text")
twin("12 purity", "codec", symbols, SortsLists, which="symbols")
twin("15 constant stream", "codec", words, KeepsTheText, which="text")
