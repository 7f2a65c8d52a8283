"""The answering side of a language model: what the next token may be."""

import numpy as np

from whorl.data.corpus_reader import CorpusReader
from whorl.data.reader import Reader
from whorl.errors import ModelFileError
from whorl.runtime.class_readout import CategoricalReadout
from whorl.runtime.metrics import Scoring
from whorl.runtime.prediction import Index, Prediction, labelled
from whorl.runtime.readouts import Readout, readouts
from whorl.runtime.token_metrics import TokenScores


@readouts.add("next_token")
class TokenReadout(CategoricalReadout):
    """The most likely next token, and the probability of each.

    Nothing is calibrated: what is scored, streamed and drawn from are the probabilities that were learned.
    """

    calibration = ""

    def fit(self, outputs: np.ndarray, targets: np.ndarray) -> "TokenReadout":
        return self

    def prediction(self, index: Index, answers: np.ndarray, reader: Reader) -> Prediction:
        return labelled(index, answers.reshape(len(answers), answers.shape[-1]), reader.classes, reader.names)

    def scores(self, reader: Reader, naive_mae: np.ndarray | None = None) -> Scoring:
        if not isinstance(reader, CorpusReader):
            raise ModelFileError("a readout of next tokens needs a reader of running text. The file is damaged.")
        return TokenScores(reader)

    def of_rivals(self) -> Readout:
        return TokenReadout()
