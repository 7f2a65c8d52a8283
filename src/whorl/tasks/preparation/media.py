"""Files of sound, pictures or videos, one an example."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from whorl.data.convert import category_column
from whorl.data.indicators import Indicators
from whorl.data.label_columns import with_labels
from whorl.data.media import Files, files_of, mediums, told_by_table
from whorl.data.media_check import unread
from whorl.data.media_reader import fit_media
from whorl.data.text_reader import LABEL
from whorl.errors import ArgumentError, DataError
from whorl.plans.table import Table
from whorl.plans.wiring import Wiring
from whorl.tasks.preparation.prepared import Prepared, answers_labels, answers_several, classified, held_out

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator


def of_media(estimator: "Estimator", wiring: Wiring, data: object) -> Prepared:
    """Prepares a folder, a table or a list of files."""
    columns = estimator.columns()
    plan = columns.media
    assert plan is not None
    targets = (columns.target or LABEL,) if isinstance(columns.target, str | None) else columns.target
    table = with_groups(columns.table, plan.group)
    medium = mediums.get(wiring.inputs)
    told = told_by_table(data, medium, table)

    def read(table: Table) -> Files:
        table = with_groups(table, plan.group)
        return files_of(told, medium, column=plan.column, targets=targets, table=table)

    files, own = read(columns.table), columns.table
    several = answers_several(wiring)
    if answers_labels(wiring) and not several:
        frame, own = with_labels(files.frame, targets[0], own, told, lambda other: read(other).frame)
        files = replace(files, frame=frame)
    if several:
        files = replace(files, frame=Indicators(targets).checked(files.frame))
    for name in targets:
        files.frame[name]
    labels = files.frame[targets[0]].tolist() if answers_labels(wiring) and not several else None
    groups = None if plan.group is None else groups_of(files, plan.group)
    held = held_out(len(files), estimator.training.validation, estimator.training.seed, labels, groups)
    training = [n for n in range(len(files)) if n not in held]
    reader = fit_media(
        files,
        training,
        plan=plan,
        targets=targets,
        table=own,
        labels=answers_labels(wiring),
    )
    sequences = reader.encode(files)
    cuts = [0 if n in held else len(sequence) for n, sequence in enumerate(sequences)]
    used = {files.column, *targets, plan.group}
    ignored = [name for name in files.frame.columns if name not in used]
    named = "" if files.column is None else f", named by the column {files.column}"
    notes = [f"{len(files)} {reader.medium.plural}{named}; a step is {reader.past.spec.width} numbers"]
    notes += [f"not read: {', '.join(left)}" for left in (ignored, unread(told, files, medium)) if left]
    facts: dict[str, object] = {
        "origin": files.frame.origin,
        "sequences": len(files),
        "past": [files.column or reader.medium.plural],
        "features": reader.past.spec.width,
        "training_sequences": len(training),
        "validation_sequences": len(held),
    }
    prepared = Prepared(reader=reader, sequences=sequences, cuts=cuts, notes=notes, facts=facts, groups=groups)
    return classified(estimator, prepared) if answers_labels(wiring) else prepared


def with_groups(table: Table, group: str | None) -> Table:
    """How a table is read where a column of it says which files belong together: its cells are names."""
    return table if group is None else replace(table, kinds={group: "category", **table.kinds})


def groups_of(files: Files, group: str) -> list[str]:
    """Which group each file belongs to: by a column of its table, or by what a pattern finds in its name.

    Raises:
        DataError: a file has no group, or the group is neither a column nor a pattern.
    """
    if group in files.frame.columns:
        cells = category_column(files.frame, group).tolist()
        if None in cells:
            at = cells.index(None)
            raise DataError(
                f"{files.frame.origin}: column `{group}`, row {files.frame.rows[at]}: each file belongs to a group, "
                "but none is named. Fill it in."
            )
        return [str(cell) for cell in cells]
    try:
        pattern = re.compile(group)
    except re.error as error:
        raise ArgumentError(f"`group` is a column, or a regular expression, but is {group!r}: {error}.") from None
    if pattern.groups != 1:
        if files.column is not None:
            files.frame[group]  # which says what columns there are
        raise ArgumentError(
            f"`group` finds a part of a file's name by one pair of parentheses, but {group!r} has {pattern.groups}. "
            r"Write r'_(\w+)_', say."
        )
    matches = [pattern.search(name) for name in files.names]
    found = [None if match is None else match[1] for match in matches]
    if None in found:
        raise DataError(
            f"`group` is {group!r}, but the name of '{files.names[found.index(None)]}' has no such part. Correct the "
            "pattern, or the name."
        )
    return [one for one in found if one is not None]
