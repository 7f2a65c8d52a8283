"""Answers that training has already: the target of the most similar source, where that was the better one."""

from collections.abc import Sequence as List
from typing import TYPE_CHECKING

import numpy as np

from whorl.data.sequences import Sequence
from whorl.plans.wiring import EncoderDecoder
from whorl.runtime.text_readout import TextReadout
from whorl.runtime.writing import answered, pair_reader, recalled

if TYPE_CHECKING:
    from whorl.runtime.model import Model


def calibrate(model: "Model", sequences: List[Sequence]) -> None:
    """Chooses how similar a source must be for its target to be the answer, by pairs that training has not seen."""
    readout, reader = model.readout, pair_reader(model)
    assert isinstance(model.wiring.shape, EncoderDecoder)
    assert isinstance(readout, TextReadout)
    if not model.wiring.shape.recall:
        return
    own = answered(model, sequences, None).value
    remembered = [recalled(reader, one.read_steps) for one in sequences]
    truths = [one.texts[1] for one in sequences]
    gains = [
        readout.score_of(target, truth) - readout.score_of(text, truth)
        for (target, _), text, truth in zip(remembered, own, truths, strict=True)
    ]
    readout.recall = best_threshold(np.array([alike for _, alike in remembered]), np.array(gains))


def best_threshold(alike: np.ndarray, gains: np.ndarray) -> float:
    """The similarity from which on answers gain most in all; more than any where they gain nothing.

    Args:
        alike: (n,) similarities.
        gains: (n,) what each remembered answer is better by.
    """
    order = np.argsort(-alike, kind="stable")
    sums, levels = np.cumsum(gains[order]), alike[order]
    ends = np.flatnonzero(np.append(levels[1:] < levels[:-1], True))  # equals are told apart by nothing
    if sums[ends].max() <= 0:
        return TextReadout.NEVER
    last = ends[int(sums[ends].argmax())]
    below = levels[last + 1] if last + 1 < len(levels) else 0.0
    return float((levels[last] + below) / 2)
