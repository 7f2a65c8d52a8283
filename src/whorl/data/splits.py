"""Which sequences are held out, once or in folds: by chance, with labels spread alike, or whole groups at once."""

import operator
from collections.abc import Callable, Hashable, Iterable

import numpy as np

from whorl.data.problems import plural
from whorl.errors import DataError, SplitError

_STARTS = 10


def held_out(
    count: int,
    wanted: float | int,
    seed: int,
    *,
    labels: Iterable[object] | None = None,
    groups: Iterable[object] | None = None,
) -> np.ndarray:
    """Draws the numbers of the sequences that are held out, by a seed.

    With `labels`, every class keeps its share on both sides, and a class of at least two sequences is on both; one
    that occurs once stays in training. With `groups`, no group is on both sides; the number held out comes as near to
    what is wanted as whole groups allow. With both, groups are never cut, and classes are spread as well as the groups
    allow (a greedy search from several orders).

    Args:
        count: sequences there are.
        wanted: a fraction in (0, 1), or a number of sequences. A fraction gives way where classes need more or fewer;
            a number does not.
        seed: of the draw.
        labels: one for each sequence; None and NaN are one class, "not labelled".
        groups: which one each sequence belongs to.

    Returns:
        Indices in rising order, int64.

    Raises:
        DataError: where no sequence would be left for one of the sides, or a number cannot be had.
    """
    number = _number(count, wanted)
    exact = not isinstance(wanted, float | np.floating)
    order = np.random.default_rng([seed, 0]).permutation(count)
    if groups is not None:
        group_of = _codes(groups, count, "groups")
        class_of = np.zeros(count, np.int64) if labels is None else _codes(labels, count, "labels")
        return _whole_groups(group_of, class_of, number, np.random.default_rng([seed, 1]))
    if labels is None:
        return np.sort(order[:number])
    return _stratified(_codes(labels, count, "labels"), number, order, exact=exact)


def folds(
    count: int,
    number: int,
    seed: int,
    *,
    labels: Iterable[object] | None = None,
    groups: Iterable[object] | None = None,
) -> np.ndarray:
    """Deals sequences to folds by a seed, so that each fold has about as many, and of each class as many but for one.

    With `groups`, no group is in two folds; large ones are dealt first, each to the fold that has least of its classes.

    Args:
        count: sequences there are.
        number: of folds, at least 2.
        seed: of the draw.
        labels: one for each sequence; None and NaN are one class, "not labelled".
        groups: which one each sequence belongs to.

    Returns:
        The fold of each sequence, counted from 0, (count,), int64; none is empty.

    Raises:
        DataError: there are fewer sequences, or groups, than folds.
    """
    unit_of = np.arange(count) if groups is None else _codes(groups, count, "groups")
    class_of = np.zeros(count, np.int64) if labels is None else _codes(labels, count, "labels")
    units = int(unit_of.max()) + 1
    if units < number:
        kind = "sequence" if groups is None else "group"
        raise SplitError(
            f"`folds` is {number}, but there are only {plural(units, kind)}, and each fold holds out at least one. "
            f"Use at most {units}, or bring more."
        )
    counts = np.zeros((units, int(class_of.max()) + 1))
    np.add.at(counts, (unit_of, class_of), 1.0)
    order = np.random.default_rng([seed, 2]).permutation(units)
    order = order[np.argsort(-counts[order].sum(axis=1), kind="stable")]
    shares, dealt = counts / counts.sum(axis=0), np.zeros((number, counts.shape[1]))
    fold_of = np.zeros(units, np.int64)
    for unit in order.tolist():
        crowded = np.round(dealt @ shares[unit], 9)  # sums of the same counts are ties, in whatever order
        fold_of[unit] = fold = int(np.lexsort((dealt.sum(axis=1), crowded))[0])
        dealt[fold] += counts[unit]
    return fold_of[unit_of]


def _number(count: int, wanted: float | int) -> int:
    if isinstance(wanted, float | np.floating) and not 0 < wanted < 1:
        raise DataError(f"`validation` is a fraction between 0 and 1, or a whole number, but is {wanted}. Change it.")
    number = max(1, round(wanted * count)) if isinstance(wanted, float | np.floating) else operator.index(wanted)
    if number >= count:
        raise SplitError(
            f"`validation` holds out {number} of {count} sequences, so none is left for training. "
            "Lower it, or bring more sequences."
        )
    if number < 1:
        raise DataError(f"`validation` holds out at least one sequence, but is {number}. Raise it.")
    return number


