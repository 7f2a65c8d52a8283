"""Data in three parts: to learn from, to choose the epoch by, and to score on, which no fit sees."""

from collections.abc import Sequence as List
from dataclasses import dataclass, replace

import numpy as np

from whorl.data.pairing import scored_steps, steps_with_truths
from whorl.data.sequences import Sequence
from whorl.data.shuffling import Shuffling
from whorl.errors import DataError
from whorl.plans.wiring import EachRow, Pairing, Windows
from whorl.tasks.estimator import Estimator
from whorl.tasks.preparation import Prepared, prepare

# Of what the validation part leaves, what is scored; and the most windows that each of the two parts has.
_SCORED, _MOST = 0.25, 2000
# Draws of their own: which sequences are scored, and the new orders of those that choose the epoch and are scored.
_CHOICE, _ORDERS = 3, 4


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Sequences to fit with, and others to score on. Each window of the last two parts is a sequence.

    Args:
        pairing: how examples are cut.
        prepared: training and validation part.
        scored: what is scored.
        steps: of each of them the steps that are answered.
        blocks: for each the number of the block that it belongs to, (N,): of those that overlap the same one.
        marks: whether each is an anomaly, (N,), where a detector tells them; else None.
    """

    pairing: Pairing
    prepared: Prepared
    scored: list[Sequence]
    steps: list[np.ndarray]
    blocks: np.ndarray
    marks: np.ndarray | None = None

    def shuffled(self, shuffling: Shuffling, seed: int) -> "Parts":
        """The same with the steps of what is not learned from in a new order; training shuffles its batches."""
        random = np.random.default_rng([seed, _ORDERS])
        pairs = zip(self.prepared.sequences, self.prepared.cuts, strict=True)
        kept = [one if cut else shuffling.shuffled(one, random) for one, cut in pairs]
        scored = [shuffling.shuffled(one, random) for one in self.scored]
        return replace(self, prepared=replace(self.prepared, sequences=kept), scored=scored)


def parts_of(estimator: Estimator, data: object) -> Parts:
    """Reads data, and splits them by the seed of the estimator's training.

    A quarter of what the validation part leaves is scored; statistics come from the rows before both.

    Raises:
        DataError: too little is left for one of the parts.
    """
    pairing, plan = estimator.wiring().pairing, estimator.training
    validation: float | int
    if isinstance(plan.validation, int):
        known = prepare(estimator, data).sequences
        count = max(map(len, known)) if isinstance(pairing, Windows) else len(known)
        validation = plan.validation + max(1, round(_SCORED * (count - plan.validation)))
    else:
        validation = plan.validation + _SCORED * (1 - plan.validation)
    share = 1 - plan.validation / validation
    prepared = prepare(replace(estimator, training=replace(plan, validation=validation)), data)
    made = (
        _windows(pairing, prepared, share)
        if isinstance(pairing, Windows)
        else _whole(pairing, prepared, share, plan.seed)
    )
    if not made.scored or not any(cut == 0 for cut in made.prepared.cuts):
        raise DataError(
            f"`validation` is {plan.validation}, which leaves nothing to choose the epoch by, or to score, beside what "
            "is learned from. Bring more data, or raise it."
        )
    return made


def _whole(pairing: Pairing, prepared: Prepared, share: float, seed: int) -> Parts:
    """Whole sequences; some of those that are held out are scored."""
    pairs = list(enumerate(zip(prepared.sequences, prepared.cuts, strict=True)))
    judged = isinstance(pairing, EachRow)
    held = [n for n, (one, cut) in pairs if cut < len(one) and (judged or np.isfinite(one.row_targets).any())]
    drawn = np.random.default_rng([seed, _CHOICE]).permutation(held)[: round(share * len(held))]
    chosen = sorted(drawn.tolist())
    scored = [prepared.sequences[n] for n in chosen]
    marks = None
    if judged:
        marks = np.array([one.anomaly for one in scored])
        scored = [one for one, mark in zip(scored, marks, strict=True) if np.isfinite(mark)]
        marks = marks[np.isfinite(marks)]
        if len(set(marks.tolist())) < 2:
            raise DataError(
                "`label` must say of the sequences that are scored which ones are anomalies, some and not all, but "
                f"{int(marks.sum())} of {len(marks)} are. Bring labelled sequences of both kinds."
            )
    left = set(chosen)
    kept = [n for n, _ in pairs if n not in left]
    rest = replace(prepared, sequences=[prepared.sequences[n] for n in kept], cuts=[prepared.cuts[n] for n in kept])
    steps = [steps_with_truths(pairing, one) for one in scored]
    return Parts(pairing=pairing, prepared=rest, scored=scored, steps=steps, blocks=np.arange(len(scored)), marks=marks)


def _windows(pairing: Windows, prepared: Prepared, share: float) -> Parts:
    """Windows; of the rows that are held out of each series the last ones are scored."""
    context, horizon = pairing.context, pairing.horizon
    training, choosing, scoring = [], [], []
    for number, (one, cut) in enumerate(zip(prepared.sequences, prepared.cuts, strict=True)):
        training.append(one.part(0, cut, horizon))
        middle = cut + round((1 - share) * (len(one) - cut))
        origins = scored_steps(pairing, len(one))
        choosing += [(number, at) for at in origins[(origins >= cut - 1) & (origins < middle - horizon)].tolist()]
        scoring += [(number, at) for at in origins[(origins >= max(middle, cut + horizon) - 1)].tolist()]

    def pieces(places: List[tuple[int, int]]) -> list[Sequence]:
        rows = [(prepared.sequences[n], at + 1 - context, at + 1 + horizon) for n, at in places]
        return [one.part(start, stop, horizon) for one, start, stop in rows]

    choosing, scoring = _thinned(choosing), _thinned(scoring)
    held = pieces(choosing)
    cuts = [len(one) for one in training] + [0] * len(held)
    keys = [(n, at // (context + horizon)) for n, at in scoring]
    numbers = {key: n for n, key in enumerate(dict.fromkeys(keys))}
    return Parts(
        pairing=pairing,
        prepared=replace(prepared, sequences=[*training, *held], cuts=cuts),
        scored=pieces(scoring),
        steps=[np.array([context - 1])] * len(scoring),
        blocks=np.array([numbers[key] for key in keys], np.int64),
    )


def _thinned(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Some of them, spread evenly, where there are many."""
    if len(places) <= _MOST:
        return places
    return [places[n] for n in np.linspace(0, len(places) - 1, _MOST).round().astype(int).tolist()]
