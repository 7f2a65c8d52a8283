"""From a user's data to encoded sequences with a training and a validation part, for whatever wiring."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from whorl.codecs.array import ArrayCodec
from whorl.codecs.frame import Frame
from whorl.codecs.text import TextCodec
from whorl.data.array_reader import ArrayReader, labels_of, truths
from whorl.data.arrays import ARRAYS, SERIES, Arrays, read_arrays, series_frame
from whorl.data.labels import Labels
from whorl.data.reader import Reader
from whorl.data.schema import infer_schema
from whorl.data.sequences import Sequence, named
from whorl.data.series import Series, read_series
from whorl.data.sources import read_table
from whorl.data.splits import held_out
from whorl.data.table_reader import TableReader, fit_table
from whorl.data.text_reader import LABEL, fit_texts, text_frame
from whorl.errors import DataError
from whorl.plans.wiring import Categorical, Sequences, Strips, Windows, Wiring

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

# Classes that are told one by one.
_MOST_TOLD = 12


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Encoded data, split.

    Args:
        reader: fitted on training rows only.
        sequences: all of them, whole.
        cuts: for each sequence its first row of the validation part; its length where it has none, 0 where it is all
            validation.
        notes: what was guessed, in sentences.
        facts: for the model card.
    """

    reader: Reader
    sequences: list[Sequence]
    cuts: list[int]
    notes: list[str] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def training(self) -> list[Sequence]:
        """Sequences with training rows."""
        return [sequence for sequence, cut in zip(self.sequences, self.cuts, strict=True) if cut]

    @property
    def validation(self) -> list[Sequence]:
        """Sequences with validation rows."""
        return [one for one, cut in zip(self.sequences, self.cuts, strict=True) if cut < len(one)]


def prepare(estimator: "Estimator", data: object) -> Prepared:
    """Reads, splits and encodes; statistics come from training rows alone."""
    wiring = estimator.wiring()
    if estimator.columns().text is not None:
        return _texts(estimator, wiring, data)
    if isinstance(wiring.pairing, Sequences):
        arrays = read_arrays(data, labelled=_answers_labels(wiring) and estimator.columns().target is None)
        return _table(estimator, wiring, data) if arrays is None else _arrays(estimator, arrays)
    frame = series_frame(data)
    return _table(estimator, wiring, data if frame is None else frame)


def _table(estimator: "Estimator", wiring: Wiring, data: object) -> Prepared:
    columns = estimator.columns()
    table, key = columns.table, columns.series
    if key is None and isinstance(data, Frame) and SERIES in data.columns and data.origin == ARRAYS:
        key = SERIES
    if key is not None:
        # Keys are names, not numbers: '007' and '7' are two series.
        table = replace(table, kinds={key: "category", **table.kinds})
    frame = read_table(data, table)
    schema = infer_schema(
        frame,
        target=columns.target,
        time=columns.time,
        series=key,
        known=columns.known,
        static=columns.static,
        table=table,
        labels=_answers_labels(wiring),
    )
    series = read_series(frame, schema, table)
    whole = isinstance(wiring.pairing, Sequences)
    last = [one.frame[schema.targets[0]][-1] for one in series] if _answers_labels(wiring) else None
    validation, seed = estimator.training.validation, estimator.training.seed
    if whole:
        held = _held_out(len(series), validation, seed, last)
        cuts = [0 if n in held else len(one.frame) for n, one in enumerate(series)]
    else:
        cuts = [_cut(one, wiring, validation) for one in series]
        if all(cut == len(one.frame) for one, cut in zip(series, cuts, strict=True)):
            raise _too_short(series, wiring, validation)
    reader = fit_table(
        series,
        cuts,
        schema=schema,
        table=table,
        horizon=0 if whole else wiring.pairing.horizon,  # type: ignore[union-attr]
        per_sequence=whole,
        calendar=columns.calendar,
        labels=_answers_labels(wiring),
    )
    sequences = [reader.encode(one) for one in series]
    _check_known(sequences, cuts, schema.targets)
    facts: dict[str, object] = {
        "origin": frame.origin,
        "rows": len(frame),
        "series": len(series),
        "step": series[0].step.describe(),
        "targets": list(schema.targets),
        "past": list(schema.past),
        "known": list(schema.known),
        "static": list(schema.static),
        "training_rows": int(sum(cuts)),
        "validation_rows": int(sum(len(one) for one in sequences) - sum(cuts)),
    }
    notes = [*schema.describe(), *(note for one in series for note in reader.past.report(one.frame))]
    if _answers_labels(wiring):
        return _classified(estimator, Prepared(reader=reader, sequences=sequences, cuts=cuts, notes=notes, facts=facts))
    return Prepared(reader=reader, sequences=_weighted(sequences, cuts, reader), cuts=cuts, notes=notes, facts=facts)


