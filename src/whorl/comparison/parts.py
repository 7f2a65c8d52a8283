"""A user's data in three parts: what is learned from, what chooses the epoch, and what only scores."""

from collections.abc import Sequence as List
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from whorl.data import splits
from whorl.data.event_reader import last_held_out
from whorl.data.pairing import steps_with_truths
from whorl.data.sequences import Sequence
from whorl.errors import ArgumentError, DataError, SplitError
from whorl.plans.wiring import Autoregressive, EachRow, Wiring, is_whole
from whorl.tasks.examples import HeldOut, held_out_part
from whorl.tasks.preparation import Prepared, prepare
from whorl.tasks.preparation.prepared import answers_labels, answers_several

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Encoded data in three parts.

    Args:
        fitted: the training and the validation part.
        test: what is scored, and no fit sees.
        groups: which group each sequence of the test part belongs to; None where they are not grouped.
    """

    fitted: Prepared
    test: HeldOut
    groups: list[str] | None = None


def divide(estimator: "Estimator", data: object, test: object = None) -> Parts:
    """Reads and encodes data, and takes a test part as large as the validation part away.

    Of rows in time and of text the test part comes last, the validation part before it; of whole sequences both are
    drawn by the seed of the training plan. Statistics come from training rows alone.

    Args:
        estimator: the task, complete for these data.
        data: what `fit` takes.
        test: other data with truths, which are scored in place of a part that is taken away.

    Raises:
        DataError: too little is there for three parts.
    """
    if test is not None:
        prepared = prepare(estimator, data)
        return Parts(fitted=prepared, test=_other(estimator.wiring(), prepared, test))
    validation = estimator.training.validation
    if validation >= 0.5 and not isinstance(validation, int):
        raise ArgumentError(
            f"`validation` is {validation}, but a test part of the same size is held out too, which leaves nothing to "
            "learn from. Lower it, or give a test set of your own."
        )
    both = replace(estimator, training=replace(estimator.training, validation=2 * validation))
    wiring = estimator.wiring()
    try:
        prepared = prepare(both, data)
    except SplitError as error:
        raise SplitError(
            f"{error} A test part as large as the validation part is held out, too: this is twice the {validation} "
            "of `validation`."
        ) from None
    seed = estimator.training.seed
    if isinstance(wiring.shape, Autoregressive) and wiring.shape.items is not None:
        return _last_events(prepared, seed)
    ends = _drawn(wiring, prepared, seed) if is_whole(wiring.pairing) else _last_rows(wiring, prepared)
    scored = held_out_part(wiring, replace(prepared, cuts=ends))
    if not sum(map(len, scored.steps)):
        raise DataError(
            "the part that is held out is too small to choose the epoch and to be a test part, too. Raise "
            "`validation`, bring more data, or give a test set of your own."
        )
    return Parts(fitted=_before(prepared, ends), test=scored, groups=_groups(prepared, scored))


def check_marks(parts: Parts, estimator: "Estimator") -> None:
    """Raises DataError where detectors are compared, but the test part has no anomalies, or nothing else."""
    if not isinstance(estimator.wiring().pairing, EachRow):
        return
    scored = list(zip(parts.test.sequences, parts.test.steps, strict=True))
    known = [one.marks[steps] for one, steps in scored if one.marks is not None]
    marks = np.concatenate([np.empty(0), *known])
    if not np.isfinite(marks).any():
        raise DataError(
            "detectors are compared by how well they find anomalies, but no row of the test part says whether it is "
            "one. Name the column that marks anomalies with `label`."
        )
    if not (marks == 1).any() or not (marks == 0).any():
        what = "an anomaly" if (marks == 0).any() else "normal"
        raise DataError(
            f"no row of the test part, {len(marks)} rows, is labelled as {what}, so detectors cannot be compared "
            "there. Hold out more with `validation`, or give other data as `test`."
        )


def _last_events(prepared: Prepared, seed: int) -> Parts:
    """Of half of the sessions whose last event is held out it is the test part; what stands before it is learned from.

    The half is drawn by the seed.
    """
    held = [n for n, cut in enumerate(prepared.cuts) if cut < len(prepared.sequences[n])]
    if len(held) < 2:
        raise DataError(
            "the last event of one session is held out, which cannot both choose the epoch and be a test part. Raise "
            "`validation`, bring more data, or give a test set of your own."
        )
    tested = {held[n] for n in splits.held_out(len(held), 0.5, seed + 1).tolist()}
    sequences = [one.part(0, prepared.cuts[n]) if n in tested else one for n, one in enumerate(prepared.sequences)]
    fitted = replace(prepared, sequences=sequences, facts=_facts(prepared.facts, sequences, prepared.cuts))
    scored = [last_held_out(prepared.sequences[n]) for n in sorted(tested)]
    return Parts(fitted=fitted, test=HeldOut(sequences=scored, steps=[np.array([len(one) - 1]) for one in scored]))


def _other(wiring: Wiring, prepared: Prepared, test: object) -> HeldOut:
    """Other data, as the reader that was fitted to the training part reads them."""
    sequences = prepared.reader.read(test, targets=True)
    steps = [steps_with_truths(wiring.pairing, one) for one in sequences]
    if not sum(map(len, steps)):
        raise DataError(
            "`test` has no row with full context and full horizon and a truth, so nothing can be scored there. Bring "
            "longer sequences."
        )
    return HeldOut(sequences=list(sequences), steps=steps)


def _groups(prepared: Prepared, test: HeldOut) -> list[str] | None:
    """Groups of the sequences that are scored, which may be some of those that are held out."""
    if prepared.groups is None:
        return None
    known = {id(one): group for one, group in zip(prepared.sequences, prepared.groups, strict=True)}
    return [known[id(one)] for one in test.sequences]


def _last_rows(wiring: Wiring, prepared: Prepared) -> list[int]:
    """First row of the test part of each sequence: the later half of what is held out."""
    held = [n for n, cut in enumerate(prepared.cuts) if cut == 0]
    if isinstance(wiring.shape, Autoregressive) and len(held) > 1:  # whole documents are held out, the last of them
        tested = set(held[len(held) // 2 :])
        return [0 if n in tested else len(one) for n, one in enumerate(prepared.sequences)]
    horizon = getattr(wiring.pairing, "horizon", 1)
    ends = []
    for one, cut in zip(prepared.sequences, prepared.cuts, strict=True):
        middle = cut + (len(one) - cut) // 2
        ends.append(middle if middle - cut >= horizon and len(one) - middle >= horizon else len(one))
    return ends


def _drawn(wiring: Wiring, prepared: Prepared, seed: int) -> list[int]:
    """0 for the sequences of the test part, half of those held out; the length of all others."""
    held = np.array([n for n, cut in enumerate(prepared.cuts) if cut == 0], np.int64)
    groups = None if prepared.groups is None else [prepared.groups[n] for n in held]
    labels = None
    if answers_labels(wiring) and not answers_several(wiring) and prepared.sequences[0].row_targets.ndim == 1:
        labels = [float(prepared.sequences[n].row_targets[0]) for n in held]
        labels = None if len(set(labels)) == len(labels) else labels
    if len(held if groups is None else set(groups)) < 2:
        raise DataError(
            f"{len(held)} sequences are held out, or a single group of them, which cannot both choose the epoch and "
            "be a test part. Raise `validation`, bring more data, or give a test set of your own."
        )
    tested = set(held[splits.held_out(len(held), 0.5, seed + 1, labels=labels, groups=groups)].tolist())
    return [0 if n in tested else len(one) for n, one in enumerate(prepared.sequences)]


def _before(prepared: Prepared, ends: List[int]) -> Prepared:
    """What stands before the test part."""
    horizon = prepared.reader.horizon
    kept = [n for n, end in enumerate(ends) if end]
    sequences = [prepared.sequences[n].part(0, ends[n], horizon) for n in kept]
    cuts = [min(prepared.cuts[n], ends[n]) for n in kept]
    groups = None if prepared.groups is None else [prepared.groups[n] for n in kept]
    return replace(
        prepared, sequences=sequences, cuts=cuts, groups=groups, facts=_facts(prepared.facts, sequences, cuts)
    )


def _facts(facts: dict[str, object], sequences: List[Sequence], cuts: List[int]) -> dict[str, object]:
    """The facts of the card, of the parts that a fit has."""
    counts = {
        "rows": sum(map(len, sequences)),
        "tokens": sum(map(len, sequences)),
        "validation_rows": sum(map(len, sequences)) - sum(cuts),
        "sequences": len(sequences),
        "series": len(sequences),
        "documents": len(sequences),
        "validation_sequences": sum(cut < len(one) for one, cut in zip(sequences, cuts, strict=True)),
    }
    return facts | {name: count for name, count in counts.items() if name in facts}
