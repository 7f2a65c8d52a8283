"""The network of a task: with the weights it begins with, what it learns by, and as programs once it has learned."""

from typing import assert_never

import msgspec
import torch
from torch import nn

from whorl.data.pairing import first_answer
from whorl.data.table_reader import TableReader
from whorl.errors import ModelFileError, TrainingError
from whorl.nn.autoregressive import NextToken
from whorl.nn.build import build
from whorl.nn.chain import chain_loss
from whorl.nn.ensemble import Ensemble
from whorl.nn.heads import loss
from whorl.nn.item_loss import item_loss
from whorl.nn.network import Network
from whorl.nn.reconstruction import ReconstructionNetwork
from whorl.nn.spread import muted, spread_loss
from whorl.nn.summarised import SequenceNetwork
from whorl.nn.surprise import SurpriseNetwork
from whorl.plans.heads import Categorical, Ctc
from whorl.plans.networks import Network as Recipe
from whorl.plans.networks import to_plain
from whorl.plans.wiring import EachRow, Sequences, Strips, Windows, Wiring
from whorl.runtime.artifact import as_plain
from whorl.runtime.engine import Engine
from whorl.runtime.engines import engine_for
from whorl.runtime.program import Program
from whorl.specs import Spec
from whorl.tasks.preparation import Prepared
from whorl.tasks.rivals import season_of
from whorl.train import Carried, Loss, Objective, TensorBatch
from whorl.train.device import private_randomness


def untrained(wiring: Wiring, recipe: Recipe, prepared: Prepared, seed: int) -> Network:
    """The network of a complete recipe for these data, with the weights that training begins with."""
    with private_randomness(torch.device("cpu")):
        torch.default_generator.manual_seed(seed)
        return build(
            wiring,
            recipe,
            past=prepared.reader.past.spec,  # type: ignore[attr-defined]
            ahead=_ahead_spec(prepared),
            num_targets=len(prepared.reader.names),
            dropout=wiring.dropout,
            num_classes=len(prepared.reader.classes) or None,
            longest=max(map(len, prepared.training)),
            season=season_of(wiring, prepared),
            source=getattr(prepared.reader, "source_spec", None),
        )


def _ahead_spec(prepared: Prepared) -> Spec | None:
    reader = prepared.reader
    return reader.ahead.spec if isinstance(reader, TableReader) and reader.ahead is not None else None


def objective_of(wiring: Wiring) -> Objective:
    """How wrong a network of that wiring is about a batch."""
    head, pairing = wiring.head, wiring.pairing

    def alone(network: nn.Module, batch: TensorBatch, state: Carried, /) -> Loss:
        if isinstance(pairing, Sequences) and isinstance(network, NextToken):
            assert isinstance(head, Categorical)
            return Loss(*item_loss(network, head, batch.inputs, batch.lengths, batch.targets, batch.weights), state)
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
        if isinstance(head, Ctc):
            logits, truths, first = outputs[..., 0, :], batch.targets[..., 0], first_answer(pairing)
            if "quiet" in batch.inputs:
                logits = muted(logits, batch.inputs["quiet"])
            return Loss(*spread_loss(logits, truths, batch.weights, batch.lengths, first), state)
        if isinstance(pairing, Sequences) and isinstance(network, SequenceNetwork) and network.chain is not None:
            logits, truths, lengths = outputs[..., 0, :], batch.targets[..., 0], batch.lengths
            first = pairing.lookahead
            return Loss(*chain_loss(logits, truths, network.chain, batch.weights, first, lengths), state)
        return Loss(*loss(head, outputs, batch.targets, batch.weights), state)

    def objective(network: nn.Module, batch: TensorBatch, state: Carried, /) -> Loss:
        if not isinstance(network, Ensemble):
            return alone(network, batch, state)
        # Each learns by its own loss: a loss of their mean answer would let them lean on each other.
        states = state if isinstance(state, tuple) else (state,) * len(network.members)
        each = [alone(member, batch, own) for member, own in zip(network.members, states, strict=True)]
        total = torch.stack([own.total for own in each]).mean()
        kept = None if each[0].state is None else tuple(own.state for own in each)
        return Loss(total, each[0].weight, kept)

    return objective


def told(wiring: Wiring, recipe: Recipe) -> str:
    """What must be the same for a run to be resumed, beside data, weights and training."""
    return msgspec.json.encode([wiring, to_plain(recipe, as_plain)]).decode()


def engines_of(network: Network) -> tuple[Engine, Engine | None]:
    """What runs a network, and the side of it that reads where another one writes; it is left in eval mode.

    Raises:
        TrainingError: a weight is not a number.
    """
    network.eval()
    program, reads = Program(), Program()
    try:
        network.emit(program)
        encoder = None if network.emit_encoder(reads) is None else reads
    except ModelFileError:
        raise TrainingError(
            "the weights stopped being numbers during training. Lower `learning_rate`, and check the scale of the data."
        ) from None
    return engine_for(program), None if encoder is None else engine_for(encoder)
