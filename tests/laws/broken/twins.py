"""Where the twins are listed: for each law and kind an object that breaks it, as a careless change would."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

TWINS: dict[tuple[str, str], Callable[[], Any]] = {}


def twin(law: str, kind: str, subject: Callable[..., Any], *parts: Any) -> None:
    assert (law, kind) not in TWINS
    TWINS[law, kind] = functools.partial(subject, *parts)


def half(array: np.ndarray) -> np.ndarray:
    """What a file of float16 would hold."""
    return array.astype(np.float16).astype(array.dtype) if array.dtype.kind == "f" else array
