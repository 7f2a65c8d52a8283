"""What `fit` does, for whatever task: prepare, learn, and learn again where that is asked for."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from whorl.tasks import refitting
from whorl.tasks.learning import Fitted, learn
from whorl.tasks.preparation import prepare

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator


def fit(estimator: "Estimator", data: object, *, refit: bool, resume: bool, verbose: bool | None) -> Iterator[Fitted]:
    """Fits an estimator, and fits it again where that is asked for; each is yielded when it is done."""
    from whorl.tasks.telling import Teller

    tell = Teller(verbose)
    refitting.begin(estimator.training, resume=resume)
    estimator = estimator.for_data(data)
    prepared, wiring = prepare(estimator, data), estimator.wiring()
    tell.lines(prepared.notes)
    fitted = learn(estimator, wiring, prepared, tell, resume=resume)
    yield fitted
    if refit:
        yield refitting.again(estimator, wiring, prepared, fitted, tell, resume=resume)
