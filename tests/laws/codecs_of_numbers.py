"""The codecs of tables, of arrays and of frames of them that the laws hold."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from tests.laws import sources
from tests.laws.codec_laws import CodecSubject
from tests.laws.codec_values import whole_steps_return

from whorl.codecs.array import ArrayCodec
from whorl.codecs.framed import FramedCodec
from whorl.codecs.table import TableCodec

HOURLY = {"calendar": "t", "step": 3600.0}


def table_codec(missing_share: float = 0.0, **options: Any) -> CodecSubject:
    rng, options = np.random.default_rng(4), {"numeric": ("a", "b"), **options}
    value = functools.partial(sources.frame, missing=missing_share)
    return CodecSubject(
        new=lambda: TableCodec(**options),
        training=[value(rng, 17), value(rng, 5)],
        value=value,
        categories=options.get("categories", ()),
    )


def array_codec(missing_share: float = 0.0, **options: Any) -> CodecSubject:
    rng = np.random.default_rng(4)
    value = functools.partial(sources.array, width=3, missing=missing_share)
    return CodecSubject(new=lambda: ArrayCodec(**options), training=[value(rng, 17), value(rng, 5)], value=value)


def framed_codec(stride: int, lookahead: int) -> CodecSubject:
    rng, value = np.random.default_rng(4), functools.partial(sources.array, width=2, missing=0.2)
    return CodecSubject(
        new=lambda: FramedCodec(ArrayCodec(), stride, lookahead),
        training=[value(rng, 17), value(rng, 5)],
        value=value,
        returned=whole_steps_return,
    )


TABLES: dict[str, dict[str, Any]] = {
    "standard": {},
    "robust, missing held": {"scaling": "robust", "missing_share": 0.3},
    "unscaled, missing kept": {"scaling": "none", "missing": "keep", "missing_share": 0.3},
    "standard, missing kept": {"missing": "keep", "missing_share": 0.3},
    "categories": {"categories": ("c", "d")},
    "categories alone": {"numeric": (), "categories": ("c",)},
    "calendar": HOURLY,
    "daily calendar": {"calendar": "t", "step": 86_400.0, "numeric": ("a",)},
    "constant column": {"numeric": ("constant", "a")},
    "elapsed time": {"elapsed": "t", "missing_share": 0.3},
    "everything": {"categories": ("c",), "missing_share": 0.3, "scaling": "robust", "elapsed": "t", **HOURLY},
}
ARRAYS: dict[str, dict[str, Any]] = {
    "standard": {},
    "robust, missing held": {"scaling": "robust", "missing_share": 0.3},
    "unscaled": {"scaling": "none"},
    "missing kept": {"missing": "keep", "missing_share": 0.3},
}
CODECS_OF_NUMBERS: dict[str, Callable[[], CodecSubject]] = {
    **{f"table, {name}": functools.partial(table_codec, **options) for name, options in TABLES.items()},
    **{f"array, {name}": functools.partial(array_codec, **options) for name, options in ARRAYS.items()},
    **{f"frames, {stride} a step": functools.partial(framed_codec, stride, 0) for stride in (1, 3)},
    **{f"frames, {stride} a step, 2 empty": functools.partial(framed_codec, stride, 2) for stride in (1, 3)},
}
