"""Handwritten digits as sequences, by rows or by pixels, beside logistic regression, neighbours and an SVM.

    python -m benchmarks.sequential_mnist DATA [--sets rows pixels picture] [--seeds 0 1 2] [--out FILE.json]

DATA holds sequence_classification/mnist_10k: the 10,000 test digits of MNIST as idx files. The first 8,000 are learned
from, the next 1,000 are the validation part, and the last 1,000 are the test part, which is read once for each fit.
"""

import gzip
import time
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from benchmarks import quality
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

import whorl

Part = tuple[list[np.ndarray], list[int]]

HEADS = (
    "steps",
    "train / validation / test",
    "validation accuracy",
    "test accuracy",
    "test nll",
    "rivals, on both",
    "fit",
)
TEXT = (
    "Digits of MNIST as sequences, the 10,000 of its test part: 8,000 to learn from, 1,000 to validate, 1,000 to test. "
    'By `whorl.Classifier(tokens=whorl.Image(mode="grey", steps=...))`, its defaults otherwise: by rows a step is one '
    "of 28 rows of 28 pixels, by pixels one of 784 pixels, and `picture` is one step, read by a small convolutional "
    "network. {epochs}The rivals see all 784 pixels at once: logistic regression, the nearest neighbour, and an SVM "
    "with a radial kernel, whose strengths are chosen on the validation part. The test part is harder than that for "
    "all of them. Fits ran beside other work, so that seconds are rough."
)
# By pixels a pass over the data takes minutes of a core.
EPOCHS = {"pixels": 4}
STRENGTHS = {"logistic regression": (0.01, 0.1, 1.0), "SVM": (1.0, 10.0, 100.0)}


def parts(folder: Path) -> dict[str, Part]:
    """Training, validation and test part."""
    base = folder / "sequence_classification" / "mnist_10k"
    images, labels = (
        np.frombuffer(gzip.decompress((base / f"t10k-{name}-ubyte.gz").read_bytes()), np.uint8, offset=offset)
        for name, offset in (("images-idx3", 16), ("labels-idx1", 8))
    )
    pictures = images.reshape(-1, 28, 28)
    spans = {"train": slice(8000), "validation": slice(8000, 9000), "test": slice(9000, 10_000)}
    return {name: (list(pictures[span]), labels[span].tolist()) for name, span in spans.items()}


def run(steps: str, own: dict[str, Part], seed: int) -> dict[str, object]:
    """Fits one model, and scores it on validation and test part."""
    model = whorl.Classifier(
        tokens=whorl.Image(mode="grey", steps=cast(Any, steps)),
        training=whorl.Training(seed=seed, epochs=EPOCHS.get(steps)),
    )
    started = time.perf_counter()
    model.fit(own["train"], verbose=False)
    seconds = time.perf_counter() - started
    scores = {name: dict(model.evaluate(own[name]).metrics) for name in ("validation", "test")}
    return {
        "steps": steps,
        "seed": seed,
        "fit_seconds": round(seconds, 1),
        "threads": torch.get_num_threads(),
        "examples": [len(own[name][1]) for name in own],
        "parameters": model.model_.card["parameters"],
        **scores,
    }


def rivals(own: dict[str, Part]) -> dict[str, dict[str, float]]:
    """Accuracy of each rival on validation and test part."""
    flat = {name: (np.stack(x).reshape(len(x), -1) / 255.0, np.array(y)) for name, (x, y) in own.items()}
    candidates: dict[str, list[Any]] = {
        "logistic regression": [LogisticRegression(C=c, max_iter=300) for c in STRENGTHS["logistic regression"]],
        "nearest neighbour": [KNeighborsClassifier(1)],
        "SVM": [SVC(C=c) for c in STRENGTHS["SVM"]],
    }
    found = {}
    for name, models in candidates.items():
        fitted = [model.fit(*flat["train"]) for model in models]
        best = max(fitted, key=lambda model: model.score(*flat["validation"]))
        found[name] = {part: float(best.score(*flat[part])) for part in ("validation", "test")}
    return found


def row(runs: list[dict[str, Any]], others: dict[str, dict[str, float]]) -> list[str]:
    """The line of the table for several seeds."""
    return [
        runs[0]["steps"],
        " / ".join(map(str, runs[0]["examples"])),
        quality.spread([one["validation"]["accuracy"] for one in runs]),
        quality.spread([one["test"]["accuracy"] for one in runs]),
        quality.spread([one["test"]["nll"] for one in runs], ".3f"),
        ", ".join(f"{name} {score['validation']:.3f} / {score['test']:.3f}" for name, score in others.items()),
        quality.duration(runs),
    ]


def main() -> None:
    """Prints a line for each way to cut a picture into steps, and writes everything as JSON."""
    chosen = quality.arguments(__doc__, sets=["rows", "picture", "pixels"]).parse_args()
    own = parts(chosen.data)
    others = rivals(own)
    print("  ".join(f"{name}: {score}" for name, score in others.items()), flush=True)
    runs, rows = [], []
    for steps in chosen.sets:
        of_set = [run(steps, own, seed) for seed in (chosen.seeds if steps != "pixels" else chosen.seeds[:1])]
        rows.append(row(of_set, others))
        print("  ".join(rows[-1]), flush=True)
        runs += of_set
    if chosen.out is not None:
        told = (
            f"By pixels {EPOCHS['pixels']} passes over the data were made, by one seed. "
            if "pixels" in chosen.sets
            else ""
        )
        text = TEXT.format(epochs=told)
        runs += [{"rival": name, **score} for name, score in others.items()]
        quality.save(chosen.out, title="Digits as sequences", text=text, heads=HEADS, rows=rows, runs=runs)


if __name__ == "__main__":
    main()
