"""Sentences read from the lips of one speaker: the video of GRID, without its sound, greedy and with n-grams.

    python -m benchmarks.lip_reading DATA [--seeds 0] [--max-seconds 3300] [--out FILE.json]
    python -m benchmarks.lip_reading DATA --part validation --change learning_rate=2e-3   # the test part is not read

DATA is the folder with captions.csv and the videos of GRID's first speaker, 1,000 clips of 3 s: 800 are learned from,
with a tenth of them held out, 100 are the validation part and 100 the test part. A fixed box around the mouth is read,
chosen by looking at frames of training clips, and the mean of each pixel over a clip is subtracted, so that a clip is
answered at its end. All sentences follow one grammar: n-grams of the training texts know it, and are told apart.
"""

import csv
import json
import time
from pathlib import Path
from typing import Any

from benchmarks import quality, writing

import whorl
from whorl.runtime.text_metrics import transcript

# Left, top, width and height in frames of 180 x 144 pixels; the speaker hardly moves.
MOUTH = (56, 92, 48, 32)
ORDER = 6
_NAMES = {"train": "train", "validation": "val", "test": "test"}
Clips = tuple[list[Path], list[str]]


def clips(folder: Path, part: str, count: int | None = None) -> Clips:
    """Paths and sentences of a part."""
    with (folder / "captions.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == _NAMES[part]][:count]
    return [folder / row["video"] for row in rows], [row["caption"] for row in rows]


def model_of(seed: int, seconds: float | None, changes: dict[str, object]) -> whorl.Transcriber:
    """A Transcriber of the mouth, both ways, since the background is known at the end alone."""
    fixed: dict[str, object] = {
        "media": whorl.Video(crop=MOUTH, height=MOUTH[3], width=MOUTH[2], mode="grey", background="file"),
        "network": whorl.Recurrent("gru", bidirectional=True),
        "language_model": ORDER,
        "augmentation": "none",
    }
    return writing.made(whorl.Transcriber, seed=seed, seconds=seconds, validation=80, changes={**fixed, **changes})


def run(folder: Path, seed: int, chosen: Any, changes: dict[str, object]) -> dict[str, Any]:
    """Fits one model and scores it on what it did not learn from."""
    model = model_of(seed, chosen.max_seconds, changes)
    started = time.perf_counter()
    model.fit(clips(folder, "train", chosen.learned), verbose=False)
    found = {"seed": seed, **writing.described(model, time.perf_counter() - started)}
    for part in writing.scored(chosen.part):
        paths, texts = clips(folder, part, chosen.scored)
        asked = model.evaluate((paths, texts))
        greedy = model.predict(paths, decoding=whorl.Greedy()).value
        found[part] = {
            "greedy": transcript(greedy, texts),
            "ngrams": {name: asked.metrics[name] for name in ("wer", "cer")},
            "rivals": {name: dict(own) for name, own in asked.baseline.items()},
            "examples": [{"read": greedy[n], "true": texts[n]} for n in range(0, len(texts), max(1, len(texts) // 5))],
        }
    return found


def main() -> None:
    """Prints a line for each fit and the means, and writes everything as JSON."""
    parser = writing.arguments(__doc__, writing.PARTS, "clips")
    parser.add_argument("--learned", type=int, help="clips that are learned from, for a trial; all by default")
    parser.set_defaults(max_seconds=3300.0)
    chosen = parser.parse_args()
    runs = []
    for seed in chosen.seeds:
        runs.append(run(chosen.data, seed, chosen, writing.changed(chosen.change)))
        print(json.dumps(runs[-1]), flush=True)
    for part in writing.scored(chosen.part):
        for name in ("greedy", "ngrams"):
            own = [one[part][name]["wer"] for one in runs]
            print(f"{part}: WER {quality.spread(own, '.3f')}, {name}")
        rivals = ", ".join(f"{name} {own['wer']:.3f}" for name, own in runs[0][part]["rivals"].items())
        print(f"{part}: WER of rivals: {rivals}", flush=True)
    settings = {"crop": MOUTH, "order": ORDER, "part": chosen.part, "max_seconds": chosen.max_seconds}
    quality.write(chosen.out, machine=quality.machine(), settings=settings, runs=runs)


if __name__ == "__main__":
    main()
