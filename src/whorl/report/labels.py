"""Labels: how well each is found, and of labels of steps the sequences in which some are wrong."""

from dataclasses import dataclass

import numpy as np

from whorl.report.evidence import Evidence
from whorl.runtime.indicator_metrics import counts

_MOST_LABELS, _MOST_SEQUENCES, _MOST_STEPS = 60, 8, 60


@dataclass(frozen=True, kw_only=True)
class Label:
    """A label and its scores, as texts."""

    name: str
    true: str
    answered: str
    precision: str
    recall: str
    f1: str


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step of a sequence: what stands there, the label answered, and the true one where that is another."""

    token: str
    label: str
    truth: str | None


def table(evidence: Evidence) -> tuple[Label, ...]:
    """Precision, recall and their harmonic mean of each label, the most frequent first."""
    assert evidence.prediction.classes is not None
    if evidence.prediction.thresholds is not None:
        answers = evidence.prediction.probabilities >= evidence.prediction.thresholds
        counted = counts(answers, evidence.target).T.tolist()
        return _rows([(*own, str(name)) for own, name in zip(counted, evidence.prediction.names, strict=True)])
    known = evidence.given
    said, true = evidence.prediction.value[known], evidence.target[known]
    rows = []
    for name in evidence.prediction.classes.tolist():
        there, answered = int((true == name).sum()), int((said == name).sum())
        right = int(((true == name) & (said == name)).sum())
        rows.append((there, answered, right, str(name)))
    return _rows(rows)


def _rows(rows: list[tuple[int, int, int, str]]) -> tuple[Label, ...]:
    """Rows of the table, from how often each label was true, was answered, and was answered rightly."""
    rows.sort(key=lambda row: -row[0])
    return tuple(
        Label(
            name=name,
            true=f"{there:,}",
            answered=f"{answered:,}",
            precision=_share(right, answered),
            recall=_share(right, there),
            f1=_share(2 * right, there + answered),
        )
        for there, answered, right, name in rows[:_MOST_LABELS]
        if there or answered
    )


def wrong(evidence: Evidence) -> tuple[tuple[Step, ...], ...]:
    """The sequences with the most wrong labels; none where all are right."""
    known = evidence.given
    said, true = evidence.prediction.value, evidence.target
    missed = known & (said != true)
    # Answers of one sequence stand below each other.
    borders = [n for n in range(1, len(said)) if evidence.sequences[n] is not evidence.sequences[n - 1]]
    parts = [part for part in np.split(np.arange(len(said)), borders) if missed[part].any()]
    parts.sort(key=lambda part: -int(missed[part].sum()))
    return tuple(
        tuple(
            Step(token=_token(evidence, n), label=str(said[n]), truth=str(true[n]) if missed[n] else None)
            for n in part[:_MOST_STEPS].tolist()
        )
        for part in parts[:_MOST_SEQUENCES]
    )


def _token(evidence: Evidence, n: int) -> str:
    tokens = evidence.prediction.index.tokens
    return str(evidence.steps[n]) if tokens is None else str(tokens[n])


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else ""
