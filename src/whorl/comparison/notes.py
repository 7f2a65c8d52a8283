"""What should be known beside the table of a comparison, in sentences."""

from collections.abc import Mapping
from collections.abc import Sequence as List

import numpy as np

from whorl.comparison.fits import Job, Record
from whorl.comparison.matching import Match
from whorl.comparison.parts import Parts
from whorl.comparison.scoring import Scored
from whorl.plans.wiring import ManyToOne, Sequences, Wiring
from whorl.report.scores import duration
from whorl.tasks.preparation.prepared import answers_several

# Sizes and times that differ by no more than this factor are alike.
_ALIKE = 1.15
# Labels that are named.
_MOST = 12


def of_fits(fits: Mapping[str, List[tuple[Job, Record]]], seeds: int, match: Match) -> list[str]:
    """What should be known beside the table."""
    notes = [
        f"{name}: {record.failed}" for name, own in fits.items() for _, record in own[:1] if record.failed is not None
    ]
    if seeds == 1:
        notes.append("one seed: intervals and p know nothing of how much other seeds would differ")
    rates = {name: own[-1][0].estimator.training.learning_rate for name, own in fits.items()}
    if any(rate is not None for rate in rates.values()):
        told = ", ".join(f"{name} {rate:g}" for name, rate in rates.items() if rate is not None)
        notes.append(f"learning rates: {told}")
    counts = {name: own[0][1].parameters for name, own in fits.items() if own[0][1].parameters}
    if match == "parameters" and counts and max(counts.values()) > _ALIKE * min(counts.values()):
        small, large = (end(counts, key=lambda name: counts[name]) for end in (min, max))
        notes.append(
            f"parameters are not alike: {small} has {counts[small]:,} and {large} {counts[large]:,}, as near as their "
            "units allow; a larger network to be like allows more"
        )
    seconds = {name: [record.seconds for _, record in own if record.test is not None] for name, own in fits.items()}
    means = {name: float(np.mean(own)) for name, own in seconds.items() if own}
    if match == "time" and means and max(means.values()) > _ALIKE * min(means.values()):
        told = ", ".join(f"{name} {duration(mean)}" for name, mean in means.items())
        notes.append(f"training was not as long for all: {told}")
    return notes


def of_parts(parts: Parts, scored: Mapping[str, List[Scored]], wiring: Wiring, *, apart: bool) -> list[str]:
    """What is scored of which there is little; `apart` where it is no part of the data."""
    notes = []
    if scored and not any(one.without for own in scored.values() for one in own):
        notes.append(
            "the test part is too small to tell how answers vary, so that no difference is tested; intervals, where "
            "there are some, know seeds alone"
        )
    notes += _unscored(parts, wiring, "" if apart else "; raise `validation`")
    # Of a log of events the sessions that are scored are others than those that choose the epoch.
    if not apart and len(parts.test.sequences) == len(parts.fitted.sequences):
        those = [n for n, own in enumerate(parts.test.steps) if len(own)]
        series = sum(0 < cut < len(one) for one, cut in zip(parts.fitted.sequences, parts.fitted.cuts, strict=True))
        if 0 < len(those) < series:
            notes.append(
                f"{len(those)} of {series} series are scored: the others have too few rows held out; raise `validation`"
            )
    if not apart and parts.groups is not None:
        groups = {group for group, own in zip(parts.groups, parts.test.steps, strict=True) if len(own)}
        notes.append(f"the test part has {len(groups)} groups")
    return notes


def _unscored(parts: Parts, wiring: Wiring, remedy: str) -> list[str]:
    """Labels that no scored sequence has, where each sequence has one."""
    classes = parts.fitted.reader.classes
    one_each = isinstance(wiring.pairing, Sequences) and isinstance(wiring.shape, ManyToOne)
    if not len(classes) or not one_each or answers_several(wiring):
        return []
    given = [one.row_targets for one, own in zip(parts.test.sequences, parts.test.steps, strict=True) if len(own)]
    found = {int(targets[0]) for targets in given if targets.ndim == 1 and np.isfinite(targets[0])}
    lacking = [str(label) for number, label in enumerate(classes.tolist()) if number not in found]
    if not found or not lacking:
        return []
    told = ", ".join(lacking[:_MOST]) + (f" and {len(lacking) - _MOST} more" if len(lacking) > _MOST else "")
    return [f"the test part has no example of {told}: nothing is said of how well these are told{remedy}"]


def sizes(parts: Parts) -> str:
    """How the data were divided, in a line."""
    prepared = parts.fitted
    learned = sum(prepared.cuts)
    chosen = sum(map(len, prepared.sequences)) - learned
    scored = sum(map(len, parts.test.steps))
    return f"parts: {learned:,} steps to learn from, {chosen:,} choose the epoch, {scored:,} answers are scored"