def _texts(estimator: "Estimator", wiring: Wiring, data: object) -> Prepared:
    columns = estimator.columns()
    assert columns.text is not None
    kinds = {columns.text: "category", **columns.table.kinds}
    target = columns.target if isinstance(columns.target, str) else LABEL
    frame = text_frame(data, columns.text, target, columns.table)
    frame[columns.text]
    schema = infer_schema(
        frame,
        target=target,
        table=replace(columns.table, kinds=kinds),
        labels=_answers_labels(wiring),
    )
    beside = [name for name in schema.past if name != columns.text]
    labels = frame[target].tolist() if _answers_labels(wiring) else None
    held = _held_out(len(frame), estimator.training.validation, estimator.training.seed, labels)
    training = [n for n in range(len(frame)) if n not in held]
    reader = fit_texts(
        frame,
        training,
        column=columns.text,
        target=target,
        beside=(schema.of_kind("numeric", beside), schema.of_kind("category", beside)),
        codec=TextCodec(**asdict(columns.tokens), end=True),
        table=columns.table,
        labels=_answers_labels(wiring),
    )
    sequences = reader.encode(frame)
    cuts = [0 if n in held else len(sequence) for n, sequence in enumerate(sequences)]
    notes = [f"text: {columns.text}, cut into {columns.tokens.unit}s, {len(reader.past.text.vocabulary)} are known"]
    notes += [f"beside it: {', '.join(beside)}"] if beside else []
    notes += [f"ignored: {name}, {reason}" for name, reason in schema.ignored.items() if name != columns.text]
    facts: dict[str, object] = {
        "origin": frame.origin,
        "sequences": len(frame),
        "past": [columns.text, *beside],
        "training_sequences": len(training),
        "validation_sequences": len(held),
    }
    prepared = Prepared(reader=reader, sequences=sequences, cuts=cuts, notes=notes, facts=facts)
    return _classified(estimator, prepared) if _answers_labels(wiring) else prepared


def _check_known(sequences: list[Sequence], cuts: list[int], names: tuple[str, ...]) -> None:
    """Both parts need truths: without any there is nothing to learn from, or nothing to stop by."""
    for part, taken in (("training", slice(None, 1)), ("validation", slice(1, 2))):
        known = False
        for one, cut in zip(sequences, cuts, strict=True):
            rows = one.row_targets if one.row_targets.ndim == 2 else np.repeat(one.row_targets[None], len(one), axis=0)
            known = known or any(bool(np.isfinite(half).any()) for half in (rows[:cut], rows[cut:])[taken])
        if not known:
            raise DataError(
                f"column `{', '.join(names)}` has no value in the {part} part, so nothing can be learned or scored "
                "there. Bring rows with values, or change `validation`."
            )


def _cut(series: Series, wiring: Wiring, validation: float | int) -> int:
    """First row of the validation part: its targets end at the last row; all rows where there are too few for both."""
    pairing = wiring.pairing
    assert isinstance(pairing, Windows | Strips)
    context = pairing.context if isinstance(pairing, Windows) else pairing.warm_up
    num_rows, need = len(series.frame), context + pairing.horizon
    if num_rows < need:
        raise DataError(
            f"`context` is {context} and `horizon` {pairing.horizon}, but {named(series.key)} has only {num_rows} "
            f"rows ({need} are needed). Lower `context` or drop the series."
        )
    wanted = validation if isinstance(validation, int) else max(pairing.horizon, round(validation * num_rows))
    if wanted < pairing.horizon:
        raise DataError(
            f"`validation` is {wanted} rows, but must hold at least one horizon of {pairing.horizon}. Raise it."
        )
    return num_rows - wanted if num_rows - wanted >= need else num_rows


def _too_short(series: list[Series], wiring: Wiring, validation: float | int) -> DataError:
    longest = max(len(one.frame) for one in series)
    return DataError(
        f"`context` and `horizon` ({wiring.pairing}) with a validation part ({validation}) need more rows than the "
        f"longest series has ({longest}). Lower `context`, `horizon` or `validation`, or bring more rows."
    )


def _held_out(count: int, validation: float | int, seed: int, labels: Iterable[object] | None = None) -> set[int]:
    """Numbers of the sequences that are held out, drawn by the seed: whole sequences have no order in time."""
    return set(held_out(count, validation, seed, labels=labels).tolist())


def _answers_labels(wiring: Wiring) -> bool:
    return isinstance(wiring.head, Categorical)


