"""Next films of MovieLens 100k in a ranking of all of them, beside popularity, a Markov chain, item-kNN and neighbours.

    python -m benchmarks.recommendation DATA [--seeds 0 1 2] [--networks gru ...] [--part valid] [--times answer]
        [--out FILE.json]

DATA is a folder with the file u.data; without it the environment variable WHORL_DATA names one. Events of a user are in
order of time, those of one time in order of the file. The last film of each user is the test part; training holds the
one before it out, which chooses the epoch and on which settings were chosen. Every film that training has is ranked but
those that the user has seen, for the model and for its rivals alike; a film that training does not have is missed. With
--times answer it is answered, too, after how many seconds the next film comes, and scored beside how long it usually
takes and how long it took after such a time as the last one.
"""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks import quality

import whorl
from whorl.plans.networks import from_key

COLUMNS = ("user", "item", "rating", "time")
METRICS = ("hr@10", "ndcg@10", "mrr@10")
TIMES = ("until_nll", "until_mae", "until_coverage", "until_below")
HEADS = ("answered by", "validation: HR@10", "NDCG@10", "test: HR@10", "NDCG@10", "MRR@10", "fit")
TEXT = (
    "MovieLens 100k, leave-last-out: the last of each of 943 users' films in a ranking of the whole catalogue without "
    "those that the user has seen, for all alike; events of one time in order of the file. Training holds the last "
    "film but one out: it chooses the epoch, and settings and the memories of item-kNN and of neighbours were chosen "
    "on it. Before these runs the test part was read by a fit of three epochs, by three fits of an earlier default, "
    "and by rivals while they were looked for. Fits ran on one core of a busy machine."
)

Log = dict[str, np.ndarray]


def parts(folder: Path) -> tuple[Log, Log]:
    """The log without the last event of each user, and all of it."""
    (file,) = folder.rglob("u.data")
    rows = np.loadtxt(file, dtype=np.int64)
    order = np.argsort(rows[:, 3], kind="stable")
    last = dict(zip(rows[order, 0].tolist(), order.tolist(), strict=True))
    kept = np.ones(len(rows), bool)
    kept[list(last.values())] = False
    return tuple(dict(zip(COLUMNS, part.T, strict=True)) for part in (rows[kept], rows))  # type: ignore[return-value]


def run(network: str, seed: int, times: Any, known: Log, whole: Log, *, test: bool) -> dict[str, Any]:
    """Fits the default with one of the networks, and scores it."""
    started = time.perf_counter()
    plan = whorl.Training(seed=seed)
    model = whorl.Recommender(time="time", times=times, network=from_key(network), training=plan)
    model.fit(known, verbose=False)
    seconds = time.perf_counter() - started
    card: Any = model.model_.card
    valid = card["scores"]
    made = {
        "network": network,
        "times": times,
        "seed": seed,
        "fit_seconds": round(seconds, 1),
        "parameters": card["parameters"],
        "epochs": model.history_.kept_epoch,
        "valid": valid["metrics"],
        "rivals": {"valid": valid["baselines"]},
    }
    if test:
        found = model.evaluate(whole, keep=False)
        made["test"] = dict(found.metrics)
        made["rivals"]["test"] = {name: dict(scores) for name, scores in found.baseline.items()}
    return made


def section(runs: list[dict[str, Any]]) -> list[list[str]]:
    """A row for each network, and one for each rival."""
    rows = []
    for network in dict.fromkeys(one["network"] for one in runs):
        own = [one for one in runs if one["network"] == network]
        told = [quality.spread([one["valid"][name] for one in own]) for name in METRICS[:2]]
        told += [quality.spread([one["test"][name] for one in own]) for name in METRICS]
        rows.append([network, *told, f"{np.mean([one['fit_seconds'] for one in own]):.0f} s"])
    for name, valid in runs[0]["rivals"]["valid"].items():
        test = runs[0]["rivals"]["test"][name]
        rows.append([name, *(f"{valid[m]:.4f}" for m in METRICS[:2]), *(f"{test[m]:.4f}" for m in METRICS), ""])
    return rows


def main() -> None:
    """Prints a line for each network and rival, and writes everything as JSON."""
    parser = quality.arguments(__doc__, optional=True)
    parser.add_argument("--networks", nargs="+", default=["gru"])
    parser.add_argument("--times", choices=["ignore", "read", "answer"], default="ignore")
    parser.add_argument("--part", choices=["valid"], help="score the validation part alone, to choose settings")
    chosen = parser.parse_args()
    data = chosen.data or os.environ.get("WHORL_DATA")
    if data is None:
        parser.error("DATA or WHORL_DATA must name the folder of MovieLens 100k.")
    known, whole = parts(Path(data))
    runs: list[dict[str, Any]] = []
    for network in chosen.networks:
        for seed in chosen.seeds:
            runs.append(run(network, seed, chosen.times, known, whole, test=chosen.part is None))
            for name, found in {network: runs[-1]["valid"], **runs[-1]["rivals"]["valid"]}.items():
                told = ", ".join(f"{key} {found[key]:.4f}" for key in (*METRICS, *TIMES) if key in found)
                print(f"{name} seed {seed} validation: {told}", flush=True)
    if chosen.part is None:
        quality.finish(chosen.out, title="Recommendation", text=TEXT, heads=HEADS, rows=section(runs), runs=runs)


if __name__ == "__main__":
    main()
