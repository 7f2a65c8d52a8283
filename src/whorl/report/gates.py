"""What the gates and the units of a layer do: how often they are stuck, and how much of the space is used.

Axes: n steps of all runs, H units.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from whorl.cells import CELLS, sigmoid
from whorl.report.anatomy import Recurrence, cell_of
from whorl.report.carried import sums
from whorl.report.traces import Layer, Run, with_insides
from whorl.runtime.operations import Recurrent, Scan

# A gate is as good as open or closed beyond these, and a unit of an RNN as good as stuck beyond +-OPEN.
CLOSED, OPEN = 0.05, 0.95
# A unit is dead that varies less than this share of what units vary on average.
_DEAD = 1e-3
# Of each cell the gates that lie between 0 and 1, by their place among the stacked ones.
_GATES = {"gru": {"reset": 0, "update": 1}, "lstm": {"input": 0, "forget": 1, "output": 3}}
# And the place of the candidate.
_CANDIDATES = {"gru": 2, "lstm": 2}


@dataclass(frozen=True, kw_only=True)
class LayerProbe:
    """What was measured of a layer in one direction.

    Args:
        name: in the program, such as gru_l0.
        cell: its name, such as GRU.
        units: H.
        closed: gate -> share of its values below 0.05; empty for a cell without gates.
        opened: gate -> share of its values above 0.95.
        saturated: share of the outputs beyond +-0.95.
        dead_units: numbers of units, from 1, that hardly vary.
        rank: effective rank of what is said, of a complex state of its real part, from 1 to H: the exponential of the
            entropy of its singular values, which are scaled to sum to 1 (Roy & Vetterli 2007).
        norms: mean length of the state in four quarters of the longest run, in the order in which it was read; of an
            LSTM that goes on for longer than training did h and c together.
        drift: by what share of itself it is longer in the last quarter than in the second; None where a run is too
            short to say.
    """

    name: str
    cell: str
    units: int
    closed: Mapping[str, float]
    opened: Mapping[str, float]
    saturated: float
    dead_units: tuple[int, ...]
    rank: float
    norms: tuple[float, ...]
    drift: float | None


# Steps of a run from which on it is long enough to drift.
_LONG = 80


def probe_layer(layer: Layer, tensors: Mapping[str, np.ndarray], *, goes_on: bool = False) -> LayerProbe:
    """Measures a layer over its runs.

    Args:
        layer: with what it said.
        tensors: of its program.
        goes_on: whether sequences go on for longer than those of training did. Then the whole state is measured for
            drift: what counts without an end in the c of an LSTM comes to numbers that nothing was trained on.
    """
    states = layer.states.astype(np.float64)
    # A complex unit that turns varies in both of its parts.
    parts = [one.states.astype(np.float64).std(axis=0) for one in with_insides([layer]) if one.part != "c"]
    spread = np.sqrt(np.sum(np.square(parts), axis=0))
    gates = [gates_of(layer, run, tensors) for run in layer.runs]
    names = list(gates[0])
    every = {name: np.concatenate([one[name].ravel() for one in gates]) for name in names}
    carried = layer.whole if goes_on or layer.part else layer
    longest = max(carried.runs, key=lambda run: len(run.h))
    lengths = np.linalg.norm(longest.h.astype(np.float64), axis=1)
    quarters = np.array_split(lengths[::-1] if layer.op.reverse else lengths, 4)
    return LayerProbe(
        name=layer.name,
        cell=cell_of(layer.op),
        units=states.shape[1],
        closed={name: float((values < CLOSED).mean()) for name, values in every.items()},
        opened={name: float((values > OPEN).mean()) for name, values in every.items()},
        saturated=float((np.abs(states) > OPEN).mean()) if _is_bounded(layer.op) else 0.0,
        dead_units=tuple((np.flatnonzero(spread <= _DEAD * max(spread.mean(), 1e-12)) + 1).tolist()),
        rank=effective_rank(states),
        norms=tuple(float(part.mean()) if len(part) else 0.0 for part in quarters),
        drift=_drift(quarters[1], quarters[3]) if len(lengths) >= _LONG and layer.op.over == "stream" else None,
    )


def _is_bounded(op: Recurrence) -> bool:
    """Whether outputs lie within -1 and 1."""
    return isinstance(op, Recurrent) and op.cell != "rnn_relu"


def gates_of(layer: Layer, run: Run, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The gates of a run that lie between 0 and 1, by name, (S, H) each; empty for a cell without."""
    op = layer.op
    if isinstance(op, Scan):
        return {"keep": run.x} if op.numbers == "real" else {}
    places = _GATES.get(CELLS[op.cell].recipe, {})
    if not places:
        return {}
    own, carried = sums(op, run.x, run.before, tensors)
    parts = np.split(own + carried, CELLS[op.cell].num_gates, axis=-1)
    return {name: sigmoid(parts[place]) for name, place in places.items()}


def kept_of(layer: Layer, run: Run, tensors: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """The share of its state that each unit keeps at a step, (S, H); None for cells without a gate for it."""
    op = layer.op
    if isinstance(op, Scan):
        size = run.h.shape[-1]
        shares: np.ndarray = np.abs(run.x) if op.numbers == "real" else np.hypot(run.x[:, :size], run.x[:, size:])
        return shares
    opened = gates_of(layer, run, tensors)
    kept = opened.get("forget", opened.get("update"))
    return None if kept is None else op.zoneout + (1.0 - op.zoneout) * kept


def candidate_of(layer: Layer, run: Run, tensors: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """The new value that an LSTM or a GRU may write at each step, (S, H); None for other cells."""
    op = layer.op
    recipe = "" if isinstance(op, Scan) else CELLS[op.cell].recipe
    if isinstance(op, Scan) or recipe not in _CANDIDATES:
        return None
    own, carried = (np.split(part, CELLS[op.cell].num_gates, axis=-1) for part in sums(op, run.x, run.before, tensors))
    place = _CANDIDATES[recipe]
    # Of what a GRU carried only the part goes in that its gate resets (Cho et al. 2014, eq. 8, as torch writes it).
    share = sigmoid(own[0] + carried[0]) if recipe == "gru" else 1.0
    made: np.ndarray = np.tanh(own[place] + share * carried[place])
    return made


def effective_rank(states: np.ndarray) -> float:
    """Of states (n, H), each unit taken from its mean; 0 where nothing varies."""
    values = np.linalg.svd(states - states.mean(axis=0), compute_uv=False)
    if not values.sum() > 0:
        return 0.0
    shares = values / values.sum()
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _drift(early: np.ndarray, late: np.ndarray) -> float:
    return float(late.mean() / max(float(early.mean()), 1e-9) - 1.0)
