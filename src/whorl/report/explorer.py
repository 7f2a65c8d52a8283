"""The explorer of hidden states: what a page needs to draw any unit of any layer and its gates over the steps of views.

States are whole multiples of a small decimal number, so that what the page writes of a state is its value rounded;
gates are whole percents. Axes: S steps, U units that are shown.
"""

import base64
import hashlib
from collections.abc import Mapping
from collections.abc import Sequence as List
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from whorl.report.anatomy import cell_of
from whorl.report.gates import gates_of
from whorl.report.signals import Followed
from whorl.report.traces import Layer, with_insides
from whorl.report.views import Column, View
from whorl.runtime.members import num_members
from whorl.runtime.program import Program

# Numbers of states on a page, about 7 bytes each with their gates: beyond these, units are left out.
_MOST_NUMBERS, _MOST_UNITS, _LEAST_UNITS = 48_000, 64, 8
# What a layer carries beside what it says has the gates of that; this is the share of those bytes without.
_WITHOUT_GATES = 0.4
_MOST_LAYERS = 8
# Parts of one script, in the order in which they build on each other.
_SCRIPTS = ("explorer_numbers", "explorer_panels", "explorer")
_DECIMALS, _LARGEST = 4, 32_767

MEANING = {
    "reset": "how much of the state before enters the new value",
    "update": "the share of the state before that is kept",
    "input": "how much of the new value is written",
    "forget": "the share of c that is kept",
    "output": "how much of c is said",
    "keep": "the share of the state before that is kept",
}
"""What each gate does, for readers."""


@dataclass(frozen=True, kw_only=True)
class Explorer:
    """What a page holds of an explorer.

    Args:
        data: what the script reads, as JSON values.
        note: what is not shown of any view, as sentences; may be empty.
        script: JavaScript.
        digest: of the script, in the form that a Content-Security-Policy takes (W3C CSP level 3, section 2.3.1).
        style: CSS.
    """

    data: Mapping[str, object]
    note: str
    script: str
    digest: str
    style: str


def explorer(views: List[View], followed: List[Followed] = ()) -> Explorer | None:
    """An explorer of views; None without a view.

    Args:
        views: as `views.views` or `written_views.views` gives them.
        followed: units that follow a signal.
    """
    if not views:
        return None
    members = num_members(views[0].program)
    parts = [_beside(f"{name}.js") for name in _SCRIPTS]
    script = '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Explorer(
        data=data(views, followed),
        note=f"Of the {members} networks side by side the first is shown." if members > 1 else "",
        script=script,
        digest=f"sha256-{digest}",
        style=_beside("explorer.css"),
    )


