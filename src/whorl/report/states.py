"""What the memory does, as one picture: the hidden state over the steps of a view, above what was read."""

import numpy as np

from whorl.report import drawing
from whorl.report.drawing import Picture
from whorl.report.views import View

_MOST_TEXT = 60


def heatmap(view: View) -> Picture:
    """The hidden state of the last layer."""
    states = view.last_layer.runs[0].h
    order = np.argsort(states[-1], kind="stable")
    largest = float(np.abs(states).max()) or 1.0
    rows = 2 if view.read else 1
    figure, grid = drawing.figure(
        4.6 if view.read else 3.6, rows=rows, sharex=True, height_ratios=[3, 1.3] if view.read else [1]
    )
    above = grid[0, 0]
    edges = np.arange(len(states) + 1) - len(states) + 0.5
    units = np.arange(states.shape[1] + 1) + 0.5
    mesh = above.pcolormesh(
        edges, units, states.T[order], cmap=drawing.signed(), vmin=-largest, vmax=largest, rasterized=True
    )
    bar = figure.colorbar(mesh, ax=above, pad=0.01)
    bar.set_label("hidden state", fontsize=9.5)
    bar.ax.tick_params(labelsize=9)
    above.set_ylabel("unit", fontsize=9.5)
    above.yaxis.get_major_locator().set_params(integer=True)
    above.tick_params(labelsize=9)
    axis = f"{view.step}s before the last"
    if view.read:
        below = grid[1, 0]
        per_step = len(view.read[0].values) // len(states)
        at = (np.arange(len(states) * per_step) + 0.5) / per_step - len(states) + 0.5
        for k, column in enumerate(view.read):
            style = {"color": (drawing.TRUTH, drawing.MODEL, drawing.ACCENT)[k]}
            below.plot(
                at, column.values, linewidth=1.1, label=f"input {k + 1}", linestyle=("-", *drawing.DASHES)[k], **style
            )
        below.set_xlim(edges[0], edges[-1])
        drawing.tidy(below, x=axis, y="read")
        if len(view.read) > 1:
            drawing.legend(below)
    else:
        above.set_xlabel(axis, fontsize=9.5)
    says = (
        f"Hidden state of the last layer, {states.shape[1]} units over {len(states)} {view.step}s, sorted by their "
        f"last value, for the {view.title}{_below(view)}. Blue is negative, orange positive: a stripe that keeps its "
        "colour is a unit that remembers."
    )
    return Picture(drawing.source(figure), says)


def _below(view: View) -> str:
    if view.tokens is not None:
        return f"; what was read ends in {''.join(view.tokens)[-_MOST_TEXT:]!r}"
    return f"; below it what was read: {', '.join(column.name for column in view.read)}"
