"""Walking through time: fits on what was known, answers until the next fit, each written down when it is done."""

import hashlib
from collections.abc import Iterator
from collections.abc import Sequence as List
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from whorl.backtesting.signals import Outlook
from whorl.backtesting.subject import Subject
from whorl.data.problems import plural
from whorl.errors import ArgumentError, DataError
from whorl.plans.trading import Refits
from whorl.runtime.artifact import write_bytes
from whorl.tasks import settings
from whorl.tasks.side_by_side import side_by_side
from whorl.tasks.telling import Teller

# A change of what fits or answers mean makes older ones foreign.
_FORMAT = 1
# Fits of a seed, where the number of rows between them is left open.
_LEGS = 10


class Answers(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one fit answered.

    Args:
        change: see `Outlook`; None is nothing.
        low: lower bounds.
        high: upper bounds.
    """

    change: list[list[float | None]]
    low: list[list[float | None]]
    high: list[list[float | None]]


@dataclass(frozen=True, kw_only=True)
class Leg:
    """A fit, and the rows that it answers.

    Args:
        began: the first row that it learns from.
        first: the first row that it answers, which is the row after the last one that it learns from.
        last: the row after the last one that it answers.
        seed: of the training plan; None where nothing is fitted.
        refit: whether it is fitted again with nothing held out.
    """

    began: int
    first: int
    last: int
    seed: int | None
    refit: bool = False


def first_decision(refits: Refits, rows: int, needed: int) -> int:
    """The row of the first decision.

    Raises:
        DataError: too few rows stand before or after it.
    """
    start = refits.start if isinstance(refits.start, int) else round(refits.start * rows)
    if start >= rows:
        raise DataError(f"`start` is row {start}, but there are {rows} rows. Lower it, or bring more rows.")
    if start < needed:
        raise DataError(
            f"`start` leaves {plural(start, 'row')} before the first decision, but an answer of this model, and the "
            f"moving average beside it, need {needed}. Raise `start`, lower `context`, or bring more rows."
        )
    return start


def legs(refits: Refits, rows: int, start: int, seed: int) -> list[Leg]:
    """The fits of a walk, seed by seed.

    Args:
        refits: when.
        rows: of the market.
        start: row of the first decision.
        seed: of the training plan.
    """
    left = rows - start
    if refits.every == "never":
        return [Leg(began=0, first=start, last=rows, seed=None)]
    every = {"once": left, "auto": max(1, -(-left // _LEGS))}.get(str(refits.every), refits.every)
    assert isinstance(every, int)
    firsts = range(start, rows, every)
    return [
        Leg(
            began=0 if refits.rolling is None else max(0, first - refits.rolling),
            first=first,
            last=min(first + every, rows),
            seed=number,
            refit=refits.refit,
        )
        for number in range(seed, seed + refits.seeds)
        for first in firsts
    ]


def walk(
    subject: Subject, course: List[Leg], refits: Refits, *, folder: Path | None, tell: Teller
) -> list[tuple[Leg, Outlook]]:
    """Does every leg that is not done yet.

    Args:
        subject: what is fitted and answers.
        course: the legs.
        refits: how many at a time.
        folder: where answers are written down; None keeps nothing.
        tell: says how it goes.
    """
    paths = [] if folder is None else [_path(folder, subject, leg) for leg in course]
    found = {n: known for n, path in enumerate(paths) if (known := _read(path, course[n])) is not None}
    if found:
        tell.lines([f"{len(found)} of {len(course)} fits are done already, in {folder}"])
    left = [n for n in range(len(course)) if n not in found]
    for count, (n, outlook) in enumerate(_each(subject, course, left, refits.workers), len(found) + 1):
        found[n] = outlook
        leg = course[n]
        if paths:
            _write(paths[n], outlook)
        if leg.seed is not None:
            days = subject.market.time[[leg.first - 1, leg.first, leg.last - 1]].astype("datetime64[D]")
            tell.lines(
                [
                    f"fit {count} of {len(course)}: seed {leg.seed}, {leg.first - leg.began:,} rows up to {days[0]}; "
                    f"decides from {days[1]} to {days[2]}"
                ]
            )
    return [(leg, found[n]) for n, leg in enumerate(course)]


def _each(subject: Subject, course: List[Leg], left: List[int], workers: int) -> Iterator[tuple[int, Outlook]]:
    workers = min(workers, len(left))
    if workers <= 1:
        for n in left:
            yield n, run(subject, course[n])
        return
    tasks = [(subject, course[n]) for n in left]
    for at, outlook in side_by_side(run, tasks, workers, "Run the same again with fewer `workers`."):
        yield left[at], outlook


def run(subject: Subject, leg: Leg) -> Outlook:
    """Fits to the rows before a leg, and answers those of it."""
    if leg.seed is None:
        return subject.answer(subject.estimator, leg.began, leg.first, leg.last)
    plan = replace(subject.estimator.training, seed=leg.seed, checkpoint=None)
    try:
        fitted = subject.fit(replace(subject.estimator, training=plan), leg.began, leg.first, refit=leg.refit)
    except DataError as error:
        raise DataError(f"the fit to {leg.first - leg.began} rows before a decision cannot be done: {error}") from None
    return subject.answer(fitted, leg.began, leg.first, leg.last)


def joined(done: List[tuple[Leg, Outlook]], rows: int, column: int) -> list[Outlook]:
    """What each seed says after each row for one delay, (N,) each: NaN before the first decision."""
    seeds = dict.fromkeys(leg.seed for leg, _ in done)
    every = {seed: Outlook(*(np.full(rows, np.nan) for _ in range(3))) for seed in seeds}
    for leg, outlook in done:
        for whole, part in zip(every[leg.seed], outlook, strict=True):
            whole[leg.first : leg.last] = part[:, column]
    return list(every.values())


def check_unseen(subject: Subject, start: int) -> None:
    """Raises where a fitted model may have learned from rows that it decides on, as far as its card tells."""
    known = subject.estimator.model_.card.get("data")
    facts = known if isinstance(known, dict) else {}
    learned = facts.get("rows")
    if facts.get("origin") == subject.market.frame.origin and isinstance(learned, int) and learned > start:
        raise ArgumentError(
            f"`every` is 'never', but this model has learned from {learned} rows of {facts['origin']}, and the first "
            f"decision is made in row {start}: it would decide on what it knows. Set `start` to {learned}, or let it "
            "be fitted anew."
        )


def _path(folder: Path, subject: Subject, leg: Leg) -> Path:
    """Where the answers of a leg are: by all that they depend on, and by no later row."""
    digest = hashlib.sha256(f"{_FORMAT}{type(subject).__name__}{leg}".encode())
    digest.update(msgspec.json.encode(settings.describe(subject.estimator), order="deterministic"))
    if leg.seed is None:
        digest.update(subject.estimator.model_.identity.encode())
    for name, column in subject.told(leg.began, leg.last).items():
        digest.update(f"{name}{column.dtype}{column.shape}".encode())
        told = "\0".join(map(repr, column.tolist())).encode() if column.dtype == object else column.tobytes()
        digest.update(told)
    return folder / f"{leg.first}-{leg.seed}-{digest.hexdigest()[:16]}.json"


def _read(path: Path, leg: Leg) -> Outlook | None:
    """What was written down; None where nothing was, or it is damaged."""
    try:
        known = msgspec.json.decode(path.read_bytes(), type=Answers)
        parts = [np.array(part, np.float64) for part in (known.change, known.low, known.high)]
    except (OSError, ValueError):  # msgspec's errors, and rows of different lengths
        return None
    whole = all(part.ndim == 2 and part.shape == (leg.last - leg.first, parts[0].shape[-1]) for part in parts)
    return Outlook(*parts) if whole else None


def _write(path: Path, outlook: Outlook) -> None:
    plain = [[[None if value != value else value for value in row] for row in part.tolist()] for part in outlook]
    write_bytes(path, msgspec.json.encode(Answers(change=plain[0], low=plain[1], high=plain[2])))
