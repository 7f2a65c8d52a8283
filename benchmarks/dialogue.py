"""Replies in dialogues with whorl's defaults, beside Kneser-Ney n-grams of the same turns over the same tokens.

    python -m benchmarks.dialogue DATA [--max-seconds 2700] [--seeds 0] [--orders 3 5] [--out FILE.json]
    python -m benchmarks.dialogue DATA --part validation --change dropout=0.2   # choices, on dialogues of training

DATA is the folder with self_dialogue/movies.txt; $WHORL_DATA/chatbot is taken where it is left out. The last tenth of
the dialogues is the test part. The n-grams learn from all other dialogues, those too that the fit holds out to choose
its epoch; they read a dialogue as one text, so that a reply begins with what was said before it, or each turn alone.
"""

import json
import os
import statistics
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks import quality, writing

import whorl
from whorl.data.dialogue_reader import DialogueReader
from whorl.data.dialogues import read_dialogues
from whorl.runtime.ngrams import KneserNey

ORDERS = (3, 5)
HEADS = ("part", "replies", "perplexity", "Kneser-Ney 5-grams of dialogues", "of turns", "unigrams", "settings", "fit")
TEXT = (
    "Dialogues of two people about films (Self-dialogue Corpus, the topic movies), the last tenth of them is the test "
    "part: perplexity by the token, of 6,000 byte pairs, of every turn but the first. `whorl.Chatbot()` with the "
    "settings that are named; 200 dialogues of training are held out to choose the epoch. The n-grams learn from those "
    "too, and read a dialogue as one text, or each turn alone."
)
# Dialogues of training that are held out for the choice of the epoch.
_VALIDATION = 200
Dialogues = list[list[str]]


def parts(path: Path, part: str) -> tuple[Dialogues, Dialogues]:
    """What is learned from, and what is scored."""
    every = [[turn.text for turn in one.turns] for one in read_dialogues(path)]
    cut = len(every) - len(every) // 10
    if part == "test":
        return every[:cut], every[cut:]
    return every[: cut - len(every) // 10], every[cut - len(every) // 10 : cut]


def run(given: tuple[Dialogues, Dialogues], seed: int, seconds: float, changes: dict[str, object]) -> dict[str, Any]:
    """Fits one model with everything default but the time, and scores it on dialogues that it never saw."""
    model = writing.made(whorl.Chatbot, seed=seed, seconds=seconds, validation=_VALIDATION, changes=changes)
    started = time.perf_counter()
    model.fit(given[0], verbose=False)
    fitted = time.perf_counter() - started
    started = time.perf_counter()
    scored = model.evaluate(given[1], keep=False)
    reader = model.model_.reader
    assert isinstance(reader, DialogueReader)
    return {
        "seed": seed,
        **writing.described(model, fitted),
        "evaluate_seconds": round(time.perf_counter() - started, 1),
        "replies": scored.num_answers,
        "scores": dict(scored.metrics),
        "rivals": {name: dict(metrics) for name, metrics in scored.baseline.items()},
        "changes": {name: str(value) for name, value in changes.items()},
        "examples": examples(model, given[1]),
        "_reader": reader,
    }


def examples(model: whorl.Chatbot, dialogues: Dialogues) -> list[dict[str, object]]:
    """Some turns with the reply of the model and the true one."""
    asked = [one[:3] for one in dialogues[:: max(1, len(dialogues) // 5)] if len(one) > 3][:5]
    true = [one[3] for one in dialogues[:: max(1, len(dialogues) // 5)] if len(one) > 3][:5]
    return [
        {"read": turns, "written": reply, "true": truth}
        for turns, reply, truth in zip(asked, model.predict(asked).value, true, strict=True)
    ]


def ngrams(reader: DialogueReader, given: tuple[Dialogues, Dialogues], orders: Sequence[int]) -> dict[str, float]:
    """Nats a token of every turn but the first, by Kneser-Ney models of some orders."""

    def turns(dialogue: list[str]) -> list[np.ndarray]:
        return [reader.outputs.text.encode(turn)[:, 0].astype(np.int64) for turn in dialogue]  # begin, tokens, end

    learned, scored = ([turns(one) for one in part] for part in given)
    found = {}
    for order in orders:
        alone = KneserNey(order, len(reader.classes)).fit([turn for one in learned for turn in one])
        nats = np.concatenate([alone.nats(turn)[1:] for one in scored for turn in one[1:]])
        found[f"{order}, turns alone"] = float(nats.mean())
        whole = KneserNey(order, len(reader.classes)).fit([np.concatenate([t[1:] for t in one]) for one in learned])
        kept = [whole.nats(np.concatenate([turn[1:] for turn in one]))[len(one[0]) - 1 :] for one in scored]
        assert sum(map(len, kept)) == len(nats)
        found[f"{order}, whole dialogues"] = float(np.concatenate(kept).mean())
    return found


def section(part: str, runs: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The row of the table: the mean of the seeds."""

    def perplexity(nats: Iterable[float]) -> str:
        return quality.spread([float(np.exp(one)) for one in nats], ".1f")

    first = runs[0]
    changes = ", ".join(f"{name}={value}" for name, value in first["changes"].items())
    return [
        [
            part,
            f"{first['replies']:,}",
            perplexity(one["scores"]["nll"] for one in runs),
            perplexity(one["kneser_ney"]["5, whole dialogues"] for one in runs),
            perplexity(one["kneser_ney"]["5, turns alone"] for one in runs),
            perplexity(one["rivals"]["unigram"]["nll"] for one in runs),
            changes or "default",
            quality.duration(runs),
        ]
    ]


def main() -> None:
    """Prints a line for each fit, the mean and the n-grams, and writes everything as JSON."""
    parser = writing.arguments(__doc__, ("validation", "test"), "dialogues")
    parser.add_argument("--orders", nargs="*", type=int, default=list(ORDERS), help="of Kneser-Ney models")
    chosen = parser.parse_args()
    folder = chosen.data or Path(os.environ.get("WHORL_DATA", ".")) / "chatbot"
    learned, scored = parts(folder / "self_dialogue" / "movies.txt", chosen.part)
    given = learned, scored[: chosen.scored]
    runs: list[dict[str, Any]] = []
    rivals = []
    for seed in chosen.seeds:
        found = run(given, seed, chosen.max_seconds, writing.changed(chosen.change))
        reader = found.pop("_reader")
        assert isinstance(reader, DialogueReader)
        # Tokens are learned from what the seed leaves for training, so each run has its own.
        rivals.append(ngrams(reader, given, chosen.orders))
        print(json.dumps({**found, "kneser_ney": rivals[-1]}), flush=True)
        # What people said is theirs: it is shown, and not kept.
        runs.append({**{name: value for name, value in found.items() if name != "examples"}, "kneser_ney": rivals[-1]})
    own = [float(np.exp(one["scores"]["nll"])) for one in runs]
    spread = f" +- {statistics.stdev(own):.2f}" if len(own) > 1 else ""
    print(f"{chosen.part}: perplexity {statistics.mean(own):.2f}{spread} (n = {len(own)})")
    for name in rivals[0]:
        print(f"Kneser-Ney, order {name}: {statistics.mean(float(np.exp(one[name])) for one in rivals):.2f}")
    if chosen.out is not None:
        rows = section(chosen.part, runs)
        quality.save(chosen.out, title="Dialogues", text=TEXT, heads=HEADS, rows=rows, runs=runs)


if __name__ == "__main__":
    main()
