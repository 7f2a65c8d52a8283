"""What is tested: a task that is fitted to some rows of a market and answers others."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from whorl.backtesting.market import Market
from whorl.backtesting.signals import Outlook

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator


@dataclass(frozen=True, kw_only=True)
class Subject(ABC):
    """A task on a market.

    Args:
        estimator: the task, with its settings.
        market: what can be traded.
        delay: rows from a decision to its trade: answers are about the row after that.
    """

    estimator: "Estimator"
    market: Market
    delay: int

    @property
    @abstractmethod
    def labels(self) -> bool:
        """Whether answers are probabilities of a rise and a fall, and no changes."""

    @property
    @abstractmethod
    def column(self) -> int:
        """Which of the delays that are answered is that of the market."""

    @property
    @abstractmethod
    def needed(self) -> int:
        """Rows that an answer needs, its own among them."""

    @abstractmethod
    def told(self, first: int, last: int) -> Mapping[str, np.ndarray]:
        """All that answers after the rows [first, last) can depend on beside the task, by name."""

    @abstractmethod
    def fit(self, estimator: "Estimator", first: int, last: int, *, refit: bool) -> "Estimator":
        """Fits to the rows [first, last), of which all is known; nothing of a later row is looked at.

        Args:
            estimator: the task, with the seed of this fit.
            first: the first row.
            last: the row after the last one.
            refit: fit again with nothing held out.
        """

    @abstractmethod
    def answer(self, fitted: "Estimator", began: int, first: int, last: int) -> Outlook:
        """Answers after each of the rows [first, last), by rows up to it, (last - first, D) each.

        Args:
            fitted: what `fit` returned.
            began: the first row that it learned from.
            first: the first row that is answered.
            last: the row after the last one.
        """
