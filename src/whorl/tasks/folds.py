"""Networks that are fitted on folds of the data, each without one of them, and that answer together."""

from collections.abc import Mapping
from collections.abc import Sequence as List
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from whorl.data import splits
from whorl.data.problems import plural
from whorl.data.sequences import Sequence
from whorl.errors import ArgumentError, SplitError
from whorl.nn.ensemble import Ensemble
from whorl.nn.network import Network
from whorl.plans.heads import Categorical, Ctc
from whorl.plans.networks import to_plain
from whorl.plans.training import Training
from whorl.plans.wiring import ManyToMany, ManyToOne, Sequences, Wiring
from whorl.report.metric_table import METRICS
from whorl.runtime.artifact import as_plain
from whorl.runtime.evaluation import Part, evaluate_parts
from whorl.runtime.model import Model
from whorl.runtime.readouts import Readout
from whorl.tasks.learning import CALIBRATION, Fitted, card_of, learn, shared_of, truths_of, uncalibrated
from whorl.tasks.pooling import shares_of, weights_of
from whorl.tasks.preparation import Prepared
from whorl.tasks.telling import Watcher
from whorl.train.loop import forget, is_begun

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator
    from whorl.tasks.telling import Teller

# Folds where nobody says how many.
USUAL = 5
# Metrics that are told of a fold, the first two of them that there are.
_TOLD = ("accuracy", "nll", "rmse", "mae")


def check(wiring: Wiring, folds: int) -> None:
    """Raises ArgumentError for tasks whose examples could not stand in any fold, and for numbers that are none."""
    value: object = folds
    if not isinstance(value, int) or isinstance(value, bool) or value < 2:
        raise ArgumentError(f"`folds` is a whole number >= 2, or None, but is {value!r}. Use {USUAL}, say.")
    apart = isinstance(wiring.pairing, Sequences) and isinstance(wiring.shape, ManyToOne | ManyToMany)
    if not apart or isinstance(wiring.head, Ctc):
        raise ArgumentError(
            "`folds` are of sequences that are answered one by one, as a Classifier, a Regressor and a Tagger do, but "
            "not this task. Leave it out; refit=True learns from the validation part, too."
        )


def begin(training: Training, kinds: int, folds: int, *, resume: bool) -> None:
    """Makes room for the runs of a fit that begins anew.

    Raises:
        ArgumentError: there are some, but not all of them are there and finished.
    """
    if training.checkpoint is None or resume:
        return
    folder = Path(training.checkpoint)
    runs = [_folder(kind, fold, folds) for kind in range(kinds) for fold in range(folds)]
    begun = [run for run in runs if is_begun(folder, run)]
    if begun and len(begun) < len(runs):
        raise ArgumentError(
            f"`checkpoint` folder '{training.checkpoint}' holds an unfinished fit on folds, with {len(begun)} of "
            f"{plural(len(runs), 'network')} begun. Resume it with resume=True (--resume), give another folder, or "
            "delete this one."
        )
    forget(folder, *runs)


