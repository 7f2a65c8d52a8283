"""Which rows were learned from and which were held out."""

from collections.abc import Sequence as List
from dataclasses import dataclass

import numpy as np

from whorl.data.sequences import Sequence
from whorl.report import svg
from whorl.report.card import Data
from whorl.report.evidence import HeldOut
from whorl.report.scores import short
from whorl.runtime.prediction import plain

_WIDTH, _LEFT, _ROW = 920.0, 170.0, 30.0
_MOST = 8
_TRAINING, _VALIDATION = "#0072B2", "#E69F00"


@dataclass(frozen=True)
class Bar:
    """One line of the timeline: rows that were learned from, rows that were held out, and the times at the borders."""

    name: str
    training: int
    validation: int
    times: tuple[str, ...] = ()


def bars(
    data: Data, held_out: HeldOut | List[Sequence] | None, *, ahead: bool = True, whole: bool = False
) -> list[Bar]:
    """A bar for each of the first series where they are at hand, else one for all rows.

    Args:
        data: of the card.
        held_out: the part that `fit` held out.
        ahead: whether the answer at a row is of the rows after it, and not of itself.
        whole: whether a sequence is held out whole, or not at all.
    """
    if held_out is not None and not isinstance(held_out, List) and data.rows:
        pairs = list(zip(held_out.sequences, held_out.steps, strict=True))
        return [_bar(one, steps, int(ahead), whole) for one, steps in pairs[:_MOST]]
    if data.sequences:
        return [Bar("sequences", data.training_sequences, data.validation_sequences)]
    if data.tokens:
        return [Bar("tokens", data.training_tokens, data.tokens - data.training_tokens)]
    return [Bar("rows", data.training_rows, data.validation_rows)] if data.rows else []


def _bar(sequence: Sequence, steps: np.ndarray, ahead: int, whole: bool) -> Bar:
    # Answers that come late stand at steps that no row has, whose time is not known.
    times = sequence.time[sequence.time.astype(np.int64) != np.iinfo(np.int64).min]
    known = count = len(times)
    # The first answer that counts stands one row before the first row that was held out.
    cut = int(steps[0]) + ahead if len(steps) and count > 1 else count
    cut = 0 if whole and len(steps) else cut
    count = max(count, cut + 1) if len(steps) else count  # the event after a session is no row of it
    at = [0, cut, count - 1] if 0 < cut < known else [0, known - 1]
    return Bar(sequence.key or "rows", cut, count - cut, tuple(short(str(plain(times[n]))) for n in at))


def timeline(lines: List[Bar]) -> str:
    """Draws the bars as SVG."""
    parts: list[str] = []
    longest = max(bar.training + bar.validation for bar in lines)
    scale = (_WIDTH - _LEFT - 10) / max(longest, 1)
    y = 34.0
    for n, (fill, name) in enumerate(((_TRAINING, "training"), (_VALIDATION, "validation"))):
        parts.append(svg.box(_LEFT + 120 * n, 4, 14, 14, fill=fill, line=fill, radius=2))
        parts.append(svg.text(_LEFT + 120 * n + 20, 16, name, anchor="start"))
    for bar in lines:
        left, right = bar.training * scale, bar.validation * scale
        parts.append(svg.text(_LEFT - 10, y + 19, _short(bar.name), anchor="end"))
        parts += _part(_LEFT, y, left, bar.training, _TRAINING, "#ffffff")
        parts += _part(_LEFT + left, y, right, bar.validation, _VALIDATION, "#000000")
        if bar.times:
            parts += _times(bar, y + _ROW + 14, left, right)
        y += _ROW + (10, 0, 28, 44)[len(bar.times)]
    said = "; ".join(f"{bar.name}: {bar.training:,} for training, {bar.validation:,} held out" for bar in lines)
    return svg.picture(_WIDTH, y, parts, f"Split of the data. {said}.")


def _part(x: float, y: float, width: float, count: int, fill: str, ink: str) -> list[str]:
    if not count:
        return []
    label = f"{count:,}"
    drawn = [svg.box(x, y, width, _ROW, fill=fill, line="#ffffff", radius=2)]
    if width > 9 * len(label):
        drawn.append(svg.text(x + width / 2, y + 20, label, fill=ink))
    return drawn


def _times(bar: Bar, y: float, left: float, right: float) -> list[str]:
    first, *border, last = bar.times
    parts = []
    if border:
        # On a line of its own: beside the other two there is not always room.
        x, anchor, shift = _LEFT + left, *(("end", -5.0) if left > right else ("start", 5.0))
        parts.append(f'<path d="M{x:g} {y - 14:g} v17" stroke="#333333"/>')
        parts.append(svg.text(x + shift, y, f"held out from {border[0]}", size=11, anchor=anchor, fill="#333333"))
        y += 15
    if 6.5 * len(first + last) > left + right:  # there is no room for both, one at each end
        return [*parts, svg.text(_LEFT, y, f"{first} to {last}", size=11, anchor="start", fill="#333333")]
    parts.append(svg.text(_LEFT, y, first, size=11, anchor="start", fill="#333333"))
    parts.append(svg.text(_LEFT + left + right, y, last, size=11, anchor="end", fill="#333333"))
    return parts


def _short(name: str) -> str:
    return name if len(name) <= 22 else name[:21] + "…"
