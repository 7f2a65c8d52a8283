"""Forecasting on public data with whorl's defaults, beside naive rivals; the test part is read once for each fit.

    python benchmarks/forecasting.py DATA [--sets ETTh1 ...] [--memory window carried] [--refit no yes]
        [--seeds 0 1 2] [--out FILE.json]

DATA holds ETTh1/ETTh1.csv, exchange_rate/exchange_rate.txt, beijing_pm25/pollution.csv and
classic_univariate/*.csv; taxi is shipped with whorl. Every set is split by time into training, validation and test;
statistics come from training rows, early stopping and intervals from the validation part. With `refit` the network is
fitted once more to both. Every test window is scored.
"""

import argparse
import itertools
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import torch

import whorl


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A table, its split in rows, and what is forecast of it."""

    read: Callable[[Path], pl.DataFrame]
    context: int
    horizon: int
    split: tuple[float, float] = (0.7, 0.1)
    target: str | None = None
    table: whorl.Table = field(default_factory=whorl.Table)

    def rows(self, count: int) -> tuple[int, int]:
        """Training and validation rows."""
        return tuple(int(part) if part > 1 else int(part * count) for part in self.split)  # type: ignore[return-value]


def _beijing(folder: Path) -> pl.DataFrame:
    table = pl.read_csv(folder / "beijing_pm25/pollution.csv", null_values="NA", infer_schema_length=None)
    time_column = pl.datetime("year", "month", "day", "hour").alias("time")
    return table.select(time_column, pl.exclude("No", "year", "month", "day", "hour"))


def _exchange(folder: Path) -> pl.DataFrame:
    return pl.read_csv(folder / "exchange_rate/exchange_rate.txt", has_header=False)


def _classic(name: str) -> Callable[[Path], pl.DataFrame]:
    return lambda folder: pl.read_csv(folder / f"classic_univariate/{name}.csv")


def _taxi(_: Path) -> pl.DataFrame:
    return pl.read_csv(whorl.datasets.path("nyc_taxi"), columns=["time", "passengers"])


SETS = {
    "ETTh1": DataSet(
        read=lambda folder: pl.read_csv(folder / "ETTh1/ETTh1.csv")[:14400], split=(8640, 2880), context=96, horizon=96
    ),
    "exchange_rate": DataSet(read=_exchange, context=96, horizon=96),
    "beijing_pm25": DataSet(read=_beijing, context=168, horizon=24, target="pm2.5"),
    "airline": DataSet(read=_classic("airline-passengers"), context=24, horizon=12),
    "temperatures": DataSet(
        read=_classic("daily-min-temperatures"), context=60, horizon=14, table=whorl.Table(on_gap="fill")
    ),
    "sunspots": DataSet(read=_classic("monthly-sunspots"), context=132, horizon=12),
    "taxi": DataSet(read=_taxi, context=336, horizon=48),
}


def run(name: str, folder: Path, memory: str, refit: bool, seed: int) -> dict[str, object]:
    """Fits one model with everything default but the split, and scores it on validation and test."""
    data = SETS[name]
    table = data.read(folder)
    train, valid = data.rows(len(table))
    model = whorl.Forecaster(
        target=data.target,
        context=data.context,
        horizon=data.horizon,
        memory=memory,  # type: ignore[arg-type]
        table=data.table,
        network=whorl.Recurrent("gru"),
        training=whorl.Training(validation=valid, seed=seed),
    )
    started, used = time.perf_counter(), time.process_time()
    model.fit(table[: train + valid], refit=refit, verbose=False)
    seconds, cpu = time.perf_counter() - started, time.process_time() - used
    # A carried state is given more rows to warm up on: it may remember what a window cannot see.
    lead = data.context if memory == "window" else min(train + valid, 10 * data.context)
    test = table[train + valid - lead :]
    scored = model.evaluate(test)
    # Rivals answer the very windows that the model is scored on, whatever it read before them.
    same = scored if lead == data.context else model.evaluate(table[train + valid - data.context :])
    rivals = same.baseline
    rows = _last_rows(scored, data, lead)
    card = model.model_.card["scores"]
    return {
        "set": name,
        "memory": memory,
        "refit": refit,
        "seed": seed,
        "fit_seconds": round(seconds, 1),
        "fit_cpu_seconds": round(cpu, 1),
        "epochs": len(model.history_.epochs),
        "steps": model.history_.num_steps,
        "parameters": model.model_.card["parameters"],
        "windows": len(rows.target),
        "validation": _chosen(card["metrics"]),  # type: ignore[index]
        "test": rows.scores(),
        "coverage_by_step": rows.coverage_by_step(),
        "rivals": {rival: _chosen(scores) for rival, scores in rivals.items()},
        "naive_interval": _naive_interval(table, rows, train + valid, data),
    }


@dataclass(frozen=True)
class Rows:
    """Answers of all test windows and their truths, and the training scale."""

    value: np.ndarray
    quantiles: np.ndarray
    target: np.ndarray
    scale: np.ndarray

    def scores(self) -> dict[str, float]:
        """Scaled errors, coverage of the nominal 80 % interval, and its mean width in units of the training scale."""
        error = (self.value - self.target) / self.scale
        known = np.isfinite(self.target)
        inside = (self.target >= self.quantiles[..., 0]) & (self.target <= self.quantiles[..., -1])
        width = (self.quantiles[..., -1] - self.quantiles[..., 0]) / self.scale
        return {
            "mse_scaled": float(np.mean(error[known] ** 2)),
            "mae_scaled": float(np.mean(np.abs(error[known]))),
            "coverage": float(inside[known].mean()),
            "width": float(width.mean()),
        }

    def coverage_by_step(self) -> list[float]:
        """Share of the truths inside of the interval, for each step of the horizon."""
        known = np.isfinite(self.target)
        inside = (self.target >= self.quantiles[..., 0]) & (self.target <= self.quantiles[..., -1])
        share = (inside & known).sum(axis=(0, 2)) / known.sum(axis=(0, 2))
        return [round(float(value), 4) for value in share]


def _last_rows(scored: whorl.Evaluation, data: DataSet, lead: int) -> Rows:
    """The windows whose targets all lie in the test part: the same for both memories."""
    skip = lead - data.context
    prediction = scored.prediction
    quantiles = prediction.quantiles
    assert quantiles is not None
    return Rows(prediction.value[skip:], quantiles[skip:], scored.target[skip:], scored.scale)


def _naive_interval(table: pl.DataFrame, rows: Rows, end: int, data: DataSet) -> dict[str, float]:
    """The last value with the 10 % and 90 % quantiles of its past changes over as many steps."""
    names = [data.target] if data.target else [n for n, kind in table.schema.items() if kind.is_numeric()]
    history = table[:end].select(names).to_numpy().astype(np.float64)
    whole = table.select(names).to_numpy().astype(np.float64)
    for k in range(whole.shape[1]):  # hold the last known value, as the models do
        column = whole[:, k]
        seen = np.maximum.accumulate(np.where(np.isfinite(column), np.arange(len(column)), 0))
        whole[:, k] = column[seen]
    origins = np.arange(end - 1, end - 1 + len(rows.target))
    inside, widths = [], []
    for step in range(1, data.horizon + 1):
        changes = history[step:] - whole[: end - step]
        low, high = np.nanquantile(changes, [0.1, 0.9], axis=0)
        truth, last = rows.target[:, step - 1], whole[np.minimum(origins, len(whole) - 1)]
        known = np.isfinite(truth)
        inside.append(((truth >= last + low) & (truth <= last + high))[known])
        widths.append((high - low) / rows.scale)
    return {"coverage": float(np.concatenate(inside).mean()), "width": float(np.mean(widths))}


def _chosen(scores: dict[str, float]) -> dict[str, float]:
    return {name: scores[name] for name in ("mse_scaled", "mae_scaled", "mae", "coverage") if name in scores}


def summary(runs: list[dict[str, object]]) -> str:
    """One line for each set and memory: mean and spread over seeds, beside the best rival."""
    lines = [
        f"{'set':15}{'memory':9}{'refit':6}{'n':>2} {'val mse/mae':>15} {'test mse':>16} {'test mae':>16} "
        f"{'best rival mse/mae':>20} {'cover':>6} {'width':>6} {'naive':>12} {'fit s':>6}"
    ]
    for name, memory, refit in dict.fromkeys((run["set"], run["memory"], run["refit"]) for run in runs):
        own = [run for run in runs if (run["set"], run["memory"], run["refit"]) == (name, memory, refit)]
        test = {key: [run["test"][key] for run in own] for key in own[0]["test"]}  # type: ignore[attr-defined, index]
        valid = [statistics.mean(run["validation"][key] for run in own) for key in ("mse_scaled", "mae_scaled")]  # type: ignore[index]
        rivals = own[0]["rivals"]
        best = min(rivals, key=lambda rival: rivals[rival]["mae_scaled"])  # type: ignore[index, arg-type, call-overload]
        rival = rivals[best]  # type: ignore[index]
        naive = own[0]["naive_interval"]
        lines.append(
            f"{name:15}{memory:9}{'yes' if refit else 'no':6}{len(own):2} {valid[0]:7.4f}/{valid[1]:.4f} "
            f"{_spread(test['mse_scaled']):>16} "
            f"{_spread(test['mae_scaled']):>16} {rival['mse_scaled']:7.4f}/{rival['mae_scaled']:.4f} {best[:4]} "
            f"{statistics.mean(test['coverage']):6.3f} {statistics.mean(test['width']):6.3f} "
            f"{naive['coverage']:5.3f}/{naive['width']:.3f} "  # type: ignore[index]
            f"{statistics.mean(run['fit_seconds'] for run in own):6.1f}"  # type: ignore[misc]
        )
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    spread = statistics.stdev(values) if len(values) > 1 else float("nan")
    return f"{statistics.mean(values):.4f} ± {spread:.4f}"


def main() -> None:
    """Runs what was asked for, prints the table and writes everything as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--memory", nargs="+", default=["window", "carried"], choices=["window", "carried"])
    parser.add_argument("--refit", nargs="+", choices=("no", "yes"), default=["no", "yes"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    runs = []
    for name in options.sets:
        for memory in options.memory:
            for refit, seed in itertools.product([word == "yes" for word in options.refit], options.seeds):
                runs.append(run(name, options.data, memory, refit, seed))
                told = ("set", "memory", "refit", "seed", "fit_seconds", "test")
                print(json.dumps({key: runs[-1][key] for key in told}), flush=True)
    print(summary(runs))
    if options.out:
        machine = {
            "cpu": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "torch_threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "whorl": whorl.__version__,
        }
        options.out.write_text(json.dumps({"machine": machine, "runs": runs}, indent=1) + "\n")


if __name__ == "__main__":
    main()
