"""Sentences of one speaker in five folds, with whorl's defaults, greedy, and with n-grams of the training texts.

    python -m benchmarks.transcription DATA [--seeds 0] [--part validation] [--out FILE.json]

DATA is the folder of the sound of GRID's first speaker: transcripts.csv with the columns file and text, and the
files. All 120 sentences are cut into five folds by chance, always the same ones; each fold is scored once by a fit on
the other four, a tenth of which it holds out. Settings were chosen with --part validation, which scores a quarter of
those four folds by a fit on the rest, and reads nothing of the fold itself.
"""

import csv
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks import quality

import whorl
from whorl.runtime.text_metrics import transcript

FOLDS = 5
ORDER = 6
HEADS = ("answers", "WER, validation", "WER, test", "CER, test", "fit")
TEXT = (
    "GRID, the first speaker, 120 sentences of six words of 3 s (Cooke et al. 2006), five folds: 96 sentences are "
    "learned from, a tenth of which is held out, and 24 are scored. Word and character errors are the mean over folds, "
    "the deviation that between folds. `whorl.Transcriber()` reads one way and answers while somebody speaks. With "
    f"`language_model={ORDER}` a beam asks the n-grams of characters of the training texts; that is another question, "
    "since all sentences of GRID follow one grammar. The rivals always answer the same."
)


def folds(count: int) -> list[np.ndarray]:
    """Which sentences are of which fold."""
    return np.array_split(np.random.default_rng(0).permutation(count), FOLDS)


def read(folder: Path) -> tuple[list[str], list[str]]:
    """Paths and texts of all sentences."""
    with (folder / "transcripts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [str(folder / row["file"]) for row in rows], [row["text"] for row in rows]


def run(paths: list[str], texts: list[str], fold: int, seed: int, part: str) -> dict[str, Any]:
    """Fits the other folds and scores one, or a part of the others."""
    parts = folds(len(paths))
    scored, learned = parts[fold], np.concatenate([own for n, own in enumerate(parts) if n != fold])
    if part == "validation":
        quarter = len(learned) // 4
        scored, learned = learned[:quarter], learned[quarter:]
    started = time.perf_counter()
    model = whorl.Transcriber(language_model=ORDER, training=whorl.Training(seed=seed))
    model.fit(([paths[n] for n in learned], [texts[n] for n in learned]), verbose=False)
    seconds = time.perf_counter() - started
    own, truths = [paths[n] for n in scored], [texts[n] for n in scored]
    asked = model.evaluate((own, truths))
    greedy = transcript(model.predict(own, decoding=whorl.Greedy()).value, truths)
    return {
        "fold": fold,
        "seed": seed,
        "part": part,
        "fit_seconds": round(seconds, 1),
        "parameters": model.model_.card["parameters"],
        "greedy": greedy,
        "ngrams": {name: asked.metrics[name] for name in ("wer", "cer")},
        "rivals": {name: dict(metrics) for name, metrics in asked.baseline.items()},
        "validation": dict(model.model_.card["scores"]["metrics"]),  # type: ignore[call-overload, index]
    }


def section(runs: list[dict[str, Any]]) -> list[list[str]]:
    """A row for each way to answer, and one for each rival."""
    seconds = statistics.mean(one["fit_seconds"] for one in runs)
    names = {"greedy": "`whorl.Transcriber()`, greedy", "ngrams": f"the same, `language_model={ORDER}`"}
    rows = []
    for name, told in names.items():
        held = statistics.mean(one["validation"]["wer"] for one in runs)
        own = [quality.spread([one[name][key] for one in runs], ".3f") for key in ("wer", "cer")]
        rows.append([told, f"{held:.3f}" if name == "ngrams" else "-", *own, f"{seconds:.0f} s"])
    for rival in runs[0]["rivals"]:
        own = [quality.spread([one["rivals"][rival][key] for one in runs], ".3f") for key in ("wer", "cer")]
        rows.append([rival, "-", *own, "-"])
    return rows


def main() -> None:
    """Prints a line for each fold and a row for each way to answer, and writes everything as JSON."""
    parser = quality.arguments(__doc__, seeds=(0,))
    parser.add_argument("--part", choices=("test", "validation"), default="test")
    parser.add_argument("--folds", nargs="+", type=int, default=list(range(FOLDS)))
    chosen = parser.parse_args()
    paths, texts = read(chosen.data)
    runs = []
    for seed in chosen.seeds:
        for fold in chosen.folds:
            runs.append(run(paths, texts, fold, seed, chosen.part))
            last = runs[-1]
            print(
                f"seed {seed} fold {fold}: WER greedy {last['greedy']['wer']:.3f}, "
                f"n-grams {last['ngrams']['wer']:.3f}, held out {last['validation']['wer']:.3f}, "
                f"{last['fit_seconds']:.0f} s",
                flush=True,
            )
    out = chosen.out if chosen.part == "test" else None
    quality.finish(out, title="Transcription", text=TEXT, heads=HEADS, rows=section(runs), runs=runs)


if __name__ == "__main__":
    main()
