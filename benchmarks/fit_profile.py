"""Where the time of `fit` goes, for both memories of the forecaster.

    python -m benchmarks.fit_profile [DATA] [--memory window carried] [--epochs 3] [--repeats 3]
        [--before FOLDER] [--out benchmarks/results/fit.json] [--page docs/explanation/fit-time.md]

DATA holds ETTh1/ETTh1.csv; without it the data set that is shipped is fitted. Each repeat fits twice from the same
seed: as a user does, and with a clock around the parts. A clock that changed the total would measure itself, so both
totals are printed. One more fit under torch.profiler tells how much of the steps are matrix products of torch.

FOLDER is another state of the sources, with its native module beside them in FOLDER/src/whorl; it is measured first, by
the same script in a process of its own. Results are kept in the file under 'before' and 'after', and the tables of
PAGE between its two marks are written from that file.
"""

import argparse
import functools
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import torch
from benchmarks import machine

import whorl
import whorl.datasets
from whorl.data.pairing import WindowBatches
from whorl.data.strips import StripBatches
from whorl.nn.stack import RecurrentStack
from whorl.runtime import evaluation
from whorl.tasks import fitting, learning, network
from whorl.train import loop, step
from whorl.train.run import Run

# Parts of a training step, then what an epoch's end costs, then what a fit does once.
STEP_PARTS = (
    "cutting",
    "network forward",
    "recurrence forward",
    "loss forward",
    "network backward",
    "recurrence backward",
    "gradient norm and clipping",
    "optimizer",
    "other Python",
)
EPOCH_PARTS = ("validation", "best weights", "checkpoint")
FIT_PARTS = ("reading", "batches and network", "calibration", "scoring", "rivals", "rest")
MARKS = ("<!-- figures -->", "<!-- end of figures -->")
PRODUCTS = ("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm", "aten::mv", "aten::addmv")


