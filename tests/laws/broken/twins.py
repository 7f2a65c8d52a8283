"""Where the twins are listed: for each law and kind objects that break it, as a careless change would."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

# (law, kind, which of several) -> what makes it.
TWINS: dict[tuple[str, str, str], Callable[[], Any]] = {}


def twin(law: str, kind: str, subject: Callable[..., Any], *parts: Any, which: str = "") -> None:
    assert (law, kind, which) not in TWINS
    TWINS[law, kind, which] = functools.partial(subject, *parts)


def half(array: np.ndarray) -> np.ndarray:
    """What a file of float16 would hold."""
    return array.astype(np.float16).astype(array.dtype) if array.dtype.kind == "f" else array
