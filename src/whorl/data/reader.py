"""The reader contract: a user's data to encoded sequences, whole or row by row. The numpy side of a fitted model."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from collections.abc import Sequence as List
from typing import NamedTuple, Self

import numpy as np

from whorl.codecs.array import ArrayCodec
from whorl.codecs.table import TableCodec
from whorl.data.countdown import Countdown
from whorl.data.indicators import Indicators
from whorl.data.labels import Labels
from whorl.data.notes import Notes
from whorl.data.sequences import Sequence
from whorl.data.text_outputs import TextOutputs
from whorl.data.vocabulary import Vocabulary
from whorl.errors import DataError, ModelFileError
from whorl.registry import Registry

readers: Registry[type["Reader"]] = Registry("reader")

Row = Mapping[str, object] | List[object] | np.ndarray
Inputs = dict[str, np.ndarray]
# Where a row reader is: the time or number of the last row, and what is held for missing values, read and known ahead.
Mark = tuple[int | None, object, np.ndarray | None]


class Reading(NamedTuple):
    """What the engine reads for some rows.

    Shape:
        inputs: name -> (S, ...), one for each step: the rows and those that fill gaps.
        steps: (T,), the step of each row.
        times: (T,) datetime64 or int64, when each row happens.
    """

    inputs: Inputs
    steps: np.ndarray
    times: np.ndarray


class RowReader(ABC):
    """Reads one sequence row by row; what it remembers is part of a stream's state.

    Attributes:
        lookahead: steps between a row and the answer for it.
        restarts: whether a sequence may end and another one begin, so that what came before is forgotten.
        begins: whether it did with the last row.
    """

    lookahead: int = 0
    restarts: bool = False
    begins: bool = False

    @abstractmethod
    def push(self, row: Row, known: object = None) -> list[Inputs]:
        """Returns what the engine reads for this row, name -> (1, ...); several where a gap is filled.

        Raises DataError, leaving everything as it was, for a row that breaks a rule, and ArgumentError for `known` of
        a model that has no known covariates.
        """

    def flush(self) -> list[Inputs]:
        """Ends the sequence and returns what the engine reads for what was held back; nothing where nothing is."""
        return []

    def answered(self, answer: str) -> None:  # noqa: B027  of most sequences answers are no part
        """Takes note of what was answered, which is part of what comes next where texts are turns of a dialogue."""

    @abstractmethod
    def push_rows(self, rows: object, times: object = None, known: object = None) -> Reading:
        """Reads many rows in order, with the numbers of pushing each.

        Args:
            rows: (T, D) values in the order of a row, or what the reader reads whole.
            times: (T,), where the values of an array are to have a time beside them.
            known: as many rows of known covariates after the last row as `push` takes, for models that use them.

        Raises DataError, leaving everything as it was, where a row breaks a rule, and ArgumentError as `push` does.
        """

    def origins(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Which of the last `count` steps answer a row, counted from 0, and when these rows happened.

        Where answers are not late it is the last step, for the last row.
        """
        return np.array([count - 1]), self.time.reshape(1)

    @property
    @abstractmethod
    def time(self) -> np.ndarray:
        """When the last row happened: a scalar datetime64 or int64 array; a DataError before the first row."""

    @abstractmethod
    def mark(self) -> Mark:
        """Returns what `back_to` needs: as much as `read` tells, in no time. It must not be changed."""

    @abstractmethod
    def back_to(self, mark: Mark) -> None:
        """Goes back to where this reader was when `mark` was called."""

    @abstractmethod
    def read(self) -> bytes:
        """Returns all that a later push depends on; its size does not grow with the pushes."""

    @abstractmethod
    def write(self, remainder: bytes) -> None:
        """Goes on from what `read` returned."""


def before_first_row() -> DataError:
    """The error of a time that is asked for before there is one."""
    return DataError("`time` of a stream is that of its last row, but no row was pushed yet. Push one.")


def damaged_state() -> ModelFileError:
    """The error of a state that no reader of this model has written."""
    return ModelFileError("`state` of the reader is damaged, or belongs to another model.")


class Reader(ABC):
    """A user's data to encoded sequences, by what was learned from the training rows.

    Attributes:
        horizon: steps ahead that are answered; 0 where answers have no time.
        names: of the K outputs.
        outputs: the codec of what is answered, numbers, labels or texts.
        countdown: how truths are counted where what remains of a sequence is answered, or None.
        streams: whether a sequence can be read while it comes.
    """

    horizon: int
    outputs: ArrayCodec | TableCodec | Labels | Indicators | TextOutputs | Vocabulary | Notes
    names: tuple[str, ...]
    countdown: Countdown | None = None
    streams: bool = True

    @abstractmethod
    def read(self, source: object, *, known: object = None, targets: bool = False) -> list[Sequence]:
        """Reads data; `known` holds rows of known covariates after the last row, `targets` asks for truths."""

    def looked_at(self, source: object) -> tuple[object, list[str]]:
        """A source as far as it need not be read again, and a sentence for each thing in it that training did not have.

        Raises DataError as `read` does.
        """
        return source, []

    @abstractmethod
    def open(self, key: str | None, *, fills_gaps: bool = False) -> RowReader:
        """Starts reading one sequence row by row; `fills_gaps` fills gaps that the model was fitted to refuse."""

    @abstractmethod
    def times_after(self, times: np.ndarray) -> np.ndarray | None:
        """Times of the steps after each of these times, (N, H); None where answers have no time."""

    def decode(self, values: np.ndarray) -> np.ndarray:
        """Targets (..., K) in the codec's units to the user's: numbers, float64, or the labels (...,) of classes.

        Of several labels at once they stay (..., K) zeros and ones.
        """
        return self.outputs.decode(values)

    @property
    def scale(self) -> np.ndarray:
        """Training scale of each output in the user's units, (K,)."""
        return self.outputs.scale

    @property
    def center(self) -> np.ndarray:
        """What `decode` adds to each output times its scale, (K,)."""
        return self.outputs.center

    @property
    def classes(self) -> np.ndarray:
        """The labels that are answered, (C,); none where answers are numbers."""
        known = isinstance(self.outputs, Labels | Indicators | Vocabulary | Notes)
        return self.outputs.classes if known else np.empty(0, object)  # type: ignore[union-attr]

    @abstractmethod
    def config(self) -> dict[str, object]:
        """A JSON description."""

    @abstractmethod
    def arrays(self) -> dict[str, np.ndarray]:
        """What was learned, as arrays."""

    @classmethod
    @abstractmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        """Builds the reader that `config` and `arrays` describe; raises ModelFileError on any mismatch."""
