"""What numbers of a recipe may be."""

from collections.abc import Iterable
from numbers import Integral, Real

from whorl.errors import ArgumentError

# Numbers of a layer, steps of a kernel, and steps that are looked back at: more than any network has that is trained.
# What is far beyond them would end as memory that nobody has.
MOST_WIDTH, MOST_KERNEL, MOST_WINDOW = 1 << 16, 1 << 10, 1 << 20
# What a recipe may have most of each.
_MOST = {
    "hidden_size": MOST_WIDTH,
    "num_layers": 1 << 10,
    "num_heads": 1 << 10,
    "window": MOST_WINDOW,
    "kernel_size": MOST_KERNEL,
    "side": 1 << 12,
    "members": 1 << 10,
}


def check_sizes(recipe: object, *names: str) -> None:
    """Raises ArgumentError unless sizes are whole, from one to what can be; what a task may choose can be None."""
    for name in ("hidden_size", "num_layers"):
        if getattr(recipe, name) is not None:
            _check(name, getattr(recipe, name))
    for name in (*names, "members"):
        _check(name, getattr(recipe, name))


def check_probability(name: str, value: object) -> None:
    """Raises ArgumentError unless a setting is a probability less than one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value < 1.0:
        raise ArgumentError(f"`{name}` is a probability in [0, 1), but is {value!r}. Use 0 to switch it off.")


def check_most(name: str, value: int, most: int) -> None:
    """Raises ArgumentError for a size beyond what there can be."""
    if value > most:
        raise ArgumentError(f"`{name}` is at most {most}, but is {value}. Lower it.")


def is_level(value: object) -> bool:
    """Whether something is the level of a quantile: a number, no array of them, within (0, 1)."""
    return isinstance(value, Real) and 0.0 < float(value) < 1.0


def check_levels(given: object) -> None:
    """Raises ArgumentError unless these are the levels of some quantiles."""
    levels: list[float] = list(given) if isinstance(given, Iterable) else [float("nan")]
    if not all(map(is_level, levels)) or levels != sorted(set(levels)):
        raise ArgumentError(
            f"`quantiles` are ascending levels within (0, 1), but are {given!r:.80}. Use (0.1, 0.9), say, or () for "
            "none."
        )


def _check(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ArgumentError(f"`{name}` is a whole number >= 1, but is {value!r}. Raise it.")
    check_most(name, int(value), _MOST[name])


def check_flag(name: str, value: object) -> None:
    """Raises ArgumentError unless a setting is True or False."""
    if not isinstance(value, bool):
        raise ArgumentError(f"`{name}` is True or False, but is {value!r}. Change it.")
