"""English to German on Multi30k with whorl's defaults; the test part (2016, Flickr) is read once for each fit.

    python -m benchmarks.translation DATA [--seconds 2700] [--seeds 0] [--out FILE.json]
    python -m benchmarks.translation DATA --part val      # choices: the validation part of the set, no test

DATA holds train.en, train.de, val.en, val.de, test_2016_flickr.en and test_2016_flickr.de, a sentence on each line.
"""

import json
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks import quality, writing

import whorl

HEADS = ("part", "BLEU, beam of 5", "BLEU, greedy", "chrF", "BLEU of the nearest pair", "of the copied source", "fit")
TEXT = (
    "Multi30k, 29,000 pairs of sentences, English to German: sacrebleu of detokenised texts, upper and lower case told "
    "apart. `whorl.Translator()` as it is, but for `max_seconds`; a thousand pairs of training are held out to choose "
    "the epoch. The rivals are the German sentence of the most similar English one of training, by rare words that are "
    "shared, and the English sentence itself."
)

# Sentences of train that are held out for the choice of the epoch.
_VALIDATION = 1000
_DECODINGS = {"greedy": whorl.Greedy(), "beam 5": whorl.Beam(width=5)}


def sides(folder: Path, part: str) -> tuple[Path, Path]:
    """English and German."""
    return folder / f"{part}.en", folder / f"{part}.de"


def run(folder: Path, part: str, seed: int, seconds: float, **changes: object) -> dict[str, Any]:
    """Fits one model with everything default but the time, and scores it on a part that it never saw."""
    from sacrebleu.metrics.bleu import BLEU

    training = whorl.Training(seed=seed, max_seconds=seconds, validation=_VALIDATION, device="cpu")
    model = whorl.Translator(training=training, **changes)  # type: ignore[arg-type]
    started = time.perf_counter()
    model.fit(sides(folder, "train"), verbose=False)
    fitted = time.perf_counter() - started
    given = sides(folder, part)
    truths = given[1].read_text(encoding="utf-8").splitlines()
    found, bleu = {}, BLEU()
    for name, decoding in _DECODINGS.items():
        started = time.perf_counter()
        answers = model.predict(given[0], decoding=decoding).value
        score = float(bleu.corpus_score(answers, [truths]).score)
        found[name] = {"bleu": score, "seconds": round(time.perf_counter() - started, 1)}
    scored = model.evaluate(given)
    return {
        "seed": seed,
        "part": part,
        **writing.described(model, fitted),
        "decodings": found,
        "scores": dict(scored.metrics),
        "rivals": {name: dict(metrics) for name, metrics in scored.baseline.items()},
        "signature": str(bleu.get_signature()),
        "changes": {name: str(value) for name, value in changes.items()},
    }


def section(runs: list[dict[str, Any]]) -> list[list[str]]:
    """Rows of the table: one for each part, the mean of its seeds."""
    rows = []
    for part in dict.fromkeys(one["part"] for one in runs):
        own = [one for one in runs if one["part"] == part]
        rivals = own[0]["rivals"]
        rows.append(
            [
                part.replace("_", " "),
                quality.spread([one["decodings"]["beam 5"]["bleu"] for one in own], ".1f"),
                quality.spread([one["decodings"]["greedy"]["bleu"] for one in own], ".1f"),
                quality.spread([one["scores"]["chrf"] for one in own], ".1f"),
                f"{rivals['nearest pair']['bleu']:.1f}",
                f"{rivals['copy of the source']['bleu']:.1f}",
                quality.duration(own),
            ]
        )
    return rows


def main() -> None:
    """Prints a line for each fit and the mean, and writes everything as JSON."""
    parser = quality.arguments(__doc__, seeds=(0,))
    parser.add_argument("--part", default="test_2016_flickr", choices=("val", "test_2016_flickr"))
    parser.add_argument("--seconds", type=float, default=2700.0)
    chosen = parser.parse_args()
    runs: list[dict[str, Any]] = []
    for seed in chosen.seeds:
        runs.append(run(chosen.data, chosen.part, seed, chosen.seconds))
        print(json.dumps(runs[-1]), flush=True)
    scores = [one["scores"]["bleu"] for one in runs]
    spread = f" +- {statistics.stdev(scores):.2f}" if len(scores) > 1 else ""
    print(f"{chosen.part}: bleu {statistics.mean(scores):.2f}{spread} (n = {len(scores)}), beam 5")
    if chosen.out is not None:
        title = "Translation"
        quality.save(chosen.out, title=title, text=TEXT, heads=HEADS, rows=section(runs), runs=runs)


if __name__ == "__main__":
    main()
