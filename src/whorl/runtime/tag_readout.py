"""The answering side of labels for each step of a sequence."""

from collections.abc import Mapping
from typing import Self

import numpy as np

from whorl.data.reader import Reader
from whorl.errors import ModelFileError
from whorl.plans.wiring import Wiring
from whorl.runtime.chain import best_path, constrained, marginals
from whorl.runtime.class_readout import CategoricalReadout
from whorl.runtime.metrics import Scoring
from whorl.runtime.prediction import Index, Prediction, labelled
from whorl.runtime.readouts import Readout, UnitlessReadout, readouts
from whorl.runtime.tag_metrics import TagScores


@readouts.add("tags")
class TagReadout(UnitlessReadout):
    """For each step the most probable class, and the probability of each, as `CategoricalReadout` has them.

    With a `chain` the labels of a sequence are the most probable ones together, and the probabilities are those of a
    step whatever the others are; they are as they were learned. A room then holds the network's outputs.

    Args:
        classes: turns the outputs of a step into probabilities.
        chain: (C + 1, C + 1), how classes follow each other, or None; see `whorl.runtime.chain`.
    """

    by_sequence = True
    calibration = CategoricalReadout.calibration

    def __init__(self, classes: CategoricalReadout, chain: np.ndarray | None = None) -> None:
        self.classes, self.chain = classes, chain

    @classmethod
    def of(cls, wiring: Wiring, facts: Mapping[str, object]) -> Self:
        return cls(CategoricalReadout.of(wiring, facts))

    def fit(self, outputs: np.ndarray, targets: np.ndarray) -> Self:
        if self.chain is None:
            self.classes.fit(outputs, targets)
        else:
            self.calibration = ""  # the probabilities are as they were learned
        return self

    def stacked(self, outputs: np.ndarray) -> np.ndarray:
        """Probabilities (N, ..., C); with a chain the outputs that they are made of."""
        return self.classes.stacked(outputs) if self.chain is None else outputs[..., 0, :].astype(np.float64)

    def room(self, count: int, shape: tuple[int, ...]) -> np.ndarray:
        return self.classes.room(count, shape)

    def prediction(self, index: Index, answers: np.ndarray, reader: Reader) -> Prediction:
        """The answers of a room; with a chain that of one sequence, whole."""
        if self.chain is None:
            return self.classes.prediction(index, answers, reader)
        chain = constrained(self.chain, reader.classes.tolist())
        labels = reader.classes[best_path(answers, chain)]
        return labelled(index, marginals(answers, chain), reader.classes, reader.names, labels)

    def scores(self, reader: Reader, naive_mae: np.ndarray | None = None) -> Scoring:
        return TagScores(reader.classes)

    def of_rivals(self) -> Readout:
        return TagReadout(CategoricalReadout())

    def arrays(self) -> dict[str, np.ndarray]:
        return self.classes.arrays() | ({} if self.chain is None else {"chain": self.chain})

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray]) -> Self:
        chain = arrays.get("chain")
        if chain is not None and (
            chain.dtype != np.float32 or chain.ndim != 2 or len(set(chain.shape)) > 1 or not np.isfinite(chain).all()
        ):
            raise ModelFileError("the `chain` of a readout of labels is damaged. Save the model again.")
        return cls(CategoricalReadout.restore({k: v for k, v in arrays.items() if k != "chain"}), chain)
