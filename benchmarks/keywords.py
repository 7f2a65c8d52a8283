"""Spoken digits with whorl's defaults, beside a support vector machine; the test part is read once for each fit.

    python -m benchmarks.keywords DATA [--sets recordings george ...] [--seeds 0 1 2] [--out FILE.json]
    python -m benchmarks.keywords DATA --cross    # choices: one more speaker left out of training, no test

DATA holds recordings/{digit}_{speaker}_{index}.wav of the Free Spoken Digit Dataset. The set 'recordings' tests on the
recordings 0 to 4 of each digit and speaker; the set of a speaker tests on all that this one says.
"""

import statistics
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from benchmarks import quality
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import whorl
from whorl.codecs.audio import AudioCodec
from whorl.data import sounds
from whorl.data.splits import held_out

SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
SETS = ("recordings", *SPEAKERS)
HEADS = ("test part", "train / test", "accuracy", "validation", "nll", "SVM", "linear", "most frequent", "fit")
TEXT = (
    "The Free Spoken Digit Dataset, recordings 0 to 24 of six speakers at 8 kHz: recordings 0 to 4 of each digit and "
    "speaker as test part, or one speaker left out of training. `whorl.Classifier()` as it is, the same for both. A "
    "tenth of the training part is held out of it, at random: it is of the speakers that training has, and so says "
    "nothing of a new one. Settings were chosen by leaving one more speaker out of the training parts: of the features "
    "for all six, with a support vector machine in place of the network, and of the rest for two or three. Fits ran "
    "beside other work. The rivals are a support vector machine on the mean and the deviation of each number that the "
    "model reads, its strength chosen on the validation part, linear discriminants of the same numbers, and the most "
    "frequent digit."
)


class Recording(NamedTuple):
    """A file and what its name says."""

    path: Path
    digit: str
    speaker: str
    index: int


def recordings(folder: Path) -> list[Recording]:
    """All of them, in the order of their names."""
    found = [(path, *path.stem.split("_")) for path in sorted((folder / "recordings").glob("*.wav"))]
    return [Recording(path, digit, speaker, int(index)) for path, digit, speaker, index in found]


def parts(name: str, found: list[Recording]) -> tuple[list[Recording], list[Recording]]:
    """Training and test part of a set."""
    tested = [one.index < 5 if name == "recordings" else one.speaker == name for one in found]
    train, test = ([one for one, own in zip(found, tested, strict=True) if own is part] for part in (False, True))
    return train, test


def pair(part: list[Recording]) -> tuple[list[Path], list[str]]:
    """What `fit` and `evaluate` take."""
    return [one.path for one in part], [one.digit for one in part]


def run(name: str, folder: Path, seed: int) -> dict[str, object]:
    """Fits one model with everything else default, and scores it on validation and test."""
    train, test = parts(name, recordings(folder))
    model = whorl.Classifier(training=whorl.Training(seed=seed))
    started = time.perf_counter()
    model.fit(pair(train), verbose=False)
    seconds = time.perf_counter() - started
    scored = model.evaluate(pair(test))
    return {
        "set": name,
        "seed": seed,
        "fit_seconds": round(seconds, 1),
        "threads": torch.get_num_threads(),
        "parameters": model.model_.card["parameters"],
        "examples": [len(train), len(test)],
        "validation": model.model_.card["scores"]["metrics"],  # type: ignore[index]
        "test": dict(scored.metrics),
        "linear": dict(scored.baseline["linear"]),
        "prior": dict(scored.baseline["prior"]),
        "svm": rival(train, test, seed),
    }


