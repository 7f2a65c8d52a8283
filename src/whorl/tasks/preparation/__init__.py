"""From a user's data to encoded sequences with a training and a validation part, for whatever wiring."""

from typing import TYPE_CHECKING

from whorl.data.arrays import read_arrays, series_frame
from whorl.plans.wiring import Sequences
from whorl.tasks.preparation.arrays import of_arrays
from whorl.tasks.preparation.prepared import Prepared, answers_labels
from whorl.tasks.preparation.tables import of_table
from whorl.tasks.preparation.texts import of_texts

__all__ = ["Prepared", "prepare"]

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator


def prepare(estimator: "Estimator", data: object) -> Prepared:
    """Reads, splits and encodes; statistics come from training rows alone."""
    wiring = estimator.wiring()
    if wiring.inputs == "text":
        return of_texts(estimator, wiring, data)
    if isinstance(wiring.pairing, Sequences):
        arrays = read_arrays(data, labelled=answers_labels(wiring) and estimator.columns().target is None)
        return of_table(estimator, wiring, data) if arrays is None else of_arrays(estimator, arrays)
    frame = series_frame(data)
    return of_table(estimator, wiring, data if frame is None else frame)
