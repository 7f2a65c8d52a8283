"""Writes docs/explanation/classic-experiments.md and its picture from the results of benchmarks/classics.py.

    python -m benchmarks.classic_page [--check]

The text stands in benchmarks/results/classics.md, beside the results, since a new run may change what there is to say;
the tables take the places that it names. With --check it fails where page or picture are not what the results say.
"""

import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from benchmarks.classic_problems import ASKED, BIN, LONGEST, PARTS, PROBLEMS
from benchmarks.classics import NETWORKS, Run, finals, interval, verdict
from benchmarks.page import digest
from benchmarks.processes import ROOT
from matplotlib.figure import Figure

RESULTS = ROOT / "benchmarks" / "results" / "classics.json"
NOTES = ROOT / "benchmarks" / "results" / "classics.md"
PAGE = ROOT / "docs" / "explanation" / "classic-experiments.md"
PICTURE = ROOT / "docs" / "images" / "parity.png"

# Times the steps of the fits that show what steps do.
LONGER = 4
# Of steps in the picture; colours of Okabe and Ito.
LINES = {
    "lstm": ("#0072B2", "-"),
    "gru": ("#56B4E9", "--"),
    "rnn": ("#009E73", "-."),
    "mingru": ("#D55E00", "-"),
    "transformer": ("#CC79A7", "-"),
    "cnn": ("#E69F00", "-"),
    "mlp": ("#000000", ":"),
}


def page(results: Mapping[str, Any], notes: str) -> str:
    """The page: the notes with tables in the places {adding}, {copy}, {longer}, {parity} and {run}."""
    runs: Sequence[Run] = results["runs"]
    parts = {"adding": adding(runs), "copy": copying(runs), "parity": parity(runs)}
    parts |= {"longer": longer(runs), "run": machine(results)}
    for place, text in parts.items():
        notes = notes.replace(f"{{{place}}}", text)
    return notes


def adding(runs: Sequence[Run]) -> str:
    """Mean squared errors by length."""
    problem = PROBLEMS["adding"]
    heads = ["network", "weights", "rate", *(f"{length} steps" for length in problem.lengths)]
    rows = [["always 1", "", "", *(f"{problem.baseline(length):.4f}" for length in problem.lengths)]]
    for name in NETWORKS:
        cells = [_scored(finals(runs, "adding", name, length), "adding", "mse", ".5f") for length in problem.lengths]
        rows.append([*_start(runs, "adding", name), *cells])
    return _table(heads, rows)


def copying(runs: Sequence[Run]) -> str:
    """Cross-entropies and shares of copied symbols by length."""
    problem = PROBLEMS["copy"]
    heads = ["network", "weights", "rate"]
    rows = [["any symbol, at random", "", ""]]
    for length in problem.lengths:
        heads += [f"{length} steps, nats a step", "copied"]
        rows[0] += [f"{problem.baseline(length):.4f}", "0.125"]
    for name in NETWORKS:
        cells = []
        for length in problem.lengths:
            found = finals(runs, "copy", name, length)
            cells += [_scored(found, "copy", "nll"), _mean(found, "accuracy of copied symbols")]
        rows.append([*_start(runs, "copy", name), *cells])
    return _table(heads, rows)


def longer(runs: Sequence[Run]) -> str:
    """Scores of copying after four times the steps, of the networks that were given them."""
    length, problem = PROBLEMS["copy"].lengths[0], PROBLEMS["copy"]
    heads = [
        "network",
        f"{length} steps, nats a step",
        "copied",
        "seeds",
        f"nats after {problem.steps} steps of training",
    ]
    rows = []
    for name in NETWORKS:
        found = finals(runs, "copy", name, length, LONGER)
        if found:
            before = [
                one for one in finals(runs, "copy", name, length) if one["seed"] in {own["seed"] for own in found}
            ]
            scores = [_scored(found, "copy", "nll"), _mean(found, "accuracy of copied symbols"), str(len(found))]
            rows.append([name, *scores, interval([one["test"]["nll"] for one in before])])
    return _table(heads, rows)


