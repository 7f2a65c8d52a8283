"""Sequences with a label for each step: sentences, arrays and tables."""

from dataclasses import replace
from typing import TYPE_CHECKING

from whorl.data.arrays import read_arrays
from whorl.data.labels import Labels
from whorl.data.lookahead import LateReader
from whorl.data.sentences import Sentence, SentenceColumns, read_sentences, tags_column
from whorl.data.word_reader import WordColumns, WordReader
from whorl.errors import DataError
from whorl.plans.wiring import Sequences, Wiring
from whorl.tasks.preparation.arrays import of_arrays
from whorl.tasks.preparation.prepared import Prepared, classified, held_out
from whorl.tasks.preparation.tables import of_table

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator


def of_tagged(estimator: "Estimator", wiring: Wiring, data: object) -> Prepared:
    """Prepares sentences, arrays or a table, for answers that come late where the pairing says so."""
    columns = estimator.columns()
    target = columns.target if isinstance(columns.target, str) else None
    where = SentenceColumns(text=columns.text, target=target, series=columns.series, table=columns.table)
    sentences = read_sentences(data, where)
    if sentences is not None:
        prepared = _of_sentences(estimator, sentences, where)
    else:
        arrays = read_arrays(data)
        prepared = of_table(estimator, wiring, data) if arrays is None else of_arrays(estimator, arrays)
    assert isinstance(wiring.pairing, Sequences)
    lookahead = wiring.pairing.lookahead
    if not lookahead:
        return prepared
    reader = LateReader(prepared.reader, lookahead)
    sequences = [reader.later(one) for one in prepared.sequences]
    cuts = [cut and len(one) for one, cut in zip(sequences, prepared.cuts, strict=True)]
    return replace(prepared, reader=reader, sequences=sequences, cuts=cuts)


def _of_sentences(estimator: "Estimator", given: list[Sentence], columns: SentenceColumns) -> Prepared:
    sentences = [one for one in given if one.words and one.tags is not None]
    if not sentences:
        raise DataError(
            "no sentence has tags, and without them nothing can be learned. Give (sentences, tags), or a file with a "
            "word and a tag on each line."
        )
    held = held_out(len(sentences), estimator.training.validation, estimator.training.seed)
    training = [one for n, one in enumerate(sentences) if n not in held]
    past = WordColumns().fit(training)
    reader = WordReader(columns=columns, past=past, outputs=Labels.fit([tags_column(training)]))
    sequences = reader.encode(sentences)
    cuts = [0 if n in held else len(one) for n, one in enumerate(sequences)]
    words = sum(map(len, sequences))
    notes = [
        f"sentences: {len(sentences)} with {words} words, of which {len(past.words.symbols)} different ones are known; "
        f"{len(past.characters.symbols)} characters"
    ]
    if len(sentences) < len(given):
        notes.append(f"left out: {len(given) - len(sentences)} sentences without words or tags")
    facts: dict[str, object] = {
        "origin": "sentences",
        "sequences": len(sentences),
        "past": [reader.word],
        "training_sequences": len(training),
        "validation_sequences": len(held),
    }
    return classified(estimator, Prepared(reader=reader, sequences=sequences, cuts=cuts, notes=notes, facts=facts))
