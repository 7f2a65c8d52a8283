"""The picture of all ratios: one row for each entry, one mark for each library, on a logarithmic scale."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from benchmarks import targets
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

Record = Mapping[str, Any]

# The colours of Okabe and Ito, which all kinds of sight tell apart, and shapes, which survive a grey print.
MARKS = {
    "torch": ("#0072B2", "o", "torch"),
    "torch cell": ("#56B4E9", "v", "torch, its cells in a loop"),
    "jax": ("#E69F00", "s", "jax"),
    "onnxruntime": ("#009E73", "D", "ONNX Runtime"),
}

PANELS = (
    ("Training, forward and backward", lambda record: record["kind"] == "train" and not record["option"]),
    ("Training with options", lambda record: record["kind"] == "train" and bool(record["option"])),
    ("Steps", lambda record: record["kind"] != "train"),
)

ROW_INCHES = 0.19


def draw(records: Sequence[Record], path: Path, carried: str) -> None:
    """Writes a PNG that carries a text of ours in its metadata."""
    panels = [(title, _shown(records, belongs)) for title, belongs in PANELS]
    panels = [(title, shown) for title, shown in panels if shown]
    heights = [len(shown) + 2 for _, shown in panels]
    with mpl.rc_context({"font.size": 8.5, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(7.4, ROW_INCHES * sum(heights) + 1.2), layout="constrained")
        axes = figure.subplots(len(panels), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
        for ax, (title, shown) in zip(axes, panels, strict=True):
            _panel(ax, title, shown)
        axes[-1].set_xlabel(
            "time of the library / time of whorl\n(sizes: T x B x I x H; of a step I x H; of streams B x I x H)"
        )
        used = {peer for _, shown in panels for _, ratios in shown for peer in ratios}
        handles = [
            Line2D([], [], color=colour, marker=mark, linestyle="none", markersize=5.5, label=label)
            for peer, (colour, mark, label) in MARKS.items()
            if peer in used
        ]
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150, metadata={"Description": carried})


def _shown(records: Sequence[Record], belongs: Any) -> list[tuple[str, dict[str, float]]]:
    """The rows: the label, and the ratios that were measured."""
    rows = []
    for record in filter(belongs, records):
        ratios = {peer: targets.ratio(record, peer) for peer in MARKS}
        known = {peer: value for peer, value in ratios.items() if value is not None}
        if known:
            rows.append((record["name"].removeprefix("train ").removesuffix(" fp32"), known))
    return rows


def _panel(ax: Axes, title: str, shown: Sequence[tuple[str, dict[str, float]]]) -> None:
    ax.set_xscale("log")
    for row, (_, ratios) in enumerate(shown):
        ax.plot(
            [min(1, *ratios.values()), max(1, *ratios.values())], [row, row], color="#cccccc", linewidth=1, zorder=1
        )
        for peer, value in ratios.items():
            colour, mark, _ = MARKS[peer]
            ax.plot(value, row, color=colour, marker=mark, markersize=5.5, zorder=2)
    ax.axvline(1, color="black", linewidth=1)
    ax.set_title(title, loc="left", fontsize=9.5, fontweight="bold")
    ax.set_yticks(range(len(shown)), [label for label, _ in shown])
    ax.set_ylim(len(shown) - 0.5, -0.5)
    ax.xaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.tick_params(axis="x", labelbottom=True)
    ax.grid(axis="x", color="#eeeeee", zorder=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
