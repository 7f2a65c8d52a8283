"""Logs of events: of many sessions the last event is held out."""

from typing import TYPE_CHECKING

import numpy as np

from whorl.data.event_reader import EventReader, fit_events
from whorl.data.events import EventColumns, Log, Session, read_log
from whorl.errors import ArgumentError, DataError, SplitError
from whorl.tasks.preparation.prepared import Prepared

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

# A session has something to learn from, and an event to hold out, from so many events on.
_LEAST = 3


def of_events(estimator: "Estimator", data: object) -> Prepared:
    """Prepares a log of events."""
    roles = estimator.columns()
    assert isinstance(roles.target, str)
    assert roles.series is not None
    gap, times = getattr(estimator, "gap", None), getattr(estimator, "times", "ignore")
    paced = times != "ignore"
    columns = EventColumns(user=roles.series, item=roles.target, time=roles.time, gap=gap)
    log = read_log(data, columns, roles.table)
    if not log.timed and (paced or gap is not None):
        raise ArgumentError(
            f"`{'gap' if gap is not None else 'times'}` needs to know when events happened, but {log.origin} has no "
            "time. Name its column as `time`."
        )
    held = _held_out(log.sessions, estimator.training.validation, estimator.training.seed)
    cuts = [len(one.items) - (n in held) for n, one in enumerate(log.sessions)]
    reader = fit_events(log, cuts, columns, roles.table, paced=paced, lapsed=times == "answer")
    sequences = [reader.encode(one) for one in log.sessions]
    users, events = len({one.key for one in log.sessions}), sum(cuts) + len(held)
    facts: dict[str, object] = {
        "origin": log.origin,
        "sequences": len(sequences),
        "rows": events,
        "series": users,
        "past": [columns.item, *(["time since the last event"] if paced else [])],
        "training_sequences": sum(cut > 1 for cut in cuts),
        "validation_sequences": len(held),
        "items": len(reader.classes),
    }
    if reader.lapses is not None:
        facts["bins"] = len(reader.lapses)
    notes = _notes(log, columns, reader, len(held), (users, events))
    return Prepared(reader=reader, sequences=sequences, cuts=cuts, notes=notes, facts=facts)


def _held_out(sessions: list[Session], validation: float | int, seed: int) -> set[int]:
    """Numbers of the sessions whose last event is held out.

    `validation` counts events, or is a share of all of them. None gives more than its last one: what came before is
    what that is told by.
    """
    able = [n for n, one in enumerate(sessions) if len(one.items) >= _LEAST]
    if not able:
        raise DataError(
            f"no session has {_LEAST} events, two to learn from and one to hold out. Bring longer ones, or a larger "
            "`gap`."
        )
    whole = isinstance(validation, int)
    count = int(validation) if whole else max(1, round(validation * sum(len(one.items) for one in sessions)))
    if whole and count > len(able):
        raise SplitError(
            f"`validation` is {count}, but only {len(able)} sessions have {_LEAST} events, of which the last one can "
            "be held out. Lower it."
        )
    if count >= len(able):
        return set(able)
    return set(np.random.default_rng(seed).choice(able, count, replace=False).tolist())


def _notes(log: Log, columns: EventColumns, reader: EventReader, held: int, counts: tuple[int, int]) -> list[str]:
    users, events = counts
    sessions = log.sessions
    lengths = np.array([len(one.items) for one in sessions])
    of = f" of {users:,} users" if users < len(sessions) or log.timed else ""
    cut = "" if columns.gap is None else f", cut where {columns.gap:g} {'s' if reader.dated else 'units'} pass"
    order = f"by '{columns.time}', those of one time as they stand" if log.timed else "as they stand"
    moved = f"; {log.moved:,} rows stood before an earlier one" if log.moved else ""
    notes = [
        f"events: {events:,}{of} in {len(sessions):,} sessions{cut}, {np.median(lengths):g} in the median one",
        f"order: {order}{moved}",
        f"catalogue: {len(reader.classes):,} items of training",
        f"held out: the last event of {held:,} sessions",
    ]
    short = int((lengths < 2).sum())
    return [*notes, f"too short to learn from: {short:,} sessions of one event"] if short else notes
