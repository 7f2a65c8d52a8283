"""Sentences read from the lips of one speaker: the video of GRID, without its sound, greedy, with n-grams and in their
grammar.

    python -m benchmarks.lip_reading DATA [--seeds 0] [--checkpoint FOLDER [--resume]] [--out FILE.json]
    python -m benchmarks.lip_reading DATA --part validation --change learning_rate=2e-3   # the test part is not read

DATA is the folder with captions.csv and the videos of GRID's first speaker, 1,000 clips of 3 s: 800 are learned from,
with some of them held out, 100 are the validation part and 100 the test part. A fixed box around the mouth is read,
chosen by looking at frames of training clips, and the mean of each pixel over a clip is subtracted, so that a clip is
answered at its end. All sentences follow one grammar: n-grams of the training texts know it, and are told apart, as is
a search among its sentences alone.
"""

import csv
import json
import time
from pathlib import Path
from typing import Any

from benchmarks import quality, writing
from benchmarks.grid import sentences

import whorl
from whorl.data.transcript_reader import RIVALS
from whorl.runtime.text_metrics import transcript

# Left, top, width and height in frames of 180 x 144 pixels; the mouth moves within it.
MOUTH = (56, 92, 48, 32)
ORDER = 6
EPOCHS, HELD_OUT = 120, 40
_NAMES = {"train": "train", "validation": "val", "test": "test"}
Clips = tuple[list[Path], list[str]]

TITLE = "Lip reading"
TEXT = (
    "Sentences of six words, read from the lips of one speaker without a sound: the first speaker of GRID, clips of 75 "
    "frames, of which 48 x 32 grey pixels around the mouth are read less their mean over the clip. "
    '`whorl.Transcriber(media=whorl.Video(crop=(56, 92, 48, 32), mode="grey", background="file", ...), '
    'network=whorl.Recurrent("gru", bidirectional=True, hidden_size=192, num_layers=2), dropout=0.3, '
    "language_model=6)`, with a "
    f"learning rate of 0.001 and {EPOCHS} passes over 760 clips. That rate was chosen by the loss of the 40 that "
    "are held out of training; the validation part is not learned from either. Word error rates (WER) and those of "
    "characters (CER) of the likeliest symbol of each step (greedy), and WER of a search that asks n-grams of "
    "characters, which know the grammar of the sentences from the training texts; and of the same search among the "
    "64,000 sentences alone that have, at each place, a word that training has there. The rivals always say the "
    "same: the most frequent sentence, or the most frequent word of each place."
)
HEADS = (
    "part",
    "clips",
    "greedy WER",
    "greedy CER",
    "WER with n-grams",
    "in the grammar",
    "one sentence",
    "frequent words",
    "fit",
)


def clips(folder: Path, part: str, count: int | None = None) -> Clips:
    """Paths and sentences of a part."""
    with (folder / "captions.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == _NAMES[part]][:count]
    return [folder / row["video"] for row in rows], [row["caption"] for row in rows]


def model_of(seed: int, chosen: Any) -> whorl.Transcriber:
    """A Transcriber of the mouth, both ways, since the background is known at the end alone."""
    fixed: dict[str, object] = {
        "media": whorl.Video(crop=MOUTH, height=MOUTH[3], width=MOUTH[2], mode="grey", background="file"),
        "network": whorl.Recurrent("gru", bidirectional=True, hidden_size=192, num_layers=2),
        "dropout": 0.3,
        "language_model": ORDER,
        "epochs": EPOCHS,
        "learning_rate": 1e-3,
        "checkpoint": chosen.checkpoint,
    }
    changes = {**fixed, **writing.changed(chosen.change)}
    return writing.made(whorl.Transcriber, seed=seed, seconds=chosen.max_seconds, validation=HELD_OUT, changes=changes)


def run(folder: Path, seed: int, chosen: Any) -> dict[str, Any]:
    """Fits one model and scores it on what it did not learn from."""
    model = model_of(seed, chosen)
    wall, processor = time.perf_counter(), time.process_time()
    learned = clips(folder, "train", chosen.learned)
    model.fit(learned, resume=chosen.resume, verbose=False)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    found = {"seed": seed, **writing.described(model, wall), "cpu_minutes": round(processor / 60, 1)}
    found["valid_loss"] = [round(one["valid_loss"], 4) for one in model.model_.card["history"]["epochs"]]
    for part in writing.scored(chosen.part):
        paths, texts = clips(folder, part, chosen.scored)
        asked = model.evaluate((paths, texts))
        greedy = model.predict(paths, decoding=whorl.Greedy()).value
        orders = sentences(learned[1])
        found[part] = {
            "clips": len(texts),
            "greedy": transcript(greedy, texts),
            "ngrams": {name: asked.metrics[name] for name in ("wer", "cer")},
            "grammar": transcript(model.predict(paths, decoding=orders).value, texts),
            "wrong_by_place": wrong_by_place(greedy, texts),
            "rivals": {name: dict(own) for name, own in asked.baseline.items()},
            "examples": [{"read": greedy[n], "true": texts[n]} for n in range(0, len(texts), max(1, len(texts) // 5))],
        }
    return found


def wrong_by_place(read: list[str], true: list[str]) -> list[float]:
    """The share of wrong words at each place of a sentence, of answers that have as many words as theirs."""
    pairs = [(one.split(), text.split()) for one, text in zip(read, true, strict=True)]
    equal = [pair for pair in pairs if len(pair[0]) == len(pair[1])]
    places = len(equal[0][1]) if equal else 0
    return [round(sum(one[n] != text[n] for one, text in equal) / len(equal), 3) for n in range(places)]


def row(part: str, runs: list[dict[str, Any]]) -> list[str]:
    """The line of the table of a part."""
    own = [one[part] for one in runs]
    minutes = sum(one["cpu_minutes"] for one in runs) / len(runs)
    return [
        part,
        str(own[0]["clips"]),
        quality.spread([one["greedy"]["wer"] for one in own], ".3f"),
        quality.spread([one["greedy"]["cer"] for one in own], ".3f"),
        quality.spread([one["ngrams"]["wer"] for one in own], ".3f"),
        quality.spread([one["grammar"]["wer"] for one in own], ".3f"),
        *(f"{own[0]['rivals'][name]['wer']:.3f}" for name in RIVALS),
        f"{minutes:.0f} minutes of {runs[0]['threads']} core{'s' * (runs[0]['threads'] > 1)}",
    ]


def main() -> None:
    """Prints a line for each fit and for each part, and writes everything as JSON."""
    parser = writing.arguments(__doc__, writing.PARTS, "clips")
    parser.add_argument("--learned", type=int, help="clips that are learned from, for a trial; all by default")
    parser.add_argument("--checkpoint", help="folder of the checkpoints of one fit")
    parser.add_argument("--resume", action="store_true", help="goes on with the fit of that folder")
    parser.set_defaults(max_seconds=None)
    chosen = parser.parse_args()
    if chosen.checkpoint is not None and len(chosen.seeds) > 1:
        parser.error("--checkpoint is the folder of one fit; choose one of --seeds")
    runs = []
    for seed in chosen.seeds:
        runs.append(run(chosen.data, seed, chosen))
        print(json.dumps(runs[-1]), flush=True)
    rows = [row(part, runs) for part in writing.scored(chosen.part)]
    quality.finish(chosen.out, title=TITLE, text=TEXT, heads=HEADS, rows=rows, runs=runs)


if __name__ == "__main__":
    main()
