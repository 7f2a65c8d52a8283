"""Measures whorl and its peers, side by side.

    python -m benchmarks.run [--quick] [--only PATTERN] [--samples N] [--out FILE.json]

Each peer solves each entry in a process of its own; the processes take turns, a sample each, and sleep in between. The
results of a peer are compared with float64 first: where they are wrong, no time is taken. The exit status is 1 where
those of whorl are; another library's, and goals and bars that are missed, are only printed.

Results gather in build/. Those of the whole matrix replace the committed ones at the end, unless whorl is wrong.
"""

import argparse
import contextlib
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks import floors, machine, printing, targets, verify
from benchmarks.peers import LIBRARIES, REFERENCE
from benchmarks.problems import problem
from benchmarks.processes import ROOT, Process, WorkerError
from benchmarks.registry import Entry, select

SAVED = ROOT / "benchmarks" / "results" / "recurrence.json"
# Runs that are not the whole matrix, with all peers, do not replace it; neither does one that was interrupted.
PARTIAL = ROOT / "build" / "recurrence.json"

SAMPLES, QUICK_SAMPLES = 20, 5
STREAMED_STEPS = 100_000
# Between two samples: threads that spin when their work has ended have gone to sleep by then.
PAUSE_SECONDS = 0.02


def measure(entry: Entry, rates: floors.Rates, samples: int, log: Path) -> dict[str, Any]:
    """The record of an entry."""
    found: dict[str, dict[str, Any]] = {}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))

        def start(solved: Entry, peer: str) -> Process:
            process = stack.enter_context(Process(f"{solved.name}, {peer}", log))
            process.send("build", entry=solved.name, peer=peer)
            return process

        running = {peer: start(entry, peer) for peer in entry.peers if _is_installed(peer)}
        right = {
            solved.name: _reference(start(solved, REFERENCE), folder)
            for solved in {entry.solved_by(peer).name: entry.solved_by(peer) for peer in running}.values()
        }
        for peer in entry.peers:
            if peer not in running:
                found[peer] = {"red": None, "missing": "not installed"}
                continue
            found[peer] = _checked(entry, peer, running[peer], right[entry.solved_by(peer).name], folder)
            if found[peer]["red"]:
                running.pop(peer).close()
        # There is nothing to compare with a whorl that is wrong.
        idle = _sample(entry, running, found, samples) if "whorl" in running else None
    lengths = problem(entry).lengths
    real_steps = None if lengths is None else int(lengths.sum())
    record = {
        **entry.described(),
        "samples": samples,
        "floor_seconds": floors.seconds(entry, rates, real_steps=real_steps),
        "idle_share": idle,
        "peers": found,
    }
    return {**record, "targets": targets.judge(entry, record)}


def _reference(process: Process, folder: Path) -> dict[str, np.ndarray]:
    process.receive()
    right = _results(process, folder)
    process.close()
    return right


def _is_installed(peer: str) -> bool:
    return all(machine.version(library) is not None for library in LIBRARIES.get(peer, ()))


def _results(process: Process, folder: Path) -> dict[str, np.ndarray]:
    path = folder / "results.npz"
    process.ask("results", path=str(path))
    with np.load(path) as arrays:
        return dict(arrays)


def _checked(entry: Entry, peer: str, process: Process, right: dict[str, np.ndarray], folder: Path) -> dict[str, Any]:
    """The record of a peer before its time is taken: which code runs, how far it is from right, and whether it may."""
    try:
        about = process.receive()
        verdict = verify.compare(_results(process, folder), right, verify.bounds(entry, peer))
    except WorkerError as error:
        return {"red": str(error)}
    distances = {"output": verdict.output, "state": verdict.state, "gradient": verdict.gradient}
    # JSON has no infinity and no NaN.
    finite = {name: value if value is not None and np.isfinite(value) else None for name, value in distances.items()}
    return {**about, "red": verdict.red, "differences": finite}


