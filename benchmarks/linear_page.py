"""The section of docs/benchmarks.md about recurrences that are linear in their state."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.linear_scan import COPY, NATIVE
from benchmarks.printing import duration, table

# How many times as long as native code the fastest way of torch is meant to take, of scans.
GOAL = 15.0
_TEXT = """## Recurrences that are linear in their state

minGRU, minLSTM and LRU, forward and backward with all gradients. Written from
[linear.json](../benchmarks/results/linear.json); `python -m benchmarks.linear_scan` measures again. *torch* is the
fastest of a loop over steps, a parallel scan and sums of logarithms, and says which; the ratio is its time over
whorl's. Times are the least of {rounds} rounds, each way timed five times in a row or more, in one process, on
{machine}. Sizes are B x T x H: sequences, steps, units.

The *scan* begins with the products of the input and ends with their gradients. *Copy* is the time that torch takes to
copy as many bytes as the scan must read and write: where it is longer than a fifteenth of torch's time, {goal:g}x is
out of reach. Why it is missed elsewhere stands in [decision 16](decisions/0016-linear-recurrences-are-a-scan.md).
"""
_LAYERS = "A *layer*, of as many features as units, has the products of its input and of all gradients beside that.\n"

Record = Mapping[str, Any]


def section(results: Mapping[str, Any]) -> str:
    """The section as text."""
    records: Sequence[Record] = results["records"]
    machine = results["machine"]
    named = f"{machine['cores']} cores of {machine['processor']}, torch {machine['versions']['torch']}"
    parts = [_TEXT.format(rounds=results["rounds"], machine=named, goal=GOAL)]
    scans = [record for record in records if record["part"] == "scan"]
    met = sum(_ratio(record) >= GOAL for record in scans)
    parts += [f"{met} of {len(scans)} scans reach {GOAL:g}x.\n", _times(scans), _LAYERS]
    return "\n".join([*parts, _times([record for record in records if record["part"] == "layer"])])


def _times(records: Sequence[Record]) -> str:
    heads = ["cell", "size", "threads", "whorl", "torch", "", "ratio"]
    has_copies = all(COPY in record["ways"] for record in records)
    rows = []
    for record in records:
        ours, (name, theirs) = record["ways"][NATIVE], _fastest(record)
        size = f"{record['batch']} x {record['steps']:,} x {record['hidden']}"
        row = [record["cell"], size, str(record["threads"]), duration(ours), duration(theirs), name]
        row.append(f"{theirs / ours:.1f}x")
        rows.append([*row, duration(record["ways"][COPY])] if has_copies else row)
    return table([*heads, "copy"] if has_copies else heads, rows)


def _fastest(record: Record) -> tuple[str, float]:
    """The fastest way of torch, and its seconds; ways that differ or fail are told by words."""
    others = {name: seconds for name, seconds in record["ways"].items() if name not in (NATIVE, COPY)}
    return min(((name, one) for name, one in others.items() if isinstance(one, float)), key=lambda pair: pair[1])


def _ratio(record: Record) -> float:
    return _fastest(record)[1] / float(record["ways"][NATIVE])
