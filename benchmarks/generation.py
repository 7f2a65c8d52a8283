"""Language models of characters with whorl's defaults, beside Kneser-Ney n-grams on the same tokens.

    python -m benchmarks.generation DATA [--max-seconds 180] [--seeds 0] [--orders 5] [--out FILE.json]

DATA is the folder with tinyshakespeare/input.txt; $WHORL_DATA/text_generation is taken where it is left out. The last
tenth of the text is held out, and is scored once for each fit with the state carried from the text before it.
"""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks import quality

import whorl
from whorl.data.corpus_reader import CorpusReader
from whorl.runtime.ngrams import KneserNey

ORDERS = (2, 3, 5, 8)
HEADS = ("model", "nats per character", "fit")
TEXT = (
    "Plays of Shakespeare, 1.1 million characters (tinyshakespeare): the last tenth is held out and scored with the "
    "state carried from the text before it. `whorl.Generator()` as it is, with `max_seconds=180`. Its settings were "
    "chosen by the same held-out part, of which there is only one."
)


def run(path: Path, seed: int, max_seconds: float) -> tuple[dict[str, Any], whorl.Generator]:
    """Fits one model with everything else default."""
    model = whorl.Generator(training=whorl.Training(max_seconds=max_seconds, seed=seed))
    started = time.perf_counter()
    model.fit(path, verbose=False)
    card = model.model_.card
    scores = card["scores"]
    assert isinstance(scores, dict)
    found = {
        "seed": seed,
        "fit_seconds": round(time.perf_counter() - started, 1),
        "threads": torch.get_num_threads(),
        "steps": model.history_.num_steps,
        "epochs": len(model.history_.epochs),
        "training_seconds": round(sum(epoch.seconds for epoch in model.history_.epochs), 1),
        "parameters": card["parameters"],
        "tokens_scored": scores["answers"],
        "validation": scores["metrics"],
        "rivals": scores["baselines"],
    }
    return found, model


def ngrams(model: whorl.Generator, path: Path, orders: list[int]) -> dict[str, float]:
    """Nats a token of Kneser-Ney models of some orders on the same split."""
    reader = model.model_.reader
    assert isinstance(reader, CorpusReader)
    (sequence,) = reader.read(path, targets=True)
    codes = np.asarray(sequence.past[:, 0], np.int64)
    data = model.model_.card["data"]
    assert isinstance(data, dict)
    cut = int(data["training_tokens"])
    found = {}
    for order in orders:
        rival = KneserNey(order, len(reader.classes)).fit([codes[:cut]])
        found[str(order)] = float(rival.nats(codes[cut - order :])[order:].mean())
    return found


def section(runs: Sequence[Mapping[str, Any]], rivals: Mapping[str, float]) -> list[list[str]]:
    """Rows of the table on the page: the model, and a rival each."""
    values = [one["validation"]["nats_per_character"] for one in runs]
    rows = [["`whorl.Generator`", quality.spread(values), quality.duration(runs)]]
    return rows + [[f"Kneser-Ney, {order} characters", f"{nats:.4f}", ""] for order, nats in rivals.items()]


def main() -> None:
    """Prints a line for each fit and writes everything as JSON."""
    parser = quality.arguments(__doc__, seeds=(0,), optional=True)
    parser.add_argument("--max-seconds", type=float, default=180.0)
    parser.add_argument("--orders", nargs="*", type=int, default=list(ORDERS), help="of Kneser-Ney models")
    chosen = parser.parse_args()
    folder = chosen.data or Path(os.environ.get("WHORL_DATA", ".")) / "text_generation"
    path = folder / "tinyshakespeare" / "input.txt"
    runs: list[dict[str, Any]] = []
    rivals: dict[str, float] = {}
    for seed in chosen.seeds:
        found, model = run(path, seed, chosen.max_seconds)
        runs.append(found)
        print(
            f"seed {seed}: {found['validation']['nats_per_character']:.4f} nats per character, {found['steps']} steps "
            f"in {found['training_seconds']} s, {found['fit_seconds']} s in all",
            flush=True,
        )
        rivals = rivals or ngrams(model, path, chosen.orders)
    told = [{**one, "max_seconds": chosen.max_seconds, "kneser_ney": rivals} for one in runs]
    quality.finish(
        chosen.out, title="Text, character by character", text=TEXT, heads=HEADS, rows=section(runs, rivals), runs=told
    )


if __name__ == "__main__":
    main()
