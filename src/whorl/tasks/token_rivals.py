"""Naive rivals of a language model as programs: how frequent tokens are, alone and after another one."""

from collections.abc import Sequence as List

import numpy as np

from whorl.data.sequences import Sequence
from whorl.runtime import operations as ops
from whorl.runtime.operations import Name
from whorl.runtime.program import Program

# Tokens of which pairs are counted: a table of all pairs is a rival's only weight, and 4 bytes for each.
_MOST_PAIRED = 300
_PIECE = 1 << 20


def rivals(sequences: List[Sequence], cuts: List[int], num_tokens: int) -> dict[str, Program]:
    """Unigrams, and bigrams where there are few tokens, counted on the training part.

    Bigrams are interpolated with unigrams as Witten & Bell 1991 do (their method C): after a token that was followed
    c times, by t different ones, the unigrams weigh t / (c + t).

    Args:
        sequences: encoded texts; the first column of a row is its token.
        cuts: for each the number of tokens of its training part.
        num_tokens: V.
    """
    width = sequences[0].past.shape[1]
    paired = num_tokens <= _MOST_PAIRED
    counts, pairs = np.zeros(num_tokens), np.zeros((num_tokens, num_tokens) if paired else (0, 0))
    for one, cut in zip(sequences, cuts, strict=True):
        for start in range(0, max(0, cut - 1), _PIECE):
            codes = np.asarray(one.past[start : min(start + _PIECE + 1, cut), 0], np.int64)
            counts += np.bincount(codes[1:], minlength=num_tokens)
            if paired:
                np.add.at(pairs, (codes[:-1], codes[1:]), 1.0)
    unigrams = (counts + 1.0) / (counts.sum() + num_tokens)  # one more of each: what was never seen may come
    found = {"unigram": _unigram(width, unigrams)}
    if paired:
        followed, kinds = pairs.sum(axis=1, keepdims=True), (pairs > 0).sum(axis=1, keepdims=True)
        bigrams = np.where(followed > 0, (pairs + kinds * unigrams) / np.maximum(followed + kinds, 1.0), unigrams)
        found["bigram"] = _bigram(width, bigrams)
    return found


def _code(program: Program, width: int) -> Name:
    row = program.add(ops.Input(out="past", shape=(width,)))
    return program.add(ops.Slice(x=row, axis=0, start=0, stop=1))


def _unigram(width: int, probabilities: np.ndarray) -> Program:
    program = Program()
    code = _code(program, width)
    nothing = program.add(ops.Combine(a=code, b=code, function="subtract"))
    logits = program.add(ops.Constant(tensor=program.tensor("unigrams", np.log(probabilities))))
    said = program.add(ops.Combine(a=nothing, b=logits, function="add"))
    program.output = program.add(ops.Reshape(x=said, shape=(1, 1, len(probabilities))))
    return program


def _bigram(width: int, probabilities: np.ndarray) -> Program:
    program = Program()
    code = _code(program, width)
    said = program.add(ops.Embed(x=code, table=program.tensor("bigrams", np.log(probabilities))))
    program.output = program.add(ops.Reshape(x=said, shape=(1, 1, len(probabilities))))
    return program
