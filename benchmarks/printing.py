"""The results as text for a terminal, and what pages share with it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks import targets
from benchmarks.floors import Rates

Record = Mapping[str, Any]


def machine_lines(described: Mapping[str, Any]) -> str:
    """The machine, the versions, and a warning where something else runs."""
    versions = ", ".join(f"{name} {number or 'not installed'}" for name, number in described["versions"].items())
    lines = [
        f"{described['processor']}, {described['cores']} cores, {described['memory_gib']} GiB, {described['system']}",
        f"flags {' '.join(described['flags'])}",
        f"Python {described['python']}, {versions}",
    ]
    missing = [name for name, number in described["versions"].items() if number is None]
    if missing:
        lines.append(f"{', '.join(missing)}: not installed, not compared. `make bench` installs the peers.")
    if described["load"] > 0.5:
        lines.append(f"The machine is busy (load {described['load']}): these times are not to be trusted.")
    return "\n".join(lines)


def rate_lines(rates: Rates) -> str:
    """What the machine was measured to do."""
    fp32 = ", ".join(f"{rate / 1e9:.0f} on {threads}" for threads, rate in sorted(rates.flops.items()))
    narrow = ", ".join(f"{name} {rate / 1e9:.0f}" for name, rate in rates.narrow.items())
    read = ", ".join(f"{size / 1024:.0f} KiB {rate / 1e9:.0f}" for size, rate in rates.read.items())
    return f"GFLOP/s: fp32 {fp32} threads; GOP/s on one: {narrow}\nGB/s read by one core, from arrays of: {read or '-'}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of a page."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines) + "\n"


def duration(seconds: float) -> str:
    """A time with its unit, three digits."""
    for factor, unit in ((1e6, "us"), (1e3, "ms")):
        if seconds * factor < 1000:
            return f"{_three_digits(seconds * factor)} {unit}"
    return f"{_three_digits(seconds)} s"


def _three_digits(number: float) -> str:
    return f"{number:.2f}" if number < 10 else f"{number:.1f}" if number < 100 else f"{number:.0f}"


def entry_lines(record: Record) -> str:
    """An entry: each peer's time, its ratio to ours, the share of the floor and the distance from float64."""
    threads = "1 thread" if record["threads"] == 1 else f"{record['threads']} threads"
    lines = ["", f"{record['name']}   floor {duration(record['floor_seconds'])}, {threads}"]
    lines += [_peer_line(record, peer) for peer in record["peers"]]
    for peer, found in record["peers"].items():
        latency = found.get("latency")
        if latency:
            quantiles = "  ".join(f"{name} {duration(latency[name])}" for name in ("p50", "p99", "p99.9"))
            lines.append(f"  {peer:12} {quantiles}  of {latency['steps']:,} steps, the clock included")
    for judged in record["targets"]:
        lines.append(f"  {verdict(judged):7} {judged['role']} {judged['target']}: {judged['reached']}")
    if record["idle_share"] and record["idle_share"] > 0.1:
        lines.append(
            f"  a peer that should sleep took {record['idle_share']:.0%} of a core: times are not to be trusted"
        )
    return "\n".join(lines)


def verdict(judged: Mapping[str, Any]) -> str:
    """'met', 'missed' or 'open'."""
    return {True: "met", False: "missed", None: "open"}[judged["met"]]


def _peer_line(record: Record, peer: str) -> str:
    found = record["peers"][peer]
    if found["red"]:
        return f"  {peer:12} WRONG, no time: {found['red']}"
    if "seconds" not in found:
        return f"  {peer:12} {found.get('missing', 'no time, since whorl is wrong')}"
    seconds = found["seconds"]
    ratio = targets.ratio(record, peer)
    spread = f"({duration(seconds['p10'])} to {duration(seconds['p90'])})"
    share = targets.share_of_floor(record, peer)
    columns = [
        f"  {peer:12} {duration(seconds['median']):>8} {spread:24}",
        f"{'' if ratio is None else f'{ratio:6.2f}x':7}",
        f"{0.0 if share is None else share:5.0%} of floor",
        f"off by {distance(found['differences'])}",
        found["code"],
    ]
    if record["kind"] == "streams":
        columns.insert(2, f"{record['sizes']['B'] / seconds['median']:9,.0f} steps/s")
    return "  ".join(columns)


def distance(differences: Mapping[str, float | None]) -> str:
    """The largest differences from float64: of outputs, states and gradients."""
    return " ".join(f"{name} {value:.0e}" for name, value in differences.items() if value is not None)


def summary_lines(records: Sequence[Record]) -> str:
    """How many bars and goals are met, each one that is not, and where a peer is faster."""
    lines = [""]
    for role in ("bar", "goal"):
        judged = [(record["name"], item) for record in records for item in record["targets"] if item["role"] == role]
        met = sum(item["met"] is True for _, item in judged)
        lines.append(f"{role}s: {met} of {len(judged)} met")
        lines += [
            f"  {verdict(item):7} {name}: {item['target']}, {item['reached']}"
            for name, item in judged
            if not item["met"]
        ]
    slower = losses(records)
    lines.append(f"entries where a peer is faster: {len(slower)}")
    lines += [f"  {name}: {peer} takes {ratio:.2f} of our time" for name, peer, ratio in slower]
    return "\n".join(lines)


OTHERS = ("torch", "torch cell", "jax", "onnxruntime")


def losses(records: Sequence[Record]) -> list[tuple[str, str, float]]:
    """(entry, peer, peer's time over ours) wherever another library is faster."""
    found = []
    for record in records:
        for peer in OTHERS:
            ratio = targets.ratio(record, peer)
            if ratio is not None and ratio < 1:
                found.append((record["name"], peer, ratio))
    return found
