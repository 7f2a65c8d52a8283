"""Fitting again with nothing held out, once the validation part has served."""

from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from whorl.nn.network import Network
from whorl.plans.training import Training
from whorl.plans.wiring import EachRow, Wiring
from whorl.runtime.model import Model
from whorl.tasks.examples import training_part, validation_part
from whorl.tasks.network import engines_of, objective_of, told, untrained
from whorl.tasks.preparation import Prepared
from whorl.tasks.rivals import rivals_of
from whorl.train.loop import check_unused, is_begun
from whorl.train.loop import fit as train

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator
    from whorl.tasks.fitting import Fitted
    from whorl.tasks.telling import Teller


def check_begins(training: Training, *, resume: bool) -> None:
    """Raises ArgumentError before any work where the second run would overwrite an unfinished one."""
    folder = _folder(training)
    if folder is not None and not resume:
        check_unused(folder)


def again(
    estimator: "Estimator", wiring: Wiring, prepared: Prepared, first: "Fitted", tell: "Teller", *, resume: bool
) -> "Fitted":
    """Fits the same network to all data, going through them as often as for the weights that were kept.

    Codecs, calibration and scores stay those of the first fit: what they say was found on data that its network had
    not learned from. Rivals learn from all data, too, but for those of detectors, whose thresholds are calibrated.

    Args:
        estimator: the task.
        wiring: what was built of it.
        prepared: data.
        first: the fit with a validation part.
        tell: says what goes on.
        resume: go on from a checkpoint of this second run, where there is one.
    """
    epochs, plan = first.history.kept_epoch, replace(first.training, patience=None)
    tell.lines([f"fits again with nothing held out, {epochs} {'epoch' if epochs == 1 else 'epochs'}; scores stay"])
    examples, _, _ = training_part(replace(estimator, training=first.training), wiring, prepared.whole)
    network = untrained(wiring, first.recipe, prepared, plan.seed)
    folder = _folder(plan)
    history = train(
        network,
        examples,
        validation_part(wiring, prepared, plan, examples),
        objective_of(wiring),
        plan,
        progress=tell.progress(),
        checkpoint=folder,
        resume=resume and folder is not None and is_begun(folder),
        num_steps=None
        if plan.max_seconds is None
        else max(1, len(examples) * first.history.num_steps // first.batches),
        num_epochs=epochs,
        task=f"{told(wiring, first.recipe)} again, {epochs}",
    )
    taken = min(history.num_steps, len(history.epochs) * len(examples))
    card = {**first.model.card, "refit": {"epochs": len(history.epochs), "steps": taken}}
    judged = replace(first.model, card=card)
    return replace(first, model=_with_network(judged, network, wiring, prepared), network=network, judged=judged)


def _with_network(model: Model, network: Network, wiring: Wiring, prepared: Prepared) -> Model:
    engine, encoder = engines_of(network)
    readout = copy(model.readout)
    readout.chain = network.learned().get("chain")
    rivals, naive = model.baselines, model.naive_mae
    if not isinstance(wiring.pairing, EachRow):
        rivals, naive = rivals_of(wiring, prepared.whole)
    return replace(model, engine=engine, encoder=encoder, readout=readout, baselines=rivals, naive_mae=naive)


def _folder(training: Training) -> Path | None:
    """Where the second run keeps its checkpoints: in the folder of the first."""
    return None if training.checkpoint is None else Path(training.checkpoint) / "refit"
