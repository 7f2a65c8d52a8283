"""Whether the order of steps matters on public data: what shuffled steps cost, beside a feed-forward network.

    python -m benchmarks.order DATA [--sets CricketX ...] [--seeds 0 1 2] [--out FILE.json]
    python -m benchmarks.order DATA --sets ItalyPowerDemand names daily_temperatures    # choices: other sets

DATA holds the folders ucr_CricketX, ucr_ECG200, ucr_ItalyPowerDemand and uea_BasicMotions, sst, clinc150_intents,
rt_polarity, names, ud_english_lines and classic_univariate, somewhere below it; two sets are shipped. Each has three
fits a seed, and a quarter of it is scored. Sets that are not chosen keep the results that FILE has of them.
"""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from benchmarks import quality
from benchmarks.classification import read

import whorl
from whorl import datasets
from whorl.comparison.order import AS_IT_IS, FEED_FORWARD, NAIVE, SHUFFLED, order
from whorl.tasks.estimator import Estimator

HEADS = ("set", "scored", "loss", "as it is", "shuffled", "feed-forward", "naive", "shuffling costs", "verdict", "run")
TEXT = (
    "`whorl.comparison.order.order`: the same GRU of 32 units as it is, and on steps that change places, and a "
    "perceptron that reads each step by itself (of windows, all of them; of tags, shuffled ones). Sets are whole but "
    "for the first 5,000 rows of nyc_taxi, the training sentences of SST, the test questions of clinc150 that are in "
    "scope and the validation sentences of UD English-LinES. All else is default but for the epochs: 30 for ECG200, "
    "20 for CricketX, clinc150 and the tags, 6 for SST. On one split a quarter is scored that no fit saw. *Shuffling "
    "costs* is the difference of the losses, with an interval of 95 % over sequences and seeds. Order is said to "
    "matter where the interval lies above zero and the cost is at least a tenth of what the GRU gains over the best "
    "naive rival, and not to matter where the interval ends below two tenths; the tenth was set before any of these "
    "sets was run. Fits ran beside other work."
)


def _series(name: str, epochs: int | None = None) -> Callable[[Path, whorl.Training], tuple[Estimator, object]]:
    def made(folder: Path, training: whorl.Training) -> tuple[Estimator, object]:
        training = replace(training, epochs=epochs)
        parts = [read(next(folder.rglob(f"*_{name}")).parent, name, part) for part in ("TRAIN", "TEST")]
        x = [np.asarray(one) for part in parts for one in part.x]
        return whorl.Classifier(network=_gru(), training=training), (x, np.concatenate([part.y for part in parts]))

    return made


def _gru() -> whorl.Recurrent:
    return whorl.Recurrent("gru", hidden_size=32)


def _texts(
    read_texts: Callable[[Path], tuple[list[str], list[str]]], epochs: int
) -> Callable[[Path, whorl.Training], tuple[Estimator, object]]:
    def made(folder: Path, training: whorl.Training) -> tuple[Estimator, object]:
        training = replace(training, epochs=epochs)
        return whorl.Classifier(text="text", network=_gru(), training=training), read_texts(folder)

    return made


def _sst(folder: Path) -> tuple[list[str], list[str]]:
    """The training sentences of two classes."""
    (path,) = folder.rglob("stsa.binary.train")
    lines = path.read_text("utf-8").splitlines()
    return [line[2:] for line in lines], [line[0] for line in lines]


def _clinc(folder: Path) -> tuple[list[str], list[str]]:
    """The test questions that are in scope: 30 for each of 150 intents."""
    (path,) = folder.rglob("data_full.json")
    found = json.loads(path.read_text("utf-8"))["test"]
    return [text for text, _ in found], [label for _, label in found]


def _reviews(folder: Path) -> tuple[list[str], list[str]]:
    lines, labels = [], []
    for name in ("neg", "pos"):
        (path,) = folder.rglob(f"rt-polarity.{name}")
        found = path.read_text("latin-1").splitlines()
        lines += found
        labels += [name] * len(found)
    return lines, labels


def _names(folder: Path, training: whorl.Training) -> tuple[Estimator, object]:
    """Every fourth surname; characters are the steps."""
    files = sorted(next(folder.rglob("names/Arabic.txt")).parent.glob("*.txt"))
    every = [(name, path.stem) for path in files for name in path.read_text("utf-8").splitlines()][::4]
    tokens = whorl.Text(unit="character")
    model = whorl.Classifier(text="text", tokens=tokens, network=_gru(), training=training)
    return model, ([name for name, _ in every], [label for _, label in every])


def _vowels(_: Path, training: whorl.Training) -> tuple[Estimator, object]:
    model = whorl.Classifier(target="speaker", series="utterance", time="frame", network=_gru(), training=training)
    return model, datasets.load("japanese_vowels")


