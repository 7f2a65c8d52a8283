"""What `fit` does, for whatever task: prepare, learn, and learn again where that is asked for."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from whorl.errors import ArgumentError
from whorl.plans.networks import from_key
from whorl.tasks import folds as across
from whorl.tasks import refitting
from whorl.tasks.estimator import name_of
from whorl.tasks.learning import Fitted, learn
from whorl.tasks.preparation import prepare

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator
    from whorl.tasks.telling import Teller


@runtime_checkable
class Stacks(Protocol):
    """A task that knows networks which go well together."""

    def stack(self) -> "Mapping[str, Estimator]":
        """Name of a kind -> this task with networks of that kind, its own first."""


def fit(
    estimator: "Estimator",
    data: object,
    *,
    refit: bool,
    folds: int | None,
    stacked: bool,
    resume: bool,
    verbose: bool | None,
) -> Iterator[Fitted]:
    """Fits an estimator, and fits it again where that is asked for; each is yielded when it is done."""
    from whorl.tasks.telling import Teller

    tell = Teller(verbose)
    if folds is not None or stacked:
        yield _on_folds(estimator, data, across.USUAL if folds is None else folds, tell, stacked=stacked, resume=resume)
        return
    refitting.begin(estimator.training, resume=resume)
    estimator = estimator.for_data(data)
    prepared, wiring = prepare(estimator, data), estimator.wiring()
    tell.lines(prepared.notes)
    fitted = learn(estimator, wiring, prepared, tell, resume=resume)
    yield fitted
    if refit:
        yield refitting.again(estimator, wiring, prepared, fitted, tell, resume=resume)


def _on_folds(
    estimator: "Estimator", data: object, count: int, tell: "Teller", *, stacked: bool, resume: bool
) -> Fitted:
    """Fits networks that each leave out a fold: of the estimator, or also of others beside it."""
    across.check(estimator.wiring(), count)
    estimator = estimator.for_data(data)
    kinds = _stack(estimator) if stacked else {name_of(from_key(estimator.network)): estimator}
    prepared = prepare(estimator, data)
    across.begin(estimator.training, len(kinds), count, resume=resume)
    tell.lines(prepared.notes)
    return across.fit(kinds, prepared, count, tell, resume=resume)


def _stack(estimator: "Estimator") -> "Mapping[str, Estimator]":
    if not isinstance(estimator, Stacks):
        raise ArgumentError(
            "`stacked` is of networks that go well together, as a Classifier of series has some, but this task knows "
            "none. Leave it out; folds=5 alone has five networks of one kind."
        )
    return estimator.stack()
