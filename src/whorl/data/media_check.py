"""What is wrong with files of sound, pictures, videos or features, and what they are like."""

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from whorl.codecs.sound import Sound
from whorl.data.media import Files, Medium, files_of, mediums, told_by_table
from whorl.data.problems import Problem, plural
from whorl.data.sources import TABLE_SUFFIXES
from whorl.data.text_files import PLAIN_SUFFIXES, files_below
from whorl.data.text_reader import LABEL
from whorl.errors import WhorlError
from whorl.plans.media import Video
from whorl.plans.table import Table

# Files that are named one by one; labels and sizes that are told.
_NAMED, _TOLD = 20, 5
# How names of files end that are about others.
_ABOUT = ("", ".json", ".md", *PLAIN_SUFFIXES, *TABLE_SUFFIXES)
# A video is looked at in a size that takes no memory.
_SMALL = 16


def check_files(
    source: object, word: str, targets: tuple[str, ...], table: Table
) -> tuple[list[Problem], Files | None]:
    """Opens every file, and says what all are like.

    Args:
        source: what `files_of` reads.
        word: of the medium.
        targets: columns of what is answered; none takes the labels of folders.
        table: how a table is read.

    Returns:
        The problems, and the files; None where there are none to speak of.
    """
    medium = mediums.get(word)
    try:
        source = told_by_table(source, medium, table)
        files = files_of(source, medium, column=None, targets=targets or (LABEL,), table=table)
        for name in targets:
            files.frame[name]
    except WhorlError as error:
        return [Problem(severity="error", message=str(error))], None
    errors: list[Problem] = []
    found: dict[str, list[object]] = defaultdict(list)
    same: dict[bytes, list[str]] = defaultdict(list)
    for name, cell in zip(files.names, files.cells, strict=True):
        try:
            for what, value in _measured(medium, word, cell).items():
                found[what].append(value)
        except WhorlError as error:
            errors.append(Problem(severity="error", message=str(error), column=files.column))
            continue
        if isinstance(cell, Path):
            with cell.open("rb") as file:
                same[hashlib.file_digest(file, "sha256").digest()].append(name)
    if len(errors) > _NAMED:
        more = f"{files.frame.origin}: {len(errors) - _NAMED} more {medium.plural} cannot be read."
        errors = [*errors[:_NAMED], Problem(severity="error", message=more)]
    twice = [names for names in same.values() if len(set(names)) > 1]
    others = [
        Problem(
            severity="warning",
            message=f"{files.frame.origin}: not read: {told}. Convert what belongs to the {medium.plural}.",
        )
        for told in unread(source, files, medium)
    ]
    return [*errors, *others, *_alike(twice, files, medium), _summary(files, medium, found)], files


def unread(source: object, files: Files, medium: Medium) -> list[str]:
    """What files of other formats lie in the subfolders of labels: how many in which, and how their names end.

    Tables, texts and JSON are about the others, and nothing is said of them.
    """
    if files.column is not None or not isinstance(source, str | os.PathLike) or not Path(source).is_dir():
        return []
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for path in files_below(source):
        inside, suffix = path.relative_to(source), path.suffix.lower()
        if len(inside.parts) > 1 and suffix not in _ABOUT and not medium.is_file(path):
            found[inside.parts[0]][suffix] += 1
    return [
        f"{plural(counts.total(), 'file')} in {name}/ ({', '.join(sorted(counts))})"
        for name, counts in sorted(found.items())
    ]


def _measured(medium: Medium, word: str, cell: object) -> Mapping[str, object]:
    """What a file is like: name of a trait -> a number, or words."""
    value = medium.open(cell, Video(height=_SMALL, width=_SMALL) if word == "video" else medium.plan())
    match word:
        case "audio" if isinstance(value, Sound):
            return {"seconds": len(value.samples) / value.rate_hz, "samples a second": f"{value.rate_hz:,}"}
        case "image":
            return {"pixels": f"{np.shape(value)[1]} x {np.shape(value)[0]}"}
        case "video":
            return {"frames": len(value)}
        case "features":
            return {"shape": " x ".join(map(str, np.shape(value)))}
        case _:
            return {}


def _summary(files: Files, medium: Medium, found: Mapping[str, Sequence[object]]) -> Problem:
    """What all files are like, in one note."""
    parts = [f"{len(files)} {medium.plural}"]
    for what, values in found.items():
        if isinstance(values[0], str):
            often = Counter(map(str, values))
            parts.append(f"{what}: {_often(often) if len(often) > 1 else values[0]}")
        else:
            numbers = np.array(values, np.float64)
            parts.append(f"{what}: {numbers.min():.4g} to {numbers.max():.4g}, {np.median(numbers):.4g} (median)")
    if LABEL in files.frame.columns:
        labels = Counter(str(label) for label in files.frame[LABEL].tolist() if label is not None)
        parts.append(f"labels: {_often(labels)}")
    return Problem(severity="note", message=f"{files.frame.origin}: {'; '.join(parts)}.")


def _often(counts: Counter[str]) -> str:
    """The most frequent values with how often they come, and how many more there are."""
    told = ", ".join(f"{value} ({count})" for value, count in counts.most_common(_TOLD))
    return told + (f" and {len(counts) - _TOLD} more" if len(counts) > _TOLD else "")


def _alike(twice: Sequence[Sequence[str]], files: Files, medium: Medium) -> list[Problem]:
    """Files with the same bytes, which may stand on both sides of a split."""
    if not twice:
        return []
    some = " and ".join(map(repr, twice[0][:2]))
    message = (
        f"{files.frame.origin}: {plural(len(twice), 'group')} of {medium.plural} have the same bytes, such as {some}, "
        "so that what is held out may have been learned. Leave copies out."
    )
    return [Problem(severity="warning", message=message, column=files.column)]
