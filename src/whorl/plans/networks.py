"""Recipes of cores: which network, how wide, how deep. What surrounds the core belongs to the task."""

from dataclasses import dataclass, replace
from numbers import Integral
from typing import Literal

from whorl.cells import RECIPES, RecipeName
from whorl.errors import ArgumentError, did_you_mean

CELLS = RECIPES


@dataclass(frozen=True)
class Recurrent:
    """A recurrent core: layers of RNN, LSTM or GRU cells over time.

    Args:
        cell: 'rnn' (Elman 1990), 'lstm' (Hochreiter & Schmidhuber 1997 with forget gate) or 'gru' (Cho et al. 2014).
        hidden_size: units of each layer and direction. None lets the task choose; each task documents its choice.
        num_layers: layers on top of each other. None lets the task choose; one, where it does not say.
        bidirectional: reads the sequence both ways, which cannot be done before its end. None lets the task choose;
            one way, where it does not say.
        dropout: probability of dropping an output between layers.
        recurrent_dropout: probability of dropping a unit of h on its way into the recurrence, one mask per sequence.
        zoneout: probability that a unit keeps its previous state (Krueger et al. 2017).
        layer_norm: normalises the products inside the cell (Ba et al. 2016, eq. 20-22).
        nonlinearity: 'tanh' or 'relu', for the 'rnn' cell.
        forget_bias: initial bias of the LSTM forget gate.
        chrono: longest dependency expected, in steps, for chrono initialisation (Tallec & Ollivier 2018, eq. 16).
        members: networks that are fitted side by side, each from its own weights, and whose answers are averaged; an
            answer takes so many times as long, and is right more often (Lakshminarayanan et al. 2017).
    """

    cell: RecipeName = "gru"
    hidden_size: int | None = None
    num_layers: int | None = None
    bidirectional: bool | None = None
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    zoneout: float = 0.0
    layer_norm: bool = False
    nonlinearity: Literal["tanh", "relu"] = "tanh"
    forget_bias: float = 1.0
    chrono: int | None = None
    members: int = 1

    def __post_init__(self) -> None:
        if self.cell not in CELLS:
            raise ArgumentError(
                f"`cell` must be one of {', '.join(CELLS)}, but is {self.cell!r}.{did_you_mean(str(self.cell), CELLS)}"
            )
        for name in ("hidden_size", "num_layers", "members"):
            if name == "members" or getattr(self, name) is not None:
                _at_least_one(name, getattr(self, name))
        for name in ("dropout", "recurrent_dropout", "zoneout"):
            value = getattr(self, name)
            if not 0.0 <= value < 1.0:
                raise ArgumentError(f"`{name}` is a probability in [0, 1), but is {value!r}. Use 0 to switch it off.")
        if self.nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(f"`nonlinearity` must be 'tanh' or 'relu', but is {self.nonlinearity!r}.")
        if self.chrono is not None and self.chrono < 3:
            raise ArgumentError(
                f"`chrono` is a number of steps >= 3, but is {self.chrono!r}. Use None to switch it off."
            )

    def completed(self, *, hidden_size: int, num_layers: int = 1, bidirectional: bool = False) -> "Recurrent":
        """The recipe with what it leaves open filled in."""
        return replace(
            self,
            hidden_size=int(self.hidden_size or hidden_size),
            num_layers=int(self.num_layers or num_layers),
            bidirectional=bidirectional if self.bidirectional is None else self.bidirectional,
        )


Network = Recurrent


def from_key(network: Network | str) -> Network:
    """Returns a recipe: a recipe unchanged, or the default recipe of a registry key such as 'gru'."""
    if isinstance(network, Recurrent):
        return network
    if network in CELLS:
        return Recurrent(network)
    raise ArgumentError(
        f"`network` must be a recipe such as whorl.Recurrent('gru') or one of {', '.join(CELLS)}, "
        f"but is {network!r}.{did_you_mean(str(network), CELLS)}"
    )


def _at_least_one(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ArgumentError(f"`{name}` is a whole number >= 1, but is {value!r}. Raise it.")
