"""What happened in a training run, as a record that can be stored and compared."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from whorl.errors import DataError
from whorl.plans.training import Training

Stopped = Literal["epochs", "patience", "max_seconds", "interrupted"]


@dataclass(frozen=True, kw_only=True)
class EpochRecord:
    """One pass over the training part, or its beginning where the steps ran out.

    Args:
        train_loss: mean loss of the training examples, each seen before the step that learned from it.
        valid_loss: mean loss of the validation part after the epoch.
        learning_rate: of the epoch's last step.
        gradient_norm: mean over the epoch's steps, before clipping.
        clipped_fraction: share of the steps whose gradient was clipped.
        seconds: wall-clock time of steps and validation; it does not take part in comparisons, so that two runs
            with one seed have equal histories.
    """

    train_loss: float
    valid_loss: float
    learning_rate: float
    gradient_norm: float
    clipped_fraction: float
    seconds: float = field(compare=False)


@dataclass(frozen=True, kw_only=True)
class History:
    """A training run.

    Args:
        epochs: one record per epoch.
        best_epoch: the epoch with the lowest validation loss, counted from 1; 0 when no epoch was finished.
        kept_epoch: the epoch whose weights the network has: the best one where patience watches the validation loss,
            else the last.
        num_steps: the planned number of optimizer steps, which the schedule spans; `fit(num_steps=...)` replays it.
        stopped: 'epochs' or 'max_seconds' when the planned steps were taken ('max_seconds' if they were fewer than
            all epochs have), 'patience' or 'interrupted' when they were not.
    """

    epochs: tuple[EpochRecord, ...]
    best_epoch: int
    kept_epoch: int
    num_steps: int
    stopped: Stopped

    def to_json(self) -> str:
        """Returns the record as JSON text."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str) -> "History":
        """Reads what `to_json` wrote; raises DataError for anything else."""
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.MsgspecError as error:
            raise DataError(
                f"`History.from_json` reads what `to_json` wrote, but: {error}. Pass that text unchanged."
            ) from error


def best_epoch(epochs: Sequence[EpochRecord]) -> int:
    """The first epoch with the lowest validation loss, counted from 1; 0 for none."""
    if not epochs:
        return 0
    return 1 + min(range(len(epochs)), key=lambda index: epochs[index].valid_loss)


def kept_epoch(epochs: Sequence[EpochRecord], training: Training) -> int:
    """The epoch whose weights are kept, counted from 1; 0 for none.

    Without patience it is the last one, whatever its validation loss: a schedule that falls to zero ends where it was
    meant to, and the least of many losses on a few examples is found by luck.
    """
    return len(epochs) if training.patience is None else best_epoch(epochs)
