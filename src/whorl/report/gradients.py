"""How far back a loss is felt: its gradient by the states, by how many steps they lie before the answer."""

from collections.abc import Sequence as List
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from whorl.data.pairing import target_windows
from whorl.data.sequences import Sequence
from whorl.nn.heads import loss
from whorl.nn.replay import Replay
from whorl.plans.heads import Categorical
from whorl.plans.wiring import EachRow, Sequences
from whorl.report import traces
from whorl.report.anatomy import dissect, recurrences
from whorl.runtime.model import Model

# Answers that are looked at, and rows before each: every row is a step of a loop.
_ANSWERS, _ROWS = 16, 400
_WIDE = 200_000
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
    program = model.engine.program
    # Wide networks in half the time: what is smaller than their rounding is below 1 % in any case.
    replay = Replay(program, torch.float32 if program.num_parameters() > _WIDE else torch.float64)
    groups: dict[tuple[int, int], list[_Piece]] = {}
    for number, step in traces.places(steps, _ANSWERS, _ROWS):
        piece = _piece(model, sequences[number], step)
        if piece is not None:
            groups.setdefault((len(piece.inputs["past"]), piece.at), []).append(piece)
    found = [row / row[0] for pieces in groups.values() for row in _norms(model, replay, pieces) if row[0] > 0]
    found = [row for row in found if np.isfinite(row).all()]
    if not found:
        return None
    # A lag that only few answers have says little of all.
    shared = max(n for n in range(1, max(map(len, found)) + 1) if sum(len(row) >= n for row in found) * 2 >= len(found))
    with np.errstate(divide="ignore"):
        mean = np.array([np.exp(np.mean(np.log([row[n] for row in found if len(row) > n]))) for n in range(shared)])
    lags = np.arange(shared) * _rows_of_a_step(model)
    return LagGradient(lags=lags, norms=mean, memory_length=_memory_length(lags, mean), answers=len(found))


def _memory_length(lags: np.ndarray, norms: np.ndarray) -> int | None:
    felt = np.flatnonzero(norms >= FELT)
    return None if felt[-1] == len(norms) - 1 else int(lags[felt[-1] + 1])


def _rows_of_a_step(model: Model) -> int:
    """Rows that a step of the recurrence stands for: those of a segment, where a window is cut into such."""
    sizes = dissect(model.engine.program)
    return 1 if sizes is None or sizes.segment is None else sizes.segment


class _Piece(NamedTuple):
    """Rows up to an answer, or the whole sequence where it is read both ways.

    Args:
        inputs: name -> (T, ...).
        truth: as `heads.loss` wants it, without the axis of examples; of what judges rows it counts for nothing.
        at: the row among them that is answered.
    """

    inputs: dict[str, np.ndarray]
    truth: np.ndarray
    at: int


def _piece(model: Model, one: Sequence, step: int) -> _Piece | None:
    """What is read up to a step; None where its truth is not known."""
    program, pairing = model.engine.program, model.wiring.pairing
    if isinstance(pairing, EachRow):
        truth = np.zeros(1, np.float32)
    elif one.targets is None:
        return None
    elif isinstance(pairing, Sequences):
        truth = one.targets[step] if one.targets.ndim == 2 else one.targets
    else:
        truth = target_windows(one.targets, np.array([step]), model.reader.horizon)[0]
    start = max(0, step + 1 - (program.memory or _ROWS)) if program.streams else 0
    given = one.inputs(start, step + 1 if program.streams else len(one), model.reader.horizon)
    return _Piece({name: array[0] for name, array in given.items()}, np.asarray(truth), step - start)


def _norms(model: Model, replay: Replay, pieces: List[_Piece]) -> np.ndarray:
    """Length of the gradient of each answer's loss by the states at each lag, (B, lags)."""
    program, at = model.engine.program, pieces[0].at
    inputs = {name: torch.from_numpy(np.stack([one.inputs[name] for one in pieces])) for name in pieces[0].inputs}
    last = at == inputs["past"].shape[1] - 1
    run = replay.run(inputs, last=last)
    output = run.output[:, -1 if last else at]
    if isinstance(model.wiring.pairing, EachRow):
        cost = output[..., 0].sum()
    else:
        truth = torch.from_numpy(np.stack([one.truth for one in pieces])).to(output.dtype)
        if isinstance(model.wiring.head, Categorical):
            # Behind the scores of a catalogue stand those of times and codes of items, behind its truths times; an item
            # that is not in it has no score.
            output, truth = output[..., : len(model.reader.classes)], truth[..., : len(model.reader.names)]
            truth = truth.masked_fill(truth < 0, torch.nan)
        cost = loss(model.wiring.head, output, truth, torch.ones(len(pieces), dtype=output.dtype)).total
    squares: dict[int, Tensor] = {}
    for op in recurrences(program):
        states = run.states[op.out]
        answered = len(states) - 1 if op.over == "value" else at
        # A state behind the answer, or one that nothing reads, has no part in it.
        gradients = torch.autograd.grad(cost, states, retain_graph=True, allow_unused=True, materialize_grads=True)
        for place, gradient in enumerate(gradients):
            size = gradient.square().reshape(len(pieces), -1).sum(dim=1)
            lag = abs(answered - place)
            squares[lag] = squares[lag] + size if lag in squares else size
    sizes: np.ndarray = torch.stack([squares[lag] for lag in range(max(squares) + 1)], dim=1).sqrt().numpy()
    return sizes
