"""How a network is trained, as data."""

from dataclasses import dataclass, replace
from typing import Literal, Self

from whorl.errors import ArgumentError, did_you_mean


@dataclass(frozen=True, kw_only=True)
class Training:
    """The choices of one training run.

    Args:
        epochs: most passes over the training part. None lets the task choose from the size of the data.
        max_seconds: wall-clock seconds that a machine as busy as at the start takes; turned into a number of steps by
            timing the first ones, and recorded.
        batch_size: sequences per step. None lets the task choose.
        learning_rate: step size of the optimizer at its peak. None lets the task choose.
        weight_decay: decoupled weight decay (AdamW) when positive, Adam when 0. None lets the task choose.
        schedule: 'cosine' falls to zero over the run after a short warm-up, 'constant' stays.
        clip_norm: largest gradient norm; a longer gradient is scaled down to it. None switches clipping off.
        tbptt_steps: steps between truncations of the gradient where the state is carried. None lets the task choose.
        validation: the last part of each series that is held out for early stopping and calibration:
            a fraction in (0, 1) or a number of rows.
        patience: epochs without a better validation loss before training stops; the weights of the best epoch are
            kept. 'auto' is a third of all epochs, at least 3 (a task may choose otherwise); None switches early
            stopping off: the weights of the last epoch are kept.
        seed: of weights, data order and dropout.
        device: 'auto' (cuda, mps or cpu, in this order), or a device name of torch.
        precision: 'float32', or 'bfloat16' for mixed precision where the device has it.
        checkpoint: folder for checkpoints, written at the end of every epoch. None writes none.
    """

    epochs: int | None = None
    max_seconds: float | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    schedule: Literal["cosine", "constant"] = "cosine"
    clip_norm: float | None = 1.0
    tbptt_steps: int | None = None
    validation: float | int = 0.1
    patience: int | Literal["auto"] | None = "auto"
    seed: int = 0
    device: str = "auto"
    precision: Literal["float32", "bfloat16"] = "float32"
    checkpoint: str | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "tbptt_steps", "patience"):
            value = getattr(self, name)
            if value is None or (name == "patience" and value == "auto"):
                continue
            if not _is_whole(value) or value < 1:
                raise ArgumentError(f"`{name}` is a whole number >= 1 or None, but is {value!r}.")
        for name in ("max_seconds", "learning_rate", "clip_norm"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise ArgumentError(f"`{name}` is a positive number or None, but is {value!r}.")
        if self.weight_decay is not None and not 0 <= self.weight_decay < float("inf"):
            raise ArgumentError(f"`weight_decay` is a number >= 0 or None, but is {self.weight_decay!r}.")
        _check_validation(self.validation)
        _one_of("schedule", self.schedule, ("cosine", "constant"))
        _one_of("precision", self.precision, ("float32", "bfloat16"))
        if not _is_whole(self.seed) or not 0 <= self.seed < 2**63:
            raise ArgumentError(f"`seed` is a whole number in [0, 2^63), but is {self.seed!r}.")

    def completed(
        self,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        weight_decay: float | None = None,
        tbptt_steps: int | None = None,
        patience: int | Literal["auto"] | None = "auto",
    ) -> Self:
        """The same choices, with those of a task in place of what was left to it; what was chosen stays.

        Args:
            epochs: where it is None; so are the others but `patience`. None leaves open what is open.
            batch_size: see the class.
            learning_rate: see the class.
            weight_decay: see the class.
            tbptt_steps: see the class.
            patience: where it is 'auto'. None switches early stopping off.
        """
        return replace(
            self,
            epochs=epochs if self.epochs is None else self.epochs,
            batch_size=batch_size if self.batch_size is None else self.batch_size,
            learning_rate=learning_rate if self.learning_rate is None else self.learning_rate,
            weight_decay=weight_decay if self.weight_decay is None else self.weight_decay,
            tbptt_steps=tbptt_steps if self.tbptt_steps is None else self.tbptt_steps,
            patience=patience if self.patience == "auto" else self.patience,
        )

    def num_batches(self, num_examples: int) -> int:
        """Batches of an epoch of so many examples, at least one; `batch_size` is not None, as in a completed plan."""
        assert self.batch_size is not None
        return max(1, -(-num_examples // self.batch_size))


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_validation(validation: float | int) -> None:
    whole = _is_whole(validation)
    if (whole and validation < 1) or (not whole and not 0 < validation < 1):
        raise ArgumentError(
            f"`validation` is a fraction in (0, 1) or a number of rows >= 1, but is {validation!r}. "
            "It cannot be empty: early stopping and intervals are calibrated on it."
        )


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ArgumentError(
            f"`{name}` must be one of {', '.join(known)}, but is {value!r}.{did_you_mean(value, known)}"
        )