def _taxi(_: Path, training: whorl.Training) -> tuple[Estimator, object]:
    model = whorl.Forecaster(
        target="passengers", time="time", horizon=24, context=96, network=_gru(), training=training
    )
    columns = datasets.load("nyc_taxi")
    return model, {name: columns[name][:5000] for name in ("time", "passengers")}


def _temperatures(folder: Path, training: whorl.Training) -> tuple[Estimator, object]:
    (path,) = folder.rglob("daily-min-temperatures.csv")
    table = whorl.Table(on_gap="fill")
    return whorl.Forecaster(horizon=7, context=60, table=table, network=_gru(), training=training), pl.read_csv(path)


def _tags(folder: Path, training: whorl.Training) -> tuple[Estimator, object]:
    """The validation sentences of UD English-LinES."""
    training = replace(training, epochs=20)
    return whorl.Tagger(network=_gru(), training=training), next(folder.rglob("*lines*dev.conllu"))


SETS: dict[str, Callable[[Path, whorl.Training], tuple[Estimator, object]]] = {
    "nyc_taxi": _taxi,
    "japanese_vowels": _vowels,
    "ECG200": _series("ECG200", epochs=30),
    "clinc150": _texts(_clinc, epochs=20),
    "ud_english_lines": _tags,
    "sst": _texts(_sst, epochs=6),
    "CricketX": _series("CricketX", epochs=20),
}
# What the tenth was set by.
CHOICES: dict[str, Callable[[Path, whorl.Training], tuple[Estimator, object]]] = {
    "ItalyPowerDemand": _series("ItalyPowerDemand"),
    "BasicMotions": _series("BasicMotions"),
    "names": _names,
    "daily_temperatures": _temperatures,
    "rt_polarity": _texts(_reviews, epochs=6),
}


def run(name: str, folder: Path, seeds: list[int]) -> dict[str, Any]:
    """Measures one set; seeds follow each other."""
    training = whorl.Training(seed=seeds[0], device="cpu")
    estimator, data = {**SETS, **CHOICES}[name](folder, training)
    started = time.perf_counter()
    found = order(estimator, data, seeds=len(seeds), verbose=False)
    finding = found.finding()
    return {
        "set": name,
        "task": estimator.task,
        "seeds": seeds,
        "fit_seconds": round(time.perf_counter() - started, 1),
        "threads": torch.get_num_threads(),
        "measure": found.measure,
        "losses": dict(found.losses),
        "metrics": {key: dict(each) for key, each in found.metrics.items()},
        "interval": list(found.interval),
        "feed_forward_interval": list(found.feed_forward_interval),
        "rival": found.rival,
        "answers": found.answers,
        "blocks": found.blocks,
        "unfinished": found.unfinished,
        "matters": found.matters,
        "is_useless": found.is_useless,
        "verdict": found.verdict,
        "finding": None if finding is None else finding.severity,
    }


def row(one: dict[str, Any]) -> list[str]:
    """The line of the table."""
    said = "matters" if one["matters"] else "does not matter" if one["is_useless"] else "cannot be told"
    (low, high), cost = one["interval"], one["losses"][SHUFFLED] - one["losses"][AS_IT_IS]
    return [
        one["set"],
        f"{one['answers']:,}",
        one["measure"],
        *(f"{one['losses'][key]:.4f}" for key in (AS_IT_IS, SHUFFLED, FEED_FORWARD, NAIVE)),
        f"{cost:+.4f} ({low:+.4f} to {high:+.4f})",
        said + (", a feed-forward network does" if one["finding"] == "warning" else ""),
        quality.duration([one]),
    ]


def main() -> None:
    """Prints a line for each set, and writes everything as JSON."""
    parser = quality.arguments(__doc__, sets=[*SETS, *CHOICES])
    parser.set_defaults(sets=list(SETS))
    chosen = parser.parse_args()
    known = json.loads(chosen.out.read_text("utf-8"))["runs"] if chosen.out is not None and chosen.out.exists() else []
    for name in chosen.sets:
        known = [one for one in known if one["set"] != name] + [run(name, chosen.data, chosen.seeds)]
        print("  ".join(row(known[-1])), known[-1]["verdict"], sep="\n    ", flush=True)
        if chosen.out is not None:
            save(chosen.out, known)


def save(path: Path, runs: list[dict[str, Any]]) -> None:
    """Writes the results of all sets that were run so far, in the order of the sets."""
    runs = sorted(runs, key=lambda one: [*SETS, *CHOICES].index(one["set"]))
    rows = [row(one) for one in runs]
    quality.save(path, title="Whether order matters", text=TEXT, heads=HEADS, rows=rows, runs=runs)


if __name__ == "__main__":
    main()
