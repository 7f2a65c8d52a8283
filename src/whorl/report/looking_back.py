"""What a page says of a network in which nothing recurs: how large it is, and how far back it looks."""

import msgspec

from whorl.errors import ArgumentError
from whorl.plans.networks import ConvLSTM, Network, Recurrent, from_plain
from whorl.runtime.model import Model


def sizes(model: Model) -> dict[str, str]:
    """Facts for the page: name -> text; none where the card does not say what the network is."""
    recipe = _recipe(model)
    if recipe is None:
        return {}
    layers = f"{recipe.num_layers} layers, " if (recipe.num_layers or 1) > 1 else ""
    several = f"{recipe.members} side by side, each " if recipe.members > 1 else ""
    return {
        "network": f"{several}{type(recipe).__name__}, {layers}{recipe.hidden_size} units",
        "parameters": f"{model.engine.program.num_parameters():,}",
    }


def reach(model: Model) -> str:
    """What an answer depends on, as a sentence; empty where that is not known."""
    rows, recipe = model.engine.program.memory, _recipe(model)
    if rows is not None:
        return f"An answer depends on the last {rows:,} rows, and a stream keeps these in place of a hidden state."
    if recipe is None or isinstance(recipe, Recurrent | ConvLSTM):
        return ""
    return (
        f"Its layers look back at the last {recipe.reach:,} steps, and a stream keeps what they read there in place of "
        "a hidden state. An answer depends on older rows only by averages and maxima that run beside them."
    )


def _recipe(model: Model) -> Network | None:
    plain = model.card.get("network")
    try:
        return from_plain(plain) if isinstance(plain, dict) else None
    except (msgspec.ValidationError, ArgumentError):
        return None
