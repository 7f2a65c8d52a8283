"""Goals and bars held against what was measured. Works on the records of the JSON file."""

from collections.abc import Mapping
from typing import Any

from benchmarks.registry import Entry, Target

Record = dict[str, Any]


def median(record: Mapping[str, Any], peer: str) -> float | None:
    """Seconds of a call; None where the peer was not measured or its results are wrong."""
    seconds = record["peers"].get(peer, {}).get("seconds")
    return None if seconds is None else float(seconds["median"])


def ratio(record: Mapping[str, Any], peer: str) -> float | None:
    """The peer's time over ours; for 'torch or jax' that of the faster one."""
    ours, theirs = median(record, "whorl"), median(record, peer)
    if peer == "torch or jax":
        both = [median(record, "torch"), median(record, "jax")]
        theirs = None if None in both else min(value for value in both if value is not None)
    return None if ours is None or theirs is None else theirs / ours


def share_of_floor(record: Mapping[str, Any], peer: str = "whorl") -> float | None:
    """How much of the machine is used: the floor over the peer's time."""
    ours = median(record, peer)
    return None if ours is None else float(record["floor_seconds"]) / ours


def value(target: Target, entry: Entry, record: Mapping[str, Any]) -> float | None:
    """What was reached; None where it was not measured."""
    ours = median(record, "whorl")
    if ours is None:
        return None
    match target.measure:
        case "ratio":
            return ratio(record, target.against)
        case "cost":
            plain = ratio(record, "whorl plain")
            return None if plain is None else 1 / plain
        case "extra":
            theirs = median(record, target.against)
            return None if theirs is None else ours - theirs
        case "seconds":
            return ours
        case "rate":
            return entry.batch / ours
        case "floor":
            return share_of_floor(record)


def text(target: Target) -> str:
    """The target in words."""
    limit = target.limit
    match target.measure:
        case "ratio":
            return f">= {limit:g}x {target.against}"
        case "cost":
            return f"<= {limit:g}x the plain layer"
        case "extra":
            return f"at most {limit * 1e6:g} us more than {target.against}"
        case "seconds":
            return f"<= {limit * 1e6:g} us"
        case "rate":
            return f">= {limit:,.0f} steps/s"
        case "floor":
            return f">= {limit:.0%} of the floor"


def reached(target: Target, found: float) -> str:
    """What was reached, in the target's words."""
    match target.measure:
        case "ratio" | "cost":
            return f"{found:.2f}x"
        case "extra" | "seconds":
            return f"{found * 1e6:.2f} us"
        case "rate":
            return f"{found:,.0f} steps/s"
        case "floor":
            return f"{found:.0%}"


def judge(entry: Entry, record: Mapping[str, Any]) -> list[Record]:
    """One record for each target: its words, its role, what was reached and whether that is enough."""
    judged = []
    for target in entry.targets:
        found = value(target, entry, record)
        met = None if found is None else (found >= target.limit if target.at_least else found <= target.limit)
        judged.append(
            {
                "role": "bar" if target.bar else "goal",
                "target": text(target),
                "reached": "not measured" if found is None else reached(target, found),
                "met": met,
            }
        )
    return judged
