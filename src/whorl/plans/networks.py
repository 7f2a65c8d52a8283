"""Recipes of cores: which network, how wide, how deep. What surrounds the core belongs to the task."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, TypeVar

import msgspec

from whorl.cells import LINEAR_CELLS, RECIPES, RecipeName
from whorl.errors import ArgumentError, did_you_mean
from whorl.plans.sizes import check_flag, check_probability, check_sizes

CELLS = RECIPES
# A cell that has an option, where not every one has that is not linear in its state.
_HAVE = {"nonlinearity": "rnn", "forget_bias": "lstm", "chrono": "lstm"}
# A layer of a Convolution looks back twice as far as the one before it: more would read a million steps.
_MOST_DOUBLINGS = 18
# Units of a core whose weights are only drawn: what one of them is good for is chance.
_FROZEN_SIZE = 400


@dataclass(frozen=True)
class Recurrent:
    """A recurrent core: layers of cells over time.

    Args:
        cell: 'rnn' (Elman 1990), 'lstm' (Hochreiter & Schmidhuber 1997 with forget gate) or 'gru' (Cho et al. 2014); or
            one that is linear in its state, and has none of the options from `recurrent_dropout` to `chrono`: 'mingru',
            'minlstm' (Feng et al. 2024) or 'lru' (Orvieto et al. 2023), behind which a gated linear unit stands.
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
            answer takes so many times as long, and is mostly right more often (Lakshminarayanan et al. 2017).
        frozen: leaves the weights of the core as they were drawn, and learns what stands around it: an echo state
            network (Jaeger 2001), of 400 units where nobody says how many. 'rnn' serves best.
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
    frozen: bool = False

    def __post_init__(self) -> None:
        if self.cell not in CELLS:
            raise ArgumentError(
                f"`cell` must be one of {', '.join(CELLS)}, but is {self.cell!r}.{did_you_mean(str(self.cell), CELLS)}"
            )
        if self.cell in LINEAR_CELLS:
            self._check_linear()
        check_sizes(self)
        check_flag("frozen", self.frozen)
        for name in ("dropout", "recurrent_dropout", "zoneout"):
            check_probability(name, getattr(self, name))
        if self.nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(f"`nonlinearity` must be 'tanh' or 'relu', but is {self.nonlinearity!r}.")
        if self.chrono is not None and self.chrono < 3:
            raise ArgumentError(
                f"`chrono` is a number of steps >= 3, but is {self.chrono!r}. Use None to switch it off."
            )

    def _check_linear(self) -> None:
        """Refuses what a cell that is linear in its state has no place for."""
        for name in ("recurrent_dropout", "zoneout", "layer_norm", "nonlinearity", "forget_bias", "chrono"):
            value, default = getattr(self, name), type(self).__dataclass_fields__[name].default
            if value != default:
                raise ArgumentError(
                    f"`{name}` is no option of the cell {self.cell!r}, which is linear in its state, but is {value!r}. "
                    f"Leave it at {default!r}, or use a cell that has it, such as {_HAVE.get(name, 'gru')!r}."
                )

    def completed(self, *, hidden_size: int, num_layers: int = 1, bidirectional: bool = False) -> "Recurrent":
        """The recipe with what it leaves open filled in."""
        return replace(
            self,
            hidden_size=int(self.hidden_size or (_FROZEN_SIZE if self.frozen else hidden_size)),
            num_layers=int(self.num_layers or num_layers),
            bidirectional=bidirectional if self.bidirectional is None else self.bidirectional,
        )


@dataclass(frozen=True)
class Transformer:
    """A causal Transformer: at each step every layer looks back at the last `window` steps (Vaswani et al. 2017).

    Layer norm stands before attention and before the two affine layers that follow it (Xiong et al. 2020), and how far
    back a step lies is told by rotating its key (Su et al. 2021).

    Args:
        hidden_size: numbers of a step in each layer, a multiple of twice `num_heads`. None lets the task choose.
        num_layers: layers on top of each other. None lets the task choose; at least two, where it does.
        num_heads: heads of the attention of each layer.
        window: steps that a layer looks back at, the present one included; its state holds one less.
        dropout: probability of dropping a number of what is read, and of what a layer adds to it.
        members: networks that are fitted side by side, and whose answers are averaged.
    """

    bidirectional: ClassVar[bool] = False

    hidden_size: int | None = None
    num_layers: int | None = None
    num_heads: int = 4
    window: int = 128
    dropout: float = 0.1
    members: int = 1

    @property
    def reach(self) -> int:
        """Steps that an output depends on, its own included."""
        return 1 + _known_layers(self) * (self.window - 1)

    def __post_init__(self) -> None:
        check_sizes(self, "num_heads", "window")
        check_probability("dropout", self.dropout)
        if self.hidden_size is not None and self.hidden_size % (2 * self.num_heads):
            raise ArgumentError(
                f"`hidden_size` is a multiple of twice `num_heads`, here of {2 * self.num_heads}, but is "
                f"{self.hidden_size}. Use {_multiple(self.hidden_size, 2 * self.num_heads)}, or other heads."
            )

    def completed(self, *, hidden_size: int, num_layers: int = 1, bidirectional: bool = False) -> "Transformer":
        """The recipe with what it leaves open filled in; it reads one way whatever a task would choose."""
        return _filled(self, _multiple(hidden_size, 2 * self.num_heads), max(2, num_layers))


