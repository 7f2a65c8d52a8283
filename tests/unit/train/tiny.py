"""A training task small enough to be run at every cut: noisy sums, learned by a GRU that may carry its state."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from whorl.data.batches import Batch, Batches
from whorl.plans.training import Training
from whorl.train import Carried, History, Loss, SilentProgress, TensorBatch, fit

LENGTH, ROWS, FEATURES = 5, 3, 2


@dataclass(frozen=True)
class Sums(Batches):
    """Batches of random sequences whose target is the running mean of their first feature."""

    num_batches: int = 4
    carries: bool = True
    noise: float = 0.1
    poison: tuple[int, int] | None = None  # (epoch, index) of a batch with an input that is not a number
    calls: tuple[list[int], ...] = ()

    def __len__(self) -> int:
        return self.num_batches

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        random = np.random.default_rng([seed, epoch, index, self.num_batches])
        inputs = random.normal(size=(ROWS, LENGTH, FEATURES)).astype(np.float32)
        targets = inputs[:, :, 0].mean(axis=1) + self.noise * random.normal(size=ROWS).astype(np.float32)
        if self.poison == (epoch, index):
            inputs[1, 2, 0] = np.nan
        return Batch(
            inputs={"x": inputs},
            targets=targets.astype(np.float32),
            weights=np.ones(ROWS, np.float32),
            carries=self.carries and index > 0,
            description=f"rows {index * ROWS} to {index * ROWS + ROWS - 1}",
        )


class Memory(NamedTuple):
    """A named tuple within a tuple: what a checkpoint must bring back without naming the class."""

    hidden: Tensor
    pair: tuple[Tensor, Tensor]


class Network(nn.Module):
    def __init__(self, dropout: float = 0.2) -> None:
        super().__init__()
        self.gru = nn.GRU(FEATURES, 4, batch_first=True)
        self.norm = nn.BatchNorm1d(4)  # has buffers, which a step changes
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Linear(4, 1)

    def forward(self, x: Tensor, memory: Memory | None) -> tuple[Tensor, Memory]:
        outputs, hidden = self.gru(x, None if memory is None else memory.hidden)
        answer = self.last(self.dropout(self.norm(outputs[:, -1])))[:, 0]
        return answer, Memory(hidden, (hidden[:, :1], hidden[:, 1:]))


def network(seed: int = 1, dropout: float = 0.2) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Network(dropout)


def objective(network: nn.Module, batch: TensorBatch, state: Carried, /) -> Loss:
    assert state is None or isinstance(state, Memory)
    answer, memory = network(batch.inputs["x"], state)
    losses = batch.weights * (answer - batch.targets) ** 2
    return Loss(losses.sum(), batch.weights.sum(), memory)


PLAN = Training(epochs=3, batch_size=ROWS, learning_rate=0.01, patience=None, seed=7, device="cpu")


def plan(**changes: object) -> Training:
    return replace(PLAN, **changes)  # type: ignore[arg-type]


TRAIN, VALID = Sums(), Sums(num_batches=2)


def run(net: nn.Module, training: Training = PLAN, train: Batches = TRAIN, num_steps: int | None = None) -> History:
    return fit(net, train, VALID, objective, training, progress=SilentProgress(), num_steps=num_steps)


def weights(network: nn.Module) -> dict[str, bytes]:
    return {name: tensor.detach().numpy().tobytes() for name, tensor in network.state_dict().items()}