def fit(kinds: "Mapping[str, Estimator]", prepared: Prepared, folds: int, tell: "Teller", *, resume: bool) -> Fitted:
    """Fits networks of each kind, each to all examples but those of a fold, and has all of them answer together.

    An example is scored by the networks that have not learned from it, and such answers calibrate. Those of networks
    of one kind are averaged. Several kinds are weighted (stacking, Wolpert 1992) in a sum of logits, a logarithmic
    opinion pool (Genest & Zidek 1986).

    Args:
        kinds: name -> the task with that kind of network, the first one first; what they read and answer is alike.
        prepared: data; codecs were fitted to its training part.
        folds: how many.
        tell: says what goes on.
        resume: go on from checkpoints.
    """
    first = next(iter(kinds.values()))
    fold_of = _dealt(first.wiring(), prepared, folds, first.training.seed)
    _check_truths(prepared, fold_of, folds)
    parts = [_without(prepared, fold_of == fold) for fold in range(folds)]
    runs: list[list[_Run]] = []
    for kind, (name, estimator) in enumerate(kinds.items()):
        runs.append([])
        for fold, part in enumerate(parts):
            run = _run(estimator, part, (kind, fold, folds), tell, resume=resume)
            tell.lines([f"fold {fold + 1} of {folds}, {name}: {_short(run.fitted.model.card['scores']['metrics'])}"])  # type: ignore[index]
            runs[-1].append(run)
    truths = np.concatenate([run.truths for run in runs[0]])
    outputs = [np.concatenate([run.outputs for run in own]) for own in runs]
    several = len(runs) > 1
    weights = weights_of(outputs, truths) if several else np.ones(1)
    answers = np.asarray(sum(weight * own for weight, own in zip(weights, outputs, strict=True)))
    network, of_first = _joined(runs, weights), _joined([own[:1] for own in runs], weights)
    model = uncalibrated(first, first.wiring(), prepared.whole, network)
    judged = uncalibrated(first, first.wiring(), parts[0], of_first)
    every = 1 if model.readout.chain is not None else max(1, answers.size // CALIBRATION)
    model.readout.fit(answers[::every], truths[::every])
    judged = replace(judged, readout=_chained(model.readout, judged))
    scores = evaluate_parts(_parts(model, runs[0], answers))
    told = runs[0][0].fitted
    plan = replace(told.training, seed=first.training.seed)
    card = card_of(_without(prepared, fold_of < 0), told.recipe, plan, told.history, model, scores)
    shares = shares_of(outputs, weights).tolist() if several else [1.0]
    folded = {"count": folds, "networks": [_described(*one) for one in zip(kinds, runs, shares, strict=True)]}
    shared = [shared_of(model.wiring, part) for part in parts]
    card |= {
        "shared": {name: sum(one[name] for one in shared) for name in shared[0]},
        "scores": {**card["scores"], "part": "folds"},  # type: ignore[dict-item]
        "folds": folded,
    }
    uses = [
        "chose the epochs" if plan.patience else "",
        model.readout.calibration,
        "weighed the networks" if several else "",
    ]
    tell.folds(scores, prepared.reader.names, folded, [use for use in uses if use])
    model, judged = replace(model, card=card), replace(judged, card=card)
    return replace(told, model=model, network=network, judged=judged, training=plan)


@dataclass(frozen=True, kw_only=True)
class _Run:
    """A network that was fitted to all examples but those of a fold, and what it answers on these.

    Args:
        fitted: the fit.
        sequences: of the fold.
        steps: of each that are answered.
        outputs: of the engine, (N, ...), in this order.
        truths: in the codec's units, (N, ...).
    """

    fitted: Fitted
    sequences: List[Sequence]
    steps: List[np.ndarray]
    outputs: np.ndarray
    truths: np.ndarray


def _dealt(wiring: Wiring, prepared: Prepared, folds: int, seed: int) -> np.ndarray:
    """The fold of each sequence; labels are spread alike, and so are sequences without a truth."""
    one_label = isinstance(wiring.head, Categorical) and prepared.sequences[0].row_targets.ndim == 1
    labels = [one.row_targets[0] if one_label else float(_is_known(one)) for one in prepared.sequences]
    return splits.folds(len(prepared.sequences), folds, seed, labels=labels, groups=prepared.groups)


def _is_known(sequence: Sequence) -> bool:
    return bool(np.isfinite(sequence.row_targets).any())


def _check_truths(prepared: Prepared, fold_of: np.ndarray, folds: int) -> None:
    """Raises SplitError where a fold has nothing to score, or all others have nothing to learn from."""
    known = np.bincount(fold_of, [_is_known(one) for one in prepared.sequences], minlength=folds)
    if known.min() == 0 or (known > 0).sum() < 2:
        raise SplitError(
            f"`folds` is {folds}, but only {plural(int(known.sum()), 'sequence')} of {len(fold_of)} "
            f"{'has' if known.sum() == 1 else 'have'} a known target, so that a fold would have none. Use fewer folds, "
            "or bring more targets."
        )


def _without(prepared: Prepared, held: np.ndarray) -> Prepared:
    """The same data with these sequences held out, and counted as such."""
    cuts = [0 if out else len(one) for one, out in zip(prepared.sequences, held, strict=True)]
    counts = {"sequences": int((~held).sum()), "rows": sum(cuts)}
    totals = {"sequences": len(held), "rows": sum(map(len, prepared.sequences))}
    facts = dict(prepared.facts)
    for name, count in counts.items():
        if f"training_{name}" in facts:
            facts |= {f"training_{name}": count, f"validation_{name}": totals[name] - count}
    return replace(prepared, cuts=cuts, facts=facts)


def _run(estimator: "Estimator", part: Prepared, place: tuple[int, int, int], tell: "Teller", *, resume: bool) -> _Run:
    """Fits a network of one kind without one fold.

    Args:
        estimator: the task with that kind of network.
        part: data, with the fold held out.
        place: number of the kind, of the fold, and of all folds.
        tell: says how far it is.
        resume: go on from a checkpoint.
    """
    kind, fold, _ = place
    # Each draws its own weights and order.
    seed = int(np.random.SeedSequence([estimator.training.seed, kind, fold]).generate_state(1)[0])
    plan, folder = replace(estimator.training, seed=seed), _folder(*place)
    begun = plan.checkpoint is not None and is_begun(Path(plan.checkpoint), folder)
    fitted = learn(
        replace(estimator, training=plan),
        estimator.wiring(),
        part,
        Watcher(tell.speaks),
        resume=resume and (begun or not (kind or fold)),
        part=folder,
    )
    pairs = [own for own in zip(fitted.held_out.sequences, fitted.held_out.steps, strict=True) if len(own[1])]
    sequences, steps = [one for one, _ in pairs], [wanted for _, wanted in pairs]
    return _Run(
        fitted=fitted,
        sequences=sequences,
        steps=steps,
        outputs=np.concatenate([out for _, _, out in fitted.model.outputs(sequences, steps)]),
        truths=np.concatenate([truths_of(fitted.model, *pair) for pair in pairs]),
    )


def _folder(kind: int, fold: int, folds: int) -> str:
    """Where a run keeps its checkpoints, in the folder of the fit."""
    return f"fold-{fold + 1}-of-{folds}-network-{kind + 1}"


def _joined(runs: List[List[_Run]], weights: np.ndarray) -> Ensemble:
    """The networks of all kinds, the weight of a kind spread evenly over its own."""
    members: list[Network] = []
    each_counts: list[float] = []
    for own, weight in zip(runs, weights.tolist(), strict=True):
        for run in own:
            network = run.fitted.network
            each = network.networks if isinstance(network, Ensemble) else [network]
            members += each
            each_counts += [weight / len(own) / len(each)] * len(each)
    return Ensemble(members, each_counts)


def _chained(readout: Readout, model: Model) -> Readout:
    """A readout with what a model has learned of how labels follow each other."""
    made = copy(readout)
    made.chain = model.readout.chain
    return made


def _parts(model: Model, runs: List[_Run], answers: np.ndarray) -> list[Part]:
    """The answers of all folds, each with rivals and a chain of labels that have not learned from it either."""
    parts, first = [], 0
    for run in runs:
        outputs = []
        for number, steps in enumerate(run.steps):
            outputs.append((number, steps, answers[first : first + len(steps)]))
            first += len(steps)
        alone = run.fitted.model
        own = replace(model, baselines=alone.baselines, readout=_chained(model.readout, alone))
        parts.append(Part(model=own, sequences=run.sequences, steps=run.steps, outputs=outputs))
    return parts


def _described(name: str, runs: List[_Run], share: float) -> dict[str, object]:
    """A kind of network, as the card tells it: how much it counts, the epochs that were kept, scores of its folds."""
    metrics = [run.fitted.model.card["scores"]["metrics"] for run in runs]  # type: ignore[index]
    counts = [sum(map(len, run.steps)) for run in runs]
    return {
        "name": name,
        "network": to_plain(runs[0].fitted.recipe, as_plain),
        "share": share,
        "kept_epochs": [run.fitted.history.kept_epoch for run in runs],
        "metrics": {key: float(np.average([one[key] for one in metrics], weights=counts)) for key in _told(metrics[0])},
    }


def _told(metrics: Mapping[str, float]) -> list[str]:
    return [name for name in _TOLD if name in metrics][:2]


def _short(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {metrics[name]:{METRICS[name].form}}" for name in _told(metrics))
