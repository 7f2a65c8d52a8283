"""Tables with a whole sequence in each row, whose numbered columns are its steps, as arrays."""

import re
from collections.abc import Sequence as List
from dataclasses import asdict

import msgspec
import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.arrays import Arrays
from whorl.data.convert import numeric_column
from whorl.data.label_columns import with_labels
from whorl.data.parts import table_of
from whorl.data.problems import from_folder, name_rows, refuse
from whorl.data.sources import read_table
from whorl.errors import DataError, ModelFileError
from whorl.plans.table import Table

# Fewer columns that count on, such as x1 to x3, may well be what is measured at one step.
_FEWEST = 8
_NUMBERED = re.compile(r"(.*?)(\d+)", re.ASCII | re.DOTALL)


class WideTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a table has the steps of the sequence of a row, and what is answered of it.

    Args:
        steps: their columns, in order.
        targets: columns of what is answered, or of a label that says which rows are anomalies.
        table: how files are read, as plain data.
    """

    steps: tuple[str, ...]
    targets: tuple[str, ...]
    table: dict[str, object]

    def describe(self) -> str:
        """A line that tells it."""
        first, last = self.steps[0], self.steps[-1]
        return f"each row is a sequence: its {len(self.steps)} steps are the columns '{first}' to '{last}'"

    def check(self, num_targets: int | None) -> None:
        """Raises ModelFileError where this is not what a fit writes.

        Args:
            num_targets: how many numbers or labels are answered; None where the sequences themselves are judged.
        """
        table_of(self.table)
        if len(self.steps) < _FEWEST or (num_targets is not None and len(self.targets) != num_targets):
            raise ModelFileError(
                f"the reader of the model file has a table of {len(self.steps)} steps and {len(self.targets)} targets, "
                "which no fit gives. Save the model again."
            )


def wide_of(frame: Frame, targets: List[str], table: Table) -> WideTable | None:
    """Where a table has what, if all of its columns but the targets are numbered; None where they are not.

    Names are numbered that differ by a number at the end alone, which counts on from column to column: t0, t1, ...
    """
    left_out = {*targets, *(name for name, kind in table.kinds.items() if kind == "ignore")}
    if from_folder(frame):
        left_out.add("file")
    steps = tuple(name for name in frame.columns if name not in left_out)
    return WideTable(steps=steps, targets=tuple(targets), table=asdict(table)) if _are_numbered(steps) else None


def read_wide(
    source: object, targets: List[str], table: Table, *, labels: bool = False
) -> tuple[WideTable, Arrays] | None:
    """Reads a table for training where its columns are numbered, as `wide_of` says; None where they are not.

    Args:
        source: what `read_table` takes.
        targets: columns of what is answered.
        table: how it is read.
        labels: the target, if it is one, is a label.
    """
    frame = read_table(source, table)
    wide = wide_of(frame, targets, table)
    if wide is None:
        return None
    if labels and len(targets) == 1:
        frame, table = with_labels(frame, targets[0], table, source, lambda other: read_table(source, other))
        wide = msgspec.structs.replace(wide, table=asdict(table))
    return wide, wide_arrays(frame, wide, targets=True)


def _are_numbered(names: List[str]) -> bool:
    found = [_NUMBERED.fullmatch(name) for name in names]
    if len(found) < _FEWEST or None in found:
        return False
    parts = [match.groups() for match in found if match is not None]
    numbers = [int(number) for _, number in parts]
    return len({stem for stem, _ in parts}) == 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def wide_arrays(source: object, wide: WideTable, *, targets: bool = False) -> Arrays:
    """The sequences of the rows of a table, (N, T, 1); values that are missing at the end are no part of one.

    Args:
        source: what `read_table` takes.
        wide: where it has what.
        targets: an error where the columns of the targets are not there.

    Raises:
        DataError: naming file, row and column.
    """
    table = table_of(wide.table)
    frame = read_table(source, table)
    x_NT = np.stack([numeric_column(frame, name, table, refuse) for name in wide.steps], axis=1)
    lengths = x_NT.shape[1] - np.argmax(np.isfinite(x_NT[:, ::-1]), axis=1)
    empty = np.flatnonzero(~np.isfinite(x_NT).any(axis=1))
    if len(empty):
        raise DataError(
            f"{frame.origin}: each row is a sequence, but {name_rows(frame, empty)} "
            f"{'has' if len(empty) == 1 else 'have'} no value. Remove these rows."
        )
    y = _targets(frame, wide.targets, targets)
    if (lengths == x_NT.shape[1]).all():
        return Arrays(x_NT[:, :, None], y, frame.origin)
    return Arrays([row[:length, None] for row, length in zip(x_NT, lengths, strict=True)], y, frame.origin)


def _targets(frame: Frame, names: List[str], needed: bool) -> np.ndarray | None:
    if not names or not (needed or all(name in frame.columns for name in names)):
        return None
    if len(names) == 1:
        return frame[names[0]]
    return np.stack([numeric_column(frame, name, Table(), refuse) for name in names], axis=1)
