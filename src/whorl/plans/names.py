"""What a user calls a column by."""

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
