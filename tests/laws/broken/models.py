"""Fitted models of the descriptors with one thing changed."""

import copy
import functools
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from tests.laws import descriptors
from tests.laws.broken.codecs import ForgetsBetweenPieces
from tests.laws.broken.engines import ForgetsItsState, KeepsAJournal, SeesItsNeighbours
from tests.laws.broken.twins import half, twin
from tests.laws.model_subject import ModelSubject

import whorl
from whorl.codecs.array import ArrayCodec
from whorl.codecs.numeric import NumericEncoder
from whorl.runtime import files
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.program import Program
from whorl.tasks.preparation import Prepared, prepare


@functools.cache
def described(name: str) -> ModelSubject:
    return next(one.subject for one in descriptors.OBJECTS["model"] if one.name == name)


def model(name: str, change: Callable[[Any], None], **options: Any) -> ModelSubject:
    """A fitted model of the descriptors with one thing changed."""
    subject = replace(described(name), **options)
    fitted = copy.copy(described(name).fitted)
    change(fitted)
    subject.__dict__["fitted"] = fitted
    return subject


def with_engine(kind: type[Interpreter]) -> Callable[[Any], None]:
    def change(fitted: Any) -> None:
        fitted.model_ = replace(fitted.model_, engine=kind(fitted.model_.engine.program))

    return change


class ForgetsBetweenRows(ForgetsBetweenPieces):
    """The codec of a reader that does not hold a value from row to row."""

    def chunks(self) -> Any:
        return NumericEncoder(lambda piece, held: (self.encode(piece), held), np.zeros(2), self.spec.width)


def forgets_between_rows(fitted: Any) -> None:
    reader = copy.copy(fitted.model_.reader)
    reader.past = ForgetsBetweenRows.restore(reader.past.config(), reader.past.arrays())
    fitted.model_ = replace(fitted.model_, reader=reader)


def saves_half(fitted: Any) -> None:
    """Rounds the weights to float16 on the way to the file."""

    def save(path: Any) -> None:
        program = fitted.model_.engine.program
        rounded = Program.from_json(program.to_json(), {name: half(t) for name, t in program.tensors.items()})
        files.save(replace(fitted.model_, engine=Interpreter(rounded)), path)

    fitted.save = save


class Seedless(whorl.Forecaster):
    """Draws a seed of its own."""

    def fit(self, data: object, **options: Any) -> Any:
        given = self.training
        self.training = replace(given, seed=int.from_bytes(os.urandom(4)))
        try:
            return super().fit(data, **options)
        finally:
            self.training = given


class SortsTheRows(whorl.Forecaster):
    """Sorts the caller's rows in place, latest first and back."""

    def fit(self, data: Any, **options: Any) -> Any:
        super().fit(data, **options)
        data.sort(key=lambda row: row["y"])
        return self


def estimator(kind: type[whorl.Forecaster]) -> ModelSubject:
    subject = described("window forecaster")

    def new() -> Any:
        return kind(**subject.new().get_params())

    return replace(subject, new=new)


def scaled_by_all_rows(own: Any, data: Any) -> Prepared:
    """The scaler is fitted before the data is split."""
    prepared = prepare(own, data)
    reader: Any = copy.copy(prepared.reader)
    reader.past = ArrayCodec().fit([np.asarray(x) for x in data[0]])
    return replace(prepared, reader=reader)


twin("02 chunk", "model", model, "regressor on arrays", forgets_between_rows)
twin("06 batch", "model", model, "window forecaster, everything", with_engine(SeesItsNeighbours))
twin("10 save", "model", model, "window forecaster", saves_half)
twin("11 seed", "model", estimator, Seedless)
twin("12 purity", "model", estimator, SortsTheRows)
twin("13 stream", "model", model, "window forecaster", with_engine(ForgetsItsState))
twin("15 constant stream", "model", model, "carried forecaster", with_engine(KeepsAJournal))
twin(
    "14 leak",
    "model",
    lambda: model("regressor on arrays", lambda fitted: None, prepare=scaled_by_all_rows),
)
