"""The exceptions of whorl.

Every message has four parts: the thing in backticks, the rule, what came, what to do.

    WhorlError
    ├── ArgumentError      (ValueError)    an argument or option breaks a rule
    │   └── NotFittedError (AttributeError)
    ├── DataError          (ValueError)    a file, row, column or array breaks a rule
    │   └── SplitError                     what is there does not suffice for the part that is held out
    ├── ModelFileError     (ValueError)    a .whorl file, checkpoint or stream state cannot be used
    ├── StreamingError     (RuntimeError)  this model or codec cannot run one step at a time
    ├── TrainingError      (ArithmeticError) loss or gradient stopped being a number
    ├── ResourceError      (RuntimeError)  disk, memory, device or permission
    └── MissingExtraError  (ImportError)   an optional package is not installed
"""

import difflib
from collections.abc import Iterable


class WhorlError(Exception):
    """The root of every exception that whorl raises on purpose."""

    exit_code = 1


class ArgumentError(WhorlError, ValueError):
    """An argument or an option breaks a rule."""

    exit_code = 2


class NotFittedError(ArgumentError, AttributeError):
    """The model was used before `fit`."""


class DataError(WhorlError, ValueError):
    """Data breaks a rule; the message names file, row and column where there are any."""

    exit_code = 3


class SplitError(DataError):
    """What is there does not suffice for the part that `validation` holds out, beside what is learned from."""


class ModelFileError(WhorlError, ValueError):
    """A model file, a checkpoint or a stream state is damaged, foreign or of another model."""

    exit_code = 4


class StreamingError(WhorlError, RuntimeError):
    """A model or a codec cannot run one step at a time."""

    exit_code = 2


class TrainingError(WhorlError, ArithmeticError):
    """Training met a loss or a gradient that is not a number."""

    exit_code = 5


class ResourceError(WhorlError, RuntimeError):
    """The machine refused: disk full, no memory, no such device, no permission."""

    exit_code = 5


class MissingExtraError(WhorlError, ImportError):
    """An optional package is needed and not installed."""

    exit_code = 5

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f'`{package}` is needed {purpose} and is not installed. Run: pip install "whorl[{extra}]"')


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns ` Did you mean 'x'?` for the closest known name, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean '{close[0]}'?" if close else ""
