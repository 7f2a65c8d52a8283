"""Naive rivals of labels: how frequent each is, whatever is read, or of the symbol that is read."""

import numpy as np

from whorl.data.lookahead import LateReader
from whorl.data.media_reader import MediaReader
from whorl.data.word_reader import WordReader
from whorl.runtime import operations as ops
from whorl.runtime.program import Program
from whorl.specs import Reals
from whorl.tasks import baselines
from whorl.tasks.preparation.prepared import Prepared

# How much the frequencies of all labels count beside those of one symbol: no more than having been seen once, so that
# they settle ties and nothing else.
_PRIOR = 1.0
# Of a deviation that is zero, and how much of the covariance its diagonal is.
_FLOOR, _SHRINKAGE = 1e-3, 0.1


def label_rivals(prepared: Prepared) -> dict[str, Program]:
    """The prior; of words also the label that each had most often, and of unknown ones the most frequent label."""
    width, num_classes = prepared.sequences[0].past.shape[1], len(prepared.reader.classes)
    truths = np.concatenate([one.row_targets.ravel() for one in prepared.training])
    known = np.isfinite(truths)
    counts = np.bincount(truths[known].astype(np.int64), minlength=num_classes)
    # A label that all folds but one lack is not impossible; half an example of it is rarer than any that was seen.
    rivals = {"prior": baselines.prior_answer(width, np.maximum(counts, 0.5))}
    lookahead = prepared.reader.lookahead if isinstance(prepared.reader, LateReader) else 0
    inner = prepared.reader.reader if isinstance(prepared.reader, LateReader) else prepared.reader
    if isinstance(inner, WordReader):
        # Truths stand as many steps later as answers.
        codes = np.concatenate([one.past[: len(one) - lookahead, 0] for one in prepared.training])
        own = np.concatenate([one.row_targets[lookahead:, 0] for one in prepared.training])
        table = _table(codes, own, len(inner.past.words.symbols), counts)
        rivals["most_frequent"] = most_frequent(width, table, lookahead)
    if isinstance(inner, MediaReader) and isinstance(inner.past.spec, Reals):
        rivals["linear"] = linear(prepared, counts)
    return rivals


def linear(prepared: Prepared, counts: np.ndarray) -> Program:
    """Linear discriminants of the mean and the deviation of each number over the steps so far.

    The classes share one covariance, which is drawn a little towards its diagonal (Friedman 1989, eq. 18); the rule is
    that of Hastie et al. 2009, eq. 4.10.

    Args:
        prepared: sequences of numbers; those of training are learned from.
        counts: of each class in training, (C,).
    """
    width = prepared.sequences[0].past.shape[1]
    known = [one for one in prepared.training if np.isfinite(one.row_targets[0])]
    rows = [one.past.astype(np.float64) for one in known]
    told = np.stack([np.concatenate([own.mean(axis=0), np.hypot(own.std(axis=0), _FLOOR)]) for own in rows])
    classes = np.array([int(one.row_targets[0]) for one in known])
    # A class that training has once is its own mean; one that it has not is never answered.
    means = np.stack([told[classes == k].mean(axis=0) if counts[k] else told.mean(axis=0) for k in range(len(counts))])
    within = told - means[classes]
    covariance = within.T @ within / max(1, len(told) - len(counts))
    diagonal = np.diag(covariance) + _FLOOR
    weights = np.linalg.solve((1.0 - _SHRINKAGE) * covariance + _SHRINKAGE * np.diag(diagonal), means.T).T
    bias = np.log(np.maximum(counts, 1e-9) / counts.sum()) - 0.5 * (weights * means).sum(axis=1)
    program = Program()
    row = program.add(ops.Input(out="past", shape=(width,)))
    both = program.add(ops.Reshape(x=program.add(ops.Running(x=row, decay=1.0, floor=_FLOOR)), shape=(2 * width,)))
    weight, offset = program.tensor("discriminants", weights), program.tensor("offsets", bias)
    said = program.add(ops.Affine(x=both, weight=weight, bias=offset))
    program.output = program.add(ops.Reshape(x=said, shape=(1, len(counts))))
    return program


def several_rivals(prepared: Prepared) -> dict[str, Program]:
    """How frequent each of several labels is among the training examples, the others aside."""
    width = prepared.sequences[0].past.shape[1]
    truths = np.stack([one.row_targets for one in prepared.training]).astype(np.float64)
    # As if one more example had half of each label: a frequency of 0 or 1 would be refuted by one truth.
    shares = (np.nansum(truths, axis=0) + 0.5) / (np.isfinite(truths).sum(axis=0) + 1.0)
    return {"prior": baselines.constant_answer(width, np.log(shares / (1.0 - shares))[:, None])}


def _table(codes: np.ndarray, truths: np.ndarray, num_symbols: int, counts: np.ndarray) -> np.ndarray:
    """Logarithms of the shares of each label, for each symbol, (num_symbols + 1, C); those of all for code 0."""
    known = np.isfinite(truths)
    table = np.zeros((num_symbols + 1, len(counts)))
    np.add.at(table, (codes[known].astype(np.int64), truths[known].astype(np.int64)), 1.0)
    table += _PRIOR * counts / counts.sum()
    table[0] = counts
    table += 1e-9
    shares: np.ndarray = np.log(table / table.sum(axis=1, keepdims=True))
    return shares


def most_frequent(width: int, table: np.ndarray, lookahead: int) -> Program:
    """The labels of the symbol in the first column, `lookahead` steps ago.

    Args:
        width: columns of a row.
        table: (n, C), logarithms of shares.
        lookahead: how late answers are.
    """
    program = Program()
    row = program.add(ops.Input(out="past", shape=(width,)))
    code = program.add(ops.Slice(x=row, axis=0, start=0, stop=1))
    if lookahead:
        window = program.add(ops.Window(x=code, length=lookahead + 1))
        window = program.add(ops.Slice(x=window, axis=0, start=0, stop=1))
        code = program.add(ops.Reshape(x=window, shape=(1,)))
    said = program.add(ops.Embed(x=code, table=program.tensor("labels", table)))
    program.output = program.add(ops.Reshape(x=said, shape=(1, table.shape[1])))
    return program
