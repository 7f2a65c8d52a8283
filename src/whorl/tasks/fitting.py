"""What `fit` does, for whatever task: prepare, train, emit, calibrate, score."""

import platform
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

import msgspec
import numpy as np
import torch
from torch import nn

import whorl
from whorl.data.augmentation import AugmentedBatches
from whorl.data.batches import Batches
from whorl.data.forgetting import ForgettingBatches
from whorl.data.padded import SequenceBatches
from whorl.data.pair_batches import PairBatches
from whorl.data.pairing import WindowBatches, steps_with_truths, target_windows
from whorl.data.pieces import PieceBatches
from whorl.data.sequences import Sequence
from whorl.data.strips import StripBatches
from whorl.data.table_reader import TableReader
from whorl.data.token_strips import TokenStrips, held_out_text
from whorl.errors import ModelFileError, TrainingError
from whorl.nn.build import build
from whorl.nn.carried import FLOOR, decay_of
from whorl.nn.chain import chain_loss
from whorl.nn.encoder_decoder import EncoderDecoderNetwork
from whorl.nn.heads import loss
from whorl.nn.network import Network
from whorl.nn.reconstruction import ReconstructionNetwork
from whorl.nn.summarised import SequenceNetwork
from whorl.nn.surprise import SurpriseNetwork
from whorl.plans.networks import Recurrent
from whorl.plans.training import Training
from whorl.plans.wiring import (
    Augmentation,
    Autoregressive,
    EachRow,
    EncoderDecoder,
    Forgetting,
    Sequences,
    Strips,
    Windows,
    Wiring,
)
from whorl.runtime import writing
from whorl.runtime.engines import engine_for
from whorl.runtime.evaluation import Evaluation, Outputs, evaluate
from whorl.runtime.kernels import running_statistics
from whorl.runtime.model import Model
from whorl.runtime.program import Program
from whorl.runtime.readouts import readouts
from whorl.specs import Spec
from whorl.tasks import baselines, settings, surprise_rivals, token_rivals
from whorl.tasks.preparation import Prepared, prepare
from whorl.tasks.rivals import label_rivals
from whorl.train import Carried, History, Loss, Objective, TensorBatch
from whorl.train.device import private_randomness
from whorl.train.loop import fit as train

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

