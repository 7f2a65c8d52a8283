"""A process that trains and is killed, interrupted or measured by the tests beside it.

python training_process.py train FOLDER          long training, one line on stdout once steps are taken
python training_process.py kill-at-call FOLDER   saves; for N = 1, 2, ... a child dies at its N-th file operation
python training_process.py kill-at-random FOLDER 20 children that save all the time die at random instants
python training_process.py memory                growth of the process in MB per 1,000 steps
"""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import torch
from torch import nn

from whorl.data.batches import Batch, Batches
from whorl.plans.training import Training
from whorl.train import Carried, EpochRecord, Interrupted, Loss, SilentProgress, TensorBatch, fit
from whorl.train.checkpoint import Checkpoint, CheckpointFolder

CALLS = ("open", "write", "fsync", "replace", "close")


class Noise(Batches):
    """Random rows; `pause` makes steps slow enough to be interrupted within an epoch."""

    def __init__(self, num_batches: int, pause: float = 0.0) -> None:
        self.num_batches, self.pause = num_batches, pause

    def __len__(self) -> int:
        return self.num_batches

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        time.sleep(self.pause)
        rows = np.random.default_rng([seed, epoch, index]).normal(size=(4, 3)).astype(np.float32)
        return Batch({"x": rows}, rows.sum(axis=1), np.ones(4, np.float32), carries=index > 0)


def objective(network: nn.Module, batch: TensorBatch, state: Carried, /) -> Loss:
    residual = network(batch.inputs["x"])[:, 0] - batch.targets
    memory = residual if state is None else residual + state  # type: ignore[operator]
    return Loss((residual**2).sum(), batch.weights.sum(), memory)


def network() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.1), nn.Linear(8, 1))


def plan(epochs: int) -> Training:
    return Training(epochs=epochs, batch_size=4, learning_rate=0.01, patience=None, device="cpu")


class Ready(SilentProgress):
    def __init__(self) -> None:
        self.steps = 0

    def step(self, loss: float) -> None:
        self.steps += 1
        if self.steps == 5:
            print("ready", flush=True)


def train(folder: Path) -> None:
    """The way a command line treats an interruption: the message on stderr, the exit code of the signal."""
    try:
        data = Noise(1000, pause=0.1), Noise(2)  # 20 seconds, in which the signal comes
        fit(network(), *data, objective, plan(1), progress=Ready(), checkpoint=folder, num_steps=200)
    except Interrupted as interrupt:
        print(interrupt, file=sys.stderr)
        sys.exit(interrupt.exit_code)


def die_at_call(number: int) -> None:
    """Makes the process kill itself at its N-th file operation."""
    left = number

    def counted(function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return call

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))


def sample(step: int) -> Checkpoint:
    return Checkpoint({"weights/w": torch.full((50_000,), float(step)), "best/w": torch.full((3,), step)}, f"{step}")


def intact(folder: Path, steps: set[int]) -> None:
    checkpoint = CheckpointFolder(folder).load()
    assert checkpoint is not None
    step = int(checkpoint.text)
    assert step in steps, (step, steps)
    assert all(bool((tensor == step).all()) for tensor in checkpoint.tensors.values())


def in_child(work: Callable[[], None]) -> int:
    """Forks, works, and returns the child's process id. Only this thread goes on in the child, which has no other."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return child


def kill_at_call(folder: Path) -> None:
    CheckpointFolder(folder).save(1, sample(1))
    number = 0
    while True:
        number += 1

        def save(number: int = number) -> None:
            die_at_call(number)
            CheckpointFolder(folder).save(number + 1, sample(number + 1))

        before = CheckpointFolder(folder).load()
        assert before is not None
        status = os.waitpid(in_child(save), 0)[1]
        intact(folder, {int(before.text), number + 1})
        if status == 0:
            print(number - 1)
            return


def kill_at_random(folder: Path) -> None:
    CheckpointFolder(folder).save(0, sample(0))
    print(before := 0)
    for trial in range(20):

        def save_for_ever(first: int = before) -> None:
            for step in range(first + 1, 10**7):
                CheckpointFolder(folder).save(step, sample(step))

        child = in_child(save_for_ever)
        time.sleep(random.Random(trial).uniform(0.01, 0.2))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        checkpoint = CheckpointFolder(folder).load()
        assert checkpoint is not None
        intact(folder, set(range(before, 10**7)))
        before = int(checkpoint.text)
    print(before)


class Memory(SilentProgress):
    """Takes the size of the process after every epoch of 1,000 steps."""

    def __init__(self) -> None:
        self.sizes: list[float] = []

    def epoch(self, number: int, record: EpochRecord, best_loss: float) -> None:
        self.sizes.append(psutil.Process().memory_info().rss / 1e6)


def memory() -> None:
    memory = Memory()
    fit(network(), Noise(1000), Noise(100), objective, plan(8), progress=memory)
    settled = memory.sizes[2:]
    print(np.polyfit(np.arange(len(settled)), settled, 1)[0])


if __name__ == "__main__":
    torch.set_num_threads(1)
    command, *rest = sys.argv[1:]
    paths = [Path(name) for name in rest]
    match command:
        case "train":
            train(paths[0])
        case "kill-at-call":
            kill_at_call(paths[0])
        case "kill-at-random":
            kill_at_random(paths[0])
        case "memory":
            memory()