@dataclass(frozen=True)
class Convolution:
    """A temporal convolutional network: causal convolutions, each layer's dilation twice that of the one before it.

    A layer is two convolutions and a way around them (Bai et al. 2018, section 3), here without weight normalisation.
    With N layers and a kernel of k steps an answer depends on the last 1 + 2 (k - 1) (2^N - 1) steps.

    Args:
        hidden_size: channels of each layer. None lets the task choose.
        num_layers: layers on top of each other. None lets the task choose; at least four, where it does.
        kernel_size: steps that a convolution reads.
        dropout: probability of dropping an output of a convolution.
        members: networks that are fitted side by side, and whose answers are averaged.
    """

    bidirectional: ClassVar[bool] = False

    hidden_size: int | None = None
    num_layers: int | None = None
    kernel_size: int = 3
    dropout: float = 0.1
    members: int = 1

    @property
    def reach(self) -> int:
        """Steps that an output depends on, its own included."""
        return 1 + 2 * (self.kernel_size - 1) * ((1 << _known_layers(self)) - 1)

    def __post_init__(self) -> None:
        check_sizes(self, "kernel_size")
        check_probability("dropout", self.dropout)
        if self.num_layers is not None and self.num_layers > _MOST_DOUBLINGS:
            raise ArgumentError(
                f"`num_layers` is at most {_MOST_DOUBLINGS}, as each layer looks back twice as far as the one before, "
                f"but is {self.num_layers}. Lower it."
            )

    def completed(self, *, hidden_size: int, num_layers: int = 1, bidirectional: bool = False) -> "Convolution":
        """The recipe with what it leaves open filled in; it reads one way whatever a task would choose."""
        return _filled(self, hidden_size, max(4, num_layers))


@dataclass(frozen=True)
class Perceptron:
    """A multilayer perceptron that reads the last `window` steps at once.

    Args:
        hidden_size: units of each layer. None lets the task choose.
        num_layers: layers of units. None lets the task choose; at least two, where it does.
        window: steps that are read, the present one included; before the first step there are zeros.
        dropout: probability of dropping a unit.
        members: networks that are fitted side by side, and whose answers are averaged.
    """

    bidirectional: ClassVar[bool] = False

    hidden_size: int | None = None
    num_layers: int | None = None
    window: int = 32
    dropout: float = 0.1
    members: int = 1

    @property
    def reach(self) -> int:
        """Steps that an output depends on, its own included."""
        return self.window

    def __post_init__(self) -> None:
        check_sizes(self, "window")
        check_probability("dropout", self.dropout)

    def completed(self, *, hidden_size: int, num_layers: int = 1, bidirectional: bool = False) -> "Perceptron":
        """The recipe with what it leaves open filled in; it reads one way whatever a task would choose."""
        return _filled(self, hidden_size, max(2, num_layers))


@dataclass(frozen=True)
class ConvLSTM:
    """A recurrent core for steps that are pictures: its state is a map, and convolutions move it (Shi et al. 2015).

    Args:
        hidden_size: channels of each layer; None is 16, whatever the task.
        num_layers: layers on top of each other. None lets the task choose; one, where it does not say.
        kernel_size: pixels of the side of a kernel, an odd number: how far what is kept can move in a step.
        side: pixels that the longer side of a map has at most; larger pictures are halved by convolutions before.
        places: what is said at a step of the places of the map: 'pooled', the mean and the largest of each channel, or
            'kept', all of them, where answers say where things are.
        dropout: probability of dropping an output between layers.
        members: networks that are fitted side by side, and whose answers are averaged.
    """

    bidirectional: ClassVar[bool] = False

    hidden_size: int | None = None
    num_layers: int | None = None
    kernel_size: int = 3
    side: int = 16
    places: Literal["pooled", "kept"] = "pooled"
    dropout: float = 0.0
    members: int = 1

    def __post_init__(self) -> None:
        check_sizes(self, "kernel_size", "side")
        check_probability("dropout", self.dropout)
        if self.places not in ("pooled", "kept"):
            raise ArgumentError(f"`places` must be 'pooled' or 'kept', but is {self.places!r}. Choose one.")
        if self.kernel_size % 2 == 0:
            raise ArgumentError(
                f"`kernel_size` is odd, so that a kernel has a middle, but is {self.kernel_size}. Use "
                f"{self.kernel_size + 1}."
            )

    def completed(self, *, hidden_size: int, num_layers: int = 1, bidirectional: bool = False) -> "ConvLSTM":
        """The recipe with what it leaves open filled in; a task's units are numbers, and not maps."""
        return _filled(self, 16, num_layers)


