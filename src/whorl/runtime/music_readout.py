"""The answering side of music that goes on: which notes sound next, or which event is next."""

from collections.abc import Mapping
from typing import Self

import numpy as np

from whorl.data.music_reader import MusicReader
from whorl.data.reader import Reader
from whorl.data.vocabulary import Vocabulary
from whorl.errors import ModelFileError
from whorl.plans.wiring import Wiring
from whorl.runtime.bernoulli_readout import BernoulliReadout
from whorl.runtime.metrics import Scoring
from whorl.runtime.music_metrics import ChordScores, EventScores
from whorl.runtime.prediction import Index, Prediction
from whorl.runtime.readouts import Readout, readouts
from whorl.runtime.token_readout import TokenReadout


@readouts.add("next_chord")
class ChordReadout(BernoulliReadout):
    """The probability of each note at the next step, and the notes that are more probable than not.

    Nothing is calibrated: what is scored, streamed and drawn from are the probabilities that were learned.
    """

    calibration = ""

    @classmethod
    def of(cls, wiring: Wiring, facts: Mapping[str, object]) -> Self:
        super().of(wiring, facts)
        return cls()

    def fit(self, outputs: np.ndarray, targets: np.ndarray) -> Self:
        return self

    def prediction(self, index: Index, answers: np.ndarray, reader: Reader) -> Prediction:
        return super().prediction(index, answers.reshape(len(answers), answers.shape[-1]), reader)

    def scores(self, reader: Reader, naive_mae: np.ndarray | None = None) -> Scoring:
        return ChordScores()

    def of_rivals(self) -> Readout:
        return ChordReadout()


@readouts.add("next_event")
class EventReadout(TokenReadout):
    """The most likely next event, and the probability of each; nothing is calibrated."""

    def scores(self, reader: Reader, naive_mae: np.ndarray | None = None) -> Scoring:
        if not isinstance(reader, MusicReader) or not isinstance(reader.outputs, Vocabulary):
            raise ModelFileError("a readout of next events needs a reader of events. The file is damaged.")
        return EventScores(reader.outputs, reader.music.waits)

    def of_rivals(self) -> Readout:
        return EventReadout()
