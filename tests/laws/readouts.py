"""The readouts that the laws hold."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from tests.laws.readout_laws import ReadoutSubject

from whorl.runtime.bernoulli_readout import BernoulliReadout
from whorl.runtime.class_readout import CategoricalReadout
from whorl.runtime.item_readout import ItemReadout
from whorl.runtime.music_readout import ChordReadout, EventReadout
from whorl.runtime.ngrams import KneserNey
from whorl.runtime.readouts import PointReadout, QuantileReadout
from whorl.runtime.spelling_beam import Advice
from whorl.runtime.surprise_readout import SurpriseReadout
from whorl.runtime.tag_readout import TagReadout
from whorl.runtime.text_readout import CaptionReadout, ReplyReadout, SummaryReadout, TextReadout
from whorl.runtime.token_readout import TokenReadout
from whorl.runtime.transcript_readout import TranscriptReadout

ADVICE = Advice(KneserNey(2, num_tokens=4).fit([[1, 3, 3, 2], [1, 3, 2]]), 0.5, 0.25)
CHAIN = np.arange(25, dtype=np.float32).reshape(5, 5)


def of(new: Callable[[], Any], num_outputs: int, **options: Any) -> Callable[[], ReadoutSubject]:
    return functools.partial(ReadoutSubject, new=new, num_outputs=num_outputs, **options)


def both(name: str, new: Callable[[], Any], num_outputs: int, **options: Any) -> dict[str, Callable[[], Any]]:
    """One that is calibrated, and one that is not."""
    return {
        name: of(new, num_outputs, calibrated=True, **options),
        f"{name}, not calibrated": of(new, num_outputs, calibrated=False, **options),
    }


READOUTS: dict[str, Callable[[], ReadoutSubject]] = {
    "point": of(PointReadout, 1),
    **both("quantile (0.1, 0.5, 0.9)", functools.partial(QuantileReadout, (0.1, 0.5, 0.9)), 4),
    **both("quantile (0.2, 0.8)", functools.partial(QuantileReadout, (0.2, 0.8)), 3),
    **both("quantile (0.3,)", functools.partial(QuantileReadout, (0.3,)), 2),
    "surprise": of(SurpriseReadout, 2, rows=True),
    **both("categorical", CategoricalReadout, 4, classes=True),
    "categorical, sets": of(functools.partial(CategoricalReadout, coverage=0.8), 4, classes=True),
    **both("several labels", BernoulliReadout, 5, several=True),
    "next chord": of(ChordReadout, 5, several=True),
    "transcript": of(functools.partial(TranscriptReadout, 0, None), 4, calibrated=False, classes=True),
    "transcript, n-grams": of(functools.partial(TranscriptReadout, 2, ADVICE), 4, calibrated=False, classes=True),
    "tags": of(lambda: TagReadout(CategoricalReadout(), None), 4, calibrated=True, classes=True),
    "tags, chained": of(lambda: TagReadout(CategoricalReadout(), CHAIN), 4, calibrated=True, classes=True),
    "next items": of(functools.partial(ItemReadout, 3, 0), 5, classes=True),
    "next items, seen ones left out": of(functools.partial(ItemReadout, 2, 4), 9, classes=True, truths=5),
    "next items, seen ones left out, and when": of(functools.partial(ItemReadout, 2, 4, 3), 12, classes=True, truths=3),
    # `fit` is called as it is for others, and learns nothing.
    "next token": of(TokenReadout, 4, classes=True, steps=(1,)),
    "next event": of(EventReadout, 4, classes=True, steps=(1,)),
    "text": of(TextReadout, 4, classes=True, steps=(3,)),
    "summary": of(SummaryReadout, 4, classes=True, steps=(3,)),
    "caption": of(CaptionReadout, 4, classes=True, steps=(3,)),
    "reply": of(ReplyReadout, 4, classes=True, steps=(3,)),
}