def rival(train: list[Recording], test: list[Recording], seed: int) -> dict[str, float]:
    """Accuracies of a support vector machine on mean and deviation of features, its strength chosen on validation.

    It learns from what the model learns from, and is told the same validation part.
    """
    y = np.array([one.digit for one in train])
    held = held_out(len(train), 0.1, seed, labels=y.tolist())
    kept = np.setdiff1d(np.arange(len(train)), held)
    codec = AudioCodec(sample_rate_hz=8000).fit(sounds.load(train[n].path, whorl.Audio()) for n in kept)

    def told(part: list[Recording]) -> np.ndarray:
        rows = [codec.encode(sounds.load(one.path, whorl.Audio())) for one in part]
        return np.array([np.concatenate([own.mean(axis=0), own.std(axis=0)]) for own in rows])

    x = told(train)
    fitted = [make_pipeline(StandardScaler(), SVC(C=strength)).fit(x[kept], y[kept]) for strength in (1, 3, 10, 30)]
    best = max(fitted, key=lambda one: one.score(x[held], y[held]))
    truths = np.array([one.digit for one in test])
    return {"validation": float(best.score(x[held], y[held])), "test": float(best.score(told(test), truths))}


def cross(folder: Path, seed: int) -> None:
    """Prints how well a model knows a speaker that is left out of training beside another one, for three pairs."""
    found, scores = recordings(folder), []
    for n in (0, 3, 5):
        left, tested = SPEAKERS[n], SPEAKERS[(n + 1) % len(SPEAKERS)]
        train = [one for one in found if one.speaker not in (left, tested)]
        model = whorl.Classifier(training=whorl.Training(seed=seed)).fit(pair(train), verbose=False)
        scored = model.evaluate(pair([one for one in found if one.speaker == left]))
        scores.append(scored.metrics["accuracy"])
        print(f"{left} (without {tested})  accuracy {scores[-1]:.4f}  nll {scored.metrics['nll']:.3f}", flush=True)
    print(f"mean  {statistics.mean(scores):.4f}")


def row(name: str, runs: list[dict[str, Any]]) -> list[str]:
    """The line of the table for several seeds."""
    first = runs[0]
    return [
        name,
        " / ".join(map(str, first["examples"])),
        quality.spread([one["test"]["accuracy"] for one in runs]),
        quality.spread([one["validation"]["accuracy"] for one in runs]),
        quality.spread([one["test"]["nll"] for one in runs], ".3f"),
        f"{statistics.mean(one['svm']['test'] for one in runs):.4f}",
        f"{statistics.mean(one['linear']['accuracy'] for one in runs):.4f}",
        f"{statistics.mean(one['prior']['accuracy'] for one in runs):.4f}",
        quality.duration(runs),
    ]


def mean_row(runs: list[dict[str, Any]]) -> list[str]:
    """The line of the mean over the speakers, for several seeds."""
    means = []
    for seed in sorted({one["seed"] for one in runs}):
        own = [one for one in runs if one["seed"] == seed]
        scores = {
            part: {name: statistics.mean(one[part][name] for one in own) for name in own[0][part]}
            for part in ("test", "validation", "linear", "prior", "svm")
        }
        seconds = statistics.mean(one["fit_seconds"] for one in own)
        means.append({**scores, "examples": [], "fit_seconds": seconds, "threads": own[0]["threads"]})
    return row("mean of the speakers", means)


def main() -> None:
    """Prints a line for each set, and writes everything as JSON."""
    parser = quality.arguments(__doc__, sets=SETS)
    parser.add_argument("--cross", action="store_true")
    chosen = parser.parse_args()
    if chosen.cross:
        cross(chosen.data, chosen.seeds[0])
        return
    runs, rows = [], []
    for name in chosen.sets:
        of_set = [run(name, chosen.data, seed) for seed in chosen.seeds]
        rows.append(row(name if name == "recordings" else f"speaker {name}", of_set))
        print("  ".join(rows[-1]), flush=True)
        runs += of_set
    of_speakers = [one for one in runs if one["set"] != "recordings"]
    if len({one["set"] for one in of_speakers}) == len(SPEAKERS):
        rows.append(mean_row(of_speakers))
        print("  ".join(rows[-1]), flush=True)
    if chosen.out is not None:
        quality.save(chosen.out, title="Spoken digits", text=TEXT, heads=HEADS, rows=rows, runs=runs)


if __name__ == "__main__":
    main()
