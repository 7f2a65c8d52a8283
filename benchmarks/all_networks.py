"""All nine networks on text, a series to forecast and sequences to classify, by `whorl.compare`.

    python -m benchmarks.all_networks [--only text ...] [--seeds 3] [--folder build/networks] [--out FILE.json]

Data are shipped. Fits are written down in the folder, and are not made again; results are written after each case.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from benchmarks import quality
from benchmarks.processes import ROOT

import whorl
from whorl import datasets
from whorl.comparison.matching import Match
from whorl.comparison.result import Comparison, cells, columns
from whorl.plans.networks import KEYS, Network, from_plain
from whorl.tasks.estimator import Estimator

Run = Mapping[str, Any]

# Of each task's network, which the others are made like.
GRU = whorl.Recurrent("gru", hidden_size=64)
# Of training, where all networks have as many.
SECONDS = 20.0

HEADS = ("case", "network", "units", "parameters", "metric", "score", "95 % interval", "p", "trained")
TEXT = (
    "Nine networks on the same data and split, by `whorl.compare`, with three seeds and the settings that a task has "
    "for whatever network: means on a part that no fit has seen, with intervals over seeds and answers, and how "
    "probable a difference from the best network as large is by chance. Widths are chosen so that all have as many "
    "parameters as a GRU of 64 units. Fits were pinned to one core, which other work used at times as well, so that "
    "seconds are rough."
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is compared.

    Args:
        model: builds the task.
        data: what it learns from, all columns.
        told: what is said of it on the page.
        match: what the networks have in common.
        sizes_of: the case whose recipes are taken, widths and all; None leaves the widths to the comparison.
    """

    model: Callable[[], Estimator]
    data: Callable[[], object]
    told: str
    match: Match = "parameters"
    sizes_of: str | None = None


def _generator(**budget: Any) -> Callable[[], Estimator]:
    return lambda: whorl.Generator(network=GRU, training=whorl.Training(seed=0, device="cpu", **budget))


def _forecaster() -> Estimator:
    training = whorl.Training(epochs=15, seed=0, device="cpu")
    return whorl.Forecaster(
        target="passengers", time="time", horizon=4, context=96, stride=4, network=GRU, training=training
    )


def _classifier() -> Estimator:
    training = whorl.Training(epochs=20, seed=0, device="cpu", validation=0.2)
    # Without the layers of convolutions that stand before the core, whatever it is.
    return whorl.Classifier(
        target="speaker", series="utterance", time="frame", convolution=0, network=GRU, training=training
    )


def _rides() -> dict[str, list[str]]:
    return {name: cells for name, cells in datasets.load("nyc_taxi").items() if name != "anomaly"}


CASES = {
    "classify": Case(
        model=_classifier,
        data=lambda: datasets.load("japanese_vowels"),
        told="*classify*: who of nine speakers said a vowel, without convolutions before the core, 20 epochs.",
    ),
    "forecast": Case(
        model=_forecaster,
        data=_rides,
        told="*forecast*: taxi rides in New York by half hours, two hours ahead from two days, 15 epochs.",
    ),
    "text": Case(
        model=_generator(epochs=2),
        data=lambda: datasets.path("shakespeare"),
        told="*text*: half a million characters of plays, read twice.",
    ),
    "text, equal time": Case(
        model=_generator(max_seconds=SECONDS),
        data=lambda: datasets.path("shakespeare"),
        told=f"*text, equal time*: the same networks, each trained for about {SECONDS:.0f} seconds; how many steps "
        "that is was planned from the first ones.",
        match="time",
        sizes_of="text",
    ),
}


def compared(name: str, seeds: int, folder: Path, runs: Mapping[str, Run]) -> Comparison:
    """A case with all networks.

    Args:
        name: of the case.
        seeds: fits of each network.
        folder: where fits are written down.
        runs: cases that were compared, as `told` has them.
    """
    case = CASES[name]
    networks: dict[str, Network | str] = {key: key for key in KEYS}
    if case.sizes_of is not None:
        if case.sizes_of not in runs:
            raise SystemExit(f"{name!r} takes the networks of {case.sizes_of!r}, which was not run. Run it first.")
        known = runs[case.sizes_of]["comparison"]["networks"]
        networks = {one["name"]: from_plain(one["recipe"]) for one in known}
    home = folder / name.replace(", ", "-").replace(" ", "-")
    return whorl.compare(case.model(), case.data(), networks=networks, seeds=seeds, match=case.match, folder=home)


def told(name: str, found: Comparison) -> dict[str, Any]:
    """A comparison as it is written down: all scores, and a row of the page for each network and rival."""
    heads = columns(found)
    rows = []
    for one in (*found.networks, *found.rivals):
        row = dict(zip(heads, cells(found, one), strict=True))
        row_of_page = [row[""], row["units"], row["parameters"], found.metric, row[found.metric]]
        rows.append([name, *row_of_page, row["95 % interval"], row["p"], row["trained"]])
    networks = [replace(one, model=None) for one in found.networks]  # files of this machine
    whole = replace(found, networks=tuple(networks)).to_dict()
    return {"case": name, "threads": torch.get_num_threads(), "rows": rows, "comparison": whole}


def main() -> None:
    """Compares, and writes what was found after each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "networks")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    runs: dict[str, Run] = {}
    if chosen.out is not None and chosen.out.exists():
        runs = {one["case"]: one for one in json.loads(chosen.out.read_text(encoding="utf-8"))["runs"]}
    for name in chosen.only:
        found = compared(name, chosen.seeds, chosen.folder, runs)
        print("\n".join(found.lines()), flush=True)
        runs[name] = told(name, found)
        if chosen.out is not None:
            save(chosen.out, [runs[case] for case in CASES if case in runs])


def save(path: Path, runs: Sequence[Run]) -> None:
    """Writes the cases that were compared."""
    rows = [row for one in runs for row in one["rows"]]
    text = " ".join([TEXT, *(CASES[one["case"]].told for one in runs)])
    quality.save(path, title="Nine networks", text=text, heads=HEADS, rows=rows, runs=runs)


if __name__ == "__main__":
    main()
