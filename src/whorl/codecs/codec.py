"""The codec contract: raw values <-> numpy arrays. A codec knows meaning; it never knows that networks exist."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Generic, Literal, Self, TypeVar

import numpy as np

from whorl.registry import Registry
from whorl.specs import Spec

V = TypeVar("V")

codecs: Registry[type["Codec"]] = Registry("codec")  # type: ignore[type-arg]


class Encoder(ABC, Generic[V]):
    """Encodes one sequence that arrives in pieces. Its remainder is part of a stream's state."""

    @abstractmethod
    def push(self, piece: V) -> np.ndarray:
        """Returns the rows that this piece completes, shape (n, ...); n may be 0."""

    @abstractmethod
    def flush(self) -> np.ndarray:
        """Returns the rows that were held back; the sequence ends here."""

    @abstractmethod
    def read(self) -> bytes:
        """Returns the remainder: everything a later `push` depends on. Its size does not grow with the pushes."""

    @abstractmethod
    def write(self, remainder: bytes) -> None:
        """Goes on from a remainder that `read` returned."""


class Codec(ABC, Generic[V]):
    """Raw values to arrays and back.

    Laws: `decode(encode(x)) = x` within `tolerance`; pieces through `chunks()` give the rows of `encode(whole)`;
    row t of `encode` depends on rows up to t alone; `fit` sees training rows only and changes none of them.
    """

    streams: Literal["exact", "at_flush", "never"] = "exact"

    @abstractmethod
    def fit(self, sequences: Iterable[V]) -> Self:
        """Learns statistics and vocabularies from the training rows of every sequence; returns itself."""

    @property
    @abstractmethod
    def spec(self) -> Spec:
        """What the arrays of `encode` are."""

    @abstractmethod
    def encode(self, values: V) -> np.ndarray:
        """Encodes one sequence: shape (T, spec.width), float32."""

    @abstractmethod
    def decode(self, array: np.ndarray) -> object:
        """The way back, in the user's terms."""

    @abstractmethod
    def chunks(self) -> Encoder[V]:
        """Returns a fresh encoder for one sequence that comes in pieces."""

    @abstractmethod
    def config(self) -> dict[str, object]:
        """Returns a JSON description; big lists go into `arrays`."""

    @abstractmethod
    def arrays(self) -> dict[str, np.ndarray]:
        """Returns what was learned, as arrays; `restore(config, arrays)` is the way back."""

    @classmethod
    @abstractmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        """Builds the fitted codec that `config` and `arrays` describe; raises ModelFileError on any mismatch."""
