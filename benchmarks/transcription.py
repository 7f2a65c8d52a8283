"""Sentences of one speaker in five folds, with whorl's defaults, greedy, with n-grams, in their grammar, and both ways.

    python -m benchmarks.transcription DATA [--seeds 0] [--workers 2] [--part validation] [--out FILE.json]

DATA is the folder of the sound of GRID's first speaker: transcripts.csv with the columns file and text, and the
files. All 120 sentences are cut into five folds by chance, always the same ones; each fold is scored once by a fit on
the other four, a tenth of which it holds out. Settings were chosen with --part validation, which scores a quarter of
those four folds by a fit on the rest, and reads nothing of the fold itself: for fold 0 that is fold 1, for fold 1
fold 0, so that one fit of a seed is scored on both. These two were looked at, with up to four seeds, and the sentences
of the other three in no choice.
"""

import csv
import itertools
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from benchmarks import quality
from benchmarks.grid import sentences

import whorl
from whorl.runtime import transcribing
from whorl.runtime.text_metrics import transcript

FOLDS = 5
# Folds that were scored where settings were chosen.
LOOKED_AT = (0, 1)
ORDER = 6
# Seconds of a piece that is streamed.
PIECE = 0.1
NETWORKS = {"one way": whorl.Recurrent("gru"), "both ways": whorl.Recurrent("gru", bidirectional=True)}
HEADS = ("answers", "WER, validation", "WER, test", "CER, test", "fit, core seconds")
TEXT = (
    "GRID, the first speaker, 120 sentences of six words of 3 s (Cooke et al. 2006), five folds: 96 sentences are "
    "learned from, a tenth of which is held out (validation), and 24 are scored. Word and character errors are the "
    "mean over folds and seeds, the deviation that between fits. `whorl.Transcriber()` reads one way and answers while "
    "somebody speaks, {late:.1f} s late: each test sentence was also pushed in pieces of {piece} s, and {same} of "
    "{count} last answers were the transcript of the whole. A network that reads both ways answers whole recordings "
    "alone. With `language_model={order}` a beam asks the n-grams of characters of the training texts; that is another "
    "question, since all sentences of GRID follow one grammar: a beam of ten among the sentences that have, at each "
    "place, a word that training has there says what knowing it is worth. The rivals always answer the same. Settings "
    "were chosen by fits on folds 2 to 4 that were scored on folds 0 and 1: on folds 2 to 4, whose sentences no choice "
    "was scored on, the WER of `whorl.Transcriber()` is {rest:.3f}. It lies between {least:.3f} and {most:.3f} "
    "from fit to fit. Fits ran beside other work."
)


def folds(count: int) -> list[np.ndarray]:
    """Which sentences are of which fold."""
    return np.array_split(np.random.default_rng(0).permutation(count), FOLDS)


