"""What benchmarks of tasks that write texts share: their arguments, and a fit with settings of the command line."""

import argparse
import json
from collections.abc import Sequence
from typing import TypeVar

import torch
from benchmarks import quality

import whorl

# Of benchmarks whose validation part is scored, too.
PARTS = ("validation", "test")
_OF_TRAINING = ("batch_size", "learning_rate", "epochs", "weight_decay", "checkpoint")

Task = TypeVar("Task", bound=whorl.Estimator)


def arguments(description: str | None, parts: Sequence[str], scored: str) -> argparse.ArgumentParser:
    """A parser; the last of the parts is the default, and `scored` names what the part consists of."""
    parser = quality.arguments(description, seeds=(0,), optional=True)
    parser.add_argument("--part", default=parts[-1], choices=parts)
    parser.add_argument("--max-seconds", type=float, default=2700.0)
    parser.add_argument("--scored", type=int, help=f"{scored} of the part that are scored, for a trial; all by default")
    parser.add_argument("--change", nargs="*", default=[], metavar="NAME=VALUE", help="settings that are not default")
    return parser


def scored(part: str) -> tuple[str, ...]:
    """The parts that a run scores which was told one of them: validation comes before the test."""
    return PARTS[: PARTS.index(part) + 1]


def changed(given: Sequence[str]) -> dict[str, object]:
    """Settings such as `dropout=0.2`, `hidden_size=64`, `members=3` or `network=lstm`; values are JSON, or words."""
    found: dict[str, object] = {}
    for one in given:
        name, _, value = one.partition("=")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    sizes = {name: found.pop(name) for name in ("hidden_size", "members") if name in found}
    if sizes:
        found["network"] = whorl.Recurrent("gru", **sizes)  # type: ignore[arg-type]
    return found


def made(task: type[Task], *, seed: int, seconds: float | None, validation: int, changes: dict[str, object]) -> Task:
    """An estimator with everything default but the time and what is changed."""
    plan = {name: value for name, value in changes.items() if name in _OF_TRAINING}
    own = {name: value for name, value in changes.items() if name not in _OF_TRAINING}
    training = whorl.Training(seed=seed, max_seconds=seconds, validation=validation, device="cpu", **plan)  # type: ignore[arg-type]
    return task(training=training, **own)


def described(model: whorl.Estimator, seconds: float) -> dict[str, object]:
    """What a fit that took so long made."""
    card = model.model_.card
    history: dict[str, object] = card["history"]  # type: ignore[assignment]
    return {
        "fit_seconds": round(seconds, 1),
        "threads": torch.get_num_threads(),
        "parameters": card["parameters"],
        "epochs": len(history["epochs"]),  # type: ignore[arg-type]
        "kept_epoch": history["kept_epoch"],
        "steps": history["num_steps"],
        "validation": card["scores"]["metrics"],  # type: ignore[index]
    }
