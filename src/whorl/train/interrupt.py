"""Ctrl-C and SIGTERM during training: noted at once, acted on between two batches."""

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Self

from whorl.errors import WhorlError
from whorl.train.history import History

# Wrappers such as `uv run` pass on the Ctrl-C that the terminal has already sent: the second is not a new wish.
REPEAT_AFTER_S = 2.0


class Interrupted(WhorlError, KeyboardInterrupt):  # noqa: N818
    """Training was stopped by a signal, after its checkpoint was saved.

    Args:
        message: where it stopped and how to go on.
        signal_number: the signal; the process should exit with 128 plus this (`exit_code`).
        history: the epochs that were finished.
    """

    def __init__(self, message: str, *, signal_number: int, history: History | None = None) -> None:
        super().__init__(message)
        self.signal_number = signal_number
        self.history = history
        self.exit_code = 128 + signal_number


class Signals:
    """Turns SIGINT and SIGTERM inside its block into `Interrupted` at the next `check`.

    Python delivers signals to the main thread, so elsewhere the block changes nothing. A signal that the process
    ignores (as a shell's background job ignores SIGINT) stays ignored. Someone who asks again after two seconds gets
    KeyboardInterrupt on the spot.
    """

    def __init__(self) -> None:
        self._pending: int | None = None
        self._since = 0.0
        self._before: dict[int, signal.Handlers | object] = {}

    def check(self) -> None:
        """Raises Interrupted if a signal has come; called where the state of training is whole."""
        if self._pending is not None:
            name = signal.Signals(self._pending).name
            raise Interrupted(f"Training was interrupted by {name}.", signal_number=self._pending)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                before = signal.getsignal(number)
                if before not in (None, signal.SIG_IGN):
                    signal.signal(number, self._note)
                    self._before[number] = before
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._pending is None:
            self._pending, self._since = number, time.monotonic()
        elif time.monotonic() - self._since > REPEAT_AFTER_S:
            raise KeyboardInterrupt