def read(folder: Path) -> tuple[list[str], list[str]]:
    """Paths and texts of all sentences."""
    with (folder / "transcripts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [str(folder / row["file"]) for row in rows], [row["text"] for row in rows]


def run(folder: Path, network: str, fold: int, seed: int, part: str) -> dict[str, Any]:
    """Fits the other folds and scores one, or a part of the others."""
    torch.set_num_threads(1)
    paths, texts = read(folder)
    parts = folds(len(paths))
    scored, learned = parts[fold], np.concatenate([own for n, own in enumerate(parts) if n != fold])
    if part == "validation":
        quarter = len(learned) // 4
        scored, learned = learned[:quarter], learned[quarter:]
    recipe, training = NETWORKS[network], whorl.Training(seed=seed)
    model = whorl.Transcriber(language_model=0 if recipe.bidirectional else ORDER, network=recipe, training=training)
    started = time.process_time()
    model.fit(([paths[n] for n in learned], [texts[n] for n in learned]), verbose=False)
    seconds = time.process_time() - started
    own, truths = [paths[n] for n in scored], [texts[n] for n in scored]
    reader, held_out = transcribing.transcript_reader(model.model_), model.held_out_.sequences
    known = transcribing.answered(model.model_, held_out, whorl.Greedy()).value
    known_texts = [one.texts[1] for one in held_out]
    greedy, orders = model.predict(own, decoding=whorl.Greedy()).value, sentences([texts[n] for n in learned])
    found = {
        "network": network,
        "fold": fold,
        "seed": seed,
        "part": part,
        "fit_core_seconds": round(seconds, 1),
        "parameters": model.model_.card["parameters"],
        "late_s": reader.past.lookahead * reader.step_time,
        "greedy": {
            "validation": transcript(known, known_texts),
            "test": transcript(greedy, truths),
        },
        "grammar": {
            "validation": transcript(transcribing.answered(model.model_, held_out, orders).value, known_texts),
            "test": transcript(model.predict(own, decoding=orders).value, truths),
        },
        "examples": [{"heard": greedy[n], "true": truths[n]} for n in range(0, len(truths), 8)],
    }
    if recipe.bidirectional:
        return found
    asked = model.evaluate((own, truths))
    scores: Any = model.model_.card["scores"]
    return found | {
        "same_live": sum(live(model, path) == text for path, text in zip(own, greedy, strict=True)),
        "sentences": len(own),
        "ngrams": {
            "validation": scores["metrics"],
            "test": {name: asked.metrics[name] for name in ("wer", "cer")},
        },
        "rivals": {name: dict(metrics) for name, metrics in asked.baseline.items()},
    }


def live(model: whorl.Transcriber, path: str) -> str:
    """The last answer to a recording that comes in pieces."""
    samples, rate = soundfile.read(path, dtype="float32")
    stream, size = model.stream(decoding=whorl.Greedy()), round(PIECE * rate)
    for at in range(0, len(samples), size):
        stream.push(samples[at : at + size])
    (last,) = stream.flush()
    return str(last.value[0])


def section(runs: list[dict[str, Any]]) -> list[list[str]]:
    """A row for each way to answer, and one for each rival."""
    rows = []
    for network, way, told in (
        ("one way", "greedy", "`whorl.Transcriber()`, greedy"),
        ("one way", "ngrams", f"the same, `language_model={ORDER}`"),
        ("one way", "grammar", f"`language_model={ORDER}`, among the sentences of the grammar"),
        ("both ways", "greedy", 'both ways, `network=whorl.Recurrent("gru", bidirectional=True)`, greedy'),
        ("both ways", "grammar", "both ways, among the sentences of the grammar"),
    ):
        own = [one for one in runs if one["network"] == network]
        if own:
            held = quality.spread([one[way]["validation"]["wer"] for one in own], ".3f")
            tested = [quality.spread([one[way]["test"][key] for one in own], ".3f") for key in ("wer", "cer")]
            rows.append([told, held, *tested, f"{statistics.mean(one['fit_core_seconds'] for one in own):.0f}"])
    with_rivals = [one["rivals"] for one in runs if "rivals" in one]
    for rival in with_rivals[0] if with_rivals else ():
        tested = [quality.spread([one[rival][key] for one in with_rivals], ".3f") for key in ("wer", "cer")]
        rows.append([rival, "-", *tested, "-"])
    return rows


def told(runs: list[dict[str, Any]]) -> str:
    """What was done, in words."""
    streamed = [one for one in runs if one["network"] == "one way"]
    rest = [one["greedy"]["test"]["wer"] for one in streamed if one["fold"] not in LOOKED_AT]
    return TEXT.format(
        late=max((one["late_s"] for one in streamed), default=0.0),
        piece=PIECE,
        same=sum(one["same_live"] for one in streamed),
        count=sum(one["sentences"] for one in streamed),
        order=ORDER,
        rest=statistics.mean(rest) if rest else float("nan"),
        least=min((one["greedy"]["test"]["wer"] for one in streamed), default=float("nan")),
        most=max((one["greedy"]["test"]["wer"] for one in streamed), default=float("nan")),
    )


def main() -> None:
    """Prints a line for each fit and a row for each way to answer, and writes everything as JSON."""
    parser = quality.arguments(__doc__, seeds=(0,))
    parser.add_argument("--part", choices=("test", "validation"), default="test")
    parser.add_argument("--folds", nargs="+", type=int, default=list(range(FOLDS)))
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--workers", type=int, default=1, help="fits at a time")
    chosen = parser.parse_args()
    runs = []
    with ProcessPoolExecutor(chosen.workers, mp_context=get_context("fork")) as pool:
        jobs = itertools.product(chosen.networks, chosen.seeds, chosen.folds)
        waiting = [pool.submit(run, chosen.data, network, fold, seed, chosen.part) for network, seed, fold in jobs]
        for one in waiting:
            last = one.result()
            runs.append(last)
            print(
                f"{last['network']}, seed {last['seed']} fold {last['fold']}: "
                f"WER greedy {last['greedy']['test']['wer']:.3f}, held out {last['greedy']['validation']['wer']:.3f}, "
                f"n-grams {last.get('ngrams', {}).get('test', {}).get('wer', float('nan')):.3f}, "
                f"{last['fit_core_seconds']:.0f} core seconds",
                flush=True,
            )
    whole = chosen.out if chosen.part == "test" else None
    quality.finish(whole, title="Transcription", text=told(runs), heads=HEADS, rows=section(runs), runs=runs)


if __name__ == "__main__":
    main()
