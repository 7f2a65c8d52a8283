"""How far back a loss is felt: its gradient by the states, by how many steps they lie before the answer."""

from collections.abc import Sequence as List
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from whorl.data.pairing import target_windows
from whorl.data.sequences import Sequence
from whorl.nn.heads import loss
from whorl.nn.replay import Pass, Replay
from whorl.plans.wiring import EachRow, Sequences
from whorl.report.anatomy import recurrences
from whorl.runtime.model import Model

# Answers that are looked at, and rows before each: every row is a step of a loop.
_ANSWERS, _ROWS = 16, 400
# The share of the gradient at lag 0 below which a step is no longer felt.
FELT = 0.01


@dataclass(frozen=True, kw_only=True)
class LagGradient:
    """The gradient of the loss of an answer by the states of all recurrent layers.

    Args:
        lags: how many rows a state lies before the answer, ascending from 0, (n,).
        norms: length of the gradient, as a share of that at lag 0, (n,): the geometric mean over answers.
        memory_length: the first lag from which on the gradient is below 1 % of that at lag 0; None where it is above
            as far back as was looked.
        answers: how many were looked at.
    """

    lags: np.ndarray
    norms: np.ndarray
    memory_length: int | None
    answers: int

    @property
    def largest(self) -> float:
        """The largest gradient beside that at lag 0: above 1, what lies back is felt more."""
        return float(self.norms.max(initial=0.0))


def by_lag(model: Model, sequences: List[Sequence], steps: List[np.ndarray]) -> LagGradient | None:
    """Measures the gradients of some answers whose truths are known; None where there is none.

    Args:
        model: fitted; its network reads and answers in one program.
        sequences: encoded, with targets.
        steps: steps of each sequence that have answers.
    """
    places = [(one, int(step)) for one, at in zip(sequences, steps, strict=True) for step in at]
    places = _with_most_before(places)
    replay, found = Replay(model.engine.program), []
    per_step = _rows_of_a_step(model)
    for one, step in places:
        norms = _norms(model, replay, one, step)
        if norms is not None and norms[0] > 0 and np.isfinite(norms).all():
            found.append(norms / norms[0])
    if not found:
        return None
    longest = max(map(len, found))
    # A lag that only few answers have says little of all.
    shared = max(n for n in range(1, longest + 1) if sum(len(one) >= n for one in found) * 2 >= len(found))
    with np.errstate(divide="ignore"):
        mean = np.array([np.exp(np.mean(np.log([one[n] for one in found if len(one) > n]))) for n in range(shared)])
    lags = np.arange(shared) * per_step
    return LagGradient(lags=lags, norms=mean, memory_length=_memory_length(lags, mean), answers=len(found))


def _memory_length(lags: np.ndarray, norms: np.ndarray) -> int | None:
    felt = np.flatnonzero(norms >= FELT)
    return None if felt[-1] == len(norms) - 1 else int(lags[felt[-1] + 1])


def _with_most_before(places: list[tuple[Sequence, int]]) -> list[tuple[Sequence, int]]:
    """Some of the places, spread over all that have much before them."""
    if not places:
        return []
    before = np.array([min(step, _ROWS) for _, step in places])
    able = np.flatnonzero(before >= np.quantile(before, 0.5))
    chosen = able[np.unique(np.linspace(0, len(able) - 1, min(len(able), _ANSWERS)).astype(np.int64))]
    return [places[n] for n in chosen]


def _rows_of_a_step(model: Model) -> int:
    """Rows that a step of the recurrence stands for: those of a segment, where a window is cut into such."""
    from whorl.report.anatomy import dissect

    sizes = dissect(model.engine.program)
    return 1 if sizes is None or sizes.segment is None else sizes.segment


def _norms(model: Model, replay: Replay, one: Sequence, step: int) -> np.ndarray | None:
    """Length of the gradient of an answer's loss by the states at each lag, (n,); None where no truth is known."""
    program = model.engine.program
    rows = program.memory or _ROWS
    start = max(0, step + 1 - rows)
    stop = step + 1 if program.streams else len(one)
    given = one.inputs(start, stop, model.reader.horizon)
    run = replay.run({name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in given.items()})
    cost = _cost(model, run, one, step, start)
    if cost is None:
        return None
    squares: dict[int, float] = {}
    for op in recurrences(program):
        states, at = _states(run, op.out, op.over == "value", step - start)
        # A state behind the answer, or one that nothing reads, has no part in it.
        gradients = torch.autograd.grad(cost, states, retain_graph=True, allow_unused=True, materialize_grads=True)
        for place, gradient in enumerate(gradients):
            lag = abs(at - place)
            squares[lag] = squares.get(lag, 0.0) + float(gradient.square().sum())
    return np.sqrt([squares[lag] for lag in range(max(squares) + 1)])


def _states(run: Pass, name: str, over_value: bool, step: int) -> tuple[list[Tensor], int]:
    """The states of a recurrence, and the place among them at which the answer is given."""
    states = run.states[name]
    return (states, len(states) - 1) if over_value else (states, step)


def _cost(model: Model, run: Pass, one: Sequence, step: int, start: int) -> Tensor | None:
    """The loss of the answer at a step; of what judges rows how surprising the row is. None where no truth is known."""
    output = run.output[:, step - start]
    pairing = model.wiring.pairing
    if isinstance(pairing, EachRow):
        return output[..., 0].sum()
    if one.targets is None:
        return None
    if isinstance(pairing, Sequences):
        known = one.targets[step][None] if one.targets.ndim == 2 else one.targets[None]
    else:
        known = target_windows(one.targets, np.array([step]), model.reader.horizon)
    truth = torch.from_numpy(np.ascontiguousarray(known)).to(output.dtype)
    total, weight = loss(model.wiring.head, output, truth, torch.ones(1, dtype=output.dtype))
    return total if float(weight) > 0 else None
