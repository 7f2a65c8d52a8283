"""What a checkpoint says in JSON: the plan, the position, and the history so far."""

import msgspec

from whorl.errors import ModelFileError
from whorl.train.history import EpochRecord, Stopped
from whorl.train.identity import Identity


class Meter(msgspec.Struct, forbid_unknown_fields=True):
    """Sums over the steps of the epoch in progress."""

    loss: float = 0.0
    weight: float = 0.0
    gradient_norm: float = 0.0
    clipped: int = 0
    steps: int = 0
    seconds: float = 0.0

    def add(self, *, loss: float, weight: float, gradient_norm: float, clipped: bool) -> None:
        """Counts a step; `loss` is the sum over the batch."""
        self.loss += loss
        self.weight += weight
        self.gradient_norm += gradient_norm
        self.clipped += clipped
        self.steps += 1


class RunRecord(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Everything about a run that is not a tensor.

    The position follows from it: the epoch in progress is the number of finished ones, and its next batch is `step`
    less their steps. An epoch whose steps are all taken but that is not in `epochs` waits for its validation.

    Args:
        identity: which run this is.
        num_steps: the planned number of steps; 0 while there is no plan.
        step: steps taken.
        epochs: the finished epochs.
        meter: sums of the epoch in progress.
        stopped: why the run is over; None while it is not.
    """

    identity: Identity
    num_steps: int = 0
    step: int = 0
    epochs: list[EpochRecord] = msgspec.field(default_factory=list)
    meter: Meter = msgspec.field(default_factory=Meter)
    stopped: Stopped | None = None

    def to_json(self) -> str:
        """Returns the record as JSON text."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str) -> "RunRecord":
        """Reads what `to_json` wrote; raises ModelFileError for anything else."""
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.MsgspecError as error:
            raise ModelFileError(
                f"The checkpoint's record cannot be read: {error}. It was written by another version of whorl; "
                "resume with that one, or give another folder."
            ) from error
