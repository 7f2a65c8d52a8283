"""The cores that networks are made of, and which one a recipe means."""

from whorl.cells import LINEAR_CELLS
from whorl.nn.linear import LinearCore
from whorl.nn.recurrent import RecurrentCore
from whorl.plans.networks import Recurrent

AnyCore = RecurrentCore | LinearCore


def make(recipe: Recurrent, input_size: int) -> AnyCore:
    """The core of a recipe, whose `hidden_size` is set, for an input size."""
    assert recipe.hidden_size is not None
    num_layers, both_ways = recipe.num_layers or 1, bool(recipe.bidirectional)
    for name in LINEAR_CELLS:
        if recipe.cell == name:
            return LinearCore(
                name,
                input_size,
                recipe.hidden_size,
                num_layers=num_layers,
                bidirectional=both_ways,
                dropout=recipe.dropout,
            )
    return RecurrentCore(
        recipe.cell,
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
