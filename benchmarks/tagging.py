"""Parts of speech with whorl's defaults, beside the most frequent tag of each word.

    python -m benchmarks.tagging DATA [--ways both 0 1 2] [--seeds 0 1 2] [--part dev] [--out FILE.json]

DATA is a folder with the files *-train.conllu, *-dev.conllu and *-test.conllu of a treebank of Universal Dependencies;
without it the environment variable WHORL_DATA names one. Training reads the training part alone, a tenth of which it
holds out; settings were chosen on the dev part, and the test part is read once for each fit.
"""

import os
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks import quality

import whorl

WAYS = ("both", "0", "1", "2")


HEADS = ("reads", "dev", "test", "most frequent tag of each word, test", "fit")
TEXT = (
    "UD English-LinES: accuracy of universal parts of speech of all words, gold tokens. The training part alone is "
    "learned from, a tenth of which is held out; settings were chosen on the dev part. `whorl.Tagger()` waits for two "
    'words with its answer; one that reads both ways has `network=whorl.Recurrent("lstm", bidirectional=True)`.'
)


def tagger(way: str, seed: int) -> whorl.Tagger:
    """The default, reading both ways or with a lookahead."""
    training = whorl.Training(seed=seed)
    if way == "both":
        return whorl.Tagger(network=whorl.Recurrent("lstm", bidirectional=True), training=training)
    return whorl.Tagger(lookahead=int(way), training=training)


def run(folder: Path, way: str, seed: int, parts: tuple[str, ...]) -> dict[str, object]:
    """Fits one model and scores it."""
    files = {part: next(folder.rglob(f"*-{part}.conllu")) for part in ("train", *parts)}
    started = time.perf_counter()
    model = tagger(way, seed).fit(files["train"], verbose=False)
    seconds = time.perf_counter() - started
    found = {part: model.evaluate(files[part], keep=False) for part in parts}
    return {
        "way": way,
        "seed": seed,
        "fit_seconds": round(seconds, 1),
        "parameters": model.model_.card["parameters"],
        "words": {part: one.num_answers for part, one in found.items()},
        **{part: dict(one.metrics) for part, one in found.items()},
        "rivals": {part: {name: dict(scores) for name, scores in one.baseline.items()} for part, one in found.items()},
    }


def section(runs: list[dict[str, Any]]) -> list[list[str]]:
    """A row of the page for each way of reading."""
    rows = []
    for way in dict.fromkeys(one["way"] for one in runs):
        own = [one for one in runs if one["way"] == way]
        dev, test = (quality.spread([one[part]["accuracy"] for one in own]) for part in ("dev", "test"))
        rival = statistics.mean(one["rivals"]["test"]["most_frequent"]["accuracy"] for one in own)
        seconds = statistics.mean(one["fit_seconds"] for one in own)
        reads = "both ways" if way == "both" else f"forwards, and {way} words ahead"
        rows.append([reads, dev, test, f"{rival:.4f}", f"{seconds:.0f} s"])
    return rows


def save(path: Path, runs: list[dict[str, Any]]) -> None:
    """Writes the results of runs that scored both parts."""
    quality.save(path, title="Parts of speech", text=TEXT, heads=HEADS, rows=section(runs), runs=runs)


def main() -> None:
    """Prints a line for each way, and writes everything as JSON."""
    parser = quality.arguments(__doc__, optional=True)
    parser.add_argument("--ways", nargs="+", default=WAYS, choices=WAYS)
    parser.add_argument("--part", choices=["dev"], help="score the dev part alone, to choose settings; writes no file")
    chosen = parser.parse_args()
    data = chosen.data or os.environ.get("WHORL_DATA")
    if data is None:
        parser.error("DATA or WHORL_DATA must name the folder of a treebank.")
    parts = ("dev",) if chosen.part else ("dev", "test")
    runs = []
    for way in chosen.ways:
        of_way = [run(Path(data), way, seed, parts) for seed in chosen.seeds]
        told = []
        for part in parts:
            right = [one[part]["accuracy"] for one in of_way]  # type: ignore[index]
            spread = statistics.stdev(right) if len(right) > 1 else 0.0
            rival = of_way[0]["rivals"][part]["most_frequent"]["accuracy"]  # type: ignore[index]
            told.append(f"{part} {statistics.mean(right):.4f} +- {spread:.4f} (most frequent tag {rival:.4f})")
        seconds = statistics.mean(float(one["fit_seconds"]) for one in of_way)  # type: ignore[arg-type]
        print(f"{way:5} n={len(of_way)}  {'  '.join(told)}  {seconds:.0f} s", flush=True)
        runs += of_way
        if chosen.out is not None and not chosen.part:
            save(chosen.out, runs)


if __name__ == "__main__":
    main()
