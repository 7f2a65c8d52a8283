"""The cores that networks are made of, and which one a recipe means."""

from typing import assert_never

from whorl.errors import ArgumentError
from whorl.nn.convlstm import ConvLSTMCore
from whorl.nn.core import Core
from whorl.nn.linear import LinearCore
from whorl.nn.perceptron import PerceptronCore
from whorl.nn.recurrent import RecurrentCore
from whorl.nn.temporal import ConvolutionCore
from whorl.nn.transformer import TransformerCore
from whorl.plans.networks import ConvLSTM, Convolution, Network, Perceptron, Recurrent, Transformer
from whorl.specs import Picture

AnyCore = RecurrentCore | LinearCore


def make(recipe: Network, input_size: int, picture: Picture | None = None) -> Core:
    """The core of a recipe, whose `hidden_size` is set, for an input size.

    Args:
        recipe: of the core.
        input_size: features of a step.
        picture: what a step is, where it is a picture that the core reads itself.
    """
    size, layers = recipe.hidden_size, recipe.num_layers or 1
    assert size is not None
    match recipe:
        case Recurrent():
            return recurrent(recipe, input_size)
        case Convolution(kernel_size=kernel, dropout=dropout):
            return ConvolutionCore(input_size, size, num_layers=layers, kernel_size=kernel, dropout=dropout)
        case Perceptron(window=window, dropout=dropout):
            return PerceptronCore(input_size, size, num_layers=layers, window=window, dropout=dropout)
        case Transformer(num_heads=heads, window=window, dropout=dropout):
            return TransformerCore(input_size, size, num_layers=layers, num_heads=heads, window=window, dropout=dropout)
        case ConvLSTM(kernel_size=kernel, side=side, places=places, dropout=dropout):
            assert picture is not None
            if picture.width != input_size:
                raise ArgumentError(
                    f"`network` is a ConvLSTM, which reads pictures of {picture.width} numbers as they are, but "
                    f"{input_size} numbers of a step reach it. Leave out what stands before it, with convolution=0, or "
                    "use another network."
                )
            return ConvLSTMCore(
                picture, size, num_layers=layers, kernel_size=kernel, side=side, places=places, dropout=dropout
            )
        case _:
            assert_never(recipe)


def recurrent(recipe: Recurrent, input_size: int) -> AnyCore:
    """The same of a recipe that recurs: a core that can begin with a state and take single steps."""
    core = _recurrent(recipe, input_size)
    return core.requires_grad_(False) if recipe.frozen else core


def _recurrent(recipe: Recurrent, input_size: int) -> AnyCore:
    assert recipe.hidden_size is not None
    num_layers, both_ways = recipe.num_layers or 1, bool(recipe.bidirectional)
    match recipe.cell:
        case "mingru" | "minlstm" | "lru" as cell:
            return LinearCore(
                cell,
                input_size,
                recipe.hidden_size,
                num_layers=num_layers,
                bidirectional=both_ways,
                dropout=recipe.dropout,
            )
        case cell:
            return RecurrentCore(
                cell,
                input_size,
                recipe.hidden_size,
                num_layers=num_layers,
                bidirectional=both_ways,
                dropout=recipe.dropout,
                recurrent_dropout=recipe.recurrent_dropout,
                zoneout=recipe.zoneout,
                layer_norm=recipe.layer_norm,
                nonlinearity=recipe.nonlinearity,
                forget_bias=recipe.forget_bias,
                chrono=recipe.chrono,
            )
