"""A few shapes of SVG as text. All text is escaped here and nowhere else."""

from collections.abc import Iterable
from html import escape

BOX, LINE = "#e8f1f8", "#0072B2"


def text(x: float, y: float, content: str, *, size: float = 13, anchor: str = "middle", **style: str) -> str:
    """Text at its baseline; `style` are attributes, such as fill or font_weight."""
    own = "".join(f' {name.replace("_", "-")}="{escape(value)}"' for name, value in style.items())
    return f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}"{own}>{escape(content)}</text>'


def box(
    x: float, y: float, width: float, height: float, *, fill: str = BOX, line: str = LINE, radius: float = 6
) -> str:
    """A rectangle."""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{max(width, 0):g}" height="{height:g}" rx="{radius:g}" fill="{fill}" '
        f'stroke="{line}"/>'
    )


def arrow(x1: float, y1: float, x2: float, y2: float, *, line: str = "#444444", dashed: bool = False) -> str:
    """A straight arrow, along an axis; its head is drawn, since ids of markers could meet those of another picture."""
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    size = 5.0
    if x1 == x2:
        down = size if y2 > y1 else -size
        head = f"M{x2:g} {y2:g} l{-size * 0.7:g} {-down:g} h{size * 1.4:g} z"
        y2 -= down
    else:
        right = size if x2 > x1 else -size
        head = f"M{x2:g} {y2:g} l{-right:g} {-size * 0.7:g} v{size * 1.4:g} z"
        x2 -= right
    shaft = f'<path d="M{x1:g} {y1:g} L{x2:g} {y2:g}" stroke="{line}" stroke-width="1.5" fill="none"{dash}/>'
    return f'{shaft}<path d="{head}" fill="{line}"/>'


def picture(width: float, height: float, parts: Iterable[str], description: str) -> str:
    """A whole picture that scales with the page and says what it shows to those who cannot see it."""
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(description)}" '
        f'style="width:100%;max-width:{width:g}px;height:auto;font-family:inherit">'
        f"<title>{escape(description)}</title>{''.join(parts)}</svg>"
    )