Network = Recurrent | Transformer | Convolution | Perceptron | ConvLSTM
LookingBack = Transformer | Convolution | Perceptron
R = TypeVar("R", Transformer, Convolution, Perceptron, ConvLSTM)

# Registry keys of what does not recur.
LOOKING_BACK: dict[str, type[LookingBack]] = {"transformer": Transformer, "cnn": Convolution, "mlp": Perceptron}
# That of what reads nothing but pictures.
OF_PICTURES: dict[str, type[ConvLSTM]] = {"convlstm": ConvLSTM}
KEYS = (*CELLS, *LOOKING_BACK)
ALL_KEYS = (*KEYS, *OF_PICTURES)
_OTHERS: dict[str, type[LookingBack | ConvLSTM]] = {**LOOKING_BACK, **OF_PICTURES}


def from_key(network: Network | str) -> Network:
    """Returns a recipe: a recipe unchanged, or the default recipe of a registry key such as 'gru'."""
    if isinstance(network, Network):
        return network
    if network in _OTHERS:
        return _OTHERS[network]()
    if network in CELLS:
        return Recurrent(network)
    raise ArgumentError(
        f"`network` must be a recipe such as whorl.Recurrent('gru') or one of {', '.join(ALL_KEYS)}, "
        f"but is {network!r}.{did_you_mean(str(network), ALL_KEYS)}"
    )


# Why some networks are made of recurrent cores alone.
REBUILDS = "what is rebuilt from a code is unrolled from a state"
WRITES = "texts are written by layers that begin with a state"


def recurrent(network: Network | str, why: str) -> Recurrent:
    """The recipe of a network that must recur; raises ArgumentError, saying why, of any other."""
    recipe = from_key(network)
    if isinstance(recipe, Recurrent):
        return recipe
    raise ArgumentError(
        f"`network` is a {type(recipe).__name__}, but {why}. Use {', '.join(CELLS[:-1])} or {CELLS[-1]}."
    )


def key_of(recipe: Network) -> str:
    """The registry key that a recipe goes by."""
    if isinstance(recipe, Recurrent):
        return recipe.cell
    return next(key for key, kind in _OTHERS.items() if isinstance(recipe, kind))


def to_plain(recipe: Network, enc_hook: Callable[[object], object] | None = None) -> dict[str, object]:
    """A recipe as JSON values; one that does not recur says which it is."""
    plain: dict[str, object] = msgspec.to_builtins(recipe, enc_hook=enc_hook)
    return plain if isinstance(recipe, Recurrent) else {"recipe": key_of(recipe), **plain}


def _filled(recipe: R, hidden_size: int, num_layers: int) -> R:
    """Sizes that are left open."""
    return replace(
        recipe,
        hidden_size=int(recipe.hidden_size or hidden_size),
        num_layers=int(recipe.num_layers or num_layers),
    )


def _known_layers(recipe: "Transformer | Convolution") -> int:
    if recipe.num_layers is None:
        raise ArgumentError("`reach` goes by the number of layers, but `num_layers` is left to the task. Give it.")
    return recipe.num_layers


def from_plain(plain: Mapping[str, object]) -> Network:
    """The recipe that `to_plain` described.

    Raises:
        ArgumentError: a value that no recipe can have.
        msgspec.ValidationError: a recipe that there is not, or a value of another type.
    """
    fields = dict(plain)
    key = fields.pop("recipe", None)
    kind: type[Network] | None = Recurrent if key is None else _OTHERS.get(str(key))
    if kind is None:
        raise msgspec.ValidationError(f"there is no recipe {key!r}")
    recipe: Network = msgspec.convert(fields, kind)
    return recipe


def _multiple(size: int, of: int) -> int:
    """The least multiple that is not smaller."""
    return -(-size // of) * of