def parity(runs: Sequence[Run]) -> str:
    """Shares of right answers by parts of long sequences."""
    heads = ["network", "weights", "rate", *PARTS, ""]
    rows = [["always even", "", "", *("0.5" for _ in PARTS), ""]]
    for name in NETWORKS:
        found = finals(runs, "parity", name, LONGEST)
        shares = [_mean(found, part) for part in PARTS]
        rows.append([*_start(runs, "parity", name), *shares, verdict(found, "parity") if found else "not run"])
    return _table(heads, rows)


def machine(results: Mapping[str, Any]) -> str:
    """What it was measured with, in a sentence."""
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    runs: Sequence[Run] = results["runs"]
    seconds = sum(one["cpu_seconds"] for one in runs)
    threads = max(one["threads"] for one in runs)
    return (
        f"{len(runs)} fits, {seconds / 60:.0f} minutes of a processor's time in all, {threads} thread"
        f"{'s' * (threads > 1)} each, beside other work; {versions}"
    )


def _start(runs: Sequence[Run], key: str, name: str) -> list[str]:
    """The first cells of a row: the network, its weights at the shortest length, its rate."""
    found = finals(runs, key, name, PROBLEMS[key].lengths[0])
    return [name, f"{found[0]['parameters']:,}", f"{found[0]['learning_rate']:g}"] if found else [name, "", ""]


def _scored(found: Sequence[Run], key: str, measure: str, form: str = ".4f") -> str:
    return f"{interval([one['test'][measure] for one in found], form)}, {verdict(found, key)}" if found else "not run"


def _mean(found: Sequence[Run], measure: str) -> str:
    return interval([one["test"][measure] for one in found], ".3f") if found else "not run"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def draw(runs: Sequence[Run], path: Path, carried: str) -> None:
    """Writes a PNG of right answers to parity by step, which carries a text of ours in its metadata."""
    with mpl.rc_context({"font.size": 9, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(7.4, 3.0), layout="constrained")
        ax = figure.subplots()
        ax.axvspan(0, LONGEST, color="#eeeeee", zorder=0)
        ax.axhline(0.5, color="#999999", linewidth=0.8)
        for name, (colour, style) in LINES.items():
            found = finals(runs, "parity", name, LONGEST)
            if not found:
                continue
            columns = zip(*(one["test"]["by_step"] for one in found), strict=True)
            shares = [statistics.mean(column) for column in columns]
            steps = [BIN * (n + 0.5) for n in range(len(shares))]
            ax.plot(steps, shares, color=colour, linestyle=style, label=name)
        ax.set_xlabel("step (grey: lengths that were learned from)")
        ax.set_ylabel("right answers")
        ax.set_xlim(0, ASKED)
        ax.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside right center", frameon=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150, metadata={"Description": carried})


def main(arguments: Sequence[str]) -> None:
    """Writes page and picture, or compares them."""
    for path in (RESULTS, NOTES):
        if not path.exists():
            raise SystemExit(f"{path.relative_to(ROOT)} is missing. Run: python -m benchmarks.classics")
    results = RESULTS.read_text(encoding="utf-8")
    text, carried = page(json.loads(results), NOTES.read_text(encoding="utf-8")), digest(results)
    if "--check" not in arguments:
        PAGE.write_text(text, encoding="utf-8")
        draw(json.loads(results)["runs"], PICTURE, carried)
        return
    fresh = {
        PAGE: PAGE.exists() and PAGE.read_text(encoding="utf-8") == text,
        PICTURE: PICTURE.exists() and carried.encode() in PICTURE.read_bytes(),
    }
    stale = " and ".join(str(path.relative_to(ROOT)) for path, right in fresh.items() if not right)
    if stale:
        raise SystemExit(f"{stale}: not up to date. Run: python -m benchmarks.classic_page")


if __name__ == "__main__":
    main(sys.argv[1:])
