"""From plans to networks: the recipe of a core, the wiring of a task and the specs of its data."""

from typing import assert_never

from whorl.nn.carried import CarriedForecaster
from whorl.nn.heads import num_outputs
from whorl.nn.network import Network
from whorl.nn.recurrent import RecurrentCore
from whorl.nn.summarised import SequenceNetwork
from whorl.nn.windowed import WindowedForecaster, segment_length
from whorl.plans.networks import Recurrent
from whorl.plans.wiring import ManyToOne, Sequences, Strips, Windows, Wiring
from whorl.specs import Spec


def build(
    wiring: Wiring,
    recipe: Recurrent,
    *,
    past: Spec,
    ahead: Spec | None,
    num_targets: int,
    dropout: float,
    num_classes: int | None = None,
) -> Network:
    """Builds the network of a wiring.

    Args:
        wiring: the task.
        recipe: of the core; its hidden_size is set.
        past: what a row is.
        ahead: what is known of a row ahead, or None.
        num_targets: outputs.
        dropout: before the last layer.
        num_classes: C, where the answer is a class.
    """

    def core(input_size: int) -> RecurrentCore:
        assert recipe.hidden_size is not None
        return RecurrentCore(
            recipe.cell,
            input_size,
            recipe.hidden_size,
            num_layers=recipe.num_layers,
            bidirectional=recipe.bidirectional,
            dropout=recipe.dropout,
            recurrent_dropout=recipe.recurrent_dropout,
            zoneout=recipe.zoneout,
            layer_norm=recipe.layer_norm,
            nonlinearity=recipe.nonlinearity,
            forget_bias=recipe.forget_bias,
            chrono=recipe.chrono,
        )

    outputs = num_outputs(wiring.head, num_classes)
    match wiring.pairing:
        case Windows() as windows:
            shape = wiring.shape if isinstance(wiring.shape, ManyToOne) else ManyToOne()
            return WindowedForecaster(
                past=past,
                ahead=ahead,
                num_targets=num_targets,
                pairing=windows,
                rescale=shape.rescale,
                segment=segment_length(windows.context, windows.horizon, shape.segment_length),
                core=core,
                num_outputs=outputs,
                dropout=dropout,
            )
        case Strips() as strips:
            return CarriedForecaster(
                past=past,
                ahead=ahead,
                num_targets=num_targets,
                pairing=strips,
                rescale=wiring.shape.rescale,
                core=core,
                num_outputs=outputs,
                dropout=dropout,
            )
        case Sequences():
            return SequenceNetwork(
                past=past,
                shape=wiring.shape,
                core=core,
                num_targets=num_targets,
                num_outputs=outputs,
                dropout=dropout,
            )
        case _:
            assert_never(wiring.pairing)
