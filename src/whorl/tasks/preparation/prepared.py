"""What preparation makes, whatever the data: encoded sequences, those that are held out, and what is told of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from whorl.data import splits
from whorl.data.reader import Reader
from whorl.data.sequences import Sequence
from whorl.plans.wiring import Categorical, Wiring

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
    """

    reader: Reader
    sequences: list[Sequence]
    cuts: list[int]
    notes: list[str] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def training(self) -> list[Sequence]:
        """Sequences with training rows."""
        return [sequence for sequence, cut in zip(self.sequences, self.cuts, strict=True) if cut]

    @property
    def validation(self) -> list[Sequence]:
        """Sequences with validation rows."""
        return [one for one, cut in zip(self.sequences, self.cuts, strict=True) if cut < len(one)]


def held_out(count: int, validation: float | int, seed: int, labels: Iterable[object] | None = None) -> set[int]:
    """Numbers of the sequences that are held out, drawn by the seed: whole sequences have no order in time."""
    return set(splits.held_out(count, validation, seed, labels=labels).tolist())


def answers_labels(wiring: Wiring) -> bool:
    """Whether what is answered are labels."""
    return isinstance(wiring.head, Categorical)


def classified(estimator: "Estimator", prepared: Prepared) -> Prepared:
    """Says what classes there are, and weighs them alike where that is asked for."""
    classes = prepared.reader.classes
    numbers = np.array([one.row_targets[0] for one in prepared.sequences], np.float64)
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
    facts = {**prepared.facts, "classes": [str(label) for label in classes.tolist()], "counts": counts.tolist()}
    sequences = prepared.sequences
    if getattr(estimator, "class_weight", "none") == "balanced":
        weights = len(known) / (len(classes) * np.maximum(counts, 1))
        sequences = [
            replace(one, weight=float(weights[int(number)])) if np.isfinite(number) else one
            for one, number in zip(sequences, numbers, strict=True)
        ]
    return replace(prepared, sequences=sequences, notes=notes, facts=facts)