def _classified(estimator: "Estimator", prepared: Prepared) -> Prepared:
    """Says what classes there are, and weighs them alike where that is asked for."""
    classes = prepared.reader.classes
    numbers = np.array([one.row_targets[0] for one in prepared.sequences], np.float64)
    known = numbers[np.isfinite(numbers)].astype(np.int64)
    counts = np.bincount(known, minlength=len(classes))
    told = ", ".join(f"{label} ({count})" for label, count in list(zip(classes, counts, strict=True))[:_MOST_TOLD])
    more = f" and {len(classes) - _MOST_TOLD} more" if len(classes) > _MOST_TOLD else ""
    notes = [*prepared.notes, f"classes: {told}{more}"]
    if len(known) < len(numbers):
        notes.append(
            f"{len(numbers) - len(known)} of {len(numbers)} labels are missing, or training has none of their class; "
            "nothing is learned from them"
        )
    facts = {**prepared.facts, "classes": [str(label) for label in classes.tolist()], "counts": counts.tolist()}
    sequences = prepared.sequences
    if getattr(estimator, "class_weight", "none") == "balanced":
        weights = len(known) / (len(classes) * np.maximum(counts, 1))
        sequences = [
            replace(one, weight=float(weights[int(number)])) if np.isfinite(number) else one
            for one, number in zip(sequences, numbers, strict=True)
        ]
    return replace(prepared, sequences=sequences, notes=notes, facts=facts)


def _weighted(sequences: list[Sequence], cuts: list[int], reader: TableReader) -> list[Sequence]:
    """Weights series of different sizes alike: by one over the spread of their targets in the training rows."""
    if len(sequences) == 1 or reader.per_sequence:
        return sequences
    spreads = []
    for sequence, cut in zip(sequences, cuts, strict=True):
        rows = sequence.row_targets[: max(cut, 1)]
        spread = np.nanstd(rows) if np.isfinite(rows).any() else 1.0
        spreads.append(max(float(spread), 1e-3))
    mean = np.mean([1.0 / spread for spread in spreads])
    return [replace(one, weight=float(1.0 / spread / mean)) for one, spread in zip(sequences, spreads, strict=True)]


def _arrays(estimator: "Estimator", arrays: Arrays) -> Prepared:
    if arrays.y is None:
        raise DataError("`y` must be given: pass (X, y), or an .npz file with X and y.")
    if _answers_labels(estimator.wiring()):
        return _labelled_arrays(estimator, arrays)
    if any(np.asarray(part).dtype.kind not in "fiub" for part in arrays.y):
        raise DataError("`y` must be numbers for a regression, but holds text. Use whorl.Classifier.")
    y = truths(arrays)
    every_step = bool(getattr(estimator, "every_step", False))
    if (y[0].ndim == 2) != every_step:
        raise DataError(
            f"`y` has {'one target for each step' if y[0].ndim == 2 else 'one target for each sequence'}, but "
            f"`every_step` is {every_step}. Set every_step={not every_step}."
        )
    held = _held_out(len(arrays), estimator.training.validation, estimator.training.seed)
    training = [n for n in range(len(arrays)) if n not in held]
    scaling = estimator.columns().table.scaling
    reader = ArrayReader(
        past=ArrayCodec(scaling=scaling).fit([np.asarray(arrays.x[n]) for n in training]),
        outputs=ArrayCodec(scaling=scaling, missing="keep").fit([np.atleast_2d(y[n]) for n in training]),
        num_targets=y[0].shape[-1],
    )
    return _of_arrays(reader, arrays, held)


def _labelled_arrays(estimator: "Estimator", arrays: Arrays) -> Prepared:
    labels = labels_of(arrays)
    held = _held_out(len(arrays), estimator.training.validation, estimator.training.seed, labels.tolist())
    training = [n for n in range(len(arrays)) if n not in held]
    reader = ArrayReader(
        past=ArrayCodec(scaling=estimator.columns().table.scaling).fit([np.asarray(arrays.x[n]) for n in training]),
        outputs=Labels.fit([labels[training]]),
    )
    return _classified(estimator, _of_arrays(reader, arrays, held))


def _of_arrays(reader: ArrayReader, arrays: Arrays, held: set[int]) -> Prepared:
    sequences = reader.encode(arrays)
    facts: dict[str, object] = {
        "origin": arrays.origin,
        "sequences": len(arrays),
        "features": arrays.num_features,
        "training_sequences": len(arrays) - len(held),
        "validation_sequences": len(held),
    }
    cuts = [0 if n in held else len(sequence) for n, sequence in enumerate(sequences)]
    return Prepared(reader=reader, sequences=sequences, cuts=cuts, facts=facts)
