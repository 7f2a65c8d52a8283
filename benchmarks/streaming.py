"""Live streams of saved forecasters: rows a second as one array and singly, and how long a push takes.

    python -m benchmarks.streaming FOLDER --make                            fits the two small models; needs torch
    python -m benchmarks.streaming FOLDER [--out benchmarks/results/streaming.json]       measures; needs no torch

The models forecast a target 24 steps ahead from its past and two covariates, three quantiles beside the value: a GRU of
64 units whose memory is carried, with 96 lags, and a windowed one of context 168. A push is `stream.push(tuple)` with
the timestamp as text, and both the value and the quantiles of its answer are looked at. Before anything is timed, the
answers of pushing singly, of pushing as one array and of `predict` are compared, bit for bit.
"""

import argparse
import gc
import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from benchmarks import machine

import whorl

HORIZON, CONTEXT, HIDDEN = 24, 168, 64
MEMORIES: tuple[Literal["carried", "window"], ...] = ("carried", "window")
HOUR = np.timedelta64(1, "h")


def make(folder: Path) -> None:
    """Fits the models on drawn rows. How well they forecast is no matter here."""
    times, values = rows(2000, seed=0)
    table = {"time": times, **dict(zip(("load", "heat", "wind"), values.T, strict=True))}
    folder.mkdir(parents=True, exist_ok=True)
    for memory in MEMORIES:
        model = whorl.Forecaster(
            target="load",
            horizon=HORIZON,
            context=CONTEXT,
            memory=memory,
            network=whorl.Recurrent(cell="gru", hidden_size=HIDDEN),
            training=whorl.Training(epochs=1),
        )
        model.fit(table, verbose=False).save(folder / f"{memory}.whorl")
        print(f"made {folder / memory}.whorl")


def rows(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Hourly timestamps and values (count, 3)."""
    draw = np.random.default_rng(seed)
    times = np.datetime64("2025-01-01", "us") + np.arange(count) * HOUR
    daily = 10.0 + 3.0 * np.sin(np.arange(count) / 24 * 2 * np.pi)
    values = draw.normal(0.0, 0.5, (count, 3)) + np.stack([daily, np.full(count, 20.0), np.full(count, 5.0)], axis=1)
    return times, values


def tuples(times: np.ndarray, values: np.ndarray) -> list[tuple[object, ...]]:
    """The rows as a program gets them: a timestamp and numbers."""
    words = np.datetime_as_string(times, unit="s").tolist()
    return [(word, *row) for word, row in zip(words, values.tolist(), strict=True)]


def check(model: Any) -> None:
    """The answers of the three ways are the same, or this ends."""
    times, values = rows(CONTEXT + 40, seed=1)
    at_once = model.stream().push_rows(values, time=times)
    stream = model.stream()
    singly = [answer for row in tuples(times, values) for answer in stream.push(row)]
    table = {"time": times, **dict(zip(("load", "heat", "wind"), values.T, strict=True))}
    predicted = model.predict(table, every_row=True)
    for name in ("value", "quantiles"):
        wanted = getattr(predicted, name).tobytes()
        if getattr(at_once, name).tobytes() != wanted or b"".join(getattr(a, name).tobytes() for a in singly) != wanted:
            sys.exit(f"{name}: streams and predict differ. Nothing is measured.")


def pushes(model: Any, count: int) -> dict[str, float]:
    """Seconds of single pushes: all of them together, and quantiles of each by itself."""
    times, values = rows(CONTEXT + 2 * count + 500, seed=2)
    given = tuples(times, values)
    stream = model.stream()
    stream.push_rows(values[:CONTEXT], time=times[:CONTEXT])
    at = CONTEXT
    for row in given[at : at + 500]:
        stream.push(row)
    at += 500
    started = time.perf_counter()
    for row in given[at : at + count]:
        (answer,) = stream.push(row)
        _ = answer.value, answer.quantiles
    together = time.perf_counter() - started
    each = np.empty(count)
    for n, row in enumerate(given[at + count : at + 2 * count]):
        began = time.perf_counter()
        (answer,) = stream.push(row)
        _ = answer.value, answer.quantiles
        each[n] = time.perf_counter() - began
    quantiles = {f"p{level:g}": float(np.percentile(each, level)) for level in (50, 99, 99.9)}
    return {"pushes_per_second": count / together, **quantiles}


def array(model: Any, count: int) -> float:
    """Rows a second as one array, every row answered."""
    times, values = rows(count, seed=3)
    stream = model.stream()
    started = time.perf_counter()
    answers = stream.push_rows(values, time=times)
    seconds = time.perf_counter() - started
    assert len(answers) == count - CONTEXT + 1
    return count / seconds


def many(model: Any, num_streams: int, count: int) -> float:
    """Rows a second pushed into many streams, one row each at a time."""
    times, values = rows(CONTEXT + count, seed=4)
    streams = [model.stream() for _ in range(num_streams)]
    for stream in streams:
        stream.push_rows(values[:CONTEXT], time=times[:CONTEXT])
    given = tuples(times, values)[CONTEXT:]
    started = time.perf_counter()
    for row in given:
        model.push_many(streams, [row] * num_streams)
    return num_streams * count / (time.perf_counter() - started)


def best(measure: Callable[[], float], repeats: int) -> dict[str, float]:
    """Median and best of several runs."""
    found = [measure() for _ in range(repeats)]
    return {"median": float(np.median(found)), "best": max(found)}


def measured(path: Path, count: int, repeats: int) -> dict[str, Any]:
    """What one model reaches."""
    model = whorl.runtime.load(path)
    check(model)
    gc.collect()
    slow = count if path.stem == "carried" else count // 20
    runs = [pushes(model, max(slow // 10, 100)) for _ in range(repeats)]
    found: dict[str, Any] = {
        "engine": model.engine.name,
        "rows_per_second_one_array": best(lambda: array(model, slow + CONTEXT), repeats),
        "rows_per_second_64_streams": best(lambda: many(model, 64, max(slow // 1000, 5)), repeats),
        "push": {name: float(np.median([run[name] for run in runs])) for name in runs[0]},
    }
    push, rate = found["push"], found["rows_per_second_one_array"]["median"]
    print(
        f"{path.stem:8} engine {found['engine']}: {rate:,.0f} rows/s as one array, "
        f"{found['rows_per_second_64_streams']['median']:,.0f} in 64 streams, "
        f"{push['pushes_per_second']:,.0f} pushes/s; "
        f"a push {push['p50'] * 1e6:.1f} us (p99 {push['p99'] * 1e6:.1f}, p99.9 {push['p99.9'] * 1e6:.1f})"
    )
    return found


def num_threads() -> int:
    """Threads of this process, those of native code too where the system tells."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else threading.active_count()


def main() -> None:
    """Makes the models, or measures them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--make", action="store_true", help="fit the models into the folder")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.make:
        return make(options.folder)
    described: dict[str, Any] = machine.describe()
    if described["load"] > 0.5:
        print(f"The machine is busy (load {described['load']}): these times are not to be trusted.")
    results = {
        memory: measured(options.folder / f"{memory}.whorl", options.rows, options.repeats) for memory in MEMORIES
    }
    facts = {"torch_loaded": "torch" in sys.modules, "threads": num_threads()}
    print(f"torch loaded: {facts['torch_loaded']}, threads of the process: {facts['threads']}")
    if options.out:
        written = {"machine": described, "hidden_size": HIDDEN, "horizon": HORIZON, **facts, "results": results}
        options.out.write_text(json.dumps(written, indent=1) + "\n")
    return None


if __name__ == "__main__":
    main()
