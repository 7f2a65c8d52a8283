"""The network as it was trained, unrolled over its steps, with its real sizes."""

from whorl.report import svg
from whorl.report.anatomy import Anatomy, dissect, layer_name, recurrences
from whorl.runtime.operations import Recurrent, Shape
from whorl.runtime.program import Program

_WIDTH = 920.0
_COLUMNS = 5  # at most so many steps are drawn; what lies between is an ellipsis
_ROW, _GAP = 62.0, 30.0  # height of a box and of the space between two
_LOW, _ANSWER = 32.0, 54.0  # heights of what is read, and of what is answered
_SOURCE = "#009E73"


def diagram(program: Program, *, every_step: bool, labels: bool = False, judged: bool = False) -> str | None:
    """Draws a program as SVG; None where nothing in it recurs.

    Args:
        program: of a fitted network.
        every_step: whether every row leads to an answer that is used.
        labels: whether the answer is one of several labels.
        judged: whether the answer is how surprising what was read is.
    """
    sizes = dissect(program)
    if sizes is None:
        return None
    return _Drawing(sizes, weights_of(program), every_step, labels, judged).draw()


class _Drawing:
    """Columns are steps, time runs to the right; rows are input, layers, and what answers, from below."""

    def __init__(
        self, sizes: Anatomy, weights: list[dict[str, Shape]], every_step: bool, labels: bool, judged: bool
    ) -> None:
        self.sizes, self.every_step, self.labelled, self.judged = sizes, every_step, labels, judged
        self.weights, self.labels = weights, _labels(sizes)
        self.state = "h, c" if sizes.cell == "LSTM" else "h"
        self.layers = min(sizes.num_layers, 3)
        self.parts: list[str] = []
        left, right = 40.0, _WIDTH - (250.0 if sizes.num_decoded else 40.0)
        self.pitch = (right - left) / len(self.labels)
        self.box = min(104.0, self.pitch - 36.0)
        self.centres = [left + self.pitch * (n + 0.5) for n in range(len(self.labels))]
        self.top = 62.0 if sizes.num_decoded else 62.0 + _ANSWER + _GAP - 8

    def draw(self) -> str:
        sizes = self.sizes
        for n, centre in enumerate(self.centres):
            if self.labels[n] == "…":
                self._ellipsis(centre)
            else:
                self._column(n, centre)
        self._states()
        if sizes.num_decoded:
            self._decoder()
        bottom = self._layer_top(0) + _ROW + _GAP + _LOW + 14
        self.parts.append(svg.text(_WIDTH / 2, 22, self._title(), size=15, font_weight="600"))
        self.parts.append(svg.text(_WIDTH / 2, bottom + 26, self._input(), size=13, fill="#333333"))
        said = "; ".join(
            f"layer {n + 1}: " + ", ".join(f"{name} {shown(shape)}" for name, shape in layer.items())
            for n, layer in enumerate(self.weights)
        )
        return svg.picture(_WIDTH, bottom + 40, self.parts, f"{self._title()}. {self._input()}. Weights of {said}.")

    # Words

    def _title(self) -> str:
        sizes = self.sizes
        layers = f"{sizes.num_layers} layers of " if sizes.num_layers > 1 else ""
        both = ", reading both ways" if sizes.bidirectional else ""
        several = f"{sizes.members} networks side by side, {sizes.which}" if sizes.members > 1 else ""
        in_all = " in all" if several else ""
        return (
            f"{several}{sizes.cell}, {layers}{sizes.hidden_size} units{both}: "
            f"{sizes.num_parameters:,} parameters{in_all}, {sizes.recurrent_parameters:,} of them in the recurrence"
        )

    def _input(self) -> str:
        sizes = self.sizes
        if sizes.num_read is None or sizes.window is None:
            row = f"every row of {_plural(sizes.row_size, 'number')} is one step"
            read = f", which reads {_plural(sizes.input_size, 'number')}"
            return row if sizes.input_size == sizes.row_size else row + read
        cut = f", cut into {_plural(sizes.num_read, 'segment')}"
        rows = f" of {_plural(sizes.segment, 'row')}" if sizes.segment else ""
        window = f"{_plural(sizes.window, 'row')} of {_plural(sizes.row_size, 'number')}"
        return f"{window}{cut}{rows}; a step reads {_plural(sizes.input_size, 'number')}"

    def _carried(self) -> str:
        """The state with the shape of each of its parts."""
        return f"{self.state} {shown((self.sizes.hidden_size,))}"

    def _answer(self) -> list[str]:
        shape = self.sizes.output_shape
        if self.judged:
            return ["surprise of", _plural(shape[0], "channel")]
        if self.labelled and shape[-2] > 1:
            return [_plural(shape[-2], "label"), "each or none"]
        if self.labelled:
            return ["1 label", f"of {shape[-1]} classes"]
        lines = [_plural(shape[-2], "target")]
        if len(shape) == 3:
            lines.insert(0, _plural(shape[0], "step"))
        if shape[-1] > 1:
            lines.append(f"value + {_plural(shape[-1] - 1, 'quantile')}")
        return lines

    # Shapes

    def _layer_top(self, layer: int) -> float:
        return self.top + (self.layers - 1 - layer) * (_ROW + _GAP)

    def _ellipsis(self, centre: float) -> None:
        for layer in range(self.layers):
            self.parts.append(svg.text(centre, self._layer_top(layer) + _ROW / 2 + 5, "…", size=20))

    def _column(self, n: int, centre: float) -> None:
        sizes, left = self.sizes, centre - self.box / 2
        low = self._layer_top(0) + _ROW + _GAP
        self.parts += [
            svg.box(left, low, self.box, _LOW, fill="#e3f4ee", line=_SOURCE),
            svg.text(centre, low + 21, self.labels[n], size=12),
        ]
        for layer in range(self.layers):
            y = self._layer_top(layer)
            self.parts += [
                svg.box(left, y, self.box, _ROW),
                svg.text(centre, y + 19, self._name(layer), font_weight="600"),
                *(
                    svg.text(centre, y + 36 + 15 * line, f"{name} {shown(shape)}", size=11, fill="#333333")
                    for line, (name, shape) in enumerate(list(self.weights[layer].items())[:2])
                ),
                svg.arrow(centre, y + _ROW + _GAP - 2, centre, y + _ROW + 2),
                self._beside(centre, y + _ROW + _GAP / 2 + 4, (self._num_read(layer),)),
            ]
        if not sizes.num_decoded and (self.every_step or n == len(self.centres) - 1):
            self._answer_box(centre)

    def _name(self, layer: int) -> str:
        return f"{self.sizes.cell}, layer {layer + 1}" if self.layers > 1 else self.sizes.cell

    def _num_read(self, layer: int) -> int:
        """Numbers that a layer reads at a step."""
        weight = self.weights[layer].get("W")
        return self.sizes.input_size if weight is None else weight[-1]

    def _beside(self, centre: float, y: float, shape: Shape) -> str:
        """The shape of what an upright arrow carries."""
        return svg.text(centre + 7, y, shown(shape), size=11, anchor="start", fill="#444444")

    def _answer_box(self, centre: float) -> None:
        width, y = self.pitch - 10.0, 40.0
        lines = self._answer()
        self.parts.append(svg.box(centre - width / 2, y, width, _ANSWER, fill="#fdf1e3", line="#D55E00"))
        first = y + _ANSWER / 2 + 4 - 7.5 * (len(lines) - 1)
        self.parts += [svg.text(centre, first + 15 * n, line, size=11.5) for n, line in enumerate(lines)]
        self.parts.append(svg.arrow(centre, self.top - 2, centre, y + _ANSWER + 2))
        self.parts.append(self._beside(centre, y + _ANSWER + 17, self.sizes.output_shape))

    def _states(self) -> None:
        """The arrows that carry h from step to step."""
        for layer in range(self.layers):
            y = self._layer_top(layer) + _ROW / 2
            ends = zip(self.centres, self.centres[1:], self.labels, self.labels[1:], strict=False)
            for a, b, label_a, label_b in ends:
                start = a + (12 if label_a == "…" else self.box / 2 + 2)
                stop = b - (14 if label_b == "…" else self.box / 2 + 2)
                up = 5.0 if self.sizes.bidirectional else 0.0
                self.parts.append(svg.arrow(start, y - up, stop, y - up, line=svg.LINE))
                if up:
                    self.parts.append(svg.arrow(stop, y + up, start, y + up, line=svg.LINE))
                self.parts.append(svg.text((start + stop) / 2, y - 7 - up, self._carried(), size=11, fill=svg.LINE))

    def _decoder(self) -> None:
        """One step for each segment of the horizon, all from the last state."""
        sizes = self.sizes
        y, x = self._layer_top(self.layers - 1), self.centres[-1] + self.box / 2
        left, width, height = _WIDTH - 228.0, 218.0, 58.0
        centre, below = left + width / 2, y + height + _GAP - 8
        each = f"one step of the {sizes.cell} from {self.state}"
        lines = [each, "and a linear layer, for each of", _plural(sizes.num_decoded, "piece") + " of the horizon"]
        answer = ", ".join(self._answer()[:2]), *self._answer()[2:]
        self.parts += [
            svg.arrow(x + 2, y + _ROW / 2, left - 2, y + _ROW / 2, line=svg.LINE),
            svg.text((x + left) / 2, y + _ROW / 2 - 7, self._carried(), size=11, fill=svg.LINE),
            svg.box(left, y - 6, width, height + 6),
            *(svg.text(centre, y + 13 + 17 * n, line, size=12) for n, line in enumerate(lines)),
            svg.arrow(centre, y + height + 2, centre, below - 2),
            self._beside(centre, y + height + 15, sizes.output_shape),
            svg.box(left, below, width, 10 + 17 * len(answer), fill="#fdf1e3", line="#D55E00"),
            *(svg.text(centre, below + 18 + 17 * n, line, size=12) for n, line in enumerate(answer)),
        ]


def _labels(sizes: Anatomy) -> list[str]:
    """What stands under each column; the last one is what was read last."""
    if sizes.num_read is None:
        return ["row 1", "row 2", "…", "row t−1", "row t"]
    if sizes.num_read <= _COLUMNS:
        return [f"segment {n + 1}" for n in range(sizes.num_read)]
    return ["segment 1", "segment 2", "…", f"segment {sizes.num_read - 1}", f"segment {sizes.num_read}"]


def weights_of(program: Program) -> list[dict[str, Shape]]:
    """Shapes of the weights of each layer that reads forwards: W of what is read, U of the state before.

    A layer that is linear in its state has no U; where its units are complex, V makes of them what it says.
    """
    found = []
    for op in recurrences(program):
        if op.reverse:
            continue
        if isinstance(op, Recurrent):
            named = {"W": op.weight_ih, "U": op.weight_hh}
        else:
            named = {"W": f"{layer_name(op)}.weight_ih", "V": f"{layer_name(op)}.weight_ho"}
        found.append({sign: program.tensors[name].shape for sign, name in named.items() if name in program.tensors})
    return found


def shown(shape: Shape) -> str:
    """A shape as it is written."""
    return f"({', '.join(map(str, shape))})"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
