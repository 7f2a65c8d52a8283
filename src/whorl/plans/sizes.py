"""What numbers of a recipe may be."""

from numbers import Integral

from whorl.errors import ArgumentError


def check_sizes(recipe: object, *names: str) -> None:
    """Raises ArgumentError unless sizes are whole and at least one; what a task may choose can be None."""
    for name in ("hidden_size", "num_layers"):
        if getattr(recipe, name) is not None:
            _at_least_one(name, getattr(recipe, name))
    for name in (*names, "members"):
        _at_least_one(name, getattr(recipe, name))


def check_probability(name: str, value: object) -> None:
    """Raises ArgumentError unless a setting is a probability less than one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value < 1.0:
        raise ArgumentError(f"`{name}` is a probability in [0, 1), but is {value!r}. Use 0 to switch it off.")


def _at_least_one(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ArgumentError(f"`{name}` is a whole number >= 1, but is {value!r}. Raise it.")
