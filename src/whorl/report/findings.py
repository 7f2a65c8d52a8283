"""What measurements of a fit mean, and what to do: rules that stay silent where nothing is wrong."""

import itertools
from collections.abc import Callable, Iterator
from collections.abc import Sequence as List
from dataclasses import dataclass
from typing import Literal

import numpy as np

from whorl.report.card import Epoch
from whorl.report.measured import Measured as Measured
from whorl.report.measured import measure as measure
from whorl.runtime.writing import OTHER

Severity = Literal["warning", "note"]

# Where a rule speaks. Healthy fits on public data lie well within: see benchmarks/findings.py.
_FALLING, _RISEN, _LEARNED = 0.08, 0.15, 0.06
_CLIPPED, _TIMES = 0.9, 10.0
_GROWS = 30.0
_STUCK, _DEAD, _SATURATED = 0.9, 0.25, 0.9
_DRIFT = 0.5
_CUT_OFF = 0.4
_RARE, _NO_BETTER = 0.8, 0.05
_LARGE, _SMALL = 20.0, 0.02
_SHARED = 0.1
_UNSEEN = 0.97
_FEWEST_EPOCHS = 5


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that a user should know about a fit.

    Args:
        rule: its name, such as 'vanishing gradient'.
        severity: 'warning' where answers are likely worse than they could be, else 'note'.
        evidence: what was measured.
        advice: what to do.
    """

    rule: str
    severity: Severity
    evidence: str
    advice: str


def findings(measured: Measured) -> tuple[Finding, ...]:
    """All that the rules have to say, warnings first."""
    found = [one for rule in _RULES for one in rule(measured)]
    return tuple(sorted(found, key=lambda one: one.severity != "warning"))


def _not_converged(measured: Measured) -> Iterator[Finding]:
    epochs = measured.card.history.epochs
    if len(epochs) < _FEWEST_EPOCHS or measured.card.history.stopped == "patience":
        return
    losses = np.array([one.valid_loss for one in epochs])
    tail = max(2, len(losses) // 5)
    before, last = losses[-1 - tail], losses[-1]
    range_ = max(losses.max() - losses.min(), 1e-12)
    if (
        losses.argmin() == len(losses) - 1
        and (before - last) / range_ > _FALLING
        and before - last > 0.02 * abs(before)
    ):
        yield Finding(
            rule="not converged",
            severity="warning",
            evidence=f"the validation loss still fell, from {before:.4g} to {last:.4g} in the last {tail} of "
            f"{len(epochs)} epochs",
            advice=f"train longer: epochs={2 * len(epochs)}, or a larger max_seconds; or raise learning_rate",
        )


def _overfitting(measured: Measured) -> Iterator[Finding]:
    history = measured.card.history
    epochs = history.epochs
    if len(epochs) < _FEWEST_EPOCHS:
        return
    valid, train = _losses(epochs)
    best = int(valid.argmin())
    rise = (valid[-1] - valid[best]) / max(abs(valid[best]), 1e-12)
    if best == len(epochs) - 1 or rise < _RISEN or train[-1] >= train[best]:
        return
    kept = history.kept_epoch in (0, best + 1)
    yield Finding(
        rule="overfitting",
        severity="note" if kept else "warning",
        evidence=f"from epoch {best + 1} to {len(epochs)} the training loss fell from {train[best]:.4g} to "
        f"{train[-1]:.4g}, but the validation loss rose from {valid[best]:.4g} to {valid[-1]:.4g}"
        + (f"; the model has the weights of epoch {best + 1}" if kept else ""),
        advice="more data, fewer units, more dropout or weight_decay"
        + ("" if kept else f"; and let the best epoch be kept, with patience={max(3, len(epochs) // 3)}"),
    )


def _underfitting(measured: Measured) -> Iterator[Finding]:
    epochs = measured.card.history.epochs
    if len(epochs) < _FEWEST_EPOCHS - 2:  # patience may have ended it soon
        return
    valid, train = _losses(epochs)
    third = max(1, len(epochs) // 3)
    before, after = float(train[:third].mean()), float(train[-third:].mean())
    if before - after < _LEARNED * abs(before) and valid[0] - valid.min() < 0.02 * abs(valid[0]):
        yield Finding(
            rule="underfitting",
            severity="warning",
            evidence=f"the training loss hardly fell, from {before:.4g} in the first third of {len(epochs)} epochs to "
            f"{after:.4g} in the last, and the validation loss not either",
            advice="raise learning_rate, or hidden_size; check that the inputs tell something about the target",
        )


def _losses(epochs: List[Epoch]) -> tuple[np.ndarray, np.ndarray]:
    """Validation and training loss of each epoch."""
    return np.array([one.valid_loss for one in epochs]), np.array([one.train_loss for one in epochs])


def _clipped(measured: Measured) -> Iterator[Finding]:
    epochs: list[Epoch] = [one for one in measured.card.history.epochs if one.clipped_fraction is not None]
    late = epochs[len(epochs) // 2 :]
    share = float(np.mean([one.clipped_fraction or 0.0 for one in late])) if late else 0.0
    length = float(np.mean([one.gradient_norm or 0.0 for one in late])) if late else 0.0
    # A gradient that is a little longer than it may be points the same way when it is cut.
    cut = share > _CLIPPED and measured.clip_norm is not None and length > _TIMES * measured.clip_norm
    probes, frozen = measured.probes, measured.card.network.frozen
    # Nothing that is learned waits for a gradient that has gone back through a frozen core.
    grows = 1.0 if frozen or probes is None or probes.gradient is None else probes.gradient.largest
    if not cut and grows <= _GROWS:
        return
    parts = []
    if cut:
        parts.append(f"{share:.0%} of the late steps were clipped, from a length of {length:.3g} on average")
    if grows > _GROWS:
        parts.append(f"a state further back is felt {grows:.3g} times as much as the last one")
    yield Finding(
        rule="exploding gradient",
        severity="warning",
        evidence=" and ".join(parts) + (", so that clipping sets the pace" if cut else ""),
        advice="lower learning_rate, scale inputs and targets, or use an LSTM or a GRU; keep clip_norm",
    )


def _vanishing(measured: Measured) -> Iterator[Finding]:
    gradient = None if measured.probes is None else measured.probes.gradient
    period = measured.period
    if gradient is None or gradient.memory_length is None or period <= 1 or measured.card.network.frozen:
        return
    if max(gradient.memory_length, measured.direct) >= period:
        return
    cell = "" if measured.cell == "LSTM" else "an LSTM with "
    yield Finding(
        rule="vanishing gradient",
        severity="warning",
        evidence=f"the gradient falls below 1 % after {gradient.memory_length} rows, but this series repeats every "
        f"{period}",
        advice=f"{cell}chrono={period}, a longer tbptt_steps, or a column that tells the season (calendar)",
    )


def _context(measured: Measured) -> Iterator[Finding]:
    found = None if measured.probes is None else measured.probes.reach
    context, period = measured.context, max(measured.period, measured.season)
    if context is None:
        return
    far = [] if found is None else [n for n, lag in enumerate(found.lags.tolist()) if lag >= 0.7 * context]
    # A season that is read beside the state counts at its lag, wherever the context ends.
    beside = measured.direct >= 0.7 * context
    oldest = not beside and found is not None and bool(far) and found.shares[far[0]] > _CUT_OFF
    if not oldest and not 1 < context < period:
        return
    evidence = (
        f"{found.shares[far[0]]:.0%} of an answer comes from rows {found.lags[far[0]]} and more back, in the oldest "
        f"third of the context of {context}"
        if oldest and found is not None
        else f"the context has {context} rows, but this series repeats every {period}"
    )
    yield Finding(
        rule="context too short",
        severity="warning",
        evidence=evidence,
        advice=f"context={2 * max(context, period)}, or memory='carried'",
    )


def _stuck(measured: Measured) -> Iterator[Finding]:
    for layer in () if measured.probes is None else measured.probes.layers:
        parts = [
            f"its {name} gate is {state} in {shares[name]:.0%} of all units and steps"
            for state, shares in (("closed", layer.closed), ("open", layer.opened))
            for name in shares
            if shares[name] > _STUCK
        ]
        if layer.saturated > _SATURATED:
            parts.append(f"{layer.saturated:.0%} of its outputs lie beyond ±0.95")
        if len(layer.dead_units) > _DEAD * layer.units:
            parts.append(f"{len(layer.dead_units)} of {layer.units} units hardly vary")
        if parts:
            yield Finding(
                rule="saturated layer",
                severity="warning",
                evidence=f"of {layer.name}, " + ", and ".join(parts),
                advice="scale the inputs, or draw other weights, by another cell or another seed"
                if measured.card.network.frozen
                else "scale the inputs, lower learning_rate, or use fewer units" + _or_norm(measured),
            )


def _drifting(measured: Measured) -> Iterator[Finding]:
    for layer in () if measured.probes is None else measured.probes.layers:
        # What ends a sequence, such as a failure, may excite a state: what drifts has grown all the while.
        grows = all(early < late for early, late in itertools.pairwise(layer.norms[1:]))
        if layer.drift is not None and layer.drift > _DRIFT and grows:
            yield Finding(
                rule="drifting state",
                severity="warning",
                evidence=f"the state of {layer.name} kept growing: it was {layer.drift:.0%} longer late in a sequence "
                "than early in it",
                # The norm of an LSTM is of what is read of c, and c grows behind it.
                advice="train on sequences as long as the streams are, and reset streams now and then"
                + ("" if measured.cell == "LSTM" else _or_norm(measured)),
            )


def _or_norm(measured: Measured) -> str:
    """Cells that are linear in their state have no layer norm."""
    return ", or layer_norm=True" if measured.cell in ("RNN", "GRU", "LSTM") else ""


def _imbalance(measured: Measured) -> Iterator[Finding]:
    scores = measured.card.scores
    if scores is None or "balanced_accuracy" not in scores.metrics:
        return
    usual = scores.baselines.get("prior", {})
    rate, chance = usual.get("accuracy", 0.0), usual.get("balanced_accuracy", 1.0)
    own = scores.metrics["balanced_accuracy"]
    if rate > _RARE and own < chance + _NO_BETTER:
        yield Finding(
            rule="class imbalance",
            severity="warning",
            evidence=f"{rate:.0%} of the answers have one label, and the model hardly finds the others: balanced "
            f"accuracy {own:.2f}, by chance {chance:.2f}",
            advice="class_weight='balanced', more examples of the rare labels, and auroc or f1 as the score to look at",
        )


def _unscaled(measured: Measured) -> Iterator[Finding]:
    odd = {name: spread for name, spread in (measured.spreads or {}).items() if spread > _LARGE or 0 < spread < _SMALL}
    if odd:
        told = ", ".join(f"{name} by {spread:.3g}" for name, spread in list(odd.items())[:3])
        yield Finding(
            rule="unscaled inputs",
            severity="warning",
            evidence=f"inputs that the network reads spread {told}, where about 1 is learned best",
            advice="table=whorl.Table(scaling='standard'), or 'robust' where single numbers lie far out",
        )


def _leaking(measured: Measured) -> Iterator[Finding]:
    if measured.leaks:
        told = "; ".join(f"column '{one.column}' {one.evidence}" for one in measured.leaks[:3])
        yield Finding(
            rule="leakage",
            severity="warning",
            evidence=told,
            advice="leave out what is not known when an answer is wanted; of a table: "
            + ", ".join(f"--kinds {one.column}=ignore" for one in measured.leaks[:3]),
        )
    shared = measured.card.shared
    if shared.sequences > _SHARED * shared.of:
        yield Finding(
            rule="leakage",
            severity="warning",
            evidence=f"{shared.sequences} of {shared.of} held-out sequences stand in the training part, too, whole or "
            "at least half of them, so that scores tell how well they are known by heart",
            advice="leave out copies; where sequences are cut from longer ones, let none overlap, or hold out all "
            "pieces of one at once (group, or a file of their own)",
        )


def _unseen(measured: Measured) -> Iterator[Finding]:
    scores = measured.card.scores
    own, other = ({}, {}) if scores is None else (scores.metrics, scores.baselines.get(OTHER, {}))
    if "perplexity" not in own or "perplexity" not in other or own["perplexity"] < _UNSEEN * other["perplexity"]:
        return
    yield Finding(
        rule="source unused",
        severity="warning",
        evidence=f"texts have a perplexity of {own['perplexity']:.4g} beside the source that they are about, and of "
        f"{other['perplexity']:.4g} beside another one: the model writes what is usual, and hardly looks",
        advice="more sources, more epochs, less dropout, larger pictures or features of a large network "
        "(whorl.Features); check that texts and sources belong together",
    )


_RULES: tuple[Callable[[Measured], Iterator[Finding]], ...] = (
    _not_converged,
    _overfitting,
    _underfitting,
    _clipped,
    _vanishing,
    _context,
    _stuck,
    _drifting,
    _imbalance,
    _unscaled,
    _leaking,
    _unseen,
)
