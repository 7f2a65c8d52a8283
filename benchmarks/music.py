"""Music a chord at a time with whorl's defaults, beside its rivals: nats of a step of held-out pieces.

    python -m benchmarks.music DATA [--sets jsb_chorales piano_midi_de] [--seeds 0 1 2] [--epochs N] [--out FILE.json]

DATA is the folder with jsb_chorales/jsb-chorales-quarter.json and piano_midi_de/piano_midi.json. Each set is cut as
Boulanger-Lewandowski et al. (2012) cut it: what they validate on is held out by `fit`, and the test part is scored once
for each seed. A step is scored where there is one before it; the nats of a step are the sum over its 88 notes.
"""

import json
import time
from pathlib import Path
from typing import Any

import torch
from benchmarks import quality

import whorl

FILES = {
    "jsb_chorales": Path("jsb_chorales") / "jsb-chorales-quarter.json",
    "piano_midi_de": Path("piano_midi_de") / "piano_midi.json",
}
# Nats of a step of the test part: Bai et al. (2018), table 1; Boulanger-Lewandowski et al. (2012), table 1.
PUBLISHED = {
    "jsb_chorales": {"RNN": 8.91, "LSTM": 8.45, "GRU": 8.43},
    "piano_midi_de": {"RNN": 8.37, "RNN-RBM": 7.09},
}
NETWORK = "lstm"
HEADS = ("set", "nats of a step, test", "validation", "fit")
TEXT = (
    "Chorales and piano music as rolls of 88 notes: the mean over steps of the negative logarithm of the probability "
    "of the notes of the next step, each note by itself. `whorl.Generator(tokens=whorl.Music(), network='lstm')` as "
    "it is; its settings were chosen on the validation part of the chorales. Seconds were taken while other work ran "
    "on the machine. Published: chorales RNN 8.91, LSTM 8.45, GRU 8.43 (Bai et al. 2018); piano RNN 8.37, RNN-RBM, "
    "which models what sounds together, 7.09 (Boulanger-Lewandowski et al. 2012)."
)


def run(data: Path, name: str, seed: int, epochs: int | None) -> dict[str, Any]:
    """Fits one model with everything else default and scores it."""
    parts = json.loads((data / FILES[name]).read_text(encoding="utf-8"))
    training = whorl.Training(seed=seed, epochs=epochs, validation=len(parts["valid"]))
    model = whorl.Generator(tokens=whorl.Music(), network=NETWORK, training=training)
    started = time.perf_counter()
    model.fit(parts["train"] + parts["valid"], verbose=False)
    seconds = round(time.perf_counter() - started, 1)
    scores, test = model.model_.card["scores"], model.evaluate(parts["test"], keep=False)
    assert isinstance(scores, dict)
    return {
        "set": name,
        "seed": seed,
        "fit_seconds": seconds,
        "threads": torch.get_num_threads(),
        "epochs": len(model.history_.epochs),
        "kept_epoch": model.history_.kept_epoch,
        "steps_taken": model.history_.num_steps,
        "parameters": model.model_.card["parameters"],
        "validation": scores["metrics"],
        "validation_rivals": scores["baselines"],
        "answers": test.num_answers,
        "test": dict(test.metrics),
        "rivals": {rival: dict(metrics) for rival, metrics in test.baseline.items()},
        "published": PUBLISHED[name],
    }


def rows(runs: list[dict[str, Any]]) -> list[list[str]]:
    """Rows of the table on the page: of each set the model, and each rival."""
    made = []
    for name in dict.fromkeys(one["set"] for one in runs):
        own = [one for one in runs if one["set"] == name]
        test, valid = ([one[part]["nll"] for one in own] for part in ("test", "validation"))
        made.append([f"{name}, `whorl.Generator`", quality.spread(test), quality.spread(valid), quality.duration(own)])
        for rival, metrics in own[0]["rivals"].items():
            valid_nll = own[0]["validation_rivals"][rival]["nll"]
            made.append([f"{name}, {rival}", f"{metrics['nll']:.4f}", f"{valid_nll:.4f}", ""])
    return made


def main() -> None:
    """Prints a line for each fit and writes everything as JSON."""
    parser = quality.arguments(__doc__, sets=tuple(FILES))
    parser.add_argument("--epochs", type=int, help="of every fit; left out, what the task chooses")
    chosen = parser.parse_args()
    runs = []
    for name in chosen.sets:
        for seed in chosen.seeds:
            found = run(chosen.data, name, seed, chosen.epochs)
            runs.append(found)
            rivals = ", ".join(f"{rival} {metrics['nll']:.3f}" for rival, metrics in found["rivals"].items())
            print(
                f"{name}, seed {seed}: test {found['test']['nll']:.4f}, validation {found['validation']['nll']:.4f} "
                f"nats of a step ({rivals}; published {found['published']}), epoch {found['kept_epoch']} of "
                f"{found['epochs']}, {found['fit_seconds']} s",
                flush=True,
            )
    quality.finish(chosen.out, title="Music, a chord at a time", text=TEXT, heads=HEADS, rows=rows(runs), runs=runs)


if __name__ == "__main__":
    main()
