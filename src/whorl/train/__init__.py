"""Training: one loop for every network, with checkpoints that survive anything.

`fit` is the loop. What it needs from its caller is a network, batches (`whorl.data.batches`), an `Objective` that
says how wrong the network is about a batch, and a `whorl.plans.training.Training`.
"""

from whorl.train.history import EpochRecord, History
from whorl.train.interrupt import Interrupted
from whorl.train.loop import fit
from whorl.train.objective import Carried, Loss, Objective, TensorBatch
from whorl.train.progress import Progress, SilentProgress, TerminalProgress

__all__ = [
    "Carried",
    "EpochRecord",
    "History",
    "Interrupted",
    "Loss",
    "Objective",
    "Progress",
    "SilentProgress",
    "TensorBatch",
    "TerminalProgress",
    "fit",
]