def _codes(values: Iterable[object], count: int, name: str) -> np.ndarray:
    """Numbers what is equal alike, by first appearance; the missing are one."""
    listed = values.tolist() if isinstance(values, np.ndarray) else list(values)
    _check_count(len(listed), count, name)
    known: dict[Hashable, int] = {}
    codes = []
    for i, value in enumerate(listed):
        key = None if value != value else value
        if not isinstance(key, Hashable):
            raise DataError(f"`{name}` are text or numbers, but that of sequence {i} is a {type(key).__name__}.")
        codes.append(known.setdefault(key, len(known)))
    return np.array(codes, np.int64)


def _check_count(given: int, count: int, name: str) -> None:
    if given != count:
        raise DataError(
            f"`{name}` has one entry for each sequence, but has {given} for {plural(count, 'sequence')}. Give as many."
        )


def _stratified(class_of: np.ndarray, number: int, order: np.ndarray, *, exact: bool) -> np.ndarray:
    sizes = np.bincount(class_of)
    least, most = np.minimum(sizes - 1, 1), sizes - 1
    if not most.sum():
        raise DataError(
            f"`labels` must repeat to be spread over both sides, but all {len(sizes)} classes occur "
            "once. Bring more sequences, or split without labels. Quantities are no labels: answer them as numbers "
            "(whorl.Regressor, or whorl fit regress)."
        )
    low, high = int(least.sum()), int(most.sum())
    if exact and not low <= number <= high:
        raise SplitError(
            f"`validation` holds out {plural(number, 'sequence')}, but classes on both sides need {low} to {high} of "
            f"{len(class_of)}. Change it, or give a fraction."
        )
    shares = _shares(sizes, int(np.clip(number, low, high)), least, most)
    ordered = class_of[order]
    held = [order[ordered == k][:share] for k, share in enumerate(shares.tolist())]
    return np.sort(np.concatenate(held))


def _shares(sizes: np.ndarray, number: int, least: np.ndarray, most: np.ndarray) -> np.ndarray:
    """How many of each class: in proportion, the largest remainders first, within the limits."""
    quotas = number * sizes / sizes.sum()
    shares: np.ndarray = np.clip(np.floor(quotas).astype(np.int64), least, most)
    while shares.sum() != number:
        if shares.sum() < number:
            shares[np.argmax(np.where(shares < most, quotas - shares, -np.inf))] += 1
        else:
            shares[np.argmin(np.where(shares > least, quotas - shares, np.inf))] -= 1
    return shares


def _whole_groups(group_of: np.ndarray, class_of: np.ndarray, number: int, random: np.random.Generator) -> np.ndarray:
    num_groups = int(group_of.max()) + 1
    if num_groups < 2:
        raise DataError(
            f"`groups` must be at least two, so that one can be held out whole, but all {len(group_of)} sequences "
            "belong to one. Bring more, or split without groups."
        )
    # Counts of each class in each group, and of everything, which a group is measured by too.
    counts = np.zeros((num_groups, int(class_of.max()) + 2))
    np.add.at(counts, (group_of, class_of), 1.0)
    counts[:, -1] = counts[:, :-1].sum(axis=1)
    cost = _cost_of(counts, number)
    starts = max(1, min(_STARTS, 10_000 // num_groups))
    tried = [_search(counts, number, cost, random.permutation(num_groups)) for _ in range(starts)]
    chosen = min(tried, key=lambda taken: float(cost(counts[taken].sum(axis=0))))
    return np.flatnonzero(chosen[group_of])


Cost = Callable[[np.ndarray], np.ndarray]


def _cost_of(counts: np.ndarray, number: int) -> Cost:
    """How far held-out counts (..., C) are from the wanted ones; a class on one side only outweighs any distance."""
    totals = counts.sum(axis=0)
    target = number * totals / totals[-1]
    divisible = (counts > 0).sum(axis=0) > 1
    penalty = 2.0 * totals.sum() + 1.0

    def cost(held: np.ndarray) -> np.ndarray:
        distance = ((held - target) ** 2 / totals).sum(axis=-1)
        one_sided = ((held == 0) | (held == totals)) & divisible
        return np.asarray(distance + penalty * one_sided.sum(axis=-1))

    return cost


def _search(counts: np.ndarray, number: int, cost: Cost, order: np.ndarray) -> np.ndarray:
    """Returns which groups are taken, bool: in this order while each is a gain, then the best single changes."""
    taken = np.zeros(len(counts), bool)
    held = np.zeros(counts.shape[1])
    lowest = float(cost(held))
    for group in order.tolist():
        more = held + counts[group]
        if more[-1] <= number and (now := float(cost(more))) < lowest:
            taken[group], held, lowest = True, more, now
    while True:
        changed = held + np.where(taken[order], -1.0, 1.0)[:, None] * counts[order]
        costs = cost(changed)
        best = int(np.argmin(costs))
        if costs[best] >= lowest:
            return taken
        taken[order[best]] ^= True
        held, lowest = changed[best], float(costs[best])
