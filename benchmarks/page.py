"""Writes docs/benchmarks.md and its picture from the results of the last whole run.

    python -m benchmarks.page [--check]

With --check it fails where the page or the picture is not what the results say.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks import linear_page, targets, verify
from benchmarks.printing import distance, duration, losses, table, verdict
from benchmarks.processes import ROOT
from benchmarks.registry import ENTRIES

RESULTS = ROOT / "benchmarks" / "results" / "recurrence.json"
# Why goals are missed, in words; beside the results, since a new run may change the reasons.
NOTES = ROOT / "benchmarks" / "results" / "recurrence.md"
LINEAR = ROOT / "benchmarks" / "results" / "linear.json"
PAGE = ROOT / "docs" / "benchmarks.md"
PICTURE = ROOT / "docs" / "images" / "recurrence.png"

Record = Mapping[str, Any]

HEAD = """# Benchmarks

How long whorl's recurrences take, beside torch, jax and ONNX Runtime. Written by `python -m benchmarks.page` from
[recurrence.json](../benchmarks/results/recurrence.json); `make bench` measures again.

Each library solves each problem in a process of its own, on the same cores. The processes take turns, one sample each,
and sleep in between; times are medians of {samples} samples, with the 10 % and 90 % quantiles in parentheses. Before a
time is taken, outputs, final states and all gradients are compared with float64. Outputs and states may differ by
{output} ({narrow}), gradients by
{gradient} of their largest value; where a library is off by more, it has no time here. *Ratio* is the other library's
time over whorl's: above 1, whorl is faster. *Floor* is the time that the arithmetic takes at the rate of a large matrix
product, in the numbers of the weights, on this machine; for a single step it is the time to read all weights once,
where that is longer, and an estimate: a call that reads so few bytes takes little more time than an empty one.

