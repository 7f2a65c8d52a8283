"""How a column of labels, or of items, is read: as numbers where nothing is lost by it, else as text."""

import os
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.cells import LARGEST_COUNT, are_numbers
from whorl.data.columns import guess_kind
from whorl.plans.table import Table


def with_labels(
    frame: Frame, name: str, table: Table, source: object, read: Callable[[Table], Frame]
) -> tuple[Frame, Table]:
    """A table whose column of labels is as it was given, and how others like it are to be read.

    Text stays text, and so do cells of a file that are not all numbers or would not come back from them: '01', or '1.1'
    beside '1.10'. What `table.kinds` says of the column holds.

    Args:
        frame: the table as it was read.
        name: of the column.
        table: how it was read.
        source: what it was read from.
        read: reads it again in another way.
    """
    if name in table.kinds or name not in frame.columns:
        return frame, table
    column = frame[name]
    as_text = replace(table, kinds={name: "category", **table.kinds})
    if column.dtype.kind == "O":
        kind = guess_kind(column)
        # Times are refused as labels, and who reads text as missing means numbers.
        return frame, table if kind == "time" or (kind == "numeric" and table.on_text == "missing") else as_text
    large = column.dtype.kind == "f" and bool((np.abs(column) >= LARGEST_COUNT).any())
    if large or (column.dtype.kind == "f" and isinstance(source, str | os.PathLike)):
        spelled = read(as_text)
        if not are_numbers(spelled[name].tolist()):
            return spelled, as_text
    return frame, table
