"""Classification of public texts with whorl's defaults, beside TF-IDF and logistic regression; no pretrained vectors.

    python -m benchmarks.text_classification DATA [--sets sst clinc150] [--members 1 5] [--seeds 0 1 2]
        [--out FILE.json]

DATA holds text_classification/sst/stsa.binary.{train,dev,test} and chatbot/clinc150_intents/data_full.json (in-scope
parts). Both models learn from the training and validation parts together, and hold out as many examples as the
validation part has; the test part is read once for each fit.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks import quality
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

import whorl
from whorl.data.splits import held_out

Part = tuple[list[str], list[str]]

HEADS = ("set", "train / test", "classes", "networks", "accuracy", "nll", "TF-IDF and logistic regression", "fit")
TEXT = (
    "Texts, without pretrained vectors: `whorl.Classifier(text=...)` as it is, mean and spread of several seeds, and "
    'five networks side by side, `network=whorl.Recurrent("gru", members=5)`, whose fits ran beside other work. SST is '
    "the Stanford Sentiment Treebank with two classes, learned from its sentences alone; clinc150 asks for one of 150 "
    "intents, without what is out of scope. Training and validation part together are learned from, but for as many "
    "examples as the validation part has, which are held out. The rival, on the same split, counts words and pairs of "
    "them; its strength is chosen on what is held out."
)


def _sst(folder: Path) -> dict[str, Part]:
    parts = {}
    for name, part in (("train", "train"), ("dev", "valid"), ("test", "test")):
        lines = (folder / f"text_classification/sst/stsa.binary.{name}").read_text("utf-8").splitlines()
        parts[part] = [line[2:] for line in lines], [line[0] for line in lines]
    return parts


def _clinc(folder: Path) -> dict[str, Part]:
    found = json.loads((folder / "chatbot/clinc150_intents/data_full.json").read_text("utf-8"))
    names = {"train": "train", "val": "valid", "test": "test"}
    return {
        part: ([text for text, _ in found[name]], [label for _, label in found[name]]) for name, part in names.items()
    }


SETS: dict[str, Callable[[Path], dict[str, Part]]] = {"sst": _sst, "clinc150": _clinc}


def run(name: str, folder: Path, seed: int, members: int) -> dict[str, object]:
    """Fits one model with everything else default, and scores it on validation and test."""
    parts = SETS[name](folder)
    texts, labels = (parts["train"][n] + parts["valid"][n] for n in (0, 1))
    model = whorl.Classifier(
        text="text",
        network=whorl.Recurrent("gru", members=members),
        training=whorl.Training(validation=len(parts["valid"][0]), seed=seed),
    )
    started = time.perf_counter()
    model.fit((texts, labels), verbose=False)
    seconds = time.perf_counter() - started
    scored = model.evaluate(parts["test"])
    return {
        "set": name,
        "members": members,
        "seed": seed,
        "fit_seconds": round(seconds, 1),
        "threads": torch.get_num_threads(),
        "examples": [len(texts), len(parts["test"][0])],
        "classes": len(set(labels)),
        "parameters": model.model_.card["parameters"],
        "validation": model.model_.card["scores"]["metrics"],  # type: ignore[index]
        "test": dict(scored.metrics),
    }


def rival(name: str, folder: Path) -> float:
    """Accuracy of logistic regression on TF-IDF of words and pairs of them, its strength chosen on held-out texts."""
    parts = SETS[name](folder)
    texts, labels = (np.array(parts["train"][n] + parts["valid"][n], object) for n in (0, 1))
    held = held_out(len(texts), len(parts["valid"][0]), 0, labels=labels.tolist())
    kept = np.setdiff1d(np.arange(len(texts)), held)
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", sublinear_tf=True).fit(texts[kept])
    best = max(
        (
            LogisticRegression(C=strength, max_iter=1000).fit(words.transform(texts[kept]), labels[kept])
            for strength in (1, 3, 10, 30)
        ),
        key=lambda model: model.score(words.transform(texts[held]), labels[held]),
    )
    return float(best.score(words.transform(parts["test"][0]), parts["test"][1]))


def row(runs: list[dict[str, Any]]) -> list[str]:
    """The line of the table for several seeds."""
    first = runs[0]
    return [
        first["set"],
        " / ".join(map(str, first["examples"])),
        str(first["classes"]),
        str(first["members"]),
        quality.spread([one["test"]["accuracy"] for one in runs]),
        quality.spread([one["test"]["nll"] for one in runs], ".3f"),
        f"{first['tfidf']:.4f}",
        quality.duration(runs),
    ]


def main() -> None:
    """Prints a line for each set, and writes everything as JSON."""
    parser = quality.arguments(__doc__, sets=list(SETS))
    parser.add_argument("--members", nargs="+", type=int, default=[1, 5])
    chosen = parser.parse_args()
    runs, rows = [], []
    for name in chosen.sets:
        other = rival(name, chosen.data)
        for members in chosen.members:
            of_set = [{**run(name, chosen.data, seed, members), "tfidf": other} for seed in chosen.seeds]
            rows.append(row(of_set))
            print("  ".join(rows[-1]), flush=True)
            runs += of_set
    if chosen.out is not None:
        quality.save(chosen.out, title="Classification of texts", text=TEXT, heads=HEADS, rows=rows, runs=runs)


if __name__ == "__main__":
    main()
