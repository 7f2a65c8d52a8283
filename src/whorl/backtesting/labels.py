"""Classifiers as subjects: how much more probable a rise than a fall is, by the last rows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from whorl.backtesting.market import Market
from whorl.backtesting.signals import Outlook
from whorl.backtesting.subject import Subject
from whorl.data.convert import convert
from whorl.data.problems import refuse
from whorl.data.schema import infer_schema
from whorl.errors import ArgumentError, DataError
from whorl.plans.text import Text
from whorl.tasks.classification import Classifier

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

UP, DOWN = "up", "down"


@dataclass(frozen=True, kw_only=True)
class Labels(Subject):
    """A Classifier of the last rows, whose labels are whether what is held then rises.

    Args:
        context: rows that it reads for an answer.
        inputs: (N, D) what is read of a row: how much the price changed, as a logarithm, and the other numbers.
    """

    context: int
    inputs: np.ndarray

    @property
    def labels(self) -> bool:
        return True

    @property
    def column(self) -> int:
        return 0  # labels are made for one delay

    @property
    def needed(self) -> int:
        return self.context + 1  # the change of the first row is not known

    def told(self, first: int, last: int) -> Mapping[str, np.ndarray]:
        rows, settings = slice(first, last), np.array([self.delay, self.context])
        return {"delay and context": settings, "inputs": self.inputs[rows], "change": self.market.change[rows]}

    def fit(self, estimator: "Estimator", first: int, last: int, *, refit: bool) -> "Estimator":
        # The label of a row is known when the row has come in which its decision would have been held.
        rows = np.arange(first + self.needed - 1, last - 1 - self.delay)
        if len(rows) < 2:
            raise DataError(
                f"`context` is {self.context}, but a fit has {last - first} rows, which are too few for examples of "
                "it. Lower `context`, or raise `start`."
            )
        labels = np.where(self.market.change[rows + 1 + self.delay] > 0, UP, DOWN).astype(object)
        return estimator.fit((self._examples(rows), labels), refit=refit, verbose=False)

    def answer(self, fitted: "Estimator", began: int, first: int, last: int) -> Outlook:
        missing = np.full((last - first, 1), np.nan)
        rows = np.arange(max(first, self.needed - 1), last)
        if not len(rows):
            return Outlook(missing, missing, missing)
        found = fitted.predict(self._examples(rows))
        assert found.classes is not None
        sides = {str(label): found.probabilities[:, n] for n, label in enumerate(found.classes.tolist())}
        nothing = np.zeros(len(rows))
        edge = missing.copy()
        edge[rows - first, 0] = sides.get(UP, nothing) - sides.get(DOWN, nothing)
        return Outlook(edge, missing, missing)

    def _examples(self, rows: np.ndarray) -> np.ndarray:
        """The rows up to each of these, (n, T, D)."""
        examples: np.ndarray = self.inputs[rows[:, None] + np.arange(1 - self.context, 1)]
        return examples


def of_classifier(model: Classifier, market: Market, price: str, delay: int, rows: int, context: int) -> Labels:
    """A Classifier as a subject.

    Args:
        model: its labels are made here.
        market: what can be traded.
        price: column of the price.
        delay: rows from a decision to its trade.
        rows: those that say what the other columns are.
        context: rows that are read for an answer.

    Raises:
        ArgumentError: the model reads or answers something else.
    """
    given = [name for name in ("target", "series", "text") if getattr(model, name) is not None]
    given += [] if isinstance(model.tokens, Text) else ["tokens"]
    if given:
        raise ArgumentError(
            f"`{given[0]}` is {getattr(model, given[0])!r}, but a backtest makes the examples of a Classifier itself: "
            "the last rows, and whether the price rose after them. Leave it out."
        )
    if model.static:
        raise ArgumentError("`static` is of several sequences, but a backtest trades one price. Leave it out.")
    frame = market.frame
    # Which columns are read is told by rows that are known when the first fit begins.
    kinds = {name: kind for name, kind in model.table.kinds.items() if name != price}  # its changes are read anyway
    table = replace(model.table, kinds=kinds)
    schema = infer_schema(frame.take(slice(0, rows)), target=price, time=market.column, table=table)
    numeric = [name for name in schema.of_kind("numeric", schema.past) if name != price]
    moved = np.concatenate([[0.0], np.diff(np.log(market.price))])
    others = [convert(frame, name, "numeric", model.table, refuse) for name in numeric]
    return Labels(
        estimator=replace(model, time=None),
        market=market,
        delay=delay,
        context=context,
        inputs=np.stack([moved, *others], axis=1),
    )
