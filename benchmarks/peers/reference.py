"""What is right: torch in float64, by its own layers where they have the option, else by the loop over steps."""

import numpy as np
import torch
from benchmarks.peers import Subject, torch_training
from benchmarks.problems import problem, rows
from benchmarks.registry import Entry


def build(entry: Entry, peer: str) -> Subject:
    """Builds the subject; its time is never taken."""
    if entry.kind == "train":
        return torch_training.torch_pass(entry, torch.float64).subject()
    layer = torch_training.torch_layer(entry, problem(entry), torch.float64)
    stream = torch.tensor(rows(entry), dtype=torch.float64)

    def results() -> dict[str, np.ndarray]:
        return {"output": layer(stream)[0].detach().numpy()}

    return Subject(code="torch.nn in float64", results=results, call=results)
