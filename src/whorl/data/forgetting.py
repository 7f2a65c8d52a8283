"""Training symbols read as unknown at times, so that what an unknown one means is learned."""

from collections.abc import Sequence as List

import numpy as np

from whorl.data.batches import Batch, Batches
from whorl.data.sequences import Sequence
from whorl.plans.changes import Forgetting
from whorl.specs import Fields, Spec, Tokens


class ForgettingBatches(Batches):
    """Batches whose symbols become unknown, code 0, the rare ones most often; each column by itself.

    What is spelled out over several columns keeps its symbols.

    Args:
        batches: of whole sequences.
        plan: how often.
        spec: what the columns are.
        training: sequences whose symbols are counted.
    """

    def __init__(self, batches: Batches, plan: Forgetting, spec: Spec, training: List[Sequence]) -> None:
        self._batches = batches
        fields = spec if isinstance(spec, Fields) else Fields({"all": spec})
        starts = fields.offsets()
        self._shares: dict[int, np.ndarray] = {}
        for name, part in fields.fields.items():
            if isinstance(part, Tokens) and part.length == 1:
                column = starts[name]
                codes = np.concatenate([one.past[:, column] for one in training]).astype(np.int64)
                counts = np.maximum(np.bincount(codes, minlength=part.n), 1)
                self._shares[column] = np.maximum(plan.rate / (plan.rate + counts), plan.least)

    def __len__(self) -> int:
        return len(self._batches)

    def batch(self, index: int, *, seed: int, epoch: int) -> Batch:
        """Returns batch `index` of that epoch; what it forgets, too, is a function of the arguments."""
        batch = self._batches.batch(index, seed=seed, epoch=epoch)
        random = np.random.default_rng([seed, epoch, index])
        past = np.array(batch.inputs["past"], np.float32)
        for column, shares in self._shares.items():
            forgotten = random.random(past.shape[:2]) < shares[past[..., column].astype(np.int64)]
            past[..., column][forgotten] = 0.0
        return batch._replace(inputs={**batch.inputs, "past": past})
