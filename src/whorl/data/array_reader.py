"""Arrays to encoded sequences: (N, T, D) or a list of (T_i, D), with one target for each sequence or for each step."""

import os
from collections.abc import Sequence as List
from dataclasses import replace
from typing import Self

import msgspec
import numpy as np

from whorl.codecs.array import ArrayCodec
from whorl.codecs.numeric import NumericEncoder
from whorl.data import counts
from whorl.data.arrays import Arrays, read_arrays
from whorl.data.countdown import Countdown, last_known
from whorl.data.indicators import Indicators, restore_labels
from whorl.data.labels import Labels
from whorl.data.marks import marks
from whorl.data.parts import configured, joined, split
from whorl.data.reader import Inputs, Mark, Reader, Reading, Row, RowReader, readers
from whorl.data.sequences import Sequence
from whorl.data.wide import WideTable, wide_arrays
from whorl.errors import ArgumentError, DataError, ModelFileError


@readers.add("array")
class ArrayReader(Reader):
    """Reads arrays of numbers.

    Args:
        past: encodes the steps of a sequence.
        outputs: encodes and decodes targets, numbers, a label or several.
        num_targets: K.
        every_step: labels are of steps and not of whole sequences.
        countdown: how the targets are counted where they are what remains of a sequence.
        own: what is answered is of the numbers that are read, and `y` says which sequences are anomalies.
        normal: what sequences that are none are labelled with; None where labels are 0 and 1.
        wide: where a table with a sequence a row has what; None where arrays came.
    """

    outputs: ArrayCodec | Labels | Indicators

    def __init__(
        self,
        *,
        past: ArrayCodec,
        outputs: ArrayCodec | Labels | Indicators,
        num_targets: int = 1,
        every_step: bool = False,
        countdown: Countdown | None = None,
        own: bool = False,
        normal: str | None = None,
        wide: WideTable | None = None,
    ) -> None:
        self.every_step, self.countdown, self.own, self.normal, self.wide = every_step, countdown, own, normal, wide
        self.past, self.outputs, self.num_targets = past, outputs, num_targets
        self.horizon = 0
        stem = "c" if own else "y"
        self.names = tuple(f"{stem}{k}" for k in range(num_targets)) if num_targets > 1 or own else ("y",)
        if isinstance(outputs, Indicators):
            self.names = outputs.names
        elif wide is not None and not own:
            self.names = wide.targets

    def read(self, source: object, *, known: object = None, targets: bool = False) -> list[Sequence]:
        arrays = read_arrays(source, labelled=self.own or isinstance(self.outputs, Labels))
        if arrays is None and self.wide is not None:
            arrays = wide_arrays(source, self.wide, targets=targets and not self.own)
        if arrays is None:
            came = f"`{source}`" if isinstance(source, str | os.PathLike) else f"a {type(source).__name__}"
            raise DataError(
                "this model was fitted on arrays and reads arrays (N, T, D), lists of (T, D) and files of them (.npz, "
                f".npy, .ts, and the archive's .tsv for labels), but {came} came. Convert it."
            )
        if self.countdown is not None:
            if not targets:
                return self.encode(replace(arrays, y=None))
            read = self.encode(self.countdown.counted_arrays(arrays))
            return read if arrays.y is None else [last_known(one) for one in read]
        if targets and arrays.y is None and not self.own:
            raise DataError("`y` must be given to score answers: pass (X, y), or an .npz file with X and y.")
        return self.encode(arrays)

    def encode(self, arrays: Arrays) -> list[Sequence]:
        """Encodes all sequences."""
        if self.own:
            return self._judged(arrays)
        y = None if arrays.y is None else self._encode_targets(arrays)
        strange = self._strange(arrays)
        return [
            Sequence(
                key=str(n),
                past=self.past.encode(np.asarray(x)),
                time=np.arange(len(x), dtype=np.int64),
                targets=None if y is None else y[n],
                labels=None if strange is None else strange[n],
            )
            for n, x in enumerate(arrays.x)
        ]

    def _judged(self, arrays: Arrays) -> list[Sequence]:
        """Sequences that are their own targets, marked as their labels say."""
        assert isinstance(self.outputs, ArrayCodec)
        if arrays.num_features != self.num_targets:
            raise DataError(f"`X` must have {self.num_targets} columns as in training, but has {arrays.num_features}.")
        marked = None if arrays.y is None else marks(labels_of(arrays), self.normal, f"{arrays.origin}: `y`")
        return [
            Sequence(
                key=str(n),
                past=self.past.encode(np.asarray(x)),
                time=np.arange(len(x), dtype=np.int64),
                targets=self.outputs.encode(np.asarray(x)),
                marks=None if marked is None else np.full(len(x), marked[n]),
            )
            for n, x in enumerate(arrays.x)
        ]

    def _encode_targets(self, arrays: Arrays) -> List[np.ndarray]:
        if isinstance(self.outputs, Labels) and self.every_step:
            return [self.outputs.encode(one) for one in step_labels_of(arrays)]
        if isinstance(self.outputs, Labels):
            return list(self.outputs.encode(labels_of(arrays)))
        if isinstance(self.outputs, Indicators):
            return list(self.outputs.encode_array(arrays.y, arrays.origin))
        return [self._encode_numbers(self.outputs, y) for y in truths(arrays)]

    def _strange(self, arrays: Arrays) -> List[np.ndarray | None] | None:
        """The labels of each sequence, where training does not have all of them."""
        if arrays.y is None or not isinstance(self.outputs, Labels):
            return None
        if self.every_step:
            return [self.outputs.strange(one) for one in step_labels_of(arrays)]
        found = self.outputs.strange(labels_of(arrays))
        return None if found is None else list(found[:, None])

    def _encode_numbers(self, codec: ArrayCodec, y: np.ndarray) -> np.ndarray:
        if y.shape[-1] != self.num_targets:
            raise DataError(f"`y` must have {self.num_targets} columns as in training, but has {y.shape[-1]}.")
        return codec.encode(y if y.ndim == 2 else y[None])[0 if y.ndim == 1 else slice(None)]

    def open(self, key: str | None, *, fills_gaps: bool = False) -> RowReader:
        return ArrayRows(self.past)

    def times_after(self, times: np.ndarray) -> np.ndarray | None:
        return None

    def config(self) -> dict[str, object]:
        return {
            "past": self.past.config(),
            "outputs": self.outputs.config(),
            "num_targets": self.num_targets,
            "labels": isinstance(self.outputs, Labels | Indicators),
            "every_step": self.every_step,
            "countdown": None if self.countdown is None else msgspec.to_builtins(self.countdown),
            "own": self.own,
            "normal": self.normal,
            "wide": None if self.wide is None else msgspec.to_builtins(self.wide),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        return joined({"past": self.past, "outputs": self.outputs})

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        plain = configured(config, _Config)
        parts = split(arrays, ("past", "outputs"))
        restore = restore_labels if plain.labels else ArrayCodec.restore
        outputs = restore(plain.outputs, parts["outputs"])
        if plain.num_targets != len(outputs.center):
            raise ModelFileError(
                f"the reader of the model file answers {len(outputs.center)}, not {plain.num_targets}."
            )
        if plain.wide is not None:
            plain.wide.check(None if plain.own else plain.num_targets)
        return cls(
            past=ArrayCodec.restore(plain.past, parts["past"]),
            outputs=outputs,
            num_targets=plain.num_targets,
            every_step=plain.every_step,
            countdown=plain.countdown,
            own=plain.own,
            normal=plain.normal,
            wide=plain.wide,
        )


class _Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    past: dict[str, object]
    outputs: dict[str, object]
    num_targets: int
    labels: bool
    every_step: bool
    countdown: Countdown | None
    own: bool
    normal: str | None
    wide: WideTable | None = None


class ArrayRows(RowReader):
    """Reads one sequence step by step."""

    def __init__(self, codec: ArrayCodec) -> None:
        self._encoder: NumericEncoder[np.ndarray] = codec.chunks()
        self._scaler = codec.row_scaler()
        self._width = len(codec.center)
        self._count = 0

    def push(self, row: Row, known: object = None) -> list[Inputs]:
        if known is not None:
            raise _of_tables()
        kind = type(row)
        if self._scaler is not None and (kind is tuple or kind is list) and len(row) == self._width:
            plain = self._scaler.encode(row, self._encoder.held, missing=True)
            if plain is not None:
                self._encoder.held = plain[1]
                self._count += 1
                return [{"past": plain[0]}]
        try:
            given = np.asarray(row)
            if given.dtype.kind not in "fiubO" or isinstance(row, str | bytes):
                raise TypeError(given.dtype)
            values = given.astype(np.float64).reshape(1, -1)
        except (TypeError, ValueError, OverflowError):
            raise DataError(f"a row of this model is {self._width} numbers, but {row!r} came.") from None
        if values.shape[1] != self._width or np.isinf(values).any():
            raise DataError(f"a row of this model is {self._width} finite numbers, but {values[0].tolist()} came.")
        encoded = self._encoder.push(values)
        self._count += 1
        return [{"past": encoded}]

    def push_rows(self, rows: object, times: object = None, known: object = None) -> Reading:
        if times is not None or known is not None:
            raise _of_tables()
        try:
            given = np.asarray(rows)
            if given.dtype.kind not in "fiubO":
                raise TypeError(given.dtype)
            values = given.astype(np.float64)
        except (TypeError, ValueError, OverflowError):
            raise DataError(f"rows of this model are an array (T, {self._width}), but {rows!r:.80} came.") from None
        if not values.size and values.ndim == 1:
            values = values.reshape(0, self._width)
        if values.ndim != 2 or values.shape[1] != self._width:
            raise DataError(f"rows of this model are an array (T, {self._width}), but {values.shape} came.")
        infinite = np.isinf(values).any(axis=1)
        if infinite.any():
            at = int(np.argmax(infinite))
            raise DataError(f"row {at} must hold finite numbers, but is {values[at].tolist()}.")
        encoded = self._encoder.push(values)
        first, self._count = self._count, self._count + len(values)
        times_of = np.arange(first, self._count, dtype=np.int64)
        return Reading({"past": encoded}, times_of - first, times_of)

    @property
    def time(self) -> np.ndarray:
        return counts.last_time(self._count)

    def mark(self) -> Mark:
        return self._count, self._encoder.held, None

    def back_to(self, mark: Mark) -> None:
        count, held, _ = mark
        assert isinstance(held, np.ndarray)
        self._encoder.held = held
        self._count = count or 0

    def read(self) -> bytes:
        return counts.packed(self._count) + self._encoder.read()

    def write(self, remainder: bytes) -> None:
        if len(remainder) < 8:
            raise ModelFileError(f"`state` of the reader has {len(remainder)} bytes, at least 8 are needed.")
        count = counts.unpacked(remainder[:8])
        self._encoder.write(remainder[8:])
        self._count = count


def _of_tables() -> ArgumentError:
    return ArgumentError("`time` and `known` are of tables, but this model was fitted on arrays. Leave them out.")


def labels_of(arrays: Arrays) -> np.ndarray:
    """The label of each sequence, (N,); raises DataError where there is not one for each."""
    y = arrays.y
    if not isinstance(y, np.ndarray) or y.ndim != 1:
        raise DataError(
            "`y` must have one label for each sequence, but has "
            f"{'an array for each' if not isinstance(y, np.ndarray) else f'the shape {y.shape}'}. Give (N,) labels; "
            "of several at once give (N, C) ones and zeros, and name them as `target`."
        )
    return y


def step_labels_of(arrays: Arrays) -> List[np.ndarray]:
    """The labels of each sequence's steps, (T_i,) each; raises DataError where there is not one for each."""
    y = arrays.y
    wanted = "`y` must have one label for each step: (N, T), or a list of (T_i,) beside a list of sequences"
    if isinstance(y, np.ndarray) and (y.ndim < 2 or y.shape[1] != len(arrays.x[0])):
        raise DataError(f"{wanted}; but its shape is {y.shape}. For one label a sequence use whorl.Classifier.")
    assert y is not None
    for n, (part, x) in enumerate(zip(y, arrays.x, strict=True)):
        if part.size != len(x):
            raise DataError(f"{wanted}; but y[{n}] has the shape {part.shape} for {len(x)} steps. Give as many.")
    return [np.asarray(part).reshape(-1) for part in y]


def truths(arrays: Arrays) -> List[np.ndarray]:
    """Targets of each sequence: (K,), or (T, K) with one for each step; raises DataError for text."""
    y = arrays.y
    assert y is not None
    if any(part.dtype.kind not in "fiub" for part in (y if isinstance(y, list) else [y])):
        raise DataError(
            f"{arrays.origin}: `y` must be numbers, as this model answers them, but holds text. Give numbers, or X "
            "alone to predict."
        )
    if isinstance(y, np.ndarray) and y.ndim == 1:
        return [np.asarray([value], np.float64) for value in y]
    if isinstance(y, list):
        return [np.asarray(part, np.float64).reshape(len(part), -1) for part in y]
    return [np.asarray(part, np.float64) for part in y]
