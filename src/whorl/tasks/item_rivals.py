"""Naive rivals of a recommender as programs: what is popular, follows an item, goes with it or stands beside it.

Where it is answered when the next event comes, the chain says how long it took after such a time as the last one, and
all others how long it usually takes.
"""

from collections.abc import Sequence as List
from typing import NamedTuple

import numpy as np

from whorl.data.sequences import Sequence
from whorl.nn.autoregressive import emit_items
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program

# Items of which pairs are counted: a table of all pairs is a rival's only weight, and 4 bytes for each.
_MOST_PAIRED = 2_000
# How much an event counts beside the one after it: what one came to last tells most.
_KNN_DECAY, _NEIGHBOURS_DECAY = 0.7, 0.85
# Neighbours stand at most so many events apart, and count so much less for each event more.
_FARTHEST, _NEARER = 10, 0.8
# How much popularity counts beside cosines and neighbours: it settles their ties, and nothing else.
_TIES = 1e-4
# How many events what is usual counts as beside those that came after such a time.
_USUAL = 10.0


def rivals(sessions: List[Sequence], num_items: int, seen: int, bins: int = 0) -> dict[str, Program]:
    """Popularity, and of catalogues that are not too large a Markov chain of first order, item-kNN and neighbours.

    Popularity is how many events an item has. The chain counts which item came after which, and popularity counts as
    one event more. item-kNN adds up, over the events of a session, the cosine between items by the training sessions
    that have both: n_ij / sqrt(n_i n_j) (Sarwar et al. 2001, section 3.1.1, for what was bought or not). An event
    counts 0.7 times as much as the one after it, which makes a stronger rival than if all counted alike. Neighbours
    adds up likewise, by 0.85, how often each item stood beside those of the session, in either order, for each time
    that the one of the session came. A pair d events apart counts 0.8^(d - 1), up to 10 events. So it knows what lies
    near in time, where item-kNN knows what has a session in common.

    Args:
        sessions: encoded, of training; the first column of a row is its item.
        num_items: V.
        seen: codes of last items that stand behind each answer, as of the network.
        bins: of the time until the next event, where it is answered; the last column of a row is that of the time
            before it.
    """
    form = _Form(sessions[0].past.shape[1], seen, _usual_times(sessions, bins))
    codes = [one.past[:, 0].astype(np.int64) for one in sessions]
    counts = np.bincount(np.concatenate(codes), minlength=num_items + 1)[1:].astype(np.float64)
    shares = (counts + 1.0) / (counts.sum() + num_items)  # an item may have its event in a session of one alone
    found = {"popularity": _popularity(form, shares)}
    if num_items <= _MOST_PAIRED:
        after = np.zeros((num_items + 1, num_items + 1))
        together = np.zeros((num_items, num_items))
        for one in codes:
            np.add.at(after, (one[:-1], one[1:]), 1.0)
            own = np.unique(one[one > 0]) - 1
            together[np.ix_(own, own)] += 1.0
        after[0] = 0.0
        times = _times_after_times(sessions, form.usual)
        found["markov"] = _by_item(form, np.log(after[:, 1:] + shares), times=times)
        ties = _TIES * shares
        found["item_knn"] = _by_item(form, _cosines(together) + ties, decay=_KNN_DECAY)
        found["neighbours"] = _by_item(form, _beside(codes, num_items) + ties, decay=_NEIGHBOURS_DECAY)
    return found


class _Form(NamedTuple):
    """What all rivals read and answer.

    Args:
        width: columns of a row.
        seen: codes of last items behind the answer.
        usual: (B,) share of each bin of time in training; none where it is not answered.
    """

    width: int
    seen: int
    usual: np.ndarray


def _usual_times(sessions: List[Sequence], bins: int) -> np.ndarray:
    """How frequent each bin is among the times until the next event; each counts once more than it came."""
    if not bins:
        return np.empty(0)
    came = np.concatenate([one.row_targets[:, -1] for one in sessions])
    counts = np.bincount(came[np.isfinite(came)].astype(np.int64), minlength=bins) + 1.0
    shares: np.ndarray = counts / counts.sum()
    return shares


