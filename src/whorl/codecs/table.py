"""Rows of a table to arrays: numbers scaled, categories as codes, the calendar of the time column."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Self

import msgspec
import numpy as np

from whorl.codecs import calendar as calendars
from whorl.codecs.category import Categories
from whorl.codecs.codec import Codec, codecs
from whorl.codecs.elapsed import Elapsed, as_numbers, fit_elapsed
from whorl.codecs.frame import Frame
from whorl.codecs.numeric import Missing, Numeric, NumericEncoder, fitted_rows, require_array
from whorl.codecs.rows import RowScaler
from whorl.errors import DataError, ModelFileError, NotFittedError
from whorl.plans.table import Scaling
from whorl.specs import Fields, Reals, Spec, Tokens

_RESERVED = ("numeric", "missing", "calendar", "elapsed")


class _Config(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    numeric: list[str]
    categories: list[str]
    calendar: str | None
    elapsed: str | None
    step: float | None
    scaling: Scaling
    missing: Missing
    clip: dict[str, Annotated[float, msgspec.Meta(gt=0)]] = {}


@codecs.add("table")
class TableCodec(Codec[Frame]):
    """Encodes the chosen columns of a frame as the fields numeric, missing, one for each category, calendar,
    elapsed.

    Args:
        numeric: columns of float64.
        categories: columns of text; the field of each has its name, with a space before one that is called like
            another field.
        calendar: the time column whose place in the day, week and year is encoded, as far as the step can tell.
        elapsed: the time column from which is told how long ago the row before was, and the last value of each column
            that had missing ones in training.
        step: seconds from row to row; None where it is not known.
        scaling: 'standard' (mean, standard deviation), 'robust' (median, interquartile range) or 'none'.
        missing: 'hold' takes the last known value of the sequence (before there is one, the training centre) and
            flags it if training had missing values in the column; 'keep' leaves NaN, for targets.
        clip: of a column, how far from 0 its scaled numbers are encoded at most; others have no bound.
    """

    def __init__(
        self,
        *,
        numeric: Sequence[str],
        categories: Sequence[str] = (),
        calendar: str | None = None,
        elapsed: str | None = None,
        step: float | None = None,
        scaling: Scaling = "standard",
        missing: Missing = "hold",
        clip: Mapping[str, float] | None = None,
    ) -> None:
        self.numeric = tuple(numeric)
        self.categories = tuple(categories)
        self.calendar = calendar
        self.elapsed = elapsed
        self.step = step
        self.scaling: Scaling = scaling
        self.missing: Missing = missing
        self.clip = dict(clip or {})
        self._numbers: Numeric | None = None
        self._vocabularies: dict[str, Categories] = {}
        self._ago: Elapsed | None = None

    def fit(self, sequences: Iterable[Frame]) -> Self:
        frames = list(sequences)
        rows = fitted_rows(map(self._values, frames), self.numeric)
        self._numbers = Numeric.fit(rows, self.scaling, self.missing, self._bounds)
        self._vocabularies = {name: Categories.fit(frame[name] for frame in frames) for name in self.categories}
        if self.elapsed is not None:
            self._ago = fit_elapsed([frame[self.elapsed] for frame in frames], self._numbers.flagged)
        return self

    def flag_all(self) -> Self:
        """Flags missing values of every number from now on, whether or not training had any."""
        self._numbers = self._fitted.all_flagged()
        if self._ago is not None:
            self._ago = Elapsed(self._ago.unit, tuple(range(len(self.numeric))))
        return self

    @property
    def spec(self) -> Spec:
        fields = dict(self._fitted.fields)
        for name, vocabulary in self._vocabularies.items():
            fields[f" {name}" if name in _RESERVED else name] = Tokens(vocabulary.size)
        if self.calendar is not None:
            fields["calendar"] = Reals(calendars.num_features(self.step))
        if self._ago is not None:
            fields["elapsed"] = Reals(self._ago.width)
        return Fields(fields)

    @property
    def center(self) -> np.ndarray:
        """What is subtracted from each numeric column, shape (n,), float64."""
        return self._fitted.center

    @property
    def scale(self) -> np.ndarray:
        """What each numeric column is divided by, shape (n,), float64."""
        return self._fitted.scale

    def encode(self, values: Frame) -> np.ndarray:
        return self._encode(values, self._start())[0]

    def decode(self, array: np.ndarray) -> np.ndarray:
        """Returns the numeric columns in the user's units, shape (..., n), float64.

        Args:
            array: (..., n), or whole encoded rows (..., width).
        """
        if array.shape[-1] != len(self.numeric) and array.shape[-1] != self.spec.width:
            raise DataError(
                f"`decode` takes {len(self.numeric)} numeric columns, but the array has {array.shape[-1]}. "
                "Decode with the codec that encoded it."
            )
        return self._fitted.decode(array)

    def chunks(self) -> NumericEncoder[Frame]:
        return NumericEncoder(self._encode, self._start(), self.spec.width)

    def row_scaler(self) -> RowScaler | None:
        """Returns what encodes single rows of numbers; None where a row has more than numbers."""
        plain = not self.categories and self.calendar is None and self.missing == "hold"
        return RowScaler(self._fitted, self._ago) if plain else None

    def report(self, *frames: Frame) -> list[str]:
        """Returns a sentence for each column with categories, or missing values, that training did not have.

        The frames are the series of one table, which are told of together.
        """
        said = []
        for name, vocabulary in self._vocabularies.items():
            unseen: Counter[str] = Counter()
            for frame in frames:
                unseen.update(vocabulary.unseen(frame[name]))
            if unseen:
                shown = ", ".join(f"{value!r}" for value in list(unseen)[:3]) + (", ..." if len(unseen) > 3 else "")
                said.append(
                    f"{frames[0].origin}: column '{name}' has {len(unseen)} categories that training did not have, in "
                    f"{sum(unseen.values())} rows ({shown}). They are read as unknown."
                )
        for name, flagged in zip(self.numeric, self._fitted.flagged.tolist(), strict=True):
            absent = sum(int(np.isnan(frame[name]).sum()) for frame in frames)
            if absent and not flagged and self.missing == "hold":
                said.append(
                    f"{frames[0].origin}: column '{name}' has {absent} missing values, and training had none. "
                    "The last known value is held."
                )
        return said

    def config(self) -> dict[str, object]:
        return {
            "numeric": list(self.numeric),
            "categories": list(self.categories),
            "calendar": self.calendar,
            "elapsed": self.elapsed,
            "step": self.step,
            "scaling": self.scaling,
            "missing": self.missing,
            "clip": self.clip,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        made = self._fitted.arrays()
        for i, vocabulary in enumerate(self._vocabularies.values()):
            made.update(vocabulary.arrays(f"category{i}"))
        if self._ago is not None:
            made["unit"] = np.array([self._ago.unit])
        return made

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        try:
            plain = msgspec.convert(config, _Config)
        except msgspec.ValidationError as error:
            raise ModelFileError(f"The table codec of the model file is damaged: {error}.") from None
        codec = cls(
            numeric=plain.numeric,
            categories=plain.categories,
            calendar=plain.calendar,
            elapsed=plain.elapsed,
            step=plain.step,
            scaling=plain.scaling,
            missing=plain.missing,
            clip=plain.clip,
        )
        parts = [f"category{i}.{part}" for i in range(len(plain.categories)) for part in ("bytes", "ends")]
        parts += ["unit"] if plain.elapsed is not None else []
        if set(arrays) != {"center", "scale", "flagged", *parts} or len(set(plain.categories)) != len(plain.categories):
            raise ModelFileError(f"The table codec of the model file is damaged: its arrays are {sorted(arrays)}.")
        codec._numbers = Numeric.restore(arrays, len(plain.numeric), plain.missing, codec._bounds)
        if plain.elapsed is not None:
            (unit,) = require_array(arrays, "unit", np.float64, 1)
            if not 0 < unit < np.inf:
                raise ModelFileError(f"The table codec of the model file is damaged: its unit of time is {unit}.")
            codec._ago = Elapsed(float(unit), tuple(np.flatnonzero(codec._numbers.flagged).tolist()))
        for i, name in enumerate(plain.categories):
            codec._vocabularies[name] = Categories.restore(
                require_array(arrays, f"category{i}.bytes", np.uint8),
                require_array(arrays, f"category{i}.ends", np.int64),
            )
        return codec

    @property
    def _fitted(self) -> Numeric:
        if self._numbers is None:
            raise NotFittedError("This `TableCodec` has no statistics yet. Call `fit` with training rows first.")
        return self._numbers

    @property
    def _bounds(self) -> np.ndarray | None:
        return np.array([self.clip.get(name, np.inf) for name in self.numeric]) if self.clip else None

    def _start(self) -> np.ndarray:
        """What is held before the first row: a value of each column, and when things happened last."""
        held = self._fitted.start()
        return held if self._ago is None else np.concatenate([held, self._ago.start()])

    def _values(self, frame: Frame) -> np.ndarray:
        values = np.empty((len(frame), len(self.numeric)))
        for i, name in enumerate(self.numeric):
            values[:, i] = frame[name]
        return values

    def _encode(self, frame: Frame, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, (held, last) = self._values(frame), np.split(held, [len(self.numeric)])
        try:
            parts, held = self._fitted.encode(values, held)
        except FloatingPointError as error:
            name = self.numeric[error.args[0]]
            raise DataError(
                f"{frame.origin}: column '{name}' has a value that is infinite once scaled. "
                "Write a missing value there, or rescale the column."
            ) from None
        parts += [vocabulary.encode(frame[name]) for name, vocabulary in self._vocabularies.items()]
        if self.calendar is not None:
            parts.append(calendars.features(frame[self.calendar], self.step))
        if self._ago is not None and self.elapsed is not None:
            observed = ~np.isnan(values[:, self._ago.columns])
            ago, last = self._ago.encode(as_numbers(frame[self.elapsed]), observed, last)
            parts.append(ago)
            held = np.concatenate([held, last])
        return (parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)), held


def bounds(clip: float | None, columns: Iterable[str]) -> dict[str, float]:
    """The `clip` of a codec that bounds these columns alike; None bounds none."""
    return {} if clip is None else dict.fromkeys(columns, float(clip))
