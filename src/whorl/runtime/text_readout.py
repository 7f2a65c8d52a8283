"""The answering side of texts that are written: what each next token may be, from which a search makes a text."""

from typing import Self

import numpy as np

from whorl.data.reader import Reader
from whorl.runtime.class_readout import CategoricalReadout
from whorl.runtime.metrics import Scoring
from whorl.runtime.readouts import readouts
from whorl.runtime.text_metrics import Measure, TextScores, reply, summary, translation


@readouts.add("text")
class TextReadout(CategoricalReadout):
    """The probability of each token at each step; nothing is calibrated."""

    calibration = ""
    measure: Measure = staticmethod(translation)

    def fit(self, outputs: np.ndarray, targets: np.ndarray) -> Self:
        return self

    def scores(self, reader: Reader, naive_mae: np.ndarray | None = None) -> Scoring:
        return TextScores(self.measure)


@readouts.add("summary")
class SummaryReadout(TextReadout):
    """The same, its texts scored as summaries."""

    measure: Measure = staticmethod(summary)


@readouts.add("reply")
class ReplyReadout(TextReadout):
    """The same, its texts scored as replies."""

    measure: Measure = staticmethod(reply)
