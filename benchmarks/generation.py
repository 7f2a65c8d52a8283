"""Language models of characters with whorl's defaults, beside Kneser-Ney n-grams on the same tokens.

    python -m benchmarks.generation DATA [--max-seconds 180] [--seeds 0] [--orders 5] [--out FILE.json]

DATA is the folder with tinyshakespeare/input.txt; $WHORL_DATA/text_generation is taken where it is left out. The last
tenth of the text is held out, and is scored once for each fit with the state carried from the text before it.
"""

import os
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from benchmarks import quality

import whorl
from whorl.data.corpus_reader import CorpusReader
from whorl.tasks.ngrams import KneserNey

ORDERS = (2, 3, 5, 8)


def run(path: Path, seed: int, max_seconds: float) -> tuple[dict[str, object], whorl.Generator]:
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


def main() -> None:
    """Prints a line for each fit and writes everything as JSON."""
    parser = quality.arguments(__doc__, seeds=(0,), optional=True)
    parser.add_argument("--max-seconds", type=float, default=180.0)
    parser.add_argument("--orders", nargs="*", type=int, default=list(ORDERS), help="of Kneser-Ney models")
    chosen = parser.parse_args()
    folder = chosen.data or Path(os.environ.get("WHORL_DATA", ".")) / "text_generation"
    path = folder / "tinyshakespeare" / "input.txt"
    runs, rivals = [], {}
    for seed in chosen.seeds:
        found, model = run(path, seed, chosen.max_seconds)
        runs.append(found)
        metrics = found["validation"]
        assert isinstance(metrics, dict)
        print(
            f"seed {seed}: {metrics['nats_per_character']:.4f} nats per character, {found['steps']} steps in "
            f"{found['training_seconds']} s, {found['fit_seconds']} s in all",
            flush=True,
        )
        rivals = rivals or ngrams(model, path, chosen.orders)
    values = [run["validation"]["nats_per_character"] for run in runs]  # type: ignore[index]
    print(f"mean {statistics.mean(values):.4f} (n={len(values)})")
    for order, nats in rivals.items():
        print(f"Kneser-Ney, order {order}: {nats:.4f}")
    settings = {"max_seconds": chosen.max_seconds, "threads": torch.get_num_threads(), "cores": os.cpu_count()}
    quality.write(chosen.out, settings=settings, runs=runs, kneser_ney=rivals)


if __name__ == "__main__":
    main()