def _sample(entry: Entry, running: dict[str, Process], found: dict[str, dict[str, Any]], samples: int) -> float | None:
    """Takes the samples, peers in turn; returns the largest share of a core that a sleeping peer took."""
    latencies = STREAMED_STEPS // SAMPLES if entry.kind == "step" else 0
    seconds: dict[str, list[float]] = {peer: [] for peer in running}
    steps: dict[str, list[int]] = {peer: [] for peer in running}

    def ask(peer: str, command: str, **arguments: object) -> dict[str, Any]:
        """The answer; empty from a peer that fails, which is out of the race from then on."""
        try:
            return running[peer].ask(command, **arguments)
        except WorkerError as error:
            found[peer]["red"] = str(error)
            running.pop(peer).close()
            return {}

    for peer in list(running):
        found[peer] |= ask(peer, "prepare")
    idle = _idle_share(running)
    for _ in range(samples):
        for peer in list(running):
            time.sleep(PAUSE_SECONDS)
            answer = ask(peer, "sample", latencies=latencies)
            if answer:
                seconds[peer].append(answer["seconds"])
                steps[peer] += answer["latencies"]
    for peer in running:
        found[peer]["seconds"] = _quantiles(seconds[peer], {"median": 50, "p10": 10, "p90": 90})
        if steps[peer]:
            taken = [1e-9 * value for value in steps[peer]]
            found[peer]["latency"] = _quantiles(taken, {"p50": 50, "p99": 99, "p99.9": 99.9}) | {"steps": len(taken)}
    return idle


def _idle_share(running: dict[str, Process]) -> float | None:
    """Sleeping peers must sleep; one that spins takes the cores of the one that is measured."""
    if not running or not Path("/proc/self/stat").exists():
        return None
    time.sleep(10 * PAUSE_SECONDS)
    before = {peer: process.processor_seconds() for peer, process in running.items()}
    span = 0.3
    time.sleep(span)
    return round(max(process.processor_seconds() - before[peer] for peer, process in running.items()) / span, 2)


def _quantiles(values: list[float], which: dict[str, float]) -> dict[str, float]:
    return {name: float(f"{np.percentile(values, percent):.4g}") for name, percent in which.items()}


def _rates(entries: list[Entry], log: Path) -> floors.Rates:
    sizes = sorted({floors.weight_bytes(entry) for entry in entries if entry.kind == "step"})
    with Process("machine", log) as process:
        answer = process.ask("rates", sizes=sizes)
    # JSON has no numbers as keys.
    return floors.Rates(
        flops={int(threads): rate for threads, rate in answer["flops"].items()},
        narrow=answer["narrow"],
        read={int(size): rate for size, rate in answer["read"].items()},
    )


def main(arguments: list[str] | None = None) -> int:
    """Runs what was asked for; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a subset, with fewer samples")
    parser.add_argument("--only", metavar="PATTERN", help="entries whose name holds the pattern, as in a shell")
    parser.add_argument("--samples", type=int)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    entries = select(quick=options.quick, only=options.only)
    if not entries:
        parser.error(f"no entry's name holds {options.only!r}")
    samples = options.samples or (QUICK_SAMPLES if options.quick else SAMPLES)
    whole = not options.quick and options.only is None and samples >= SAMPLES and all(map(_is_installed, LIBRARIES))
    out = options.out or PARTIAL
    log = PARTIAL.with_suffix(".log")
    for path in (out, log):
        path.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")

    described = machine.describe()
    print(printing.machine_lines(described))
    rates = _rates(entries, log)
    print(printing.rate_lines(rates))
    records = []
    for entry in entries:
        records.append(measure(entry, rates, samples, log))
        print(printing.entry_lines(records[-1]), flush=True)
        # After every entry: what was measured survives an interrupt.
        complete = whole and len(records) == len(entries)
        written = {"machine": described, "rates": _plain(rates), "whole": complete, "entries": records}
        out.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    red = any(found["red"] for record in records for peer, found in record["peers"].items() if _is_ours(peer))
    print(printing.summary_lines(records))
    if whole and not red and options.out is None:
        SAVED.parent.mkdir(parents=True, exist_ok=True)
        os.replace(out, SAVED)
        out = SAVED
    print(f"written to {os.path.relpath(out)}")
    return int(red)


def _is_ours(peer: str) -> bool:
    """Whether a peer is whorl, as it is or for comparison: without the option, or with weights in float32."""
    return peer.split()[0] == "whorl"


def _plain(rates: floors.Rates) -> dict[str, object]:
    return {
        "flops": {str(threads): round(rate) for threads, rate in rates.flops.items()},
        "narrow": {name: round(rate) for name, rate in rates.narrow.items()},
        "read": {str(size): round(rate) for size, rate in rates.read.items()},
    }


if __name__ == "__main__":
    raise SystemExit(main())
