"""Which group each series belongs to, so that none is on both sides of a split."""

from collections.abc import Sequence as List

from whorl.codecs.frame import Frame
from whorl.data.convert import category_column
from whorl.data.sequences import named
from whorl.data.series import Series
from whorl.errors import DataError


def groups_of(series: List[Series], frame: Frame, group: str, key: str | None) -> list[str]:
    """The group of each series.

    Args:
        series: of the frame.
        frame: the table as it was read.
        group: the column of groups.
        key: the column that names the series of a row.

    Raises:
        DataError: a series has no group, or several.
    """
    cells = category_column(frame, group).tolist()
    keys = [""] * len(frame) if key is None else category_column(frame, key).tolist()
    found: dict[object, set[object]] = {}
    for own, cell in zip(keys, cells, strict=True):
        found.setdefault(own, set()).add(cell)
    groups = []
    for one in series:
        of_series = found[one.key]
        if len(of_series) != 1 or None in of_series:
            said = ", ".join(repr(cell) for cell in sorted(map(str, of_series))[:3])
            raise DataError(
                f"{frame.origin}: column `{group}` must hold one group for each series, but {named(one.key)} has "
                f"{said}. Correct it, or leave `group` out."
            )
        groups.append(str(*of_series))
    return groups
