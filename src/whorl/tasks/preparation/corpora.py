"""Running text: files, folders, tables and lists of documents."""

from collections.abc import Sequence as List
from dataclasses import asdict
from typing import TYPE_CHECKING, Protocol

from whorl.codecs.text import TextCodec
from whorl.data.corpus_reader import fit_corpus
from whorl.data.documents import documents
from whorl.errors import SplitError
from whorl.tasks.preparation.prepared import Prepared

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

# From so many documents on the last ones are held out whole; of fewer, the last part of each.
_MANY = 20


def of_corpus(estimator: "Estimator", data: object) -> Prepared:
    """Prepares running text."""
    columns = estimator.columns()
    assert columns.text is not None
    condition = columns.static[0] if columns.static else None
    found, frame = documents(data, columns.text, condition, columns.table)
    cuts = cuts_of(found, estimator.training.validation, "characters")
    codec = TextCodec(**asdict(columns.tokens), begin=True)
    reader = fit_corpus(found, frame, cuts, column=columns.text, condition=condition, codec=codec, table=columns.table)
    sequences, marks = reader.encode(found, frame, cuts)
    total, training = sum(map(len, sequences)), sum(marks)
    unit = columns.tokens.unit
    notes = [f"text: {len(found)} documents, cut into {unit}s, {len(codec.vocabulary)} of them known"]
    notes += [f"beside it: {condition}"] if condition is not None else []
    notes += [f"tokens: {training:,} to learn from, {total - training:,} held out"]
    facts: dict[str, object] = {
        "origin": getattr(frame, "origin", str(data)) if frame is not None else str(data),
        "documents": len(found),
        "tokens": total,
        "training_tokens": training,
        "unit": unit,
        "vocabulary": len(codec.vocabulary),
    }
    return Prepared(reader=reader, sequences=sequences, cuts=marks, notes=notes, facts=facts)


class _Long(Protocol):
    @property
    def name(self) -> str: ...

    def length(self) -> int: ...


def cuts_of(found: List[_Long], validation: float | int, unit: str) -> list[int | None]:
    """For each document the number of its units, such as characters, that are trained on; None is all of them.

    Of many documents the last ones are held out whole, and `validation` counts them; of few the last part of each is,
    and it counts units.
    """
    whole = isinstance(validation, int)
    if len(found) >= _MANY:
        held = int(validation) if whole else max(1, round(len(found) * validation))
        if held >= len(found):
            raise SplitError(f"`validation` is {validation}, but there are {len(found)} documents. Lower it.")
        return [None] * (len(found) - held) + [0] * held
    cuts: list[int | None] = []
    for document in found:
        length = document.length()
        held = int(validation) if whole else max(1, round(length * validation))
        if held >= length > 0:
            raise SplitError(
                f"`validation` is {validation}, but '{document.name}' has {length} {unit}. Lower it, or bring more."
            )
        cuts.append(length - held if length else None)
    return cuts