# Tokens of the validation part that choose the epoch, where it has more than that and than 2 % of the training part.
_JUDGED = 32_768
# Most numbers that calibration reads: more validation origins are thinned evenly.
_CALIBRATION = 1 << 25
# Most texts that are written to score a model when its training ends; others are left out evenly.
_WRITTEN = 1000


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """The validation part: sequences, and the steps of each whose truths belong to it."""

    sequences: list[Sequence]
    steps: list[np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What `fit` makes."""

    model: Model
    network: Network
    history: History
    held_out: HeldOut


def fit(estimator: "Estimator", data: object, *, resume: bool, verbose: bool | None) -> Fitted:
    """Fits an estimator."""
    from whorl.tasks.telling import Teller

    tell = Teller(verbose)
    wiring = estimator.wiring()
    prepared = prepare(estimator, data)
    tell.lines(prepared.notes)
    training_part, recipe, plan = _training_part(estimator, wiring, prepared)
    with private_randomness(torch.device("cpu")):
        torch.default_generator.manual_seed(plan.seed)
        network = build(
            wiring,
            recipe,
            past=prepared.reader.past.spec,  # type: ignore[attr-defined]
            ahead=_ahead_spec(prepared),
            num_targets=len(prepared.reader.names),
            dropout=wiring.dropout,
            num_classes=len(prepared.reader.classes) or None,
            longest=max(map(len, prepared.training)),
            source=getattr(prepared.reader, "source_spec", None),
        )
    history = train(
        network,
        training_part,
        _validation_part(wiring, prepared, plan, training_part),
        _objective(wiring),
        plan,
        progress=tell.progress(),
        checkpoint=None if plan.checkpoint is None else Path(plan.checkpoint),
        resume=resume,
        task=msgspec.json.encode([wiring, recipe]).decode(),
    )
    held_out = _held_out(wiring, prepared)
    model, outputs = _model(estimator, wiring, prepared, network, held_out)
    if model.encoder is not None:
        scores = writing.evaluated(model, held_out.sequences, keep=False)
    else:
        scores = evaluate(model, held_out.sequences, held_out.steps, keep=False, outputs=outputs)
    card = _card(prepared, recipe, plan, history, model, scores)
    model = replace(model, card=card)
    uses = [use for use in ("chose the epoch" if plan.patience else "", model.readout.calibration) if use]
    tell.scores(scores, prepared.reader.names, uses)
    return Fitted(model=model, network=network, history=history, held_out=held_out)


def _ahead_spec(prepared: Prepared) -> Spec | None:
    reader = prepared.reader
    return reader.ahead.spec if isinstance(reader, TableReader) and reader.ahead is not None else None


def _training_part(estimator: "Estimator", wiring: Wiring, prepared: Prepared) -> tuple[Batches, Recurrent, Training]:
    """Batches of the training part, and the plans resolved for its size."""
    spans = [(0, cut) for cut in prepared.cuts]
    num_targets = len(prepared.reader.names)
    match wiring.pairing:
        case Windows() as windows:
            counted = WindowBatches(prepared.sequences, windows, 1, spans)
            recipe, plan = estimator.resolved(len(counted), num_targets)
            return WindowBatches(prepared.sequences, windows, plan.batch_size or 1, spans), recipe, plan
        case Strips() as strips:
            recipe, plan = estimator.resolved(sum(cut for _, cut in spans), num_targets)
            if isinstance(wiring.shape, Autoregressive):
                return TokenStrips(prepared.sequences, spans, plan.batch_size or 1, plan.tbptt_steps or 1), recipe, plan
            return _strips(prepared, strips, plan, spans), recipe, plan
        case Sequences():
            recipe, plan = estimator.resolved(len(prepared.training), num_targets)
            if isinstance(wiring.shape, EncoderDecoder):
                return PairBatches(prepared.training, plan.batch_size or 1), recipe, plan
            batches: Batches = SequenceBatches(prepared.training, plan.batch_size or 1)
            if wiring.augmentation is not None:
                spec = prepared.reader.past.spec  # type: ignore[attr-defined]
                batches = _changed(batches, wiring.augmentation, spec, prepared.training)
            return batches, recipe, plan
        case EachRow() as rows:
            count = len(prepared.training) if rows.whole else sum(cut for _, cut in spans)
            recipe, plan = estimator.resolved(count, num_targets)
            return PieceBatches(prepared.sequences, rows, plan.batch_size or 1, spans), recipe, plan


def _changed(batches: Batches, plan: Augmentation | Forgetting, spec: Spec, training: list[Sequence]) -> Batches:
    match plan:
        case Augmentation():
            return AugmentedBatches(batches, plan, spec)
        case Forgetting():
            return ForgettingBatches(batches, plan, spec, training)
        case _:
            assert_never(plan)


def _validation_part(wiring: Wiring, prepared: Prepared, plan: Training, training_part: Batches) -> Batches:
    batch_size = 4 * (plan.batch_size or 1)
    match wiring.pairing:
        case Windows() as windows:
            spans = [(cut, len(one)) for one, cut in zip(prepared.sequences, prepared.cuts, strict=True)]
            return WindowBatches(prepared.sequences, windows, batch_size, spans, shuffle=False)
        case Strips() if isinstance(training_part, TokenStrips):
            # From the last token of the training part on, since the first of the validation part is a truth too.
            pairs = zip(prepared.sequences, prepared.cuts, strict=True)
            after = [(max(0, cut - 1) if cut < len(one) else cut, len(one)) for one, cut in pairs]
            most = max(_JUDGED, training_part.count // 50)
            return TokenStrips(prepared.sequences, after, batch_size, plan.tbptt_steps or 1, most=most, shuffle=False)
        case Strips():
            assert isinstance(training_part, StripBatches)
            spans = [(cut, len(one)) for one, cut in zip(prepared.sequences, prepared.cuts, strict=True)]
            return training_part.elsewhere(spans, shuffle=False)
        case Sequences() if isinstance(wiring.shape, EncoderDecoder):
            return PairBatches(prepared.validation, plan.batch_size or 1, shuffle=False)
        case Sequences():
            return SequenceBatches(prepared.validation, batch_size, shuffle=False)
        case EachRow() as rows:
            spans = [(cut, len(one)) for one, cut in zip(prepared.sequences, prepared.cuts, strict=True)]
            return PieceBatches(prepared.sequences, rows, batch_size, spans, shuffle=False)


def _strips(prepared: Prepared, pairing: Strips, plan: Training, spans: list[tuple[int, int]]) -> StripBatches:
    def running(targets: np.ndarray) -> np.ndarray:
        return running_statistics(targets, decay_of(pairing.warm_up), FLOOR)

    batch_size, num_steps = plan.batch_size or 1, plan.tbptt_steps or 1
    return StripBatches(prepared.sequences, pairing, batch_size, num_steps, spans, running)


def _objective(wiring: Wiring) -> Objective:
    head, pairing = wiring.head, wiring.pairing

    def objective(network: nn.Module, batch: TensorBatch, state: Carried, /) -> Loss:
        match pairing:
            case Strips():
                outputs, state = network(batch.inputs, state)
            case Windows():
                outputs = network(batch.inputs)
            case Sequences():
                outputs = network(batch.inputs, batch.lengths)
            case EachRow():
                assert isinstance(network, SurpriseNetwork | ReconstructionNetwork)
                outputs, truths = network.judged(dict(batch.inputs), batch.targets, batch.lengths)
                return Loss(*loss(head, outputs, truths, batch.weights), state)
            case _:
                assert_never(pairing)
        if isinstance(pairing, Sequences) and isinstance(network, SequenceNetwork) and network.chain is not None:
            logits, truths, lengths = outputs[..., 0, :], batch.targets[..., 0], batch.lengths
            first = pairing.lookahead
            return Loss(*chain_loss(logits, truths, network.chain, batch.weights, first, lengths), state)
        return Loss(*loss(head, outputs, batch.targets, batch.weights), state)

    return objective


def _held_out(wiring: Wiring, prepared: Prepared) -> HeldOut:
    """The steps of each sequence whose whole truth lies in the validation part."""
    if isinstance(wiring.shape, Autoregressive):
        sequences, steps = held_out_text(prepared.sequences, prepared.cuts)
        return HeldOut(sequences=sequences, steps=steps)
    if isinstance(wiring.shape, EncoderDecoder):
        chosen = prepared.validation[:: max(1, -(-len(prepared.validation) // _WRITTEN))]
        return HeldOut(sequences=chosen, steps=[np.arange(len(one)) for one in chosen])
    steps = []
    for sequence, cut in zip(prepared.sequences, prepared.cuts, strict=True):
        scored = steps_with_truths(wiring.pairing, sequence)
        whole = isinstance(wiring.pairing, Sequences | EachRow)
        steps.append(scored[scored >= (cut if whole else cut - 1)])
    return HeldOut(sequences=prepared.sequences, steps=steps)


def _model(
    estimator: "Estimator", wiring: Wiring, prepared: Prepared, network: Network, held_out: HeldOut
) -> tuple[Model, Outputs | None]:
    """The network as a program, its readout calibrated on the validation part, and the rivals.

    Beside it what the engine answered on the validation part, where it answered all of its steps.
    """
    network.eval()
    program, encoder = Program(), Program() if isinstance(network, EncoderDecoderNetwork) else None
    try:
        network.emit(program)
        if encoder is not None and isinstance(network, EncoderDecoderNetwork):
            network.emit_encoder(encoder)
    except ModelFileError:
        raise TrainingError(
            "the weights stopped being numbers during training. Lower `learning_rate`, and check the scale of the data."
        ) from None
    rivals, naive = _rivals(wiring, prepared)
    readout = readouts.get(wiring.readout).of(wiring, prepared.facts)
    readout.chain = network.learned().get("chain")
    model = Model(
        task=estimator.task,
        settings=settings.describe(estimator),
        wiring=wiring,
        reader=prepared.reader,
        engine=engine_for(program),
        readout=readout,
        encoder=None if encoder is None else engine_for(encoder),
        baselines=rivals,
        naive_mae=naive,
    )
    if encoder is not None:
        return model, None
    size = int(np.prod(model.engine.program.shapes[model.engine.program.output]))
    every = 1 if readout.chain is not None else max(1, sum(map(len, held_out.steps)) * size // _CALIBRATION)
    answered = list(model.outputs(held_out.sequences, [part[::every] for part in held_out.steps]))
    targets = [_truths(model, held_out.sequences[n], at) for n, at, _ in answered]
    readout.fit(np.concatenate([out for _, _, out in answered]), np.concatenate(targets))
    return model, answered if every == 1 else None


def _truths(model: Model, sequence: Sequence, steps: np.ndarray) -> np.ndarray:
    """Targets of these steps in the codec's units."""
    known = sequence.targets
    assert known is not None
    if isinstance(model.wiring.pairing, Sequences | EachRow):
        return known[steps] if known.ndim == 2 else known[None]
    return target_windows(known, steps, model.reader.horizon)


def _rivals(wiring: Wiring, prepared: Prepared) -> tuple[dict[str, Program], np.ndarray | None]:
    """Naive rivals, and the error that scales `mase`, from training rows."""
    if isinstance(wiring.shape, EncoderDecoder):
        return {}, None  # what is written is compared with texts; see `PairReader.rivals`
    width, num_targets = prepared.sequences[0].past.shape[1], len(prepared.reader.names)
    if isinstance(wiring.shape, Autoregressive):
        return token_rivals.rivals(prepared.sequences, prepared.cuts, len(prepared.reader.classes)), None
    if len(prepared.reader.classes):
        return label_rivals(prepared), None
    if prepared.reader.countdown is not None:
        return baselines.remaining_life(width, prepared.training, prepared.reader), None
    if isinstance(wiring.pairing, EachRow):
        prepared.facts["period"] = surprise_rivals.period_of(
            [one.row_targets[:cut] for one, cut in _parts(prepared) if cut]
        )
        return surprise_rivals.rivals(wiring, prepared.reader.past.spec, num_targets, _parts(prepared)), None  # type: ignore[attr-defined]
    if isinstance(wiring.pairing, Sequences):
        return {"mean": baselines.mean_answer(width, num_targets)}, None
    assert isinstance(prepared.reader, TableReader)
    context = wiring.pairing.context if isinstance(wiring.pairing, Windows) else wiring.pairing.warm_up
    rows = [one.row_targets[:cut] for one, cut in zip(prepared.sequences, prepared.cuts, strict=True) if cut]
    period = baselines.find_period(rows, prepared.reader.step, context, wiring.pairing.horizon)
    prepared.facts["period"] = period
    naive = baselines.naive_error(rows, period) * prepared.reader.scale
    return baselines.forecasts(width, num_targets, context, wiring.pairing.horizon, period), naive


def _parts(prepared: Prepared) -> list[tuple[Sequence, int]]:
    """Each sequence and its first row of the validation part."""
    return list(zip(prepared.sequences, prepared.cuts, strict=True))


def _card(
    prepared: Prepared, recipe: Recurrent, plan: Training, history: History, model: Model, scores: Evaluation
) -> dict[str, object]:
    """The model card: what a stranger needs to know about a model file."""
    by_step = {name: np.asarray(values).tolist() for name, values in scores.by_step.items()}
    return {
        "data": prepared.facts,
        "network": msgspec.to_builtins(recipe),
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