![Ratios of all entries; the tables below have the numbers](images/recurrence.png)
"""

SECTIONS: tuple[tuple[str, str, Callable[[Record], bool]], ...] = (
    (
        "Training",
        "Forward and backward with gradients for the input, the initial state and all weights, on 2 threads. torch is "
        "`torch.nn`, jax is a jitted `lax.scan` with the product of the input outside of it. Sizes are T x B x I x H: "
        "steps, sequences, features, units.",
        lambda record: record["kind"] == "train" and not record["option"],
    ),
    (
        "Training with options",
        "*Plain* is whorl without the option. *torch* is its own layer where that has the option, else the fastest "
        "loop over steps that was found, with the product of the input outside of it; *torch cell* is the loop that "
        "most users write, over `torch.nn`'s cells or over one of their own where those lack the option. With *new "
        "lengths*, no two calls of a sample have the same number of steps.",
        lambda record: record["kind"] == "train" and bool(record["option"]),
    ),
    (
        "One step",
        "Batch 1, from Python, into bound buffers, on 1 thread; sizes are I x H. *torch* calls the layer, *torch "
        "cell* the class of the cell, which is faster; *written* copies a new row into the buffer before each step.",
        lambda record: record["kind"] == "step",
    ),
    (
        "Many streams",
        "One step of B independent streams in one call, on 1 thread; sizes are B x I x H.",
        lambda record: record["kind"] == "streams",
    ),
)


def page(results: Mapping[str, Any], notes: str, linear: Mapping[str, Any] | None = None) -> str:
    """The page as text.

    Args:
        results: of the recurrences with a product of their state.
        notes: why goals are missed.
        linear: of those that are linear in their state, where they were measured.
    """
    records: list[Record] = results["entries"]
    samples = sorted({record["samples"] for record in records})
    exact = verify.BOUNDS["fp32"]
    narrow = [f"by {bound.output:g} with {name} weights" for name, bound in verify.BOUNDS.items() if bound != exact]
    head = HEAD.format(
        samples=" or ".join(map(str, samples)),
        output=f"{exact.output:g}",
        gradient=f"{exact.gradient:g}",
        narrow=f"those of whorl {', '.join(narrow)}",
    )
    parts = [head, _machine(results)]
    for title, words, belongs in SECTIONS:
        chosen = [record for record in records if belongs(record)]
        if chosen:
            parts.append(f"## {title}\n\n{words}\n\n{_times(chosen)}")
            if chosen[0]["kind"] == "step":
                parts.append(_latencies(chosen))
    parts += [_judged(records), *([notes.strip() + "\n"] if notes.strip() else []), _slower(records)]
    parts += _absent(records)
    if linear is not None:
        parts.append(linear_page.section(linear))
    return "\n".join(parts)


def _machine(results: Mapping[str, Any]) -> str:
    machine, rates = results["machine"], results["rates"]
    versions = ", ".join(f"{name} {number or 'not installed'}" for name, number in machine["versions"].items())
    fp32 = ", ".join(f"{rate / 1e9:.0f} GFLOP/s on {threads}" for threads, rate in sorted(rates["flops"].items()))
    narrow = ", ".join(f"{name} {rate / 1e9:.0f} GOP/s" for name, rate in rates["narrow"].items())
    read = [f"{int(size) / 1024:.0f} KiB {rate / 1e9:.0f} GB/s" for size, rate in rates["read"].items()]
    lines = [
        ("Processor", f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB"),
        ("System", f"{machine['system']}, Python {machine['python']}"),
        ("Instruction sets", " ".join(machine["flags"])),
        ("Versions", versions),
        ("Measured rates", f"fp32 {fp32} threads; {narrow} on one"),
        ("Read by one core", ", ".join(read) or "not measured"),
        ("Load before the run", f"{machine['load']}"),
    ]
    return table(("", ""), lines)


def _times(records: Sequence[Record]) -> str:
    others = list(dict.fromkeys(peer for record in records for peer in record["peers"] if peer != "whorl"))
    names = {"whorl plain": "plain"}
    heads = ["entry", "whorl", *(names.get(peer, peer) for peer in others)]
    heads += [f"ratio {names.get(peer, peer)}" for peer in others]
    streams = records[0]["kind"] == "streams"
    heads += [*(["steps/s"] if streams else []), "of floor", "whorl off by"]
    rows = []
    for record in records:
        row = [_label(record), *(_time(record["peers"].get(peer)) for peer in ("whorl", *others))]
        row += [_number(targets.ratio(record, peer), "{:.2f}x") for peer in others]
        ours = targets.median(record, "whorl")
        if streams:
            row.append(_number(None if ours is None else record["sizes"]["B"] / ours, "{:,.0f}"))
        row.append(_number(targets.share_of_floor(record), "{:.0%}"))
        row.append(distance(record["peers"]["whorl"].get("differences", {})))
        rows.append(row)
    return table(heads, rows)


def _label(record: Record) -> str:
    return record["name"].removeprefix(record["kind"] + " ").removesuffix(" fp32")


def _time(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    if found["red"]:
        return "wrong results"
    if "seconds" not in found:
        return found.get("missing", "")
    seconds = found["seconds"]
    return f"{duration(seconds['median'])} ({duration(seconds['p10'])} to {duration(seconds['p90'])})"


def _latencies(records: Sequence[Record]) -> str:
    rows = []
    for record in records:
        for peer, found in record["peers"].items():
            if "latency" in found:
                latency = found["latency"]
                quantiles = [duration(latency[name]) for name in ("p50", "p99", "p99.9")]
                rows.append([_label(record), peer, *quantiles, f"{latency['steps']:,}"])
    words = "Single steps, each with the two readings of the clock around it:"
    return f"{words}\n\n{table(('entry', 'library', 'p50', 'p99', 'p99.9', 'steps'), rows)}"


def _judged(records: Sequence[Record]) -> str:
    parts = ["## Bars and goals\n\nA bar must hold, a goal is aimed at.\n"]
    for role in ("bar", "goal"):
        rows = [
            [record["name"], item["target"], item["reached"], verdict(item)]
            for record in records
            for item in record["targets"]
            if item["role"] == role
        ]
        met = sum(row[-1] == "met" for row in rows)
        parts.append(f"{met} of {len(rows)} {role}s are met.\n\n" + table(("entry", role, "reached", ""), rows))
    return "\n".join(parts)


def _slower(records: Sequence[Record]) -> str:
    rows = [[name, peer, f"{ratio:.2f}x"] for name, peer, ratio in losses(records)]
    if not rows:
        return "## Where another library is faster\n\nIn none of these entries.\n"
    return "## Where another library is faster\n\n" + table(("entry", "library", "ratio"), rows)


def _absent(records: Sequence[Record]) -> list[str]:
    """The entries that the run did not reach."""
    measured = {record["name"] for record in records}
    absent = [f"- {name}\n" for name in ENTRIES if name not in measured]
    if not absent:
        return []
    return [
        f"## Not measured\n\n{len(absent)} of {len(ENTRIES)} entries are missing in these results.\n\n{''.join(absent)}"
    ]


def _number(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


def digest(results: str) -> str:
    """What the picture carries to say which results it shows."""
    return hashlib.sha256(results.encode()).hexdigest()


def stale(text: str, carried: str) -> list[str]:
    """The files that are not what the results say."""
    found = []
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        found.append(PAGE)
    if not PICTURE.exists() or carried.encode() not in PICTURE.read_bytes():
        found.append(PICTURE)
    return [str(path.relative_to(ROOT)) for path in found]


def main(arguments: Sequence[str]) -> None:
    """Writes the page and the picture, or compares them."""
    if not RESULTS.exists():
        raise SystemExit(f"{RESULTS.relative_to(ROOT)} is missing. Run: make bench")
    results = RESULTS.read_text(encoding="utf-8")
    notes = NOTES.read_text(encoding="utf-8") if NOTES.exists() else ""
    linear = json.loads(LINEAR.read_text(encoding="utf-8")) if LINEAR.exists() else None
    text = page(json.loads(results), notes, linear)
    if "--check" in arguments:
        found = stale(text, digest(results))
        if found:
            raise SystemExit(f"{' and '.join(found)}: not up to date. Run: python -m benchmarks.page")
        return
    from benchmarks import picture

    PAGE.write_text(text, encoding="utf-8")
    picture.draw(json.loads(results)["entries"], PICTURE, digest(results))


if __name__ == "__main__":
    main(sys.argv[1:])
