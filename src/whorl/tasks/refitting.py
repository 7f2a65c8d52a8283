"""Fitting again with nothing held out, once the validation part has served."""

from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from whorl.data.problems import plural
from whorl.nn.network import Network
from whorl.plans.training import Training
from whorl.plans.wiring import EachRow, Wiring
from whorl.runtime.model import Model
from whorl.tasks.examples import training_part
from whorl.tasks.network import engines_of, objective_of, told, untrained
from whorl.tasks.preparation import Prepared
from whorl.tasks.rivals import rivals_of
from whorl.train.loop import fit as train
from whorl.train.loop import forget, is_begun

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator
    from whorl.tasks.learning import Fitted
    from whorl.tasks.telling import Teller

# Where the second run keeps its checkpoints, in the folder of the first.
_PART = "refit"


def begin(training: Training, *, resume: bool) -> None:
    """Makes room for the second run of a fit that begins anew.

    Raises:
        ArgumentError: there is one that is not finished.
    """
    if training.checkpoint is None or resume:
        return
    # What a second run made of another first one is of no use to this.
    forget(Path(training.checkpoint), _PART)


def again(
    estimator: "Estimator", wiring: Wiring, prepared: Prepared, first: "Fitted", tell: "Teller", *, resume: bool
) -> "Fitted":
    """Fits the same network to all data, going through them as often as for the weights that were kept.

    Codecs, calibration and scores stay those of the first fit: what they say was found on data that its network had
    not learned from. So does what a reader knows by heart: vocabularies, pairs that are recalled, n-grams, and the
    rivals that are made of them. Other rivals learn from all data, too, but for detectors', which have thresholds.

    Args:
        estimator: the task.
        wiring: what was built of it.
        prepared: data.
        first: the fit with a validation part.
        tell: says what goes on.
        resume: go on from a checkpoint of this second run, where there is one.
    """
    epochs, plan, whole = first.history.kept_epoch, replace(first.training, patience=None), prepared.whole
    tell.lines([f"fits again with nothing held out, {plural(epochs, 'epoch')}; the scores are of the network before"])
    examples, _, _ = training_part(replace(estimator, training=first.training), wiring, whole)
    network = untrained(wiring, first.recipe, prepared, plan.seed)
    folder = None if plan.checkpoint is None else Path(plan.checkpoint)
    history = train(
        network,
        examples,
        None,
        objective_of(wiring),
        plan,
        progress=tell.progress(),
        checkpoint=folder,
        part=_PART,
        resume=resume and folder is not None and is_begun(folder, _PART),
        num_steps=max(1, len(examples) * first.history.num_steps // first.batches),
        num_epochs=epochs,
        task=f"{told(wiring, first.recipe)} after {first.model.identity}",
    )
    taken = min(history.num_steps, len(history.epochs) * len(examples))
    card = {**first.model.card, "refit": {"epochs": len(history.epochs), "steps": taken}}
    judged = replace(first.model, card=card)
    return replace(first, model=_with_network(judged, network, wiring, whole), network=network, judged=judged)


def _with_network(model: Model, network: Network, wiring: Wiring, whole: Prepared) -> Model:
    engine, encoder = engines_of(network)
    readout = copy(model.readout)
    readout.chain = network.learned().get("chain")
    rivals, naive = model.baselines, model.naive_mae
    if not isinstance(wiring.pairing, EachRow):
        rivals, naive = rivals_of(wiring, whole)
    return replace(model, engine=engine, encoder=encoder, readout=readout, baselines=rivals, naive_mae=naive)
