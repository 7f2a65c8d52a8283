"""English to German on Multi30k with whorl's defaults; the test part (2016, Flickr) is read once for each fit.

    python -m benchmarks.translation DATA [--seconds 2700] [--seeds 0] [--out FILE.json]
    python -m benchmarks.translation DATA --part val      # choices: the validation part of the set, no test

DATA holds train.en, train.de, val.en, val.de, test_2016_flickr.en and test_2016_flickr.de, a sentence on each line.
"""

import json
import statistics
import time
from pathlib import Path

from benchmarks import quality, writing

import whorl

# Sentences of train that are held out for the choice of the epoch.
_VALIDATION = 1000
_DECODINGS = {"greedy": whorl.Greedy(), "beam 5": whorl.Beam(width=5)}


def sides(folder: Path, part: str) -> tuple[Path, Path]:
    """English and German."""
    return folder / f"{part}.en", folder / f"{part}.de"


def run(folder: Path, part: str, seed: int, seconds: float, **changes: object) -> dict[str, object]:
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


def main() -> None:
    """Prints a line for each fit and the mean, and writes everything as JSON."""
    parser = quality.arguments(__doc__, seeds=(0,))
    parser.add_argument("--part", default="test_2016_flickr", choices=("val", "test_2016_flickr"))
    parser.add_argument("--seconds", type=float, default=2700.0)
    chosen = parser.parse_args()
    runs = []
    for seed in chosen.seeds:
        runs.append(run(chosen.data, chosen.part, seed, chosen.seconds))
        print(json.dumps(runs[-1]), flush=True)
    scores = [one["scores"]["bleu"] for one in runs]  # type: ignore[index]
    spread = f" +- {statistics.stdev(scores):.2f}" if len(scores) > 1 else ""
    print(f"{chosen.part}: bleu {statistics.mean(scores):.2f}{spread} (n = {len(scores)}), beam 5")
    quality.write(chosen.out, machine=writing.machine(), runs=runs)


if __name__ == "__main__":
    main()
