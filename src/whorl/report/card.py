"""The part of a model card that a report shows; a card that lacks something makes a page that lacks it."""

from collections.abc import Mapping

import msgspec

from whorl.errors import ModelFileError


class Epoch(msgspec.Struct, frozen=True):
    """Mean losses of an epoch, the mean length of its gradients, and the share of those that were clipped."""

    train_loss: float
    valid_loss: float
    gradient_norm: float | None = None
    clipped_fraction: float | None = None


class History(msgspec.Struct, frozen=True):
    """A training run; epochs count from 1, and 0 is none."""

    epochs: list[Epoch] = []
    best_epoch: int = 0
    kept_epoch: int = 0
    stopped: str = ""


class CardScores(msgspec.Struct, frozen=True):
    """Scores that `fit` wrote down."""

    answers: int
    metrics: dict[str, float]
    part: str = "validation"
    baselines: dict[str, dict[str, float]] = {}
    by_step: dict[str, list[list[float]]] = {}

    @property
    def all_metrics(self) -> dict[str, dict[str, float]]:
        """The model first, then its rivals."""
        return {"model": self.metrics, **self.baselines}


class Shared(msgspec.Struct, frozen=True):
    """Held-out sequences that training has, too, and how many were looked at."""

    sequences: int = 0
    of: int = 0


class Data(msgspec.Struct, frozen=True):
    """The data of a fit: rows of a table, whole sequences, or tokens of texts."""

    origin: str = ""
    step: str = ""
    series: int = 0
    rows: int = 0
    training_rows: int = 0
    validation_rows: int = 0
    sequences: int = 0
    training_sequences: int = 0
    validation_sequences: int = 0
    tokens: int = 0
    training_tokens: int = 0
    past: list[str] = []
    known: list[str] = []
    static: list[str] = []


class Recipe(msgspec.Struct, frozen=True):
    """What is asked of the recipe of the network: whether its core stayed as it was drawn."""

    frozen: bool = False


class Refit(msgspec.Struct, frozen=True):
    """A second fit with nothing held out."""

    epochs: int = 0


class Kind(msgspec.Struct, frozen=True):
    """A kind of network that was fitted on folds, and its share in the sum of answers."""

    name: str = ""
    share: float = 1.0


class Folds(msgspec.Struct, frozen=True):
    """Networks that answer together, each of which has learned from all but one fold."""

    count: int = 0
    networks: list[Kind] = []


class Card(msgspec.Struct, frozen=True):
    """A model card."""

    data: Data = Data()
    shared: Shared = Shared()
    history: History = History()
    network: Recipe = Recipe()
    refit: Refit | None = None
    folds: Folds | None = None
    scores: CardScores | None = None
    versions: dict[str, str] = {}


def read(card: Mapping[str, object]) -> Card:
    """Reads a model card; raises ModelFileError where a fact has a type that it cannot have."""
    try:
        return msgspec.convert(dict(card), Card)
    except msgspec.ValidationError as error:
        raise ModelFileError(f"the card of the model file is damaged: {error}. Save the model again.") from None
