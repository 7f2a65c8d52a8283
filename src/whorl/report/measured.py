"""What the rules about a fit look at, put together."""

from collections.abc import Mapping
from collections.abc import Sequence as List
from dataclasses import dataclass

import numpy as np

from whorl.data.sequences import Sequence
from whorl.plans.wiring import Strips, Windows
from whorl.report.anatomy import dissect
from whorl.report.card import Card
from whorl.report.evidence import HeldOut
from whorl.report.leakage import Leak, leaks
from whorl.report.probes import Probes, column_names
from whorl.runtime.model import Model

# Of which spreads are taken.
_SEQUENCES, _MOST_COLUMNS = 200, 100


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What the rules look at.

    Args:
        card: of the model: epochs, scores, data.
        probes: of its network; None where nothing was looked at.
        cell: the network's cell, such as GRU; empty where nothing recurs.
        context: rows of a window; None where the state is carried, or whole sequences are read.
        period: season of the series in rows, as far as the naive rivals look back; 0 or 1 where none was found.
        season: the same, or a longer one that the naive rivals do not see.
        clip_norm: largest gradient that training allowed; None where it did not clip.
        direct: rows before each that are read beside it, and need no memory.
        spreads: column -> spread of its numbers as the network reads them.
        leaks: columns that give the answer away.
    """

    card: Card
    probes: Probes | None = None
    cell: str = ""
    context: int | None = None
    period: int = 0
    season: int = 0
    clip_norm: float | None = None
    direct: int = 0
    spreads: dict[str, float] | None = None
    leaks: tuple[Leak, ...] = ()


def measure(model: Model, facts: Card, probes: Probes | None, data: "HeldOut | List[Sequence] | None") -> Measured:
    """Puts together what the rules look at.

    Args:
        model: fitted.
        facts: its card.
        probes: of its network.
        data: what `fit` held out, or sequences.
    """
    sizes, pairing = dissect(model.engine.program), model.wiring.pairing
    sequences = [] if data is None else list(data if isinstance(data, List) else data.sequences)
    return Measured(
        card=facts,
        probes=probes,
        cell="" if sizes is None else sizes.cell,
        context=pairing.context if isinstance(pairing, Windows) else None,
        period=int(_told(model, "data", "period") or 0),
        season=int(_told(model, "data", "season") or 0),
        clip_norm=_told(model, "training", "clip_norm"),
        direct=max(pairing.num_lags if isinstance(pairing, Strips) else 0, _season_beside(model)),
        spreads=_spreads(model, sequences[:_SEQUENCES]),
        leaks=leaks(model, sequences),
    )


def _season_beside(model: Model) -> int:
    """Rows of the season that stands beside the state in every answer; 0 where none does."""
    read = any("season.share" in name for name in model.engine.program.tensors)
    return int(_told(model, "data", "period") or 0) if read else 0


def _told(model: Model, section: str, name: str) -> float | None:
    """A number of the card, such as the season that `fit` found in the training rows."""
    facts = model.card.get(section)
    known = facts.get(name) if isinstance(facts, Mapping) else None
    return known if isinstance(known, int | float) and not isinstance(known, bool) else None


def _spreads(model: Model, sequences: List[Sequence]) -> dict[str, float]:
    """Spread of each column of numbers that is read."""
    names, texts = column_names(model, _MOST_COLUMNS)
    rows = [one.past for one in sequences if len(one)]
    if texts is not None or not rows:
        return {}
    spread = np.nanstd(np.concatenate(rows)[:, : len(names)].astype(np.float64), axis=0)
    return dict(zip(names, spread.tolist(), strict=True))
