"""Pictures, videos or features, and the texts about each of them."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from whorl.codecs.text import TextCodec
from whorl.data.caption_reader import fit_captions
from whorl.data.described import Where, files_described
from whorl.data.media import mediums
from whorl.errors import DataError
from whorl.plans.names import names
from whorl.plans.wiring import EncoderDecoder, Wiring
from whorl.tasks.preparation.media import groups_of, with_groups
from whorl.tasks.preparation.pairs import num_filled
from whorl.tasks.preparation.prepared import Prepared, held_out

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator


def of_captions(estimator: "Estimator", wiring: Wiring, data: object) -> Prepared:
    """Prepares sources and their texts; a source is held out with all of its texts, and with its group."""
    columns, shape = estimator.columns(), wiring.shape
    assert isinstance(shape, EncoderDecoder)
    assert columns.media is not None
    medium = mediums.get(wiring.inputs)
    where = Where(medium, columns.text or columns.media.column, names(columns.target), columns.table)
    sources, files = files_described(data, where._replace(table=with_groups(columns.table, columns.media.group)))
    if len(sources) < 2:
        raise DataError(
            f"of {medium.plural} there is one, and none is left for validation. Bring more, each with its texts."
        )
    groups = None if columns.media.group is None else groups_of(files, columns.media.group)
    held = held_out(len(sources), estimator.training.validation, estimator.training.seed, groups=groups)
    reader = fit_captions(
        [one for n, one in enumerate(sources) if n not in held],
        where=where,
        plan=columns.media,
        text=TextCodec(**asdict(columns.tokens), begin=True, end=True),
        longest=shape.longest,
        ordered=shape.ordered,
    )
    sequences = reader.encode(sources)
    numbers = [n for n, one in enumerate(sources) for _ in one.texts]
    cuts = [0 if n in held else len(one) for n, one in zip(numbers, sequences, strict=True)]
    reader.remember([one for one, cut in zip(sequences, cuts, strict=True) if cut])
    notes = [
        f"{len(sources)} {medium.plural} with {len(sequences)} texts; a step is {reader.source_spec.width} numbers, "
        f"{len(reader.classes)} {columns.tokens.unit}s are known"
    ]
    cut = num_filled(sequences, shape.longest)
    if cut:
        notes.append(f"{cut} texts or their sources are as long as may be, {shape.longest} steps, or were cut there")
    own = [str(n) for n in range(len(sources))] if groups is None else groups
    facts: dict[str, object] = {
        "origin": str(data) if isinstance(data, str) else medium.plural,
        "sequences": len(sources),
        "past": [reader.columns[0]],
        "targets": list(reader.names),
        "training_sequences": len(sources) - len(held),
        "validation_sequences": len(held),
    }
    groups = [own[n] for n in numbers]
    return Prepared(reader=reader, sequences=sequences, cuts=cuts, notes=notes, facts=facts, groups=groups)
