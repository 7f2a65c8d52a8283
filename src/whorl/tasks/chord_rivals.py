"""Naive rivals of music as programs: how often each note sounds, and whether one that does goes on."""

from collections.abc import Sequence as List

import numpy as np

from whorl.data.sequences import Sequence
from whorl.runtime import operations as ops
from whorl.runtime.program import Program


def rivals(sequences: List[Sequence], cuts: List[int]) -> dict[str, Program]:
    """Frequencies of notes, and the last chord with a rate for each note at which it begins and ends.

    Every count has a half more of each kind, so that what was never seen may come (Krichevsky & Trofimov 1981).

    Args:
        sequences: encoded rolls.
        cuts: for each the number of steps of its training part.
    """
    width, num_notes = sequences[0].past.shape[1], sequences[0].row_targets.shape[1]
    # By note: steps after which it was silent or sounded, and of these the ones at which it sounds.
    steps, sounds = np.zeros((2, num_notes)), np.zeros((2, num_notes))
    for one, cut in zip(sequences, cuts, strict=True):
        before, after = one.past[: max(0, cut - 1), :num_notes] > 0, one.past[1:cut, :num_notes] > 0
        for kind, held in enumerate((~before, before)):
            steps[kind] += held.sum(axis=0)
            sounds[kind] += (held & after).sum(axis=0)
    silent, sounding = _logit(sounds, steps)
    return {
        "frequency": _program(width, num_notes, np.zeros(num_notes), _logit(sounds.sum(axis=0), steps.sum(axis=0))),
        "repeat": _program(width, num_notes, sounding - silent, silent),
    }


def _logit(hits: np.ndarray, counts: np.ndarray) -> np.ndarray:
    logits: np.ndarray = np.log((hits + 0.5) / (counts - hits + 0.5))
    return logits


def _program(width: int, num_notes: int, weight: np.ndarray, bias: np.ndarray) -> Program:
    """The logit of each note: its weight where it sounds, and its bias."""
    program = Program()
    row = program.add(ops.Input(out="past", shape=(width,)))
    notes = program.add(ops.Slice(x=row, axis=0, start=0, stop=num_notes))
    by, plus = (program.add(ops.Constant(tensor=program.tensor(*one))) for one in (("weight", weight), ("bias", bias)))
    said = program.add(ops.Combine(a=notes, b=by, function="multiply"))
    said = program.add(ops.Combine(a=said, b=plus, function="add"))
    program.output = program.add(ops.Reshape(x=said, shape=(1, num_notes, 1)))
    return program
