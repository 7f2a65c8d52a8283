"""Naive rivals of a recommender as programs: what is popular, what follows the last item, what goes together."""

from collections.abc import Sequence as List

import numpy as np

from whorl.data.sequences import Sequence
from whorl.nn.autoregressive import emit_items
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program

# Items of which pairs are counted: a table of all pairs is a rival's only weight, and 4 bytes for each.
_MOST_PAIRED = 2_000
# How much an event counts beside the one after it in item-kNN: what one came to last tells most.
_DECAY = 0.7
# How much popularity counts beside cosines: it settles their ties, and nothing else.
_TIES = 1e-4


def rivals(sessions: List[Sequence], num_items: int, seen: int) -> dict[str, Program]:
    """Popularity, and of catalogues that are not too large a Markov chain of first order and item-kNN.

    Popularity is how many events an item has. The chain counts which item came after which, and popularity counts as
    one event more. item-kNN adds up, over the events of a session, the cosine between items by the training sessions
    that have both: n_ij / sqrt(n_i n_j) (Sarwar et al. 2001, section 3.1.1, for what was bought or not). An event
    counts 0.7 times as much as the one after it, which makes a stronger rival than if all counted alike.

    Args:
        sessions: encoded, of training; the first column of a row is its item.
        num_items: V.
        seen: codes of last items that stand behind each answer, as of the network.
    """
    width = sessions[0].past.shape[1]
    codes = [one.past[:, 0].astype(np.int64) for one in sessions]
    counts = np.bincount(np.concatenate(codes), minlength=num_items + 1)[1:].astype(np.float64)
    shares = (counts + 1.0) / (counts.sum() + num_items)  # an item may have its event in a session of one alone
    found = {"popularity": _popularity(width, shares, seen)}
    if num_items <= _MOST_PAIRED:
        after = np.zeros((num_items + 1, num_items + 1))
        together = np.zeros((num_items, num_items))
        for one in codes:
            np.add.at(after, (one[:-1], one[1:]), 1.0)
            own = np.unique(one[one > 0]) - 1
            together[np.ix_(own, own)] += 1.0
        after[0] = 0.0
        found["markov"] = _by_item(width, np.log(after[:, 1:] + shares), seen, whole=False)
        found["item_knn"] = _by_item(width, _cosines(together) + _TIES * shares, seen, whole=True)
    return found


def _cosines(together: np.ndarray) -> np.ndarray:
    """How alike items are, (V + 1, V), of how many sessions have both; no item is like itself, nor like none."""
    norms = np.sqrt(np.maximum(np.diag(together), 1.0))
    alike = together / norms / norms[:, None]
    np.fill_diagonal(alike, 0.0)
    return np.concatenate([np.zeros((1, len(together))), alike])


def _code(program: Program, width: int) -> Name:
    row = program.add(ops.Input(out="past", shape=(width,)))
    return program.add(ops.Slice(x=row, axis=0, start=0, stop=1))


def _popularity(width: int, shares: np.ndarray, seen: int) -> Program:
    program = Program()
    code = _code(program, width)
    nothing = program.add(ops.Combine(a=code, b=code, function="subtract"))
    said = program.add(ops.Constant(tensor=program.tensor("shares", np.log(shares))))
    emit_items(program, code, program.add(ops.Combine(a=nothing, b=said, function="add")), seen)
    return program


def _by_item(width: int, table: np.ndarray, seen: int, *, whole: bool) -> Program:
    """The row of the last item, or the weighted mean of those of all, which ranks as their sum does."""
    program = Program()
    code = _code(program, width)
    said = program.add(ops.Embed(x=code, table=program.tensor("pairs", table)))
    if whole:
        running = program.add(ops.Running(x=said, decay=_DECAY, floor=1.0))
        running = program.add(ops.Slice(x=running, axis=0, start=0, stop=1))
        said = program.add(ops.Reshape(x=running, shape=(table.shape[1],)))
    emit_items(program, code, said, seen)
    return program
