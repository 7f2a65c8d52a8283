"""Arrays, `(X, y)`: a sequence for each example."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from whorl.codecs.array import ArrayCodec
from whorl.data.array_reader import ArrayReader, labels_of, step_labels_of, truths
from whorl.data.arrays import Arrays
from whorl.data.indicators import Indicators
from whorl.data.labels import Labels
from whorl.data.marks import check_normal, marks
from whorl.data.wide import WideTable, read_wide
from whorl.errors import ArgumentError, DataError
from whorl.plans.names import names
from whorl.plans.wiring import EachRow
from whorl.tasks.preparation.missing import told_of_missing
from whorl.tasks.preparation.prepared import (
    Prepared,
    answers_labels,
    answers_several,
    classified,
    countdown_of,
    has_target_at_every_step,
    held_out,
    told_of_marks,
    unmarked,
)

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator


def of_wide_table(estimator: "Estimator", data: object) -> Prepared | None:
    """Prepares a table with a sequence a row; None where it is none, or columns are named that such a table lacks."""
    columns, whole = estimator.columns(), isinstance(estimator.wiring().pairing, EachRow)
    asked = (columns.time, columns.series, columns.group, *columns.static)
    role = columns.label if whole else columns.target
    named = () if role is None else names(role)
    if any(name is not None for name in asked) or not (named or whole) or countdown_of(estimator) is not None:
        return None
    if has_target_at_every_step(estimator.wiring()):
        return None
    found = read_wide(data, named, columns.table, labels=answers_labels(estimator.wiring()))
    if found is None:
        return None
    wide, arrays = found
    prepared = (judged_arrays if whole else of_arrays)(estimator, arrays, wide)
    return replace(prepared, notes=[wide.describe(), *prepared.notes])


def of_arrays(estimator: "Estimator", arrays: Arrays, wide: WideTable | None = None) -> Prepared:
    """Prepares arrays, or what a wide table has."""
    if estimator.columns().group is not None:
        raise ArgumentError("`group` is a column of a table, but arrays came. Leave it out, or bring a table.")
    countdown = countdown_of(estimator)
    if countdown is not None:
        arrays = countdown.counted_arrays(arrays)
    if arrays.y is None:
        raise DataError("`y` must be given: pass (X, y), or an .npz file with X and y.")
    if answers_several(estimator.wiring()):
        return _several_labels(estimator, arrays, wide)
    if answers_labels(estimator.wiring()):
        return _labelled_arrays(estimator, arrays, wide)
    if any(np.asarray(part).dtype.kind not in "fiub" for part in arrays.y):
        raise DataError("`y` must be numbers for a regression, but holds text. Use whorl.Classifier.")
    y = truths(arrays)
    every_step = has_target_at_every_step(estimator.wiring())
    if (y[0].ndim == 2) != every_step:
        raise DataError(
            f"`y` has {'one target for each step' if y[0].ndim == 2 else 'one target for each sequence'}, but "
            f"`every_step` is {every_step}. Set every_step={not every_step}."
        )
    held = held_out(len(arrays), estimator.training.validation, estimator.training.seed)
    training = [n for n in range(len(arrays)) if n not in held]
    table = estimator.columns().table
    reader = ArrayReader(
        past=ArrayCodec(scaling=table.scaling, clip=table.clip).fit([np.asarray(arrays.x[n]) for n in training]),
        outputs=ArrayCodec(scaling=table.scaling, missing="keep").fit([np.atleast_2d(y[n]) for n in training]),
        num_targets=y[0].shape[-1],
        countdown=countdown,
        wide=wide,
    )
    return _encoded(reader, arrays, held)


def judged_arrays(estimator: "Estimator", arrays: Arrays, wide: WideTable | None = None) -> Prepared:
    """Prepares sequences that are judged whole; nothing is learned from those that are labelled as anomalies."""
    normal = estimator.columns().normal
    marked = np.full(len(arrays), np.nan)
    if arrays.y is not None:
        marked = marks(labels_of(arrays), normal, f"{arrays.origin}: `y`")
        check_normal(labels_of(arrays), normal, f"{arrays.origin}: `y`")
    held = held_out(len(arrays), estimator.training.validation, estimator.training.seed, marked.tolist())
    learned = [np.asarray(arrays.x[n]) for n in range(len(arrays)) if n not in held and marked[n] != 1.0]
    if not learned:
        raise DataError("every training sequence is labelled as an anomaly. Bring normal ones.")
    scaling = estimator.columns().table.scaling  # and no clip: all that is read is judged
    reader = ArrayReader(
        past=ArrayCodec(scaling=scaling).fit(learned).flag_all(),
        outputs=ArrayCodec(scaling=scaling, missing="keep").fit(learned),
        num_targets=arrays.num_features,
        own=True,
        normal=normal,
        wide=wide,
    )
    prepared = _encoded(reader, arrays, held)
    return replace(prepared, sequences=unmarked(prepared.sequences, whole=True), notes=told_of_marks(prepared))


def _labelled_arrays(estimator: "Estimator", arrays: Arrays, wide: WideTable | None) -> Prepared:
    every_step = has_target_at_every_step(estimator.wiring())
    labels = step_labels_of(arrays) if every_step else labels_of(arrays)
    alike = None if every_step else list(labels)
    held = held_out(len(arrays), estimator.training.validation, estimator.training.seed, alike)
    training = [n for n in range(len(arrays)) if n not in held]
    table = estimator.columns().table
    reader = ArrayReader(
        past=ArrayCodec(scaling=table.scaling, clip=table.clip).fit([np.asarray(arrays.x[n]) for n in training]),
        outputs=Labels.fit([np.atleast_1d(labels[n]) for n in training]),
        every_step=every_step,
        wide=wide,
    )
    return classified(estimator, _encoded(reader, arrays, held))


def _several_labels(estimator: "Estimator", arrays: Arrays, wide: WideTable | None) -> Prepared:
    outputs = Indicators(names(estimator.columns().target))
    unknown = np.isnan(outputs.encode_array(arrays.y, arrays.origin)).all(axis=0)
    if unknown.any():
        raise DataError(
            f"{arrays.origin}: `y`, column '{outputs.names[int(np.argmax(unknown))]}' is a target, but all its "
            f"{len(arrays)} values are missing. Leave it out."
        )
    held = held_out(len(arrays), estimator.training.validation, estimator.training.seed)
    training = [np.asarray(arrays.x[n]) for n in range(len(arrays)) if n not in held]
    table = estimator.columns().table
    reader = ArrayReader(
        past=ArrayCodec(scaling=table.scaling, clip=table.clip).fit(training),
        outputs=outputs,
        num_targets=len(outputs.names),
        wide=wide,
    )
    return classified(estimator, _encoded(reader, arrays, held))


def _encoded(reader: ArrayReader, arrays: Arrays, held: set[int]) -> Prepared:
    training = [np.asarray(arrays.x[n]) for n in range(len(arrays)) if n not in held]
    notes = told_of_missing(training, arrays.origin)
    sequences = reader.encode(arrays)
    facts: dict[str, object] = {
        "origin": arrays.origin,
        "sequences": len(arrays),
        "features": arrays.num_features,
        "training_sequences": len(training),
        "validation_sequences": len(held),
    }
    cuts = [0 if n in held else len(sequence) for n, sequence in enumerate(sequences)]
    return Prepared(reader=reader, sequences=sequences, cuts=cuts, notes=notes, facts=facts)