class Clock:
    """Gives every moment to one part: the innermost that has begun and not ended."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.seconds: dict[str, float] = defaultdict(float)
        self._parts = ["rest"]
        self._closed = 0
        self._since = now()

    def move(self, part: str) -> None:
        """From here on the moment belongs to `part`, until the part that is open ends."""
        if not self._closed:
            self._count()
            self._parts[-1] = part

    @contextmanager
    def inside(self, part: str, *, closed: bool = False) -> Iterator[None]:
        """Opens a part; a closed one keeps what its insides would be given."""
        if self._closed:
            yield
            return
        self._count()
        self._parts.append(part)
        self._closed += closed
        try:
            yield
        finally:
            self._closed -= closed
            self._count()
            self._parts.pop()

    def stop(self) -> dict[str, float]:
        """The seconds of each part."""
        self._count()
        return dict(self.seconds)

    def _count(self) -> None:
        now = self.now()
        self.seconds[self._parts[-1]] += now - self._since
        self._since = now


@contextmanager
def clocked(clock: Clock) -> Iterator[None]:
    """Has the clock around the parts of `fit`; afterwards all functions are what they were."""
    places: list[tuple[Any, str, str, bool]] = [
        (fitting, "prepare", "reading", True),
        (learning, "training_part", "batches and network", True),
        (learning, "validation_part", "batches and network", True),
        (learning, "untrained", "batches and network", True),
        (learning, "_model", "calibration", True),
        (learning, "evaluate", "scoring", False),
        (evaluation, "_add_rival", "rivals", True),
        (loop, "_train", "other Python", False),
        (loop, "_validate", "validation", True),
        (loop, "_save", "checkpoint", True),
        (Run, "finish_epoch", "best weights", True),
        (step, "to_tensors", "cutting", True),
        (step, "gradient_norm", "gradient norm and clipping", True),
        (step, "clip", "gradient norm and clipping", True),
        (WindowBatches, "batch", "cutting", True),
        (StripBatches, "batch", "cutting", True),
        (torch.nn.Module, "__call__", "network forward", False),
        (network, "loss", "loss forward", True),
        (torch.Tensor, "backward", "network backward", False),
        (torch.optim.Adam, "step", "optimizer", True),
        (torch.optim.Optimizer, "zero_grad", "optimizer", True),
        (RecurrentStack, "run", "recurrence forward", True),
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name, _, _ in places]
    for owner, name, part, closed in places:
        setattr(owner, name, _timed(getattr(owner, name), clock, part, closed))
    try:
        yield
    finally:
        for owner, name, function in before:
            setattr(owner, name, function)


def _timed(function: Callable[..., Any], clock: Clock, part: str, closed: bool) -> Callable[..., Any]:
    @functools.wraps(function)
    def timed(*args: Any, **options: Any) -> Any:
        with clock.inside(part, closed=closed):
            result = function(*args, **options)
        if part == "recurrence forward":
            # The recurrence is what an input passes first, so its gradients come last: all until the end are its own.
            for tensor in (result[0], *result[1]):
                if tensor.requires_grad:
                    tensor.register_hook(lambda _: clock.move("recurrence backward"))
        return result

    return timed


def table(data: Path | None) -> tuple[pl.DataFrame, dict[str, Any], dict[str, Any]]:
    """Training and validation rows, what of the forecaster depends on them, and the same for its training."""
    if data is None:
        return pl.DataFrame(whorl.datasets.load("beijing_air")), {"target": "pm2.5"}, {}
    frame = pl.read_csv(data / "ETTh1/ETTh1.csv")[: 8640 + 2880]
    return frame, {"context": 96, "horizon": 96}, {"validation": 2880}


def fitted(data: Path | None, memory: str, epochs: int, folder: str) -> tuple[whorl.Forecaster, float, float]:
    """A fitted forecaster, and the seconds on the wall and of the processor that it took."""
    frame, settings, choices = table(data)
    training = whorl.Training(epochs=epochs, patience=None, seed=0, checkpoint=folder, **choices)
    model = whorl.Forecaster(memory=memory, network="gru", training=training, **settings)  # type: ignore[arg-type]
    started, used = time.perf_counter(), time.process_time()
    model.fit(frame, verbose=False)
    return model, time.perf_counter() - started, time.process_time() - used


def measured(data: Path | None, memory: str, epochs: int, repeats: int, now: Callable[[], float]) -> dict[str, Any]:
    """Medians over the repeats: totals with and without the clock, seconds an epoch, seconds of each part."""
    plain, cpu, under, epoch, parts = [], [], [], [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            model, wall, processor = fitted(data, memory, epochs, folder)
        history = model.history_
        plain.append(wall)
        cpu.append(processor)
        epoch.append(statistics.median(each.seconds for each in history.epochs))
        with tempfile.TemporaryDirectory() as folder:
            clock = Clock(now)
            with clocked(clock):
                _, wall, _ = fitted(data, memory, epochs, folder)
            under.append(wall)
            parts.append(clock.stop())
    median = {name: statistics.median(part.get(name, 0.0) for part in parts) for name in set().union(*parts)}
    return {
        "epochs": len(history.epochs),
        "steps_per_epoch": history.num_steps // len(history.epochs),
        "fit_seconds": statistics.median(plain),
        "fit_seconds_clocked": statistics.median(under),
        "fit_cpu_seconds": statistics.median(cpu),
        "fit_seconds_all": plain,
        "epoch_seconds": statistics.median(epoch),
        "epoch_seconds_all": epoch,
        "seconds_an_epoch": {name: median.get(name, 0.0) / epochs for name in (*STEP_PARTS, *EPOCH_PARTS)},
        "seconds_a_fit": {name: median.get(name, 0.0) for name in FIT_PARTS},
        "products_seconds_an_epoch": products(data, memory),
        "train_loss": [each.train_loss for each in history.epochs],
        "valid_loss": [each.valid_loss for each in history.epochs],
    }


def products(data: Path | None, memory: str) -> float:
    """Seconds that torch spends in matrix products in the steps of one epoch, by its profiler."""
    train = loop._train
    found = []

    def profiled(*args: Any) -> None:
        with torch.profiler.profile() as profile:
            train(*args)
        found.append(sum(one.self_cpu_time_total for one in profile.key_averages() if one.key in PRODUCTS) / 1e6)

    loop._train = profiled  # type: ignore[assignment]
    try:
        with tempfile.TemporaryDirectory() as folder:
            fitted(data, memory, 1, folder)
    finally:
        loop._train = train
    return float(found[0])


def shown(memory: str, result: dict[str, Any]) -> str:
    """The table of one memory."""
    parts, once = result["seconds_an_epoch"], result["seconds_a_fit"]
    whole = sum(parts.values())
    lines = [
        f"memory={memory}: {result['epochs']} epochs of {result['steps_per_epoch']} steps, fit "
        f"{result['fit_seconds']:.2f} s ({result['fit_seconds_clocked']:.2f} s with the clock), "
        f"{result['epoch_seconds']:.3f} s an epoch",
        f"  {'part of an epoch':30}{'s':>9}{'share':>8}",
        *(f"  {name:30}{seconds:9.4f}{seconds / whole:8.1%}" for name, seconds in parts.items()),
        f"  {'all':30}{whole:9.4f}",
        f"  matrix products of torch, with validation, by its profiler: {result['products_seconds_an_epoch']:.3f} s",
        f"  {'once a fit':30}{'s':>9}",
        *(f"  {name:30}{seconds:9.4f}" for name, seconds in once.items()),
    ]
    return "\n".join(lines)


def page(kept: dict[str, Any]) -> str:
    """The tables of the page, from the file of results."""
    labels = [label for label in ("before", "after") if label in kept]
    memories = [memory for memory in ("window", "carried") if all(memory in kept[label] for label in labels)]
    columns = [(memory, label) for memory in memories for label in labels]
    last = kept[labels[-1]]
    about = last["machine"]
    lines = [
        f"{last['data']}, {about['processor']}, {about['torch_threads']} threads, torch {about['versions']['torch']}, "
        "seconds.",
        "",
        "| | " + " | ".join(f"{memory}, {label}" for memory, label in columns) + " |",
        "|---" * (1 + len(columns)) + "|",
    ]

    def row(name: str, value: Callable[[dict[str, Any]], str]) -> str:
        return f"| {name} | " + " | ".join(value(kept[label][memory]) for memory, label in columns) + " |"

    def timed(group: str, name: str) -> Callable[[dict[str, Any]], str]:
        whole = group == "seconds_an_epoch"
        return lambda one: f"{one[group][name]:.3f}" + (f" ({one[group][name] / sum(one[group].values()):.0%})" * whole)

    lines += [
        row("epochs x seconds", lambda one: f"**{one['epochs']} x {one['epoch_seconds']:.2f}**"),
        row("whole fit", lambda one: f"**{one['fit_seconds']:.2f}**"),
        row("whole fit, with the clock", lambda one: f"{one['fit_seconds_clocked']:.2f}"),
        row("*of an epoch*", lambda one: f"*{one['steps_per_epoch']} steps*"),
        *(row(name, timed("seconds_an_epoch", name)) for name in (*STEP_PARTS, *EPOCH_PARTS)),
        row("products of torch among these", lambda one: f"{one['products_seconds_an_epoch']:.3f}"),
        row("*once a fit*", lambda one: ""),
        *(row(name, timed("seconds_a_fit", name)) for name in FIT_PARTS),
        row("last training loss", lambda one: f"{one['train_loss'][-1]:.4f}"),
        row("last validation loss", lambda one: f"{one['valid_loss'][-1]:.4f}"),
    ]
    return "\n".join(lines)


def run_before(folder: Path, options: argparse.Namespace) -> None:
    """Measures the sources of another folder, in a process that finds them before those that are installed."""
    given = [str(options.data)] if options.data else []
    given += ["--memory", *options.memory, "--epochs", str(options.epochs), "--repeats", str(options.repeats)]
    given += ["--label", "before", *(["--out", str(options.out)] if options.out else [])]
    given += ["--processor"] * options.processor
    here = Path(__file__).resolve().parents[1]
    paths = os.pathsep.join([str(folder / "src"), sysconfig.get_paths()["purelib"], str(here)])
    # Without the site module, which would put an editable install before everything else.
    command = [sys.executable, "-S", "-m", "benchmarks.fit_profile", *given]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, check=True)


def main() -> None:
    """Measures what was asked for, prints the tables and keeps the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--memory", nargs="+", default=["window", "carried"], choices=["window", "carried"])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--label", default="after", choices=["before", "after"], help="what the result is kept under")
    parser.add_argument("--processor", action="store_true", help="the clock counts processor time, for a busy machine")
    parser.add_argument("--before", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    if options.before:
        run_before(options.before.resolve(), options)
    print(f"{options.label}: {whorl.__file__}", flush=True)
    now = time.process_time if options.processor else time.perf_counter
    about = {**machine.describe(), "torch_threads": torch.get_num_threads()}
    results: dict[str, Any] = {"machine": about, "data": "ETTh1" if options.data else "beijing_air"}
    for memory in options.memory:
        results[memory] = measured(options.data, memory, options.epochs, options.repeats, now)
        print(shown(memory, results[memory]), flush=True)
    if options.out:
        kept = json.loads(options.out.read_text()) if options.out.exists() else {}
        kept[options.label] = results
        options.out.write_text(json.dumps(kept, indent=1) + "\n")
        if options.page:
            before, _, rest = options.page.read_text().partition(MARKS[0])
            _, _, after = rest.partition(MARKS[1])
            options.page.write_text(f"{before}{MARKS[0]}\n\n{page(kept)}\n\n{MARKS[1]}{after}")


if __name__ == "__main__":
    main()
