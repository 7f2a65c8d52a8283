"""How well `whorl suggest` chooses: its first choice beside its alternatives, on parts that are not learned from.

    python -m benchmarks.suggestions DATA [--sets airline ...] [--seeds 0 1] [--out FILE.json]

DATA is the folder of data sets, with forecasting/ and finance/. The series are short; most are parts of long ones. The
first three quarters of the rows are given to `whorl.suggest` and learned from, and every window whose truth lies in the
last quarter is scored. `MADE_WITH` names the series that the rules were made with.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import torch
from benchmarks import forecasting

import whorl
from whorl.plans.networks import from_key, key_of
from whorl.tasks.estimator import Estimator


@dataclass(frozen=True, kw_only=True)
class Part:
    """Rows of a table, and what is forecast of them; the last quarter is scored."""

    read: Callable[[Path], pl.DataFrame]
    rows: slice
    horizon: int
    target: str | None = None
    table: whorl.Table | None = None


def _of(name: str) -> Callable[[Path], pl.DataFrame]:
    return lambda folder: forecasting.SETS[name].read(folder / "forecasting")


def _shares(folder: Path) -> pl.DataFrame:
    return pl.read_csv(folder / "finance/sp500_monthly/data.csv").select("Date", "SP500")


_FILLED = whorl.Table(on_gap="fill")
FORECASTS = {
    "airline": Part(read=_of("airline"), rows=slice(None), horizon=12),
    "shares, 400 rows": Part(read=_shares, rows=slice(0, 400), horizon=12),
    "transformer, 450 rows": Part(read=_of("ETTh1"), rows=slice(9000, 9450), horizon=24, target="HUFL"),
    "sunspots, 300 rows": Part(read=_of("sunspots"), rows=slice(600, 900), horizon=12),
    "sunspots, 350 rows": Part(read=_of("sunspots"), rows=slice(2000, 2350), horizon=12),
    "air, 400 rows": Part(read=_of("beijing_pm25"), rows=slice(30000, 30400), horizon=12, target="TEMP"),
    "temperatures, 500 rows": Part(read=_of("temperatures"), rows=slice(2000, 2500), horizon=7, table=_FILLED),
}
# What had been looked at when the rules were made; the others had not.
MADE_WITH = tuple(FORECASTS)[:4]


def choices(found: whorl.Suggestion) -> Iterator[tuple[str, Estimator]]:
    """The first choice and its alternatives, each under a name."""
    yield "suggested", found.model
    for other in found.alternatives:
        yield "alternative", other.model


def forecasts(name: str, folder: Path, seeds: list[int]) -> list[dict[str, Any]]:
    """Mean absolute error, in units of the training rows' spread, of every window of the last quarter."""
    part = FORECASTS[name]
    rows = part.read(folder)[part.rows]
    cut = len(rows) - len(rows) // 4
    found = whorl.suggest(rows[:cut], task="forecast", target=part.target, horizon=part.horizon, table=part.table)
    runs = []
    for why, model in choices(found):
        for seed in seeds:
            started = time.perf_counter()
            model.set_params(training=whorl.Training(seed=seed)).fit(rows[:cut], verbose=False)
            seconds = time.perf_counter() - started
            # A carried state runs through the rows before; what it would answer there is not scored.
            context = model.get_params()["context"]
            assert isinstance(context, int)
            scored = model.evaluate(rows) if model.get_params()["memory"] == "carried" else None
            naive = model.evaluate(rows[cut - context :])
            error = naive.metrics["mae_scaled"] if scored is None else _of_last(scored, len(naive.target))
            rivals = {rival: scores["mae_scaled"] for rival, scores in naive.baseline.items()}
            runs.append(_run(name, why, model, seed, seconds, error) | {"rivals": rivals})
    return runs


def _of_last(scored: whorl.Evaluation, count: int) -> float:
    """The error of the last windows."""
    error = abs(scored.prediction.value - scored.target)[-count:] / scored.scale
    return float(error[error == error].mean())


def _run(name: str, why: str, model: Estimator, seed: int, seconds: float, error: float) -> dict[str, Any]:
    memory = ["carried"] if model.get_params().get("memory") == "carried" else []
    return {
        "set": name,
        "choice": why,
        "model": ", ".join([key_of(from_key(model.network)), *_told(model), *memory]),
        "context": model.get_params().get("context"),
        "seed": seed,
        "fit_seconds": round(seconds, 1),
        "error": round(error, 4),
    }


def _told(model: Estimator) -> list[str]:
    """What tells the recurrent networks of this script apart."""
    recipe = from_key(model.network)
    members = [f"{recipe.members} members"] if recipe.members > 1 else []
    return [*(["both ways"] if recipe.bidirectional else []), *members]


def summary(runs: list[dict[str, Any]]) -> str:
    """A line for each choice: its mean error, beside the best naive rival."""
    lines = []
    for name, why, model in dict.fromkeys((run["set"], run["choice"], run["model"]) for run in runs):
        own = [run for run in runs if (run["set"], run["choice"], run["model"]) == (name, why, model)]
        errors = [run["error"] for run in own]
        spread = f" ± {statistics.stdev(errors):.3f}" if len(errors) > 1 else ""
        naive = f"  naive {min(own[0]['rivals'].values()):.3f}" if "rivals" in own[0] else ""
        first = "*" if why == "suggested" else " "
        lines.append(f"{first} {name:26}{statistics.mean(errors):.3f}{spread}{naive}  {model}")
    return "\n".join(lines)


def _others(path: Path | None, sets: list[str]) -> list[dict[str, Any]]:
    """Runs of other sets that a file has."""
    if path is None or not path.exists():
        return []
    return [run for run in json.loads(path.read_text(encoding="utf-8"))["runs"] if run["set"] not in sets]


def main() -> None:
    """Runs all or some of the sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", nargs="+", choices=FORECASTS, default=list(FORECASTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    runs = _others(given.out, given.sets)
    for name in given.sets:
        runs += forecasts(name, given.data, given.seeds)
        print(summary([run for run in runs if run["set"] == name]), flush=True)
        if given.out is not None:
            versions = {"whorl": whorl.__version__, "torch": torch.__version__, "threads": torch.get_num_threads()}
            document = {"versions": versions, "made_with": MADE_WITH, "runs": runs}
            given.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
