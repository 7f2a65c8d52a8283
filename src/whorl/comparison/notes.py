"""What should be known beside the table of a comparison, in sentences."""

from collections.abc import Mapping
from collections.abc import Sequence as List

import numpy as np

from whorl.comparison.fits import Job, Record
from whorl.comparison.matching import Match
from whorl.comparison.parts import Parts
from whorl.comparison.scoring import Scored
from whorl.report.scores import duration

# Sizes and times that differ by no more than this factor are alike.
_ALIKE = 1.15


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


def of_parts(parts: Parts, scored: Mapping[str, List[Scored]], *, apart: bool) -> list[str]:
    """What is scored of which there is little; `apart` where it is no part of the data."""
    notes = []
    if scored and not any(one.without for own in scored.values() for one in own):
        notes.append(
            "the test part is too small to tell how answers vary, so that no difference is tested; intervals, where "
            "there are some, know seeds alone"
        )
    if not apart:
        those = [n for n, own in enumerate(parts.test.steps) if len(own)]
        series = sum(0 < cut < len(one) for one, cut in zip(parts.fitted.sequences, parts.fitted.cuts, strict=True))
        if 0 < len(those) < series:
            notes.append(
                f"{len(those)} of {series} series are scored: the others have too few rows held out; raise `validation`"
            )
        if parts.groups is not None:
            notes.append(f"the test part has {len({parts.groups[n] for n in those})} groups")
    return notes


def sizes(parts: Parts) -> str:
    """How the data were divided, in a line."""
    prepared = parts.fitted
    learned = sum(prepared.cuts)
    chosen = sum(map(len, prepared.sequences)) - learned
    scored = sum(map(len, parts.test.steps))
    return f"parts: {learned:,} steps to learn from, {chosen:,} choose the epoch, {scored:,} answers are scored"
