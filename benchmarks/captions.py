"""Captions of photos (a part of Flickr8k) with whorl's defaults, beside the most frequent and the nearest caption.

    python -m benchmarks.captions DATA [--seeds 0] [--out FILE.json]
    python -m benchmarks.captions DATA --part validation --change dropout=0.3   # choices: the test part is not read

DATA is the folder with flickr8k_a/captions.csv and flickr8k_a/images; $WHORL_DATA/image_captioning is taken where it is
left out. Of the 1,700 photos of the training part 200 are held out: they choose the epoch, and every setting. The other
400 are the test part. BLEU is against all five captions of a photo, cased, with the tokens of sacrebleu (13a); CIDEr-D
goes by how telling words are in the part that is scored.
"""

import csv
import json
import os
import time
from pathlib import Path

from benchmarks import quality, writing

import whorl
from whorl.runtime.writing import OTHER

# Photos of the training part that are held out.
_VALIDATION = 200
_DECODINGS = {"greedy": whorl.Greedy(), "beam 5": whorl.Beam(width=5)}
Photos = tuple[list[Path], list[list[str]]]


def photos(folder: Path, part: str) -> Photos:
    """Paths of a part of the set, and the captions of each."""
    found: dict[str, list[str]] = {}
    with open(folder / "captions.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["split"] == part:
                found.setdefault(row["image"], []).append(row["caption"])
    return [folder / "images" / name for name in found], list(found.values())


def ratio(metrics: dict[str, float], rivals: dict[str, dict[str, float]]) -> float:
    """Perplexity of captions beside their photo over that beside another one: below 1, the photo is used."""
    return metrics["perplexity"] / rivals[OTHER]["perplexity"]


def run(folder: Path, seed: int, changes: dict[str, object], part: str) -> dict[str, object]:
    """Fits one model and scores it on what it did not learn from."""
    model = writing.made(whorl.Captioner, seed=seed, seconds=None, validation=_VALIDATION, changes=changes)
    started = time.perf_counter()
    model.fit(photos(folder, "train"), verbose=False)
    fitted = time.perf_counter() - started
    scores: dict[str, object] = model.model_.card["scores"]  # type: ignore[assignment]
    metrics, rivals = scores["metrics"], scores["baselines"]
    found: dict[str, object] = {
        "seed": seed,
        **writing.described(model, fitted),
        "validation_ratio": ratio(metrics, rivals),  # type: ignore[arg-type]
        "validation_rivals": rivals,
        "changes": {name: str(value) for name, value in changes.items()},
    }
    if part == "test":
        test = photos(folder, "val")
        result = model.evaluate(test)
        found["test"] = dict(result.metrics)
        found["test_ratio"] = ratio(dict(result.metrics), {name: dict(own) for name, own in result.baseline.items()})
        found["test_rivals"] = {name: dict(own) for name, own in result.baseline.items()}
        said = {name: model.predict(test[0], decoding=how).value for name, how in _DECODINGS.items()}
        measure = model.model_.readout.measure  # type: ignore[attr-defined]
        found["decodings"] = {name: measure(texts, list(map(tuple, test[1]))) for name, texts in said.items()}
        found["examples"] = [{"written": said["beam 5"][n], "true": test[1][n][0]} for n in range(0, len(test[0]), 50)]
    return found


def main() -> None:
    """Prints a line for each fit and the means, and writes everything as JSON."""
    parser = writing.arguments(__doc__, writing.PARTS, "photos")
    chosen = parser.parse_args()
    folder = (chosen.data or Path(os.environ.get("WHORL_DATA", ".")) / "image_captioning") / "flickr8k_a"
    runs = []
    for seed in chosen.seeds:
        runs.append(run(folder, seed, writing.changed(chosen.change), chosen.part))
        print(json.dumps(runs[-1]), flush=True)
    for part in writing.scored(chosen.part):
        for name in ("bleu", "cider", "perplexity"):
            values = [one[part][name] for one in runs]  # type: ignore[index]
            print(f"{part}: {name} {quality.spread(values, '.3f')}, rivals " + _rivals(runs, part, name))
        shares: list[float] = [one[f"{part}_ratio"] for one in runs]  # type: ignore[misc]
        print(f"{part}: perplexity beside its photo over that beside another {quality.spread(shares, '.3f')}")
    settings = {"validation": _VALIDATION, "part": chosen.part}
    quality.write(chosen.out, machine=quality.machine(), settings=settings, runs=runs)


def _rivals(runs: list[dict[str, object]], part: str, name: str) -> str:
    known: dict[str, dict[str, float]] = runs[0][f"{part}_rivals"]  # type: ignore[assignment]
    return ", ".join(f"{rival} {own[name]:.3f}" for rival, own in known.items() if name in own)


if __name__ == "__main__":
    main()
