"""Which naive rivals a model is compared with, by its wiring."""

import numpy as np

from whorl.data.event_reader import EventReader, training_sessions
from whorl.data.sequences import Sequence
from whorl.data.table_reader import TableReader
from whorl.plans.heads import Bernoulli, Ctc
from whorl.plans.wiring import Autoregressive, EachRow, EncoderDecoder, Sequences, Strips, Windows, Wiring
from whorl.runtime.program import Program
from whorl.tasks import baselines, chord_rivals, item_rivals, surprise_rivals, token_rivals
from whorl.tasks.label_rivals import label_rivals, several_rivals
from whorl.tasks.preparation import Prepared


def rivals_of(wiring: Wiring, prepared: Prepared) -> tuple[dict[str, Program], np.ndarray | None]:
    """Naive rivals, and the error that scales `mase`, from training rows."""
    if isinstance(wiring.shape, EncoderDecoder):
        return {}, None  # what is written is compared with texts; see `PairReader.rivals`
    if isinstance(wiring.head, Ctc):
        return {}, None  # what is said, too; see `TranscriptReader.rivals`
    width, num_targets = prepared.sequences[0].past.shape[1], len(prepared.reader.names)
    if isinstance(wiring.shape, Autoregressive) and isinstance(wiring.head, Bernoulli):
        return chord_rivals.rivals(prepared.sequences, prepared.cuts), None
    if isinstance(wiring.shape, Autoregressive) and wiring.shape.items is not None:
        sessions = training_sessions(prepared.sequences, prepared.cuts)
        bins = prepared.reader.lapses if isinstance(prepared.reader, EventReader) else None
        sizes = wiring.shape.items.seen, 0 if bins is None else len(bins)
        return item_rivals.rivals(sessions, len(prepared.reader.classes), *sizes), None
    if isinstance(wiring.shape, Autoregressive):
        return token_rivals.rivals(prepared.sequences, prepared.cuts, len(prepared.reader.classes)), None
    if isinstance(wiring.head, Bernoulli):
        return several_rivals(prepared), None
    if len(prepared.reader.classes):
        return label_rivals(prepared), None
    if prepared.reader.countdown is not None:
        return baselines.remaining_life(width, prepared.training, prepared.reader), None
    if isinstance(wiring.pairing, EachRow):
        prepared.facts["period"] = surprise_rivals.period_of(
            [one.row_targets[:cut] for one, cut in _parts(prepared) if cut]
        )
        return surprise_rivals.rivals(wiring, prepared.reader.past.spec, num_targets, _parts(prepared)), None  # type: ignore[attr-defined]
    if isinstance(wiring.pairing, Sequences):
        return {"mean": baselines.mean_answer(width, num_targets)}, None
    assert isinstance(prepared.reader, TableReader)
    assert isinstance(wiring.pairing, Windows | Strips)
    horizon, rows = wiring.pairing.horizon, _rows(prepared)
    period, _ = _period(prepared, wiring.pairing)
    prepared.facts["period"] = period
    prepared.facts["season"] = baselines.longer_season(rows, prepared.reader.step, period, horizon)
    naive = baselines.naive_error(rows, period) * prepared.reader.scale
    return baselines.forecasts(width, num_targets, _context(wiring.pairing), horizon, period), naive


def season_of(wiring: Wiring, prepared: Prepared) -> int | None:
    """Rows after which the targets of forecasts come again, by the training rows; None where they do not."""
    if not isinstance(wiring.pairing, Windows | Strips) or not isinstance(prepared.reader, TableReader):
        return None
    if not prepared.seasonal:
        return None
    period, regular = _period(prepared, wiring.pairing)
    return period if regular else None


def _period(prepared: Prepared, pairing: Windows | Strips) -> tuple[int, bool]:
    """The season of the naive rival, and whether it is one that a network should know; looked for once."""
    assert isinstance(prepared.reader, TableReader)
    key, rows = (_context(pairing), pairing.horizon), _rows(prepared)
    if key not in prepared.periods:
        period = baselines.find_period(rows, prepared.reader.step, *key)
        prepared.periods[key] = period, period > 1 and baselines.is_regular(rows, period, pairing.horizon)
    return prepared.periods[key]


def _context(pairing: Windows | Strips) -> int:
    """Rows that every answer has before it."""
    return pairing.context if isinstance(pairing, Windows) else pairing.warm_up


def _rows(prepared: Prepared) -> list[np.ndarray]:
    """Training rows of the targets of each sequence."""
    return [one.row_targets[:cut] for one, cut in zip(prepared.sequences, prepared.cuts, strict=True) if cut]


def _parts(prepared: Prepared) -> list[tuple[Sequence, int]]:
    """Each sequence and its first row of the validation part."""
    return list(zip(prepared.sequences, prepared.cuts, strict=True))
