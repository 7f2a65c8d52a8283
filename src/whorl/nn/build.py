"""From plans to networks: the recipe of a core, the wiring of a task and the specs of its data."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple, assert_never

import msgspec

from whorl.errors import ArgumentError
from whorl.nn import cores
from whorl.nn.autoregressive import NextToken
from whorl.nn.carried import CarriedForecaster
from whorl.nn.chords import NextFlags
from whorl.nn.convolution import within
from whorl.nn.core import Core
from whorl.nn.direct import DirectForecaster
from whorl.nn.encoder_decoder import EncoderDecoderNetwork
from whorl.nn.ensemble import Ensemble
from whorl.nn.heads import num_outputs
from whorl.nn.network import Network
from whorl.nn.reconstruction import ReconstructionNetwork
from whorl.nn.segments import segment_length
from whorl.nn.summarised import SequenceNetwork
from whorl.nn.surprise import SurpriseNetwork
from whorl.nn.windowed import WindowedForecaster
from whorl.plans.heads import Bernoulli, Categorical, Normal, StudentT
from whorl.plans.networks import REBUILDS, WRITES, ConvLSTM, Recurrent, recurrent
from whorl.plans.networks import Network as Recipe
from whorl.plans.wiring import (
    Autoregressive,
    EachRow,
    EncoderDecoder,
    ManyToMany,
    ManyToOne,
    Sequences,
    Strips,
    Surprise,
    Windows,
    Wiring,
)
from whorl.specs import Fields, Picture, Reals, Spec, Tokens


def build(
    wiring: Wiring,
    recipe: Recipe,
    *,
    past: Spec,
    ahead: Spec | None,
    num_targets: int,
    dropout: float,
    num_classes: int | None = None,
    longest: int | None = None,
    season: int | None = None,
    source: Spec | None = None,
) -> Network:
    """Builds the network of a wiring, or several side by side where its recipe says so.

    Args:
        wiring: the task.
        recipe: of the core; its hidden_size is set; one layer, where it does not say.
        past: what a row is.
        ahead: what is known of a row ahead, or None.
        num_targets: outputs.
        dropout: before the last layer.
        num_classes: C, where the answer is a class.
        longest: rows of the longest training sequence, where something is as long.
        season: rows after which targets come again, where what is read holds so many; None where they do not.
        source: what a step of a sequence is that is read whole, where there is one.
    """
    if not isinstance(recipe, Recurrent):
        season = None  # others lost by a way for it: decision 29
    sizes = _Sizes(past, ahead, num_targets, num_outputs(wiring.head, num_classes), dropout, longest, season, source)
    members = [_alone(wiring, recipe, sizes) for _ in range(recipe.members)]
    return members[0] if len(members) == 1 else Ensemble(members)


class _Sizes(NamedTuple):
    """What a network must fit; as of `build`."""

    past: Spec
    ahead: Spec | None
    num_targets: int
    num_outputs: int
    dropout: float
    longest: int | None
    season: int | None
    source: Spec | None


def _alone(wiring: Wiring, recipe: Recipe, sizes: _Sizes) -> Network:
    """One network."""
    past, _, num_targets, outputs, dropout, longest, _, source = sizes
    core, past = _core(recipe, past)
    if isinstance(wiring.shape, Autoregressive):
        flags = isinstance(wiring.head, Bernoulli)
        return (NextFlags if flags else NextToken)(past, wiring.shape, core, dropout)
    match wiring.pairing:
        case Windows() | Strips():
            return _forecaster(wiring, recipe, core, past, sizes)
        case Sequences() if isinstance(wiring.shape, EncoderDecoder):
            return _two_sides(wiring.shape, recurrent(recipe, WRITES), past, source, dropout)
        case Sequences():
            assert isinstance(wiring.shape, ManyToOne | ManyToMany)
            convolution = wiring.shape.convolution
            return SequenceNetwork(
                past=past,
                shape=wiring.shape,
                convolution=None if convolution is None else within(convolution, longest),
                core=core,
                num_targets=num_targets,
                num_outputs=outputs,
                dropout=dropout,
                chained=isinstance(wiring.head, Categorical) and wiring.head.chain,
            )
        case EachRow():
            assert isinstance(wiring.shape, Surprise)
            assert isinstance(wiring.head, Normal | StudentT)
            if wiring.shape.lag is not None:
                return SurpriseNetwork(past, wiring.shape, wiring.head, core, num_targets, dropout)
            layers = partial(cores.recurrent, recurrent(recipe, REBUILDS))
            whole = msgspec.structs.replace(wiring.shape, context=wiring.shape.context or longest)
            return ReconstructionNetwork(
                past, whole, wiring.head, layers, num_targets, dropout, whole=wiring.pairing.whole
            )
        case _:
            assert_never(wiring.pairing)


def _forecaster(wiring: Wiring, recipe: Recipe, core: Callable[[int], Core], past: Spec, sizes: _Sizes) -> Network:
    """What answers a horizon, from windows or from a state that is carried."""
    pairing = wiring.pairing
    if isinstance(pairing, Strips):
        assert isinstance(wiring.shape, ManyToOne | ManyToMany)
        return CarriedForecaster(
            past=past,
            ahead=sizes.ahead,
            num_targets=sizes.num_targets,
            pairing=pairing,
            rescale=wiring.shape.rescale,
            season=sizes.season,
            core=core,
            num_outputs=sizes.num_outputs,
            dropout=sizes.dropout,
        )
    assert isinstance(pairing, Windows)
    of_windows: Callable[..., Network] = partial(DirectForecaster, core=core)
    if isinstance(recipe, Recurrent):
        of_windows = partial(WindowedForecaster, core=partial(cores.recurrent, recipe), season=sizes.season)
    shape = wiring.shape if isinstance(wiring.shape, ManyToOne) else ManyToOne()
    return of_windows(
        past=past,
        ahead=sizes.ahead,
        num_targets=sizes.num_targets,
        pairing=pairing,
        rescale=shape.rescale,
        segment=segment_length(pairing.context, pairing.horizon, shape.segment_length),
        num_outputs=sizes.num_outputs,
        dropout=sizes.dropout,
    )


def _core(recipe: Recipe, past: Spec) -> tuple[Callable[[int], Core], Spec]:
    """What builds the core for an input size, and what a step is before it: the bare numbers of one that sees."""
    if not isinstance(recipe, ConvLSTM):
        return partial(cores.make, recipe), past
    picture = _picture_alone(past)
    return partial(cores.make, recipe, picture=picture), Reals(picture.width)


def _picture_alone(past: Spec) -> Picture:
    """The picture that a step is; raises ArgumentError where it is something else."""
    parts = tuple(past.fields.values()) if isinstance(past, Fields) else (past,)
    if len(parts) == 1 and isinstance(parts[0], Picture):
        return parts[0]
    raise ArgumentError(
        "`network` is a ConvLSTM, which reads steps that are pictures and nothing beside them, but they are "
        f"{past}. Use another network, such as 'gru'."
    )


def _two_sides(
    shape: EncoderDecoder,
    recipe: Recurrent,
    past: Spec,
    source: Spec | None,
    dropout: float,
) -> EncoderDecoderNetwork:
    assert isinstance(past, Tokens)
    assert source is not None
    # What writes is learned even where what reads is not.
    one_way = replace(recipe, num_layers=1, bidirectional=False, dropout=0.0, frozen=False)
    return EncoderDecoderNetwork(
        source=source,
        num_targets=past.n,
        shape=shape,
        encoder=partial(cores.recurrent, recipe),
        layer=partial(cores.recurrent, one_way),
        dropout=dropout,
    )
