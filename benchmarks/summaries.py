"""Subjects of mails (AESLC) with whorl's defaults, beside the first sentence and the subject of the most similar mail.

    python -m benchmarks.summaries DATA [--max-seconds 2700] [--seeds 0] [--out FILE.json]
    python -m benchmarks.summaries DATA --part dev --change dropout=0.2   # choices, on the validation part of the set

DATA is the folder with aeslc/train.jsonl, dev.jsonl and test.jsonl; $WHORL_DATA/summarization is taken where it is left
out. Scores are ROUGE against the subject that was sent, of each text as one sentence. Similar are mails of the whole
training part by the cosine of TF-IDF.
"""

import json
import os
import statistics
import time
from pathlib import Path

from benchmarks import quality, writing

import whorl
from whorl.data.json_lines import json_values
from whorl.data.pair_memory import PairMemory
from whorl.runtime import text_metrics

# Mails of train that are held out for the choice of the epoch.
_VALIDATION = 1000
_DECODINGS = {"greedy": whorl.Greedy(), "beam 5": whorl.Beam(width=5)}
_COLUMNS = {"source": "body", "target": "subject"}
Mails = tuple[list[str], list[str]]


def mails(folder: Path, part: str) -> Mails:
    """Bodies and subjects."""
    records = [value for _, value in json_values(folder / "aeslc" / f"{part}.jsonl", "utf-8")]
    return [str(one["body"]) for one in records], [str(one["subject"]) for one in records]  # type: ignore[index]


def rivals(learned: Mails, scored: Mails) -> dict[str, dict[str, float]]:
    """Scores of the first sentence, which is the first line here, and of the subject of the most similar mail."""
    memory = PairMemory(*learned)
    answers = {
        "lead-1": [body.split("\n")[0] for body in scored[0]],
        "nearest mail": [memory.nearest(body)[0] for body in scored[0]],
    }
    return {name: text_metrics.summary(texts, scored[1]) for name, texts in answers.items()}


def run(learned: Mails, scored: Mails, seed: int, seconds: float, changes: dict[str, object]) -> dict[str, object]:
    """Fits one model with everything default but the time, and scores it on mails that it never saw."""
    model = writing.made(
        whorl.Summarizer, seed=seed, seconds=seconds, validation=_VALIDATION, changes={**_COLUMNS, **changes}
    )
    started = time.perf_counter()
    model.fit(learned, verbose=False)
    fitted = time.perf_counter() - started
    found, subjects = {}, {}
    for name, decoding in _DECODINGS.items():
        started = time.perf_counter()
        subjects[name] = model.predict(scored[0], decoding=decoding).value
        score = text_metrics.summary(subjects[name], scored[1])
        found[name] = {**score, "seconds": round(time.perf_counter() - started, 1)}
    shown = range(0, len(scored[0]), max(1, len(scored[0]) // 5))
    return {
        "seed": seed,
        **writing.described(model, fitted),
        "decodings": found,
        "changes": {name: str(value) for name, value in changes.items()},
        "examples": [{"written": subjects["beam 5"][n], "true": scored[1][n]} for n in shown],
    }


def main() -> None:
    """Prints a line for each fit, the mean and the rivals, and writes everything as JSON."""
    parser = writing.arguments(__doc__, ("dev", "test"), "mails")
    chosen = parser.parse_args()
    folder = chosen.data or Path(os.environ.get("WHORL_DATA", ".")) / "summarization"
    learned, every = mails(folder, "train"), mails(folder, chosen.part)
    scored = every[0][: chosen.scored], every[1][: chosen.scored]
    others = rivals(learned, scored)
    for name, metrics in others.items():
        print(f"{name}: " + ", ".join(f"{key} {value:.2f}" for key, value in metrics.items()), flush=True)
    runs = []
    for seed in chosen.seeds:
        runs.append(run(learned, scored, seed, chosen.max_seconds, writing.changed(chosen.change)))
        print(json.dumps(runs[-1]), flush=True)
    for name in _DECODINGS:
        own = [one["decodings"][name]["rouge_l"] for one in runs]  # type: ignore[index]
        spread = f" +- {statistics.stdev(own):.2f}" if len(own) > 1 else ""
        print(f"{chosen.part}: rouge_l {statistics.mean(own):.2f}{spread} (n = {len(own)}), {name}")
    settings = {"part": chosen.part, "mails": len(scored[0]), "max_seconds": chosen.max_seconds}
    quality.write(chosen.out, machine=quality.machine(), settings=settings, rivals=others, runs=runs)


if __name__ == "__main__":
    main()
