"""Whether the parts of a model file fit each other, so that a file that loads can also answer."""

from collections.abc import Mapping

import numpy as np

from whorl.codecs.codec import codecs
from whorl.data.array_reader import ArrayReader
from whorl.data.reader import Reader
from whorl.data.table_reader import TableReader
from whorl.data.text_reader import TextReader
from whorl.errors import ModelFileError
from whorl.plans.wiring import Categorical, Pairing, Quantiles, Sequences, Strips, Windows, Wiring
from whorl.runtime.class_readout import CategoricalReadout
from whorl.runtime.operations import Shape
from whorl.runtime.program import Program
from whorl.runtime.readouts import QuantileReadout, Readout

_LONGEST = 1_000_000  # rows; a window of a program may be as long


def check_parts(
    wiring: Wiring,
    reader: Reader,
    readout: Readout,
    program: Program,
    baselines: Mapping[str, Program],
    naive_mae: np.ndarray | None,
) -> None:
    """Raises ModelFileError unless wiring, reader, program, readout and baselines are those of one model."""
    num_targets, horizon = len(reader.names), _horizon(wiring.pairing)
    answer = (num_targets,) if isinstance(wiring.pairing, Sequences) else (horizon, num_targets)
    levels = wiring.head.levels if isinstance(wiring.head, Quantiles) else ()
    _expect(reader.horizon == horizon, f"the reader's horizon is {reader.horizon}, the pairing's {horizon}")
    families = f"its codec families are {wiring.inputs} and {wiring.outputs}"
    _expect(wiring.inputs in codecs and wiring.outputs in codecs, families)
    _expect(_ascend(levels), f"the head's levels are {levels}")
    _expect(tuple(readout.levels) == tuple(levels), f"the readout's levels are {readout.levels}, the head's {levels}")
    if isinstance(readout, QuantileReadout) and readout.shifts is not None and readout.floors is not None:
        found = readout.shifts.shape, readout.floors.shape
        expected = (*answer[:-1], len(levels)), (num_targets, len(levels))
        _expect(found == expected, f"the readout's arrays have the shapes {found}")
    if naive_mae is not None:
        _expect(naive_mae.shape == (num_targets,), f"`naive_mae` has the shape {naive_mae.shape}")
        _expect(naive_mae.dtype == np.float64 and bool((naive_mae > 0).all()), "`naive_mae` is not positive float64")
    num_classes = len(reader.classes)
    _expect(isinstance(wiring.head, Categorical) == bool(num_classes), f"it has {num_classes} classes")
    _expect(isinstance(wiring.head, Categorical) == isinstance(readout, CategoricalReadout), "its readout is of others")
    inputs = _inputs(reader)
    _check_program("the network", program, inputs, (*answer, num_classes or 1 + len(levels)))
    for name, rival in baselines.items():
        _check_program(f"the baseline '{name}'", rival, inputs, (*answer, num_classes or 1))


def _ascend(levels: tuple[float, ...]) -> bool:
    return all(0.0 < level < 1.0 for level in levels) and list(levels) == sorted(set(levels))


def _horizon(pairing: Pairing) -> int:
    """Steps ahead, 0 where answers have no time; sizes must be sensible."""
    match pairing:
        case Windows(context=context, horizon=horizon, stride=stride):
            sizes = (context, horizon, stride)
            _expect(all(0 < size <= _LONGEST for size in sizes), f"its windows are {pairing}")
            return horizon
        case Strips(warm_up=warm_up, horizon=horizon, num_lags=num_lags):
            sizes = (warm_up, horizon, num_lags + 1)
            _expect(all(0 < size <= _LONGEST for size in sizes), f"its strips are {pairing}")
            return horizon
        case Sequences():
            return 0


def _inputs(reader: Reader) -> dict[str, Shape] | None:
    """Name and shape of what an engine reads at each step; None where only a user's own reader knows."""
    if isinstance(reader, ArrayReader | TextReader):
        return {"past": (reader.past.spec.width,)}
    if not isinstance(reader, TableReader):
        return None
    ahead = {} if reader.ahead is None else {"future": (reader.horizon, reader.ahead.spec.width)}
    return {"past": (reader.past.spec.width,), **ahead}


def _check_program(what: str, program: Program, inputs: Mapping[str, Shape] | None, output: Shape) -> None:
    found = {op.out: op.shape for op in program.inputs if not op.static}
    _expect(len(found) == len(program.inputs), f"{what} has static inputs, which nothing gives")
    _expect("past" in found, f"{what} reads no rows")
    if inputs is not None:
        _expect(found.items() <= inputs.items(), f"{what} reads {found}, but its reader gives {dict(inputs)}")
    shape = program.shapes[program.output]
    _expect(shape == output, f"{what} gives {shape}, but its readout takes {output}")


def _expect(condition: bool, what: str) -> None:
    if not condition:
        raise ModelFileError(f"the parts of the model file do not fit each other: {what}. Save the model again.")
