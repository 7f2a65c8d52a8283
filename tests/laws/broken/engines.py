"""Engines that break the laws, made from the reference."""

import numpy as np
from tests.laws.broken.twins import half, twin
from tests.laws.engine_laws import EngineSubject
from tests.laws.networks import NETWORKS

from whorl.runtime.interpreter import Interpreter


class ForgetsItsState(Interpreter):
    """Every call starts afresh, as if the slots were not there."""

    def run(self, inputs, lengths=None, slots=None, *, start=0):
        return super().run(inputs, lengths, start=start)


class ReadsPaddingToo(Interpreter):
    """Does not know where a sequence ends."""

    def run(self, inputs, lengths=None, slots=None, *, start=0):
        return super().run(inputs, None, slots, start=start)


class SeesItsNeighbours(Interpreter):
    """Takes off what the rows of a batch have in common."""

    def run(self, inputs, lengths=None, slots=None, *, start=0):
        result = super().run(inputs, lengths, slots, start=start)
        return result - np.float32(1e-3) * result.mean(axis=0, keepdims=True)


class SeesTheFuture(Interpreter):
    """Takes off the mean of all steps."""

    def run(self, inputs, lengths=None, slots=None, *, start=0):
        result = super().run(inputs, lengths, slots, start=start)
        return result - np.float32(1e-3) * result.mean(axis=1, keepdims=True)


class RoundsItsAnswers(Interpreter):
    """Answers in half precision."""

    def run(self, inputs, lengths=None, slots=None, *, start=0):
        return half(super().run(inputs, lengths, slots, start=start))


class IgnoresStates(Interpreter):
    """Takes a state, and goes on from its own."""

    def write(self, slot, state):
        return None


class ScalesInPlace(Interpreter):
    """Writes into the arrays that it was given."""

    def run(self, inputs, lengths=None, slots=None, *, start=0):
        for value in inputs.values():
            value *= np.float32(0.5)
        return super().run(inputs, lengths, slots, start=start)


class KeepsAJournal(Interpreter):
    """A state that grows with every call."""

    journal = b""

    def run(self, inputs, lengths=None, slots=None, *, start=0):
        self.journal += b"x"
        return super().run(inputs, lengths, slots, start=start)

    def read(self, slot):
        return super().read(slot) + self.journal

    def write(self, slot, state):
        super().write(slot, state[: len(super().read(slot))])


def engine(kind: type[Interpreter]) -> EngineSubject:
    return EngineSubject(program=lambda: NETWORKS["carried"]().program(), engine=kind)


twin("03 step", "engine", engine, ForgetsItsState)
twin("04 split", "engine", engine, ForgetsItsState)
twin("05 padding", "engine", engine, ReadsPaddingToo)
twin("06 batch", "engine", engine, SeesItsNeighbours)
twin("07 causality", "engine", engine, SeesTheFuture)
twin("08 backend", "engine", engine, RoundsItsAnswers)
twin("10 save", "engine", engine, IgnoresStates)
twin("12 purity", "engine", engine, ScalesInPlace)
twin("15 constant stream", "engine", engine, KeepsAJournal)
