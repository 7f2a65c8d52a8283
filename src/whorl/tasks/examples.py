"""Which examples are learned from, which are held out, and how they come in batches, for whatever wiring."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

import numpy as np

from whorl.data.augmentation import AugmentedBatches
from whorl.data.batches import Batches
from whorl.data.caption_reader import CaptionReader
from whorl.data.event_reader import last_held_out, training_sessions
from whorl.data.forgetting import ForgettingBatches
from whorl.data.music_reader import MusicReader
from whorl.data.padded import SequenceBatches
from whorl.data.pair_batches import PairBatches
from whorl.data.pairing import WindowBatches, steps_with_truths
from whorl.data.pieces import PieceBatches
from whorl.data.prefixes import PrefixBatches
from whorl.data.quiet_batches import QuietBatches
from whorl.data.sequences import Sequence, num_sources
from whorl.data.sound_batches import SoundBatches
from whorl.data.strips import StripBatches
from whorl.data.tied_batches import TiedBatches
from whorl.data.token_strips import TokenStrips, held_out_text
from whorl.data.transposing import Transposing
from whorl.data.views import ViewedBatches
from whorl.nn.carried import FLOOR, decay_of
from whorl.nn.segments import segment_length
from whorl.plans.changes import Augmentation, Forgetting, SoundChange, Transposition, Views
from whorl.plans.heads import Ctc
from whorl.plans.networks import Network, Perceptron
from whorl.plans.training import Training
from whorl.plans.wiring import (
    Autoregressive,
    EachRow,
    EncoderDecoder,
    ManyToMany,
    ManyToOne,
    Sequences,
    Strips,
    Windows,
    Wiring,
)
from whorl.runtime.kernels import running_statistics
from whorl.specs import Picture, Spec
from whorl.tasks.preparation import Prepared
from whorl.tasks.rivals import season_of

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

# Tokens of the validation part that choose the epoch, where it has more than that and than 2 % of the training part.
_JUDGED = 32_768
# Most texts about one source in a batch.
_TOGETHER = 2
# The part of training in which quiet steps are held to say little.
_QUIET_SHARE = 0.25
# Steps of training in which the shares of a season are learned.
_STEPS_OF_A_SEASON = 800
# Most texts that are written to score a model when its training ends; others are left out evenly.
_WRITTEN = 1000


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """The validation part: sequences, and the steps of each whose truths belong to it."""

    sequences: list[Sequence]
    steps: list[np.ndarray]


def training_part(estimator: "Estimator", wiring: Wiring, prepared: Prepared) -> tuple[Batches, Network, Training]:
    """Batches of the training part, and the plans resolved for its size."""
    batches, recipe, plan = _training_part(estimator, wiring, prepared)
    if isinstance(recipe, Perceptron):
        # Weights of steps that no training sequence has would learn nothing, and count all the same.
        recipe = replace(recipe, window=min(recipe.window, _most_steps(wiring, prepared)))
    return batches, recipe, plan


def _most_steps(wiring: Wiring, prepared: Prepared) -> int:
    """Steps of the longest sequence that a core reads in training."""
    match wiring.pairing:
        case Windows(context=context, horizon=horizon):
            length = wiring.shape.segment_length if isinstance(wiring.shape, ManyToOne) else None
            return context // segment_length(context, horizon, length)
        case Sequences() | EachRow(whole=True):
            return max(map(len, prepared.training))
        case _:
            return max(prepared.cuts)


def _training_part(estimator: "Estimator", wiring: Wiring, prepared: Prepared) -> tuple[Batches, Network, Training]:
    spans = [(0, cut) for cut in prepared.cuts]
    num_targets = len(prepared.reader.names)
    match wiring.pairing:
        case Windows() as windows:
            counted = WindowBatches(prepared.sequences, windows, 1, spans)
            recipe, plan = estimator.resolved(len(counted), num_targets)
            if season_of(wiring, prepared) is not None:
                plan = _until_seasons_are_learned(estimator.training, plan, len(counted))
            return WindowBatches(prepared.sequences, windows, plan.batch_size or 1, spans), recipe, plan
        case Strips() as strips:
            recipe, plan = estimator.resolved(sum(cut for _, cut in spans), num_targets)
            if isinstance(wiring.shape, Autoregressive):
                sizes = (plan.batch_size or 1, plan.tbptt_steps or 1)
                moved = _transposing(wiring, prepared)
                return TokenStrips(prepared.sequences, spans, *sizes, transposing=moved), recipe, plan
            return _strips(prepared, strips, plan, spans, season_of(wiring, prepared)), recipe, plan
        case Sequences() if isinstance(wiring.shape, Autoregressive):
            sessions = training_sessions(prepared.sequences, prepared.cuts)
            recipe, plan = estimator.resolved(len(sessions), num_targets)
            batches: Batches = TiedBatches(sessions, plan.batch_size or 1)
            return _changed(batches, wiring, prepared.reader.past.spec, sessions), recipe, plan  # type: ignore[attr-defined]
        case Sequences():
            recipe, plan = estimator.resolved(len(prepared.training), num_targets)
            if isinstance(wiring.shape, EncoderDecoder):
                return _pairs(wiring, prepared, plan), recipe, plan
            batches = SequenceBatches(prepared.training, plan.batch_size or 1)
            batches = _changed(batches, wiring, prepared.reader.past.spec, prepared.training)  # type: ignore[attr-defined]
            if wiring.prefixes:
                batches = PrefixBatches(batches, wiring.prefixes)
            if isinstance(wiring.head, Ctc) and wiring.head.quiet:
                late, steps = wiring.pairing.lookahead, _steps_of_quiet(plan, len(batches))
                batches = QuietBatches(batches, wiring.head.quiet, steps, late)
            return batches, recipe, plan
        case EachRow() as rows:
            count = len(prepared.training) if rows.whole else sum(cut for _, cut in spans)
            recipe, plan = estimator.resolved(count, num_targets)
            return PieceBatches(prepared.sequences, rows, plan.batch_size or 1, spans), recipe, plan


def _until_seasons_are_learned(given: Training, plan: Training, num_examples: int) -> Training:
    """The plan with so many epochs that the shares of `SeasonalWay` are learned, where it was left open how many."""
    assert plan.epochs is not None
    if given.epochs is not None:
        return plan
    epochs = max(plan.epochs, -(-_STEPS_OF_A_SEASON // plan.num_batches(num_examples)))
    return replace(plan, epochs=epochs, patience=max(3, epochs // 3) if given.patience == "auto" else plan.patience)


def _steps_of_quiet(plan: Training, num_batches: int) -> int:
    """Steps in which what `Ctc.quiet` says is forgotten; none where a clock decides how many there are of all."""
    return 0 if plan.max_seconds is not None else round(_QUIET_SHARE * (plan.epochs or 0) * num_batches)


def _pairs(wiring: Wiring, prepared: Prepared, plan: Training) -> Batches:
    """Pairs; where several texts are about one source, it is read once for some of them."""
    batch_size, reader = plan.batch_size or 1, prepared.reader
    if not isinstance(reader, CaptionReader):
        return PairBatches(prepared.training, batch_size)
    batches = PairBatches(prepared.training, batch_size, together=_TOGETHER)
    if isinstance(wiring.augmentation, Views) and isinstance(reader.source_spec, Picture):
        return ViewedBatches(batches, wiring.augmentation, reader.source_spec, "source")
    return batches


def _transposing(wiring: Wiring, prepared: Prepared) -> Transposing | None:
    if not isinstance(wiring.augmentation, Transposition):
        return None
    assert isinstance(prepared.reader, MusicReader)
    return Transposing(prepared.reader.music, wiring.augmentation, prepared.sequences)


def _changed(batches: Batches, wiring: Wiring, spec: Spec, training: list[Sequence]) -> Batches:
    late = wiring.pairing.lookahead if isinstance(wiring.pairing, Sequences) else 0
    match wiring.augmentation:
        case Views() as plan:
            return ViewedBatches(batches, plan, spec, lookahead=late) if isinstance(spec, Picture) else batches
        case Augmentation() as plan:
            return AugmentedBatches(batches, plan, spec)
        case SoundChange() as plan:
            stride = wiring.shape.stride if isinstance(wiring.shape, ManyToMany) else 1
            return SoundBatches(batches, plan, stride, late)
        case Forgetting() as plan:
            return ForgettingBatches(batches, plan, spec, training)
        case Transposition() | None:
            return batches  # running music has batches of its own
        case _:
            assert_never(wiring.augmentation)


def validation_part(wiring: Wiring, prepared: Prepared, plan: Training, training: Batches) -> Batches:
    """Batches of the validation part, in order, cut like those of the training part."""
    batch_size = 4 * (plan.batch_size or 1)
    match wiring.pairing:
        case Windows() as windows:
            spans = [(cut, len(one)) for one, cut in zip(prepared.sequences, prepared.cuts, strict=True)]
            return WindowBatches(prepared.sequences, windows, batch_size, spans, shuffle=False)
        case Strips() if isinstance(training, TokenStrips):
            # From the last token of the training part on, since the first of the validation part is a truth too.
            pairs = zip(prepared.sequences, prepared.cuts, strict=True)
            after = [(max(0, cut - 1) if cut < len(one) else cut, len(one)) for one, cut in pairs]
            most = max(_JUDGED, training.count // 50)
            return TokenStrips(prepared.sequences, after, batch_size, plan.tbptt_steps or 1, most=most, shuffle=False)
        case Strips():
            assert isinstance(training, StripBatches)
            spans = [(cut, len(one)) for one, cut in zip(prepared.sequences, prepared.cuts, strict=True)]
            return training.elsewhere(spans, shuffle=False)
        case Sequences() if isinstance(wiring.shape, Autoregressive):
            return SequenceBatches([last_held_out(one) for one in prepared.validation], batch_size, shuffle=False)
        case Sequences() if isinstance(wiring.shape, EncoderDecoder):
            together = _TOGETHER if isinstance(prepared.reader, CaptionReader) else 1
            return PairBatches(prepared.validation, plan.batch_size or 1, shuffle=False, together=together)
        case Sequences():
            return SequenceBatches(prepared.validation, batch_size, shuffle=False)
        case EachRow() as rows:
            spans = [(cut, len(one)) for one, cut in zip(prepared.sequences, prepared.cuts, strict=True)]
            return PieceBatches(prepared.sequences, rows, batch_size, spans, shuffle=False)


def _strips(
    prepared: Prepared, pairing: Strips, plan: Training, spans: list[tuple[int, int]], season: int | None
) -> StripBatches:
    def running(targets: np.ndarray) -> np.ndarray:
        return running_statistics(targets, decay_of(pairing.warm_up), FLOOR)

    batch_size, num_steps = plan.batch_size or 1, plan.tbptt_steps or 1
    return StripBatches(prepared.sequences, pairing, batch_size, num_steps, spans, running, season=season)


def held_out_part(wiring: Wiring, prepared: Prepared) -> HeldOut:
    """The steps of each sequence whose whole truth lies in the validation part."""
    if isinstance(wiring.shape, Autoregressive) and wiring.shape.items is not None:
        sessions = [last_held_out(one) for one in prepared.validation]
        return HeldOut(sequences=sessions, steps=[steps_with_truths(wiring.pairing, one) for one in sessions])
    if isinstance(wiring.shape, Autoregressive):
        sequences, steps = held_out_text(prepared.sequences, prepared.cuts)
        return HeldOut(sequences=sequences, steps=steps)
    if isinstance(wiring.shape, EncoderDecoder) or isinstance(wiring.head, Ctc):
        numbers = num_sources(prepared.validation)
        every = max(1, -(-len(set(numbers)) // _WRITTEN))
        chosen = [one for one, n in zip(prepared.validation, numbers, strict=True) if n % every == 0]
        return HeldOut(sequences=chosen, steps=[np.arange(len(one)) for one in chosen])
    steps = []
    for sequence, cut in zip(prepared.sequences, prepared.cuts, strict=True):
        scored = steps_with_truths(wiring.pairing, sequence)
        whole = isinstance(wiring.pairing, Sequences | EachRow)
        steps.append(scored[scored >= (cut if whole else cut - 1)])
    return HeldOut(sequences=prepared.sequences, steps=steps)
