"""Answers that are there already: the target of a similar source of training, or the start of the source."""

from collections.abc import Sequence as List
from typing import TYPE_CHECKING

import numpy as np

from whorl.data.sequences import Sequence
from whorl.runtime.text_readout import SummaryReadout
from whorl.runtime.writing import answered, pair_reader, start_of

if TYPE_CHECKING:
    from whorl.runtime.model import Model


def calibrate(model: "Model", sequences: List[Sequence]) -> None:
    """Chooses what is answered, by pairs that training has not seen.

    That is how similar a source must be for its target to be recalled, and whether what is not recalled is written, or
    begins as the source does.
    """
    readout = model.readout
    if not isinstance(readout, SummaryReadout) or readout.recall is None:
        return
    reader = pair_reader(model)
    texts, truths = [reader.source.decode(one.read_steps) for one in sequences], [one.texts[1] for one in sequences]

    def scores(answers: List[str]) -> np.ndarray:
        return np.array([readout.score_of(answer, truth) for answer, truth in zip(answers, truths, strict=True)])

    remembered = [reader.memory.nearest(text) for text in texts]
    alike, of_remembered = np.array([near for _, near in remembered]), scores([target for target, _ in remembered])
    others = {0: scores(answered(model, sequences, None).value)}
    others |= {words: scores([start_of(text, words) for text in texts]) for words in readout.STARTS}
    total = -np.inf
    for words, others_scores in others.items():
        threshold = best_threshold(alike, of_remembered - others_scores)
        reached = float(np.where(alike >= threshold, of_remembered, others_scores).sum())
        if reached > total:
            total, readout.recall, readout.start = reached, threshold, words


def best_threshold(alike: np.ndarray, gains: np.ndarray) -> float:
    """The similarity from which on answers gain most in all; more than any where they gain nothing.

    Args:
        alike: (n,) similarities.
        gains: (n,) what each remembered answer is better by.
    """
    # Where no word is shared, any target would do as well.
    alike, gains = alike[alike > 0], gains[alike > 0]
    if not len(alike):
        return SummaryReadout.NEVER
    order = np.argsort(-alike, kind="stable")
    sums, levels = np.cumsum(gains[order]), alike[order]
    ends = np.flatnonzero(np.append(levels[1:] < levels[:-1], True))  # equals are told apart by nothing
    if sums[ends].max() <= 0:
        return SummaryReadout.NEVER
    last = ends[int(sums[ends].argmax())]
    below = levels[last + 1] if last + 1 < len(levels) else 0.0
    return float((levels[last] + below) / 2)
