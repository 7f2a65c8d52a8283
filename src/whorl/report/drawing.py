"""Drawing with matplotlib's objects: no global state, one palette, and pictures that a page can hold.

What a user named never enters a figure: names stand in the page around it, which escapes them, has all fonts, and
reads no `$` as mathematics.
"""

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from whorl.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

# Okabe and Ito: told apart by everyone, and by lightness in grey print. Rivals differ by their dashes too.
TRUTH, MODEL, ACCENT = "#000000", "#0072B2", "#D55E00"
RIVALS = ("#E69F00", "#009E73", "#CC79A7", "#56B4E9")
DASHES = ("--", ":", "-.", (0, (5, 1)))
WIDTH = 9.0  # inches


def figure(height: float, rows: int = 1, columns: int = 1, **options: Any) -> "tuple[Figure, np.ndarray]":
    """An empty figure of the page's width and its axes, (rows, columns); options are those of `subplots`."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("matplotlib", "train", "to draw a report") from None
    made = Figure(figsize=(WIDTH, height), layout="constrained")
    return made, made.subplots(rows, columns, squeeze=False, **options)


def tidy(axes: "Axes", *, x: str = "", y: str = "") -> None:
    """Takes needless ink away and names the axes."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9)
    axes.set_xlabel(x, fontsize=9.5)
    axes.set_ylabel(y, fontsize=9.5)


def dated(axes: "Axes") -> None:
    """Writes times so that no label repeats what its neighbour says."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def signed() -> "Colormap":
    """Blue for negative and orange for positive numbers, white between."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("signed", [MODEL, "#FFFFFF", ACCENT])


def legend(axes: "Axes", columns: int = 4) -> None:
    """Names the lines above the axes, where they hide nothing."""
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=columns, frameon=False, fontsize=9, borderaxespad=0.2)


def source(made: "Figure") -> str:
    """The `src` of an image: an SVG inside the page. As an image it can run nothing, and its ids meet no others."""
    buffer = io.BytesIO()
    made.savefig(buffer, format="svg", dpi=160, metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


def plain(name: str) -> str:
    """A word from a model file, such as that of a rival, made safe for a legend."""
    return name.encode("ascii", "replace").decode().replace("$", r"\$").lstrip("_")[:30] or "?"


@dataclass(frozen=True)
class Picture:
    """A figure on the page.

    Args:
        source: of an image.
        says: what it shows, for those who cannot see it and for everyone below it.
        title: what stands above it; users' names are welcome.
    """

    source: str
    says: str
    title: str = ""
