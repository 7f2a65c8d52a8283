"""Remaining life of turbofan engines (C-MAPSS FD001) with whorl's defaults, beside boosted trees and naive rivals.

    python -m benchmarks.remaining_life DATA [--seeds 0 1 2] [--out FILE.json]
    python -m benchmarks.remaining_life DATA --cross 5    # choices: folds of the training engines only, no test

DATA holds the folder cmapss_FD001, somewhere below it, with train_FD001.txt, test_FD001.txt and RUL_FD001.txt of NASA
(Saxena et al. 2008). The last cycle of each test engine is scored, its truth capped like those of training.
"""

import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks import quality

import whorl
from whorl.runtime.metrics import phm08

CAP = 125.0
HEADS = ("model", "RMSE, cycles", "MAE, cycles", "PHM08 score", "fit")
TEXT = (
    "Turbofan engines of NASA that run to failure (C-MAPSS FD001, 100 engines to learn from and 100 others, cut off "
    "before their end): cycles that are left after the last one, truths above 125 counted as 125, mean and spread of "
    "several seeds. A tenth of the training engines is held out. Defaults were chosen on folds of the training engines."
)
# Engines are cut off at so many places each when they stand for test engines in a fold of training.
_CUTS = 5
_WINDOW = 30


def read(folder: Path, part: str) -> list[np.ndarray]:
    """The sensors of each engine at each cycle that take more than two values in training; settings are noise here."""
    (path,) = folder.rglob(f"{part}_FD001.txt")
    table = np.loadtxt(path)
    (reference,) = folder.rglob("train_FD001.txt")
    known = np.loadtxt(reference)
    sensors = [column for column in range(5, known.shape[1]) if len(np.unique(known[:, column])) > 2]
    return [table[table[:, 0] == engine][:, sensors] for engine in np.unique(table[:, 0])]


def left_of_test(folder: Path) -> np.ndarray:
    """Cycles that are left after the last one of each test engine."""
    (path,) = folder.rglob("RUL_FD001.txt")
    return np.loadtxt(path)


def scores(answer: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Scores of answers, truths being capped."""
    error = np.clip(answer, 0, CAP) - np.minimum(truth, CAP)
    return {
        "rmse": float(np.sqrt((error**2).mean())),
        "mae": float(np.abs(error).mean()),
        "phm08": float(phm08(error).sum()),
    }


def fitted(engines: list[np.ndarray], seed: int, **changes: object) -> whorl.Regressor:
    """A model with everything default but what remaining life is."""
    model = whorl.Regressor(remaining=True, cap=CAP, training=whorl.Training(seed=seed))
    model.set_params(**changes)
    return model.fit(engines, verbose=False)


def run(folder: Path, seed: int) -> dict[str, Any]:
    """Fits one model, and scores it on validation and test."""
    started = time.perf_counter()
    model = fitted(read(folder, "train"), seed)
    seconds = time.perf_counter() - started
    found = model.evaluate((read(folder, "test"), left_of_test(folder)))
    return {
        "seed": seed,
        "fit_seconds": round(seconds, 1),
        "threads": torch.get_num_threads(),
        "parameters": model.model_.card["parameters"],
        "validation": model.model_.card["scores"]["metrics"],  # type: ignore[index]
        "test": dict(found.metrics),
        "rivals": {name: dict(one) for name, one in found.baseline.items()},
    }


def truncated(engines: list[np.ndarray], seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Engines cut off before failure, at ages drawn like those of test engines: anywhere after the first 30 cycles."""
    draw = np.random.default_rng(seed)
    pieces, left = [], []
    for engine in engines:
        for stop in draw.integers(_WINDOW, len(engine), _CUTS):
            pieces.append(engine[:stop])
            left.append(len(engine) - stop)
    return pieces, np.array(left, float)


def cross(folder: Path, folds: int, seed: int, **changes: object) -> dict[str, float]:
    """Mean scores over folds of the training engines; phm08 of as many answers as there are test engines."""
    engines = read(folder, "train")
    fold = np.random.default_rng(0).permutation(len(engines)) % folds
    found = []
    for n in range(folds):
        model = fitted([engines[k] for k in np.flatnonzero(fold != n)], seed, **changes)
        pieces, left = truncated([engines[k] for k in np.flatnonzero(fold == n)], n)
        one = dict(model.evaluate((pieces, left)).metrics)
        found.append({**one, "phm08": one["phm08"] * len(engines) / len(pieces)})
    return {metric: statistics.mean(one[metric] for one in found) for metric in ("rmse", "mae", "phm08")}


def summaries(engine: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Age, and of each column the last value and the mean, spread and slope of the last 30 cycles."""
    rows = []
    for stop in stops:
        window = engine[max(0, stop - _WINDOW) : stop]
        steps = np.arange(len(window)) - (len(window) - 1) / 2
        slope = steps @ window / max(float(steps @ steps), 1.0)
        rows.append(np.concatenate([[stop], window[-1], window.mean(axis=0), window.std(axis=0), slope]))
    return np.array(rows)


def trees(folder: Path, seed: int) -> dict[str, float]:
    """Boosted trees of scikit-learn on features of windows, every cycle of the training engines an example."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    engines, test = read(folder, "train"), read(folder, "test")
    x = np.concatenate([summaries(engine, np.arange(1, len(engine) + 1)) for engine in engines])
    y = np.concatenate([np.minimum(np.arange(len(engine) - 1, -1, -1), CAP) for engine in engines])
    model = HistGradientBoostingRegressor(max_iter=300, learning_rate=0.05, random_state=seed).fit(x, y)
    answer = model.predict(np.concatenate([summaries(engine, np.array([len(engine)])) for engine in test]))
    return scores(answer, left_of_test(folder))


def section(runs: Sequence[Mapping[str, Any]], boosted: list[dict[str, float]]) -> list[list[str]]:
    """Rows of the table on the page: a model each."""
    lines: dict[str, list[Mapping[str, float]]] = {
        "`whorl.Regressor(remaining=True, cap=125)`": [one["test"] for one in runs],
        "boosted trees on summaries of 30 cycles": list(boosted),
        "mean life less the age": [runs[0]["rivals"]["age"]],
        "mean of training": [runs[0]["rivals"]["mean"]],
    }
    rows: list[list[str]] = []
    for name, listed in lines.items():
        cells = [quality.spread([one[metric] for one in listed], ".2f") for metric in ("rmse", "mae", "phm08")]
        rows.append([name, *cells, "" if rows else quality.duration(runs)])
    return rows


def main() -> None:
    """Prints a line for each model, and writes everything as JSON."""
    parser = quality.arguments(__doc__)
    parser.add_argument("--cross", type=int, metavar="FOLDS")
    chosen = parser.parse_args()
    if chosen.cross:
        found = [cross(chosen.data, chosen.cross, seed) for seed in chosen.seeds]
        print({name: round(statistics.mean(one[name] for one in found), 3) for name in found[0]}, flush=True)
        return
    runs = [run(chosen.data, seed) for seed in chosen.seeds]
    boosted = [trees(chosen.data, seed) for seed in chosen.seeds]
    told = [{**one, "boosted_trees": rival} for one, rival in zip(runs, boosted, strict=True)]
    quality.finish(chosen.out, title="Remaining life", text=TEXT, heads=HEADS, rows=section(runs, boosted), runs=told)


if __name__ == "__main__":
    main()
