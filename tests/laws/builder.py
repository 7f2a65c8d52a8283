"""What makes programs by hand."""

import numpy as np

from whorl.runtime import operations as ops
from whorl.runtime.operations import GATES, Name
from whorl.runtime.program import Program


class Builder:
    """A program under construction, its tensors drawn by one generator."""

    def __init__(self) -> None:
        self.program = Program()
        self.rng = np.random.default_rng(6)

    def weights(self, *shape: int) -> Name:
        name = self.program.fresh("w")
        return self.program.tensor(name, 0.5 * self.rng.standard_normal(shape))

    def __call__(self, operation: ops.AnyOperation) -> Name:
        return self.program.add(operation)

    def done(self, output: Name) -> Program:
        self.program.output = output
        return self.program

    def cell(
        self,
        x: Name,
        cell: str,
        over: str,
        units: int = 5,
        *,
        projected: int = 0,
        norm: bool = False,
        **options: object,
    ) -> Name:
        width, rows = projected or units, GATES[cell] * units
        sizes = (rows,) * 4 + ((units,) * 2 if cell == "lstm" else ())
        return self(
            ops.Recurrent(
                x=x,
                cell=cell,  # type: ignore[arg-type]
                over=over,  # type: ignore[arg-type]
                weight_ih=self.weights(rows, self.program.shapes[x][-1]),
                weight_hh=self.weights(rows, width),
                bias_ih=None if norm else self.weights(rows),
                bias_hh=None if norm else self.weights(rows),
                weight_hr=self.weights(projected, units) if projected else None,
                layer_norm=tuple(self.weights(size) for size in sizes) if norm else (),
                **options,  # type: ignore[arg-type]
            )
        )
