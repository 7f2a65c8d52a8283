"""The command line: thin commands whose options come from the dataclasses. `main` is the entry of the script."""

import signal
import sys
import warnings
from types import FrameType


def main() -> None:
    """Runs the command line on the arguments of the process."""
    from whorl.cli.app import app

    # Warnings of libraries would stand between a user and the answer; developers see them with -W.
    if not sys.warnoptions and "--debug" not in sys.argv:
        warnings.simplefilter("ignore")
    # Training has a finer answer to it; everything else ends as it would on Ctrl-C, having cleaned up.
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)
    app(prog_name="whorl")


def _terminate(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
