"""What the laws mean for a readout."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from tests.laws.drawing import bits, random, same_bits, size
from tests.laws.table import law

from whorl.runtime.readouts import Readout


@dataclass(frozen=True, kw_only=True)
class ReadoutSubject:
    """A readout before `fit`, and O, the numbers that it reads for each output.

    Args:
        classes: whether outputs are of classes: one output, whose numbers are theirs.
        rows: whether outputs are of a row alone, without a horizon.
        steps: of classes, how many steps are answered at once.
        several: whether outputs are of several labels at once, O of them with a number each.
        truths: of classes, how many of the outputs may be true, the first ones; None is all.
    """

    new: Callable[[], Readout]
    num_outputs: int
    calibrated: bool = True
    classes: bool = False
    rows: bool = False
    steps: tuple[int, ...] = ()
    several: bool = False
    truths: int | None = None

    @property
    def flat(self) -> bool:
        """Whether the answers of a row are a row, and not a value and quantiles one after the other."""
        return self.classes or self.rows or self.several

    def outputs(self, rng: np.random.Generator, count: int) -> np.ndarray:
        if self.several:
            return 3.0 * rng.standard_normal((count, self.num_outputs, 1)).astype(np.float32)
        shape = (count, *self.steps, 1, self.num_outputs) if self.flat else (count, 3, 2, self.num_outputs)
        return rng.standard_normal(shape).astype(np.float32)

    def targets(self, rng: np.random.Generator, count: int) -> np.ndarray:
        if self.several:
            return (rng.random((count, self.num_outputs)) < 0.4).astype(np.float32)
        if self.classes:
            return rng.integers(0, self.truths or self.num_outputs, (count, *self.steps, 1)).astype(np.float32)
        return rng.standard_normal((count, 1) if self.rows else (count, 3, 2)).astype(np.float32)

    def fitted(self, rng: np.random.Generator) -> Readout:
        targets = self.targets(rng, 40)
        targets[rng.random(targets.shape) < 0.1] = np.nan
        readout = self.new()
        return readout.fit(self.outputs(rng, 40), targets) if self.calibrated else readout


@law("06 batch", "readout")
def an_answer_depends_on_its_own_row_alone(subject: ReadoutSubject, data: st.DataObject) -> None:
    rng = random(data)
    readout, outputs = subject.fitted(rng), subject.outputs(rng, size(data, 1, 7, "rows"))
    answer = readout.stacked(outputs)
    for n in range(len(outputs)):
        wanted = answer[n : n + 1] if subject.flat else answer[:, n : n + 1]
        same_bits(readout.stacked(outputs[n : n + 1]), wanted)


@law("10 save", "readout")
def a_restored_readout_gives_the_same_bits(subject: ReadoutSubject, data: st.DataObject) -> None:
    rng = random(data)
    readout, outputs = subject.fitted(rng), subject.outputs(rng, size(data, 0, 7, "rows"))
    restored = type(readout).restore({name: array.copy() for name, array in readout.arrays().items()})
    assert type(restored) is type(readout)
    same_bits(restored.stacked(outputs), readout.stacked(outputs))
    same_bits(restored.arrays(), readout.arrays())
    assert restored.levels == readout.levels


@law("12 purity", "readout")
def calibrating_and_answering_change_nothing_that_was_given(subject: ReadoutSubject, data: st.DataObject) -> None:
    rng = random(data)
    outputs, targets = subject.outputs(rng, 9), subject.targets(rng, 9)
    before, blank = bits([outputs, targets]), bits(subject.new().arrays())
    readout = subject.new().fit(outputs, targets)
    learned = bits(readout.arrays())
    assert readout.calibration or learned == blank, "something was calibrated, but users are told that nothing is"
    readout.stacked(outputs)
    assert bits([outputs, targets]) == before
    assert bits(readout.arrays()) == learned
