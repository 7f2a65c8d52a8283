"""Classic problems of recurrent networks, for every network: adding, copy memory, parity.

    python -m benchmarks.classics [--only adding ...] [--networks gru ...] [--seeds 0 1 2] [--out FILE.json]

For each problem and network the learning rate with the best validation score at the shortest length is chosen, with a
seed of its own; then models of each seed are fitted and scored on new sequences. Results are written after each fit,
and fits that --out or --join has are not made again. `python -m benchmarks.classic_page` writes the page.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from benchmarks import quality
from benchmarks.classic_problems import PROBLEMS, Problem
from scipy import stats

import whorl
from whorl.plans.networks import Network
from whorl.tasks.estimator import Estimator

RATES = (1e-3, 3e-3, 1e-2)
# Of the fits that choose the rate; their data and weights are in no other fit.
CHOOSING = 100
HIDDEN, LOOKING, BATCH, EPOCHS, VALIDATION = 64, 32, 16, 5, 500
# Shares of the baseline's score that are fixed as success and as failure.
SOLVED, FAILED = 0.1, 0.9

Run = Mapping[str, Any]


def _recurrent(cell: str, layers: int = 1) -> Callable[[int], Network]:
    return lambda window: whorl.Recurrent(cell, hidden_size=HIDDEN, num_layers=layers)  # type: ignore[arg-type]


def _convolution(window: int) -> Network:
    layers = next(n for n in range(1, 19) if whorl.Convolution(num_layers=n).reach >= window)
    return whorl.Convolution(hidden_size=LOOKING, num_layers=layers, dropout=0.0)


# By the steps that must be seen at once. Networks that look back are narrower, so that weights are about as many; they
# have no dropout, as the others have none.
NETWORKS: dict[str, Callable[[int], Network]] = {
    "rnn": _recurrent("rnn"),
    "lstm": _recurrent("lstm"),
    "lstm-chrono": lambda window: whorl.Recurrent("lstm", hidden_size=HIDDEN, num_layers=1, chrono=window),
    "gru": _recurrent("gru"),
    "mingru": _recurrent("mingru", 2),
    "minlstm": _recurrent("minlstm", 2),
    "lru": _recurrent("lru", 2),
    "transformer": lambda window: whorl.Transformer(hidden_size=LOOKING, num_layers=2, window=window, dropout=0.0),
    "cnn": _convolution,
    "mlp": lambda window: whorl.Perceptron(hidden_size=LOOKING, num_layers=2, window=window, dropout=0.0),
}

HEADS = ("network", "adding, 50 steps", "100", "200", "copy memory, 50 steps", "100", "parity, to 256 steps")
TEXT = (
    "Adding, copy memory and parity, drawn anew for each of several seeds: for how many of them the model came below a "
    "tenth of the score of the best answer that does not read the sequence. What is asked, settings and scores stand "
    "in [the classic experiments](explanation/classic-experiments.md)."
)


def fitted(problem: Problem, name: str, length: int, rate: float, seed: int) -> tuple[Estimator, dict[str, Any]]:
    """A model of a problem, and what there is to say of its fit."""
    count = problem.steps // EPOCHS * BATCH
    training = whorl.Training(
        epochs=EPOCHS,
        batch_size=BATCH,
        learning_rate=rate,
        weight_decay=0.0,
        validation=VALIDATION,
        patience=EPOCHS,
        seed=seed,
        device="cpu",
    )
    model = problem.task(NETWORKS[name](problem.window(length)), training)
    wall, cpu = time.perf_counter(), time.process_time()
    model.fit(problem.train(count + VALIDATION, length, (seed, length, 0)), verbose=False)
    card = model.model_.card
    return model, {
        "network": name,
        "length": length,
        "learning_rate": rate,
        "seed": seed,
        "steps": model.history_.num_steps,
        "fit_seconds": round(time.perf_counter() - wall, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "threads": torch.get_num_threads(),
        "parameters": card["parameters"],
        "validation": card["scores"]["metrics"][problem.chosen_by],  # type: ignore[index]
        "validation_losses": [round(one.valid_loss, 5) for one in model.history_.epochs],
    }


def _key(run: Run) -> tuple[object, ...]:
    """What tells a run from others."""
    return tuple(run[word] for word in ("problem", "network", "length", "learning_rate", "seed", "steps"))


class Results:
    """Runs, and the file that they are written to.

    Args:
        out: the file; None writes none.
        joined: files with runs of other processes.
    """

    def __init__(self, out: Path | None, joined: Sequence[Path] = ()) -> None:
        self._out = out
        self.runs: list[Run] = []
        for path in (*joined, *([out] if out is not None and out.exists() else [])):
            for one in json.loads(path.read_text(encoding="utf-8"))["runs"]:
                if all(_key(one) != _key(known) for known in self.runs):
                    self.runs.append(one)

    def find(self, problem: str, name: str, length: int, rate: float, seed: int) -> Run | None:
        """The run, if it was made with the steps that it would be made with now."""
        wanted = (problem, name, length, rate, seed, PROBLEMS[problem].steps)
        return next((one for one in self.runs if _key(one) == wanted), None)

    def add(self, run: Run) -> None:
        """Keeps a run, and writes the file anew."""
        self.runs.append(run)
        self.save()

    def save(self) -> None:
        """Writes the file."""
        if self._out is not None:
            runs = sorted(self.runs, key=lambda one: (one["problem"], one["length"]))
            rows = section(runs)
            quality.save(self._out, title="Classic problems", text=TEXT, heads=HEADS, rows=rows, runs=runs)


def measured(results: Results, key: str, name: str, length: int, rate: float, seed: int) -> Run:
    """A run, from the results where they have it; one that chooses a rate looks at no test sequence."""
    known = results.find(key, name, length, rate, seed)
    if known is not None:
        return known
    model, run = fitted(PROBLEMS[key], name, length, rate, seed)
    test = {} if seed == CHOOSING else PROBLEMS[key].score(model, length, (seed, length, 1))
    made = {"problem": key, **run, "test": test}
    told = {metric: round(score, 4) for metric, score in test.items() if isinstance(score, float)}
    print(
        f"{key} {length} {name} {rate:g} seed {seed}: {run['validation']:.4f} {told} {run['cpu_seconds']} s", flush=True
    )
    results.add(made)
    return made


def chosen_rate(runs: Sequence[Run], key: str, name: str) -> float | None:
    """The rate with the best validation score at the shortest length; None where they were not all tried."""
    length = PROBLEMS[key].lengths[0]
    tried = {
        one["learning_rate"]: one["validation"]
        for one in runs
        if (one["problem"], one["network"], one["length"], one["seed"]) == (key, name, length, CHOOSING)
    }
    return None if set(tried) != set(RATES) else min(tried, key=lambda rate: (tried[rate], rate))


def finals(runs: Sequence[Run], key: str, name: str, length: int, longer: int = 1) -> list[Run]:
    """The runs that were scored, of so many times the steps of the problem."""
    wanted = (key, name, length, longer * PROBLEMS[key].steps)
    told = ("problem", "network", "length", "steps")
    return [one for one in runs if tuple(one[word] for word in told) == wanted and one["test"]]


def solved(runs: Sequence[Run], key: str) -> int:
    """How many of the runs came below a tenth of the baseline."""
    problem = PROBLEMS[key]
    return sum(one["test"][problem.measure] <= SOLVED * problem.baseline(one["length"]) for one in runs)


def verdict(runs: Sequence[Run], key: str) -> str:
    """'solved' or 'failed' where all runs did, else how many were solved, or 'in part' where none was."""
    problem = PROBLEMS[key]
    shares = [one["test"][problem.measure] / problem.baseline(one["length"]) for one in runs]
    if all(share >= FAILED for share in shares):
        return "failed"
    count = solved(runs, key)
    if count == len(runs):
        return "solved"
    return f"{count} of {len(runs)} solved" if count else "in part"


def interval(values: Sequence[float], form: str = ".4f") -> str:
    """Mean, and half of its 95 % interval by Student's t, as a cell of a table."""
    mean = statistics.mean(values)
    if len(values) < 2:
        return f"{mean:{form}} (n=1)"
    half = float(stats.t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / len(values) ** 0.5
    return f"{mean:{form}} ± {half:{form}}"


def section(runs: Sequence[Run]) -> list[list[str]]:
    """Rows of the table on the page of quality: a network each."""
    rows = []
    for name in NETWORKS:
        cells = [name]
        for key, problem in PROBLEMS.items():
            for length in problem.lengths:
                found = finals(runs, key, name, length)
                cells.append(f"{solved(found, key)} of {len(found)}" if found else "not run")
        rows.append(cells)
    return rows


def main() -> None:
    """Makes the runs that are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=list(PROBLEMS), choices=list(PROBLEMS))
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--longest", type=int, default=10_000, help="leaves longer sequences out")
    parser.add_argument("--longer", type=int, default=1, help="times the steps, at the rates that were chosen with one")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--join", nargs="+", type=Path, default=[], help="results of other processes")
    parser.add_argument("--out", type=Path)
    told = parser.parse_args()
    if CHOOSING in told.seeds:
        parser.error(f"--seeds has {CHOOSING}, which chooses the learning rates. Take another.")
    results = Results(told.out, told.join)
    for key in told.only:
        PROBLEMS[key] = replace(PROBLEMS[key], steps=told.longer * PROBLEMS[key].steps)
        lengths = [length for length in PROBLEMS[key].lengths if length <= told.longest]
        for name in told.networks:
            if chosen_rate(results.runs, key, name) is None:
                for rate in RATES:
                    measured(results, key, name, PROBLEMS[key].lengths[0], rate, CHOOSING)
            rate = chosen_rate(results.runs, key, name)
            assert rate is not None
            for length in lengths:
                for seed in told.seeds:
                    measured(results, key, name, length, rate, seed)
    if told.longer == 1:
        results.save()


if __name__ == "__main__":
    main()
