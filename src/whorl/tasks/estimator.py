"""The verbs, written once: fit, predict, evaluate, stream, report, save, load. A task only says what it is."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from whorl.errors import ArgumentError, ModelFileError, NotFittedError
from whorl.plans.decoding import Decoding
from whorl.plans.media import Media
from whorl.plans.networks import Network, Recurrent, from_key, key_of
from whorl.plans.sizes import check_flag, check_most
from whorl.plans.table import Table
from whorl.plans.training import Training
from whorl.plans.wiring import Wiring
from whorl.registry import Registry
from whorl.runtime import files
from whorl.runtime.evaluation import Evaluation
from whorl.runtime.model import Model
from whorl.runtime.prediction import Prediction
from whorl.runtime.stream import Stream
from whorl.tasks import settings
from whorl.tasks.columns import Columns, check_names
from whorl.tasks.settings import Settings

estimators: Registry[type["Estimator"]] = Registry("task")
# What the key of a network has behind it whose core is frozen.
FROZEN = "-frozen"


@dataclass(kw_only=True, eq=False)
class Estimator(Settings, ABC):
    """A task with its settings; after `fit` also what was learned, in attributes that end in `_`."""

    task: ClassVar[str]
    # How the task reads files where nobody says so, of media that it reads otherwise than their plans say.
    own_media: ClassVar[tuple[Media, ...]] = ()
    network: Network | str
    training: Training

    @abstractmethod
    def wiring(self) -> Wiring:
        """The task as data."""

    @abstractmethod
    def columns(self) -> Columns:
        """Which columns of a table play which role."""

    @abstractmethod
    def resolved(self, num_examples: int, num_targets: int) -> tuple[Network, Training]:
        """Recipe and training with every choice made that was left to the task.

        Args:
            num_examples: training examples of an epoch: windows, rows of strips, or sequences.
            num_targets: outputs.
        """

    def for_data(self, data: object) -> Self:
        """The task for these data: itself, or with fields filled in that were left open and that the data decide."""
        return self

    # The verbs

    def fit(
        self,
        data: object,
        *,
        refit: bool = False,
        folds: int | None = None,
        stacked: bool = False,
        resume: bool = False,
        verbose: bool | None = None,
    ) -> Self:
        """Learns from data.

        Args:
            data: a path, folder, polars / pandas / pyarrow frame, records, or arrays.
            refit: once the validation part has chosen the epoch, calibrated and scored, fit the same network again
                with nothing held out, in as many epochs; takes about as long again, `training.max_seconds` included.
                Codecs, calibration and scores stay those of the first fit, whose network had not seen what they are
                of; `judged_` is that model. Its checkpoints are in the folder `refit` of `training.checkpoint`.
            folds: deal sequences to so many folds, fit a network for each to all others, and have these networks
                answer together, in place of one that leaves out `training.validation`: all is learned from, and all of
                it scores and calibrates, by answers of networks that had not learned from it. Labels are spread alike,
                groups are not cut. Takes so many times as long to fit, `training.max_seconds` included, and to answer.
                `history_` is of one network, `held_out_` the first fold, and `judged_` has the networks without it.
                Codecs are fitted once, to what `training.validation` leaves. Of Classifier, Regressor and Tagger.
            stacked: have different networks answer together, weighted by what they tell of folds, five where `folds`
                does not say; those of a Classifier of series, see `Classifier.stack`.
            resume: go on from the checkpoint in `training.checkpoint`.
            verbose: print roles of columns, progress and scores. None does so where the output is a terminal.

        Raises:
            DataError: the data breaks a rule; the message names file, row and column.
            Interrupted: Ctrl-C or SIGTERM; a checkpoint was written if there is a folder for it.
        """
        from whorl.tasks.fitting import fit

        check_flag("refit", refit)
        check_flag("stacked", stacked)
        if refit and (stacked or folds is not None):
            raise ArgumentError(
                "`refit` learns from what was held out, but with folds all is learned from. Leave it out."
            )
        # Where a second fit fails or is stopped, the first one is there.
        found = fit(self, data, refit=refit, folds=folds, stacked=stacked, resume=resume, verbose=verbose)
        for fitted in found:
            self.model_: Model = fitted.model
            self.network_ = fitted.network
            self.judged_ = fitted.judged
            self.history_ = fitted.history
            self.held_out_ = fitted.held_out
        return self

    def predict(
        self, data: object, *, known: object = None, every_row: bool = False, decoding: Decoding | None = None
    ) -> Prediction:
        """Answers new data; see `whorl.runtime.model.Model.predict`."""
        return self._fitted.predict(data, known=known, every_row=every_row, decoding=decoding)

    def evaluate(self, data: object, *, keep: bool | None = None, decoding: Decoding | None = None) -> Evaluation:
        """Scores every origin with full context and full horizon beside the baselines."""
        return self._fitted.evaluate(data, keep=keep, decoding=decoding)

    def stream(self, series: str | None = None, *, decoding: Decoding | None = None) -> Stream:
        """Starts a live stream for one entity: `push` gives the numbers of `predict` on the rows so far."""
        return self._fitted.stream(series, decoding=decoding)

    def report(self, path: str | Path, data: object = None) -> None:
        """Writes a self-contained HTML page; `data` replaces the held-out part that `fit` kept.

        Without data the network is shown as it was before a refit, which has learned from that part, too.
        """
        from whorl.report.page import write_report

        if data is None:
            model, shown = getattr(self, "judged_", self._fitted), getattr(self, "held_out_", None)
        else:
            model, shown = self._fitted, self._fitted.reader.read(data, targets=True)
        write_report(Path(path), model, shown)

    def save(self, path: str | Path) -> None:
        """Writes a `.whorl` file."""
        files.save(self._fitted, path)

    @property
    def _fitted(self) -> Model:
        model = getattr(self, "model_", None)
        if model is None:
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet. Call `fit`, or load a model file.")
        assert isinstance(model, Model)
        return model

    def __post_init__(self) -> None:
        """Checks the settings; tasks check their own and call this."""
        from whorl.plans.networks import from_key

        from_key(self.network)
        check_names(self)
        if not isinstance(self.training, Training):
            raise ArgumentError(
                f"`training` is a whorl.Training(...), but is a {type(self.training).__name__}. Make it one."
            )
        if not isinstance(getattr(self, "table", Table()), Table):
            kind = type(self.table).__name__  # type: ignore[attr-defined]
            raise ArgumentError(f"`table` is a whorl.Table(...), but is a {kind}. Make it one.")


def load(path: str | Path) -> Estimator:
    """Loads a model file as the estimator that wrote it.

    Raises:
        ModelFileError: the file is damaged, foreign, or names things that are not registered.
    """
    import whorl.tasks.captioning
    import whorl.tasks.classification
    import whorl.tasks.conversation
    import whorl.tasks.detection
    import whorl.tasks.forecasting
    import whorl.tasks.generation
    import whorl.tasks.labelling
    import whorl.tasks.recommendation
    import whorl.tasks.regression
    import whorl.tasks.summarization
    import whorl.tasks.transcription
    import whorl.tasks.translation  # noqa: F401  they register their tasks

    model = files.load(path)
    if model.task not in estimators:
        raise ModelFileError(
            f"`{path}` holds a task '{model.task}' that is not registered; known are {', '.join(estimators)}. "
            "Register your own tasks before loading, or update whorl."
        )
    estimator = settings.restore(estimators.get(model.task), model.settings)
    estimator.model_ = model
    return estimator


def check_whole(name: str, value: object, least: int, most: int | None = None) -> None:
    """Raises ArgumentError unless a setting is a whole number of at least that size, and at most the other."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise ArgumentError(f"`{name}` is a whole number >= {least}, but is {value!r}. Change it.")
    if most is not None:
        check_most(name, int(value), most)


def check_lookahead(lookahead: int | str, network: Network | str, most: int) -> None:
    """Raises ArgumentError for a number of steps that answers cannot be late; 'auto' is left to the task."""
    if lookahead == "auto":
        return
    check_whole("lookahead", lookahead, 0, most)
    if lookahead and from_key(network).bidirectional:
        raise ArgumentError(
            f"`lookahead` is {lookahead}, but a network that reads both ways knows all that follows. Leave it out, or "
            "use bidirectional=False."
        )


def check_one_way(network: Network | str) -> None:
    """Raises ArgumentError where a network reads both ways, of a task that tells what comes next."""
    if from_key(network).bidirectional:
        raise ArgumentError(
            "`network` reads both ways, but what comes next is not known yet. Build it with bidirectional=False."
        )


def is_frozen(network: Network | str) -> bool:
    """Whether the weights of the core stay as they are drawn."""
    recipe = from_key(network)
    return isinstance(recipe, Recurrent) and recipe.frozen


def name_of(recipe: Network) -> str:
    """The key of a recipe, and whether its core is frozen: that is another network than the one that is trained."""
    return f"{key_of(recipe)}{FROZEN if is_frozen(recipe) else ''}"
