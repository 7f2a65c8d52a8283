"""What preparation makes, whatever the data: encoded sequences, those that are held out, and what is told of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from whorl.data import splits
from whorl.data.countdown import Countdown
from whorl.data.reader import Reader
from whorl.data.sequences import Sequence
from whorl.errors import SplitError
from whorl.plans.heads import Bernoulli, Categorical
from whorl.plans.wiring import Sequences, Wiring

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

# Classes that are told one by one.
_MOST_TOLD = 12


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Encoded data, split.

    Args:
        reader: fitted on training rows only.
        sequences: all of them, whole.
        cuts: for each sequence its first row of the validation part; its length where it has none, 0 where it is all
            validation.
        notes: what was guessed, in sentences.
        facts: for the model card.
        groups: which group each sequence belongs to, where groups are kept whole.
        seasonal: whether forecasts may read what stood a season before beside the core.
        periods: (context, horizon) -> season of the training rows, and whether it foretells them, once that was looked
            for. Other rows, as `replace` makes them, are looked through anew.
    """

    reader: Reader
    sequences: list[Sequence]
    cuts: list[int]
    notes: list[str] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)
    groups: list[str] | None = None
    seasonal: bool = True
    periods: dict[tuple[int, int], tuple[int, bool]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def training(self) -> list[Sequence]:
        """Sequences with training rows."""
        return [sequence for sequence, cut in zip(self.sequences, self.cuts, strict=True) if cut]

    @property
    def validation(self) -> list[Sequence]:
        """Sequences with validation rows."""
        return [one for one, cut in zip(self.sequences, self.cuts, strict=True) if cut < len(one)]

    @property
    def whole(self) -> "Prepared":
        """The same data with nothing held out; what the training rows said of seasons stays said."""
        made = replace(self, cuts=[len(one) for one in self.sequences], facts=dict(self.facts))
        made.periods.update(self.periods)
        return made


def held_out(
    count: int,
    validation: float | int,
    seed: int,
    labels: Iterable[object] | None = None,
    groups: Iterable[object] | None = None,
) -> set[int]:
    """Numbers of the sequences that are held out, drawn by the seed: whole sequences have no order in time."""
    return set(splits.held_out(count, validation, seed, labels=labels, groups=groups).tolist())


def answers_labels(wiring: Wiring) -> bool:
    """Whether what is answered are labels, one or several at once."""
    return isinstance(wiring.head, Categorical | Bernoulli)


def answers_several(wiring: Wiring) -> bool:
    """Whether what is answered are several labels at once."""
    return isinstance(wiring.head, Bernoulli)


def has_target_at_every_step(wiring: Wiring) -> bool:
    """Whether whole sequences have a target at each of their steps."""
    return isinstance(wiring.pairing, Sequences) and wiring.pairing.every_step


def countdown_of(estimator: "Estimator") -> Countdown | None:
    """How truths are counted where what remains of a sequence is answered."""
    cap = getattr(estimator, "cap", None)
    return Countdown(None if cap is None else float(cap)) if getattr(estimator, "remaining", False) else None


def unmarked(sequences: list[Sequence], *, whole: bool) -> list[Sequence]:
    """Sequences without truths where rows are labelled as anomalies; of all rows where they are judged `whole`."""
    made = []
    for one in sequences:
        marked = None if one.marks is None else one.marks == 1.0
        if marked is not None and marked.any():
            rows = np.ones_like(marked) if whole else marked
            one = replace(one, targets=np.where(rows[:, None], np.float32(np.nan), one.row_targets))
        made.append(one)
    return made


def told_of_marks(prepared: Prepared) -> list[str]:
    """The notes of data, with what labels say of it where there are some."""
    marked = [one.marks for one in prepared.sequences if one.marks is not None]
    if not marked:
        return prepared.notes
    rows = np.concatenate(marked)
    return [
        *prepared.notes,
        f"labelled as anomalies: {int((rows == 1.0).sum())} of {len(rows)} rows; nothing is learned from them",
    ]


def classified(estimator: "Estimator", prepared: Prepared) -> Prepared:
    """Says what classes there are, and weighs them alike where that is asked for."""
    if answers_several(estimator.wiring()):
        return _counted(prepared)
    classes = prepared.reader.classes
    every_step = any(one.row_targets.ndim == 2 for one in prepared.sequences)
    given = [one.row_targets.ravel() if every_step else one.row_targets[:1] for one in prepared.sequences]
    numbers = np.concatenate(given).astype(np.float64)
    known = numbers[np.isfinite(numbers)].astype(np.int64)
    counts = np.bincount(known, minlength=len(classes))
    told = ", ".join(f"{label} ({count})" for label, count in list(zip(classes, counts, strict=True))[:_MOST_TOLD])
    more = f" and {len(classes) - _MOST_TOLD} more" if len(classes) > _MOST_TOLD else ""
    notes = [*prepared.notes, f"classes: {told}{more}"]
    if len(known) < len(numbers):
        notes.append(
            f"{len(numbers) - len(known)} of {len(numbers)} labels are missing, or training has none of their class; "
            "nothing is learned from them"
        )
    if classes.dtype.kind in "fi" and 2 * len(classes) > len(known):
        notes.append(
            f"most labels come once: {len(classes)} among {len(known)}; if they are quantities, answer them as numbers "
            "(whorl.Regressor, or whorl fit regress)"
        )
    facts = {**prepared.facts, "classes": [str(label) for label in classes.tolist()], "counts": counts.tolist()}
    sequences = prepared.sequences
    if getattr(estimator, "class_weight", "none") == "balanced" and not every_step:
        own = np.concatenate([one.row_targets[:1] for one in prepared.training])
        own = own[np.isfinite(own)].astype(np.int64)
        weights = len(own) / (len(classes) * np.maximum(np.bincount(own, minlength=len(classes)), 1))
        sequences = [
            replace(one, weight=float(weights[int(number)])) if np.isfinite(number) else one
            for one, number in zip(sequences, numbers, strict=True)
        ]
    return replace(prepared, sequences=sequences, notes=notes, facts=facts)


def _counted(prepared: Prepared) -> Prepared:
    """Says how many examples have each of the labels that may come together, and which of them cannot be learned."""
    names = prepared.reader.names
    truths = np.stack([one.row_targets for one in prepared.sequences]).astype(np.float64)
    counts, known = np.nansum(truths, axis=0).astype(np.int64), np.isfinite(truths)
    told = ", ".join(f"{name} ({count})" for name, count in list(zip(names, counts.tolist(), strict=True))[:_MOST_TOLD])
    more = f" and {len(names) - _MOST_TOLD} more" if len(names) > _MOST_TOLD else ""
    notes = [*prepared.notes, f"labels, several at once: {told}{more}; of {len(truths)} examples"]
    if not known.all():
        notes.append(f"{int((~known).sum())} of {known.size} labels are missing; nothing is learned from them")
    learned = np.stack([one.row_targets for one in prepared.training])
    shares = [set(column[np.isfinite(column)].tolist()) for column in learned.T]
    if all(len(share) < 2 for share in shares):
        raise SplitError(
            f"each of the labels {', '.join(names)} is always 1 or always 0 in the training part, so there is nothing "
            "to tell apart. Bring other examples, or change `validation`."
        )
    same = [name for name, share in zip(names, shares, strict=True) if len(share) < 2]
    if same:
        notes.append(f"always 1 or always 0 in training, so that nothing is learned of them: {', '.join(same)}")
    return replace(prepared, notes=notes, facts={**prepared.facts, "classes": list(names), "counts": counts.tolist()})
