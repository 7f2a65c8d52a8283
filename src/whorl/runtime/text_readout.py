"""The answering side of texts that are written: what each next token may be, from which a search makes a text."""

from collections.abc import Mapping
from typing import ClassVar, Self

import numpy as np

from whorl.data.reader import Reader
from whorl.errors import ModelFileError
from whorl.plans.decoding import Beam
from whorl.plans.wiring import EncoderDecoder, Wiring
from whorl.runtime.class_readout import CategoricalReadout
from whorl.runtime.metrics import Scoring
from whorl.runtime.readouts import readouts
from whorl.runtime.text_metrics import Measure, TextScores, caption, reply, summary, translation


@readouts.add("text")
class TextReadout(CategoricalReadout):
    """The probability of each token at each step; nothing is calibrated."""

    # How a text is searched for where nobody says so.
    search: ClassVar[Beam] = Beam(width=5)
    calibration = ""
    measure: Measure = staticmethod(translation)

    def fit(self, outputs: np.ndarray, targets: np.ndarray) -> Self:
        return self

    def scores(self, reader: Reader, naive_mae: np.ndarray | None = None) -> Scoring:
        return TextScores(self.measure)


@readouts.add("summary")
class SummaryReadout(TextReadout):
    """The same, its texts scored as summaries, where some may be there already.

    Args:
        recall: how similar a source of training must be for its target to be the answer; None recalls nothing.
        start: so many words of the first line of the source are the answer where nothing is recalled; 0 answers with
            what is written.
    """

    # No similarity is as large.
    NEVER: ClassVar[float] = 2.0
    # Words of a start.
    STARTS: ClassVar[tuple[int, ...]] = (4, 6, 8, 10, 12, 15, 20, 30)

    measure: Measure = staticmethod(summary)

    def __init__(self, recall: float | None = None, start: int = 0) -> None:
        super().__init__()
        self.recall, self.start = recall, start
        self.calibration = "" if recall is None else "decided what is recalled"

    @classmethod
    def of(cls, wiring: Wiring, facts: Mapping[str, object]) -> Self:
        assert isinstance(wiring.shape, EncoderDecoder)
        return cls(cls.NEVER if wiring.shape.recall else None)

    def score_of(self, answer: str, truth: str) -> float:
        """How good one answer is: its ROUGE-L."""
        return self.measure([answer], [truth])["rouge_l"]

    def arrays(self) -> dict[str, np.ndarray]:
        kept = {} if self.recall is None else {"recall": np.array([self.recall, float(self.start)])}
        return {**super().arrays(), **kept}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> Self:
        recall = arrays.get("recall")
        super().restore({name: array for name, array in arrays.items() if name != "recall"})
        if recall is None:
            return cls()
        sound = recall.shape == (2,) and recall.dtype == np.float64 and 0 <= recall[0] <= cls.NEVER
        if not sound or recall[1] not in (0, *cls.STARTS):
            raise ModelFileError("`recall` of a readout is a similarity and a number of words. Save it again.")
        return cls(float(recall[0]), int(recall[1]))


@readouts.add("reply")
class ReplyReadout(TextReadout):
    """The same, its texts scored as replies."""

    measure: Measure = staticmethod(reply)


@readouts.add("caption")
class CaptionReadout(TextReadout):
    """The same, its texts scored as captions, against all that were given for a source."""

    # Captions are of many lengths. Wider beams find shorter ones that tell less, and larger penalties ones that go on
    # after all is said (`python -m benchmarks.captions DATA --cross 5` scores both).
    search = Beam(width=5, length_penalty=0.3)
    measure: Measure = staticmethod(caption)
