"""What a user calls columns by."""

from collections.abc import Sequence

from whorl.errors import ArgumentError


def check_column(role: str, value: object, *, optional: bool = True) -> None:
    """Raises ArgumentError unless a column is named by text, or, where that is `optional`, by nobody.

    Columns that have numbers for names are called by them as text, '3', in every table.
    """
    if isinstance(value, str) or (optional and value is None):
        return
    nobody = ", or None" if optional else ""
    raise ArgumentError(
        f"`{role}` is the name of a column, as text{nobody}, but is {value!r:.60}. Write the name as text."
    )


def names(given: object, role: str = "target") -> tuple[str, ...]:
    """Names of columns in a role; a lone one may stand without a list around it."""
    listed = (given,) if isinstance(given, str) else given
    if not isinstance(listed, Sequence) or not all(isinstance(name, str) for name in listed):
        raise ArgumentError(
            f"`{role}`: a column is named by text, and several by a list of texts, but {given!r:.60} came. Write names "
            "as text."
        )
    return tuple(listed)
