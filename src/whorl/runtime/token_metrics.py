"""Metrics of a language model: how much each token that came surprises it, by the token and by the character."""

import numpy as np

from whorl.codecs.alphabet import UNKNOWN
from whorl.data.corpus_reader import CorpusReader
from whorl.runtime.prediction import Prediction
from whorl.runtime.text_metrics import likelihood


class TokenScores:
    """Sums over tokens; an unknown truth, as after the last token of a text, is not counted.

    Keys of `result()`: nll, the mean negative logarithm of the probability of the token that came, in nats;
    perplexity, its exponential; unknown, the share of tokens that the model does not know, where some came; where these
    are at most 1 %, nats_per_character and bits_per_character, which compare models whatever their tokens are; and
    accuracy, the share of tokens that were the most likely one. A text's end is a token without a character.

    Args:
        reader: of the texts.
    """

    def __init__(self, reader: CorpusReader) -> None:
        self._reader = reader
        self._nats, self._right, self._tokens, self._characters, self._unknown = 0.0, 0, 0, 0, 0

    def add(self, prediction: Prediction, target: np.ndarray) -> None:
        """Adds the answers of some steps of a text and the names of the tokens that came, (N,)."""
        assert prediction.probabilities is not None
        self.update(prediction.probabilities, self._reader.outputs.codes(target))

    def update(self, probabilities: np.ndarray, codes: np.ndarray) -> None:
        """Adds answers.

        Args:
            probabilities: (N, V).
            codes: (N,), of the tokens that came; -1 where unknown.
        """
        known = np.flatnonzero(codes >= 0)
        codes = codes[known]
        own = probabilities[known, codes]
        # Float32 logits never make a probability of zero that is none, but their exponential may.
        self._nats -= float(np.log(np.maximum(own, np.finfo(np.float64).tiny)).sum())
        self._right += int((probabilities[known].argmax(axis=1) == codes).sum())
        self._tokens += len(codes)
        self._characters += len(self._reader.text(codes))
        self._unknown += int((codes == UNKNOWN).sum())

    def result(self) -> dict[str, float]:
        """The metrics; empty when no token was known."""
        if not self._tokens:
            return {}
        found = likelihood(self._nats, self._tokens, self._characters, self._unknown)
        return {**found, "accuracy": self._right / self._tokens}

    def steps(self) -> dict[str, np.ndarray]:
        """Nothing: the next token is one step ahead."""
        return {}