def _times_after_times(sessions: List[Sequence], usual: np.ndarray) -> np.ndarray | None:
    """The same after each bin of the time before, (1 + B, B); what is usual counts as some events more."""
    if not len(usual):
        return None
    found = np.tile(_USUAL * usual, (len(usual) + 1, 1))
    for one in sessions:
        before, came = one.past[:, -1], one.row_targets[:, -1]
        known = np.isfinite(came)
        np.add.at(found, (before[known].astype(np.int64), came[known].astype(np.int64)), 1.0)
    found /= found.sum(axis=1, keepdims=True)
    return found


def _cosines(together: np.ndarray) -> np.ndarray:
    """How alike items are, (V + 1, V), of how many sessions have both; no item is like itself, nor like none."""
    norms = np.sqrt(np.maximum(np.diag(together), 1.0))
    alike = together / norms / norms[:, None]
    np.fill_diagonal(alike, 0.0)
    return np.concatenate([np.zeros((1, len(together))), alike])


def _beside(codes: List[np.ndarray], num_items: int) -> np.ndarray:
    """How often each item stands near each, in either order, for each time that the latter comes, (V + 1, V)."""
    near = np.zeros((num_items + 1, num_items + 1))
    for one in codes:
        for apart in range(1, min(_FARTHEST, len(one) - 1) + 1):
            np.add.at(near, (one[:-apart], one[apart:]), _NEARER ** (apart - 1))
    times = np.bincount(np.concatenate(codes), minlength=num_items + 1)
    near = (near + near.T) / np.maximum(times, 1)[:, None]
    near[0] = 0.0
    return near[:, 1:]


def _code(program: Program, width: int) -> Name:
    row = program.add(ops.Input(out="past", shape=(width,)))
    return program.add(ops.Slice(x=row, axis=0, start=0, stop=1))


def _always(program: Program, code: Name, name: str, values: np.ndarray) -> Name:
    """The same numbers, whatever the step."""
    nothing = program.add(ops.Combine(a=code, b=code, function="subtract"))
    said = program.add(ops.Constant(tensor=program.tensor(name, values)))
    return program.add(ops.Combine(a=nothing, b=said, function="add"))


def _popularity(form: _Form, shares: np.ndarray) -> Program:
    program = Program()
    code = _code(program, form.width)
    _answer(program, form, code, _always(program, code, "shares", np.log(shares)))
    return program


def _answer(program: Program, form: _Form, code: Name, scores: Name, times: np.ndarray | None = None) -> None:
    """Adds the output: scores of items, those of times by the last one or as usual, and what was seen."""
    until = None
    if times is not None:
        row = program.inputs[0].out
        last = program.add(ops.Slice(x=row, axis=0, start=form.width - 1, stop=form.width))
        until = program.add(ops.Embed(x=last, table=program.tensor("times", np.log(times))))
    elif len(form.usual):
        until = _always(program, code, "usual", np.log(form.usual))
    emit_items(program, code, scores, form.seen, until)


def _by_item(form: _Form, table: np.ndarray, *, decay: float | None = None, times: np.ndarray | None = None) -> Program:
    """The row of the last item, or the weighted mean of those of all, which ranks as their sum does.

    Args:
        form: what is read and answered.
        table: what each item says of each, (V + 1, V); row 0 is what an unknown one says.
        times: how probable bins of time are after each, (1 + B, B); None takes what is usual.
        decay: how much an event counts beside the one after it; None reads the last one alone.
    """
    program = Program()
    code = _code(program, form.width)
    said = program.add(ops.Embed(x=code, table=program.tensor("pairs", table)))
    if decay is not None:
        running = program.add(ops.Running(x=said, decay=decay, floor=1.0))
        running = program.add(ops.Slice(x=running, axis=0, start=0, stop=1))
        said = program.add(ops.Reshape(x=running, shape=(table.shape[1],)))
    _answer(program, form, code, said, times)
    return program
