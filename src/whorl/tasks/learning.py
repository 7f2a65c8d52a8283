"""One run of a fit, for whatever task: train, emit, calibrate, score."""

import platform
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import torch

import whorl
from whorl.data.batches import Batches
from whorl.data.overlap import num_shared
from whorl.data.pairing import target_windows
from whorl.data.sequences import Sequence
from whorl.nn.network import Network
from whorl.plans.heads import Ctc
from whorl.plans.networks import Network as Recipe
from whorl.plans.networks import to_plain
from whorl.plans.training import Training
from whorl.plans.wiring import Autoregressive, EachRow, Sequences, Wiring, is_whole
from whorl.runtime import recall, transcribing, writing
from whorl.runtime.artifact import as_plain
from whorl.runtime.evaluation import Evaluation, Outputs, evaluate
from whorl.runtime.model import Model
from whorl.runtime.readouts import readouts
from whorl.tasks import settings
from whorl.tasks.examples import HeldOut, held_out_part, training_part, validation_part
from whorl.tasks.network import engines_of, objective_of, told, untrained
from whorl.tasks.preparation import Prepared
from whorl.tasks.rivals import rivals_of
from whorl.train import History
from whorl.train.loop import fit as train

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator
    from whorl.tasks.telling import Teller

# Most numbers that calibration reads: more validation origins are thinned evenly.
CALIBRATION = 1 << 25


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What `fit` makes.

    Args:
        model: what answers.
        network: its network.
        judged: the model that the scores are of: the same one, but before a refit.
        history: of the run that looked at the validation part.
        training: the choices of that run, complete.
        held_out: the validation part.
        recipe: of the network, complete.
        batches: of an epoch of that run.
    """

    model: Model
    network: Network
    judged: Model
    history: History
    training: Training
    held_out: HeldOut
    recipe: Recipe
    batches: int


def learn(
    estimator: "Estimator",
    wiring: Wiring,
    prepared: Prepared,
    tell: "Teller",
    *,
    resume: bool = False,
    part: str = "",
    changed: Callable[[Batches], Batches] | None = None,
) -> Fitted:
    """Fits an estimator to data that are prepared.

    Args:
        estimator: the task; what it leaves open was filled in for these data.
        wiring: what is built of it.
        prepared: data.
        tell: says what goes on.
        resume: go on from a checkpoint.
        part: of a fit that has several runs, the folder of this one's checkpoints within that of the plan.
        changed: what becomes of the batches of training; None leaves them as they are.
    """
    examples, recipe, plan = training_part(estimator, wiring, prepared)
    network = untrained(wiring, recipe, prepared, plan.seed)
    history = train(
        network,
        examples if changed is None else changed(examples),
        validation_part(wiring, prepared, plan, examples),
        objective_of(wiring),
        plan,
        progress=tell.progress(),
        checkpoint=None if plan.checkpoint is None else Path(plan.checkpoint),
        part=part,
        resume=resume,
        task=told(wiring, recipe),
    )
    held_out = held_out_part(wiring, prepared)
    model, outputs = _model(estimator, wiring, prepared, network, held_out)
    if model.encoder is not None:
        scores = writing.evaluated(model, held_out.sequences, keep=False)
    elif isinstance(wiring.head, Ctc):
        scores = transcribing.evaluated(model, held_out.sequences, keep=False)
    else:
        scores = evaluate(model, held_out.sequences, held_out.steps, keep=False, outputs=outputs)
    card = card_of(prepared, recipe, plan, history, model, scores)
    model = replace(model, card=card)
    uses = [use for use in ("chose the epoch" if plan.patience else "", model.readout.calibration) if use]
    tell.scores(scores, prepared.reader.names, uses)
    return Fitted(
        model=model,
        network=network,
        judged=model,
        history=history,
        training=plan,
        held_out=held_out,
        recipe=recipe,
        batches=len(examples),
    )


def uncalibrated(estimator: "Estimator", wiring: Wiring, prepared: Prepared, network: Network) -> Model:
    """The network as a program, and the rivals of the training part of these data."""
    engine, encoder = engines_of(network)
    rivals, naive = rivals_of(wiring, prepared)
    readout = readouts.get(wiring.readout).of(wiring, prepared.facts)
    readout.chain = network.learned().get("chain")
    return Model(
        task=estimator.task,
        settings=settings.describe(estimator),
        wiring=wiring,
        reader=prepared.reader,
        engine=engine,
        readout=readout,
        encoder=encoder,
        baselines=rivals,
        naive_mae=naive,
    )


def _model(
    estimator: "Estimator", wiring: Wiring, prepared: Prepared, network: Network, held_out: HeldOut
) -> tuple[Model, Outputs | None]:
    """The network as a program, its readout calibrated on the validation part, and the rivals.

    Beside it what the engine answered on the validation part, where it answered all of its steps.
    """
    model = uncalibrated(estimator, wiring, prepared, network)
    readout = model.readout
    if model.encoder is not None:
        recall.calibrate(model, held_out.sequences)
        return model, None
    if isinstance(wiring.head, Ctc):
        transcribing.calibrate(model, prepared.training, held_out.sequences)
        return model, None
    size = int(np.prod(model.engine.program.shapes[model.engine.program.output]))
    every = 1 if readout.chain is not None else max(1, sum(map(len, held_out.steps)) * size // CALIBRATION)
    answered = list(model.outputs(held_out.sequences, [part[::every] for part in held_out.steps]))
    targets = [truths_of(model, held_out.sequences[n], at) for n, at, _ in answered]
    readout.fit(np.concatenate([out for _, _, out in answered]), np.concatenate(targets))
    return model, answered if every == 1 else None


def truths_of(model: Model, sequence: Sequence, steps: np.ndarray) -> np.ndarray:
    """Targets of these steps in the codec's units."""
    known = sequence.targets
    assert known is not None
    if isinstance(model.wiring.pairing, Sequences | EachRow):
        return known[steps] if known.ndim == 2 else known[None]
    return target_windows(known, steps, model.reader.horizon)


def shared_of(wiring: Wiring, prepared: Prepared) -> dict[str, int]:
    """How many held-out sequences training has, too, where whole sequences are held out."""
    if not is_whole(wiring.pairing) or isinstance(wiring.shape, Autoregressive):
        return {"sequences": 0, "of": 0}
    shared, looked_at = num_shared(prepared.training, prepared.validation)
    return {"sequences": shared, "of": looked_at}


def card_of(
    prepared: Prepared, recipe: Recipe, plan: Training, history: History, model: Model, scores: Evaluation
) -> dict[str, object]:
    """The model card: what a stranger needs to know about a model file."""
    by_step = {name: np.asarray(values).tolist() for name, values in scores.by_step.items()}
    return {
        "data": prepared.facts,
        "shared": shared_of(model.wiring, prepared),
        "network": to_plain(recipe, as_plain),
        "dropout": model.wiring.dropout,
        "parameters": sum(one.program.num_parameters() for one in (model.engine, model.encoder) if one is not None),
        "training": msgspec.to_builtins(plan),
        "history": msgspec.to_builtins(history),
        "scores": {
            "part": "validation",
            "answers": scores.num_answers,
            "metrics": dict(scores.metrics),
            "baselines": {name: dict(metrics) for name, metrics in scores.baseline.items()},
            "by_step": by_step,
        },
        "versions": {
            "whorl": whorl.__version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }
