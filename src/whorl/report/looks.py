"""What each token that is written looks at: shares of attention, and these drawn over a picture."""

import itertools
import math
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from whorl.data.caption_reader import CaptionReader
from whorl.data.sequences import Sequence
from whorl.report import drawing
from whorl.report.drawing import Picture
from whorl.runtime import attention, writing
from whorl.runtime import operations as ops
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.model import Model
from whorl.specs import Picture as PictureSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Panels in a row, and most of them.
_COLUMNS, _MOST = 7, 20
# Frames of a video that are shown.
_SHOWN = 12


def alignment(model: Model, source: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """How much each token that is written looks at each step or cell that was read, (L + 1, S).

    The last row is that of the end.

    Args:
        model: one that reads something whole and writes a text.
        source: what was read, (S, C).
        tokens: codes (L,) that were written.
    """
    program = model.engine.program
    looks = [op for op in program.operations if isinstance(op, ops.Attend)]
    past = np.concatenate([[writing.writing_reader(model).outputs.begin], tokens]).astype(np.float32)
    inputs = written_inputs(model, source, past[:, None])
    seen = Interpreter(program).trace(inputs, [name for op in looks for name in ops.operands(op)])
    each = []
    for op in looks:
        vector = None if op.vector is None else program.tensors[op.vector]
        shares = attention.weights(op, seen[op.query], seen[op.keys], seen[op.length], vector)[0]
        each.append(shares[:, : int(inputs["length"][0, 0])])
    found: np.ndarray = np.mean(each, axis=0)  # of networks side by side
    return found


def written_inputs(model: Model, source: np.ndarray, past: np.ndarray) -> dict[str, np.ndarray]:
    """What the side that writes reads of a source (S, C) and of what was written before each step, (L, 1)."""
    assert model.encoder is not None
    (told,) = writing.contexts(model.encoder, model.engine, [source], writing.wait_of(model))
    return {"past": past[None], **{name: value[None] for name, value in told.items()}}


def picture(model: Model, one: Sequence) -> Picture:
    """A source beside what the text that is written for it looks at, token by token.

    Of a picture, or a grid of features, a panel for each token; of frames, which have an order, a row for each.
    """
    reader = model.reader
    assert isinstance(reader, CaptionReader)
    (made,) = writing.written(model, [one.read_steps], writing.default(model))
    shares = alignment(model, one.read_steps, made.tokens)
    names = [*(str(name) for name in reader.classes[made.tokens].tolist()), "the end"]
    if reader.ordered:
        image = _over_frames(shares, _frames(reader, one))
    else:
        image = _over_cells(shares, *_seen(reader, one, shares.shape[1]))
    numbered = ", ".join(f"{n + 1} {name}" for n, name in enumerate(names))
    truths = " / ".join(one.texts[1:])
    said, known = _ended(reader.text_of(made.tokens)), _ended(truths)
    says = f"Written: {said} True: {known} The tokens that were written: {numbered}."
    if not reader.ordered:
        says += " Each looks most where its picture is brightest."
        says += f" The first {_MOST} are drawn." if len(shares) > _MOST else ""
    return Picture(image, says, PurePath(one.texts[0]).name)


def _ended(text: str) -> str:
    """A text with a full stop, which many captions have themselves."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _over_frames(shares: np.ndarray, frames: np.ndarray | None) -> str:
    """A row for each token over the steps that were read; above them, of a video, some of its frames."""
    height = min(7.0, 1.4 + 0.16 * len(shares))
    strip = 0.0 if frames is None else drawing.WIDTH / _SHOWN * frames.shape[1] / frames.shape[2]
    rows = [height] if frames is None else [strip, height]
    figure, grid = drawing.figure(sum(rows), len(rows), gridspec_kw={"height_ratios": rows}, sharex=True)
    axes = grid[-1, 0]
    edges = [np.arange(size + 1) + 0.5 for size in shares.shape]
    mesh = axes.pcolormesh(edges[1], edges[0], shares, cmap="Blues", vmin=0.0, rasterized=True)
    figure.colorbar(mesh, ax=list(grid[:, 0]), pad=0.01).set_label("attention", fontsize=9.5)
    axes.invert_yaxis()
    drawing.tidy(axes, x="step that was read", y="token that is written")
    axes.grid(visible=False)
    if frames is not None:
        _strip(grid[0, 0], frames)
        axes.set_xlim(0.5, len(frames) + 0.5)
    return drawing.source(figure)


def _strip(axes: "Axes", frames: np.ndarray) -> None:
    """Some frames, each in the middle of the steps that it stands for."""
    axes.axis("off")
    bounds = np.linspace(0, len(frames), min(_SHOWN, len(frames)) + 1)
    for left, right in itertools.pairwise(bounds):
        frame, gap = frames[int((left + right) / 2)], 0.03 * (right - left)
        extent = (left + 0.5 + gap, right + 0.5 - gap, 0.0, 1.0)
        axes.imshow(frame, extent=extent, aspect="auto", cmap="gray", vmin=0.0, vmax=1.0)
    axes.set_ylim(0.0, 1.0)


def _over_cells(shares: np.ndarray, places: tuple[int, int], pixels: np.ndarray | None) -> str:
    """Panels: the picture, and for each token the picture under what it looks at; brighter is more."""
    count = min(len(shares), _MOST) + 1
    rows = -(-count // _COLUMNS)
    height, width = places if pixels is None else pixels.shape[:2]
    figure, grid = drawing.figure(max(1.0, drawing.WIDTH / _COLUMNS * height / width + 0.25) * rows, rows, _COLUMNS)
    for n, axes in enumerate(grid.ravel()):
        axes.axis("off")
        if n >= count:
            continue
        if pixels is not None:
            axes.imshow(pixels, extent=(0, width, height, 0), cmap="gray", vmin=0, vmax=255)
        if n:
            cells = shares[n - 1].reshape(places)
            over = 0.75 if pixels is not None else 1.0
            axes.imshow(cells, extent=(0, width, height, 0), cmap="inferno", alpha=over, interpolation="bilinear")
        axes.set_title(str(n) if n else "read", fontsize=9)
    return drawing.source(figure)


def _seen(reader: CaptionReader, one: Sequence, num_cells: int) -> tuple[tuple[int, int], np.ndarray | None]:
    """Rows and columns of the grid, the shape nearest to that of the picture, and the picture where there is one."""
    spec = reader.source_spec
    pixels, shape = None, 1.0
    if isinstance(spec, PictureSpec):
        pixels, shape = np.asarray(reader.source.decode(one.read_steps[:1]))[0], spec.h / spec.w
        pixels = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels
    heights = [n for n in range(1, num_cells + 1) if num_cells % n == 0]
    height = min(heights, key=lambda n: abs(math.log(n * n / num_cells / shape)))
    return (height, num_cells // height), pixels


def _frames(reader: CaptionReader, one: Sequence) -> np.ndarray | None:
    """Frames of a video from 0 to 1, (T, H, W) or (T, H, W, 3); grey where nothing moves if only that is read."""
    if not isinstance(reader.source_spec, PictureSpec) or not len(one.read_steps):
        return None
    levels = np.asarray(reader.source.decode(one.read_steps))
    levels = levels[..., 0] if levels.shape[-1] == 1 else levels
    if levels.dtype == np.uint8:
        return levels / 255.0
    largest = float(np.abs(levels).max()) or 1.0
    return np.asarray((levels / largest + 1.0) / 2.0)
