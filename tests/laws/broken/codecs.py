"""Codecs that lose, forget or look ahead."""

import functools
from typing import Any

import numpy as np
from tests.laws import sources
from tests.laws.broken.twins import half, twin
from tests.laws.codec_laws import CodecSubject

from whorl.codecs.array import ArrayCodec
from whorl.codecs.numeric import NumericEncoder


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