def _beside(name: str) -> str:
    """The text of a file beside this one."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def data(views: List[View], followed: List[Followed] = ()) -> dict[str, object]:
    """What the script of the explorer reads, as JSON values; at least one view."""
    cells = sum(len(view) * (_WITHOUT_GATES if layer.is_inside else 1.0) for view in views for layer in _last(view))
    most = min(_MOST_UNITS, max(_LEAST_UNITS, int(_MOST_NUMBERS / cells)))
    return {"meaning": MEANING, "views": [_view(view, followed, most) for view in views]}


def _view(view: View, followed: List[Followed], most: int) -> dict[str, object]:
    layers = _last(view)
    more = len({layer.op.out for layer in view.layers}) - len({layer.op.out for layer in layers})
    units = {layer.op.out: _units(layer, followed, most) for layer in layers if not layer.is_inside}
    left_out = [view.left_out, f"The first {more} layers are not shown." if more else ""]
    return {
        "title": view.title,
        "step": view.step,
        "names": view.names,
        "tokens": view.tokens,
        "read": [_column(column) for column in view.read],
        "left_out": " ".join(filter(None, left_out)),
        "chosen": [layer.name for layer in layers].index(view.last_layer.name),
        "layers": [
            _layer(layer, view.program, [one for one in followed if one.layer == layer.name], units[layer.op.out])
            for layer in layers
        ],
    }


def _last(view: View) -> list[Layer]:
    """The last layers, which are nearest to the answer, each with what it carries beside what it says."""
    known = list(dict.fromkeys(layer.op.out for layer in view.layers))[-_MOST_LAYERS:]
    return [layer for layer in view.layers if layer.op.out in known]


def _units(layer: Layer, followed: List[Followed], most: int) -> list[int]:
    """Units of a layer to show, from 0, the same ones of all parts of its state."""
    names = [one.name for one in with_insides([layer])]
    best: dict[int, Followed] = {}
    for one in sorted(followed, key=lambda one: abs(one.correlation)):
        if one.layer in names and one.unit <= layer.runs[0].h.shape[1]:
            best[one.unit] = one
    states = np.nan_to_num(layer.runs[0].h.astype(np.float64), posinf=0.0, neginf=0.0)
    return chosen_units(states, list(best.values()), most)


def _column(column: Column) -> dict[str, object]:
    """Numbers to six digits, None where nothing was read."""
    values = [float(f"{value:.6g}") if np.isfinite(value) else None for value in column.values.tolist()]
    return {"name": column.name, "values": values}


def _layer(layer: Layer, program: Program, followed: List[Followed], units: list[int]) -> dict[str, object]:
    (run,) = layer.runs
    states = np.nan_to_num(run.h.astype(np.float64), posinf=0.0, neginf=0.0)
    decimals = _decimals(states)
    said = {one.unit - 1: f"{one.signal} ({one.correlation:+.2f})" for one in followed}
    return {
        "name": _name(layer),
        "op": layer.op.out,
        "units": [unit + 1 for unit in units],
        "follows": [said.get(unit, "") for unit in units],
        "all": states.shape[1],
        "decimals": decimals,
        "states": _packed(states[:, units] * 10.0**decimals, "<i2"),
        # Behind a layer stands what it carries beside what it says, with the same units and gates.
        "gates": None if layer.is_inside else _gates(layer, program, units),
    }


def _gates(layer: Layer, program: Program, units: list[int]) -> list[dict[str, object]]:
    """Of a state that is projected there are none: gates belong to what it is projected from."""
    (run,) = layer.runs
    return [
        {"name": name, "values": _packed(100 * own[:, units], "u1"), "mean": _packed(100 * own.mean(axis=1), "u1")}
        for name, own in gates_of(layer, run, program.tensors).items()
        if own.shape == run.h.shape
    ]


def chosen_units(states: np.ndarray, followed: List[Followed], most: int) -> list[int]:
    """Units to show, from 0: first those that follow a signal, the closest first, then others by their last value.

    Where there are too many, those of the others are left out that vary least.
    """
    first = [one.unit - 1 for one in sorted(followed, key=lambda one: -abs(one.correlation))][:most]
    spread = states.std(axis=0)
    others = [unit for unit in np.argsort(-spread, kind="stable").tolist() if unit not in set(first)]
    return first + sorted(others[: most - len(first)], key=lambda unit: (-states[-1, unit], unit))


def _name(layer: Layer) -> str:
    """How a layer is called on the page."""
    way = ", backwards" if layer.op.reverse else ""
    part = {"": "", "c": ", memory c"}.get(layer.part, f", {layer.part} part")
    return f"{layer.op.out}: {cell_of(layer.op)}{way}{part}"


def _decimals(states: np.ndarray) -> int:
    """How many decimals of states fit; below 0 where even whole numbers do not."""
    largest = max(float(np.abs(states).max(initial=0.0)), 1e-300)
    return min(_DECIMALS, int(np.floor(np.log10(_LARGEST / largest))))


def _packed(values: np.ndarray, kind: str) -> str:
    """Rounded numbers as base64 of their bytes, step by step."""
    return base64.b64encode(np.rint(np.nan_to_num(values)).astype(kind).tobytes()).decode()
