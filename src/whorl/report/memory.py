"""What a network remembers, as a report shows it: how far back, in which layers, and what of."""

from collections.abc import Sequence as List
from dataclasses import dataclass

import numpy as np

from whorl.data.sequences import Sequence
from whorl.report import drawing
from whorl.report.anatomy import last_layer
from whorl.report.drawing import Picture
from whorl.report.evidence import HeldOut
from whorl.report.gates import CLOSED, OPEN, LayerProbe
from whorl.report.gradients import FELT, LagGradient
from whorl.report.probes import Probes, probe
from whorl.report.reach import Reach
from whorl.runtime.model import Model
from whorl.runtime.transcribing import transcribes

_MOST_SIGNALS = 8
_SMALLEST = 1e-6  # of a gradient that is drawn


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What a page shows of probes.

    Args:
        pictures: how far back a loss is felt, and from how far back answers come.
        layers: rows of a table: name and cells.
        heads: of the table.
        signals: name of a signal, how much of it a linear reader explains, and the unit that goes with it most.
    """

    pictures: list[Picture]
    heads: list[str]
    layers: dict[str, list[str]]
    signals: list[tuple[str, str, str]]


def measured(model: Model, held_out: HeldOut | List[Sequence] | None) -> Probes | None:
    """Probes of what is held out, or of the sequences given; None where there is nothing to look at."""
    if held_out is None or model.encoder is not None or transcribes(model) or last_layer(model.engine.program) is None:
        return None
    steps = [len(one) for one in (held_out if isinstance(held_out, List) else held_out.steps)]
    return probe(model, held_out) if sum(steps) else None


def memory(found: Probes, step: str = "row") -> Memory:
    """Probes as pictures and tables; `step` is what is read at each step, a row or a token."""
    pictures = [] if found.gradient is None else [_gradient(found.gradient, step)]
    pictures += [] if found.reach is None else [_reach(found.reach, step)]
    gates = list(dict.fromkeys(name for layer in found.layers for name in layer.closed))
    heads = [
        *(f"{name} gate closed / open" for name in gates),
        "outputs beyond ±0.95",
        "dead units",
        "effective rank",
        "drift of its length",
    ]
    known = [one for one in found.encoded if one.explained > 0][:_MOST_SIGNALS]
    return Memory(
        pictures=pictures,
        heads=heads,
        layers={layer.name: _cells(layer, gates) for layer in found.layers},
        signals=[
            (
                one.signal,
                f"{one.explained:.0%}",
                f"{one.unit}{one.part and f', {one.part}'} ({one.correlation:+.2f})" if one.follows else "none alone",
            )
            for one in known
        ],
    )


def _cells(layer: LayerProbe, gates: list[str]) -> list[str]:
    shares = [f"{layer.closed[name]:.0%} / {layer.opened[name]:.0%}" if name in layer.closed else "" for name in gates]
    drift = "too short" if layer.drift is None else f"{layer.drift:+.0%}"
    dead = f"{len(layer.dead_units)} of {layer.units}"
    return [*shares, f"{layer.saturated:.0%}", dead, f"{layer.rank:.1f} of {layer.units}", drift]


def _gradient(found: LagGradient, step: str) -> Picture:
    figure, grid = drawing.figure(2.9)
    axes = grid[0, 0]
    shown = slice(0, 1 + int(np.flatnonzero(found.norms >= _SMALLEST)[-1]))
    axes.plot(found.lags[shown], found.norms[shown], color=drawing.MODEL, label="gradient by the state")
    axes.axhline(FELT, color=drawing.TRUTH, linestyle="--", linewidth=1, label="1 % of that at lag 0")
    if found.memory_length is not None:
        axes.axvline(found.memory_length, color=drawing.ACCENT, linestyle=":", label="memory length")
    axes.set_yscale("log")
    drawing.tidy(axes, x=f"{step}s before the answer", y="share of that at lag 0")
    drawing.legend(axes)
    far = int(found.lags[-1])
    reached = (
        f"It falls below 1 % at lag {found.memory_length}: what lies further back taught this network hardly anything."
        if found.memory_length is not None
        else f"It stays above 1 % as far back as was looked, {far} {step}s."
    )
    says = f"Length of the gradient of the loss by the states of all layers, {found.answers} answers. {reached}"
    return Picture(drawing.source(figure), says, "How far back the loss is felt")


def _reach(found: Reach, step: str) -> Picture:
    figure, grid = drawing.figure(2.6)
    axes = grid[0, 0]
    axes.plot(found.lags, 100 * found.shares, color=drawing.MODEL, marker="o", markersize=4, label="all older rows")
    axes.set_xscale("symlog", linthresh=1)
    close = np.append(found.lags[1:] < 1.25 * found.lags[:-1], False)  # their names would lie on each other
    axes.set_xticks(found.lags, ["" if crowded else str(lag) for lag, crowded in zip(found.lags, close, strict=True)])
    axes.minorticks_off()
    axes.set_ylim(0, 104)
    axes.set_xlim(left=0)
    drawing.tidy(axes, x=f"{step}s before the answer, and further back", y="of the answer, %")
    rows = f"{step} decides" if found.half == 1 else f"{found.half} {step}s decide"
    says = (
        f"How much answers change when all {step}s at least so far back are those of another time, beside the change "
        f"when all are; {found.answers} answers. The last {rows} half of it."
    )
    return Picture(drawing.source(figure), says, "From how far back answers come")


MEANING = (
    f"A gate is closed below {CLOSED:g} and open above {OPEN:g}: shares of all units and steps. A dead unit hardly "
    "varies. The effective rank is how many directions the states fill. Drift is how much longer the state is in the "
    "last quarter of the longest sequence than in the second."
)
