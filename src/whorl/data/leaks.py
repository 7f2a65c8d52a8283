"""Covariates that give the answer away: a target, or an affine copy of it, now or a step ahead."""

from collections.abc import Sequence

import numpy as np

from whorl.data.problems import Problem
from whorl.data.schema import Schema
from whorl.data.series import Series

_COPY = 0.9999
_FEWEST = 8
_STEPS_AHEAD = 3


def leaks(whole: Sequence[Series], schema: Schema, origin: str) -> list[Problem]:
    """Returns a warning for each covariate that is a copy of a target.

    A copy of the target now is harmless among past covariates, though useless; among known ones it is the answer. A
    copy of the target of a later step is the answer wherever it stands.
    """
    found = []
    for name in schema.of_kind("numeric", (*schema.past, *schema.known)):
        for target in schema.targets:
            ahead = _steps_ahead(whole, name, target)
            if ahead is None:
                continue
            when = "of the same row" if ahead == 0 else f"{ahead} row{'s' if ahead > 1 else ''} ahead"
            found.append(
                Problem(
                    severity="warning",
                    message=f"{origin}: column '{name}' is the target '{target}' {when}, up to scale and shift "
                    f"(correlation above {_COPY}), so it leaks the answer. Leave it out with --kinds {name}=ignore.",
                    column=name,
                    option=f"--kinds {name}=ignore",
                )
            )
            break
    return found


def _steps_ahead(whole: Sequence[Series], name: str, target: str) -> int | None:
    scores = [_correlation(whole, name, target, ahead) for ahead in range(_STEPS_AHEAD + 1)]
    best = int(np.argmax(scores))
    # A slow series copies its own next step nearly as well: its own autocorrelation is the bar for what is ahead.
    if scores[best] <= _COPY or (best > 0 and scores[best] <= _correlation(whole, target, target, 1)):
        return None
    return best


def _correlation(whole: Sequence[Series], name: str, target: str, ahead: int) -> float:
    pairs = [(one.frame[name][: len(one.frame) - ahead], one.frame[target][ahead:]) for one in whole]
    x, y = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    known = ~np.isnan(x) & ~np.isnan(y)
    if known.sum() < _FEWEST:
        return 0.0
    x, y = x[known] - x[known].mean(), y[known] - y[known].mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return abs(float(x @ y)) / size if size > 0 else 0.0
