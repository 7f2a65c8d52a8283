"""Showing how far training is, to people who watch a terminal and to nobody else."""

import sys
import time
from typing import TYPE_CHECKING, Protocol, TextIO

from whorl.train.history import EpochRecord

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

REFRESH_S = 0.1


class Progress(Protocol):
    """What the loop tells while it runs; `done` comes last, however training ends."""

    def start(self, num_steps: int, steps_taken: int) -> None:
        """Training begins, or goes on after `steps_taken` of `num_steps` steps."""

    def step(self, loss: float) -> None:
        """One step was taken; called thousands of times a second for small networks."""

    def epoch(self, number: int, record: EpochRecord, best_loss: float) -> None:
        """Epoch `number` (from 1) was validated; `best_loss` is the lowest validation loss so far."""

    def done(self) -> None:
        """Training is over."""


class SilentProgress:
    """Tells nobody."""

    def start(self, num_steps: int, steps_taken: int) -> None:
        """Does nothing."""

    def step(self, loss: float) -> None:
        """Does nothing."""

    def epoch(self, number: int, record: EpochRecord, best_loss: float) -> None:
        """Does nothing."""

    def done(self) -> None:
        """Does nothing."""


class TerminalProgress:
    """A bar with the loss, the best validation loss and the time left; nothing at all where there is no terminal.

    Args:
        stream: where to draw; None is stderr, which leaves stdout to results.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._steps = 0
        self._drawn = 0.0

    def start(self, num_steps: int, steps_taken: int) -> None:
        """Draws the bar."""
        stream = sys.stderr if self._stream is None else self._stream
        if not stream.isatty():
            return
        # Loaded here, because it costs a tenth of a second that runs without a terminal need not pay.
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._bar = Bar(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}  best {task.fields[best]}"),
            TimeRemainingColumn(),
            console=Console(file=stream),
        )
        self._steps = steps_taken
        self._task = self._bar.add_task("", total=num_steps, completed=steps_taken, epoch=1, loss="-", best="-")
        self._bar.start()

    def step(self, loss: float) -> None:
        """Moves the bar, at most ten times a second."""
        if self._bar is None or self._task is None:
            return
        self._steps += 1
        now = time.monotonic()
        if now - self._drawn >= REFRESH_S:
            self._drawn = now
            self._bar.update(self._task, completed=self._steps, loss=f"{loss:.4g}")

    def epoch(self, number: int, record: EpochRecord, best_loss: float) -> None:
        """Shows the best validation loss."""
        if self._bar is not None and self._task is not None:
            loss, best = f"{record.train_loss:.4g}", f"{best_loss:.4g}"
            self._bar.update(self._task, completed=self._steps, epoch=number + 1, loss=loss, best=best)

    def done(self) -> None:
        """Leaves the bar as it is, on a line of its own."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
