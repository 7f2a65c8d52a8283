"""Naive detectors as programs without weights, each in units of its own threshold, and the period of the data."""

from collections.abc import Sequence as List

import numpy as np

from whorl.data.pairing import scored_steps
from whorl.data.sequences import Sequence
from whorl.nn.surprise import delayed, emit_scores, first_flag
from whorl.plans.wiring import Surprise, Wiring
from whorl.runtime import operations as ops
from whorl.runtime.answering import outputs
from whorl.runtime.engines import engine_for
from whorl.runtime.operations import Name
from whorl.runtime.program import Program
from whorl.runtime.surprise_readout import SurpriseReadout
from whorl.specs import Spec

# Lags between which a period is looked for, and what is taken where there is none.
_SHORTEST, _LONGEST, _NONE = 3, 400, 100
_ROWS = 20_000


def rivals(wiring: Wiring, past: Spec, num_targets: int, parts: List[tuple[Sequence, int]]) -> dict[str, Program]:
    """The mean absolute z-score, and the mean absolute difference from the row before, smoothed as the model's scores.

    Args:
        wiring: the task.
        past: what a row is; its first `num_targets` columns are judged, in units of the training scale.
        num_targets: K.
        parts: each sequence with its first row of the validation part.
    """
    made = {}
    for name in ("z_score", "difference"):
        readout = SurpriseReadout.of(wiring, {})
        _calibrate(readout, _program(name, wiring, past, num_targets, 1.0), wiring, parts)
        scale = 1.0 / readout.threshold if readout.threshold > 0 else 1.0
        made[name] = _program(name, wiring, past, num_targets, scale)
    return made


def _calibrate(readout: SurpriseReadout, program: Program, wiring: Wiring, parts: List[tuple[Sequence, int]]) -> None:
    held = [sequence for sequence, cut in parts if cut < len(sequence)]
    first = [cut for sequence, cut in parts if cut < len(sequence)]
    steps = [scored_steps(wiring.pairing, len(one)) for one in held]
    steps = [at[at >= cut] for at, cut in zip(steps, first, strict=True)]
    found = list(outputs(engine_for(program), held, steps, 0))
    truths = [held[n].row_targets[at] for n, at, _ in found]
    readout.fit(np.concatenate([out for _, _, out in found]), np.concatenate(truths))


def _program(kind: str, wiring: Wiring, past: Spec, num_targets: int, scale: float) -> Program:
    assert isinstance(wiring.shape, Surprise)
    program = Program()
    row = program.add(ops.Input(out="past", shape=(past.width,)))
    value = program.add(ops.Slice(x=row, axis=0, start=0, stop=num_targets))
    centre = _nothing(program, value) if kind == "z_score" else delayed(program, value, 1)
    over = program.add(ops.Combine(a=value, b=centre, function="subtract"))
    under = program.add(ops.Combine(a=centre, b=value, function="subtract"))
    size = program.add(ops.Combine(a=over, b=under, function="maximum"))
    unit = program.add(ops.Constant(tensor=program.tensor("unit", np.full(1, scale))))
    size = program.add(ops.Combine(a=size, b=unit, function="multiply"))
    program.output = emit_scores(program, row, size, first_flag(past), wiring.shape.decay)
    return program


def _nothing(program: Program, like: Name) -> Name:
    return program.add(ops.Constant(tensor=program.tensor("zero", np.zeros(program.shapes[like]))))


def period_of(targets: List[np.ndarray]) -> int:
    """The lag of the highest peak of the autocorrelation, the median over channels; 100 where there is no peak.

    Args:
        targets: training rows (T, K) of each sequence; the longest one is looked at.
    """
    rows = max(targets, key=len, default=np.empty((0, 1)))[-_ROWS:]
    peaks = [peak for column in rows.T if (peak := _peak(np.where(np.isfinite(column), column, 0.0))) is not None]
    return int(np.median(peaks)) if peaks else _NONE


def _peak(column: np.ndarray) -> int | None:
    centred = column.astype(np.float64) - column.mean()
    longest = min(_LONGEST, len(column) // 2)
    power = float((centred**2).sum())
    if longest <= _SHORTEST + 1 or power <= 0:
        return None
    size = 1 << (2 * len(centred) - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    shares = np.fft.irfft(spectrum * spectrum.conj(), size)[: longest + 1] / power
    inner = shares[1:-1]
    peaks = np.flatnonzero((inner > shares[:-2]) & (inner > shares[2:])) + 1
    peaks = peaks[(peaks >= _SHORTEST) & (shares[peaks] > 0)]
    return int(peaks[np.argmax(shares[peaks])]) if len(peaks) else None
