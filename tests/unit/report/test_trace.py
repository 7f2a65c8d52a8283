"""Looking inside an engine shows what it computes."""

import numpy as np
import pytest

from whorl.errors import ArgumentError
from whorl.report.anatomy import last_layer
from whorl.runtime import interpreter
from whorl.runtime.interpreter import Interpreter


@pytest.mark.parametrize("name", ["forecaster", "carried", "regressor"])
@pytest.mark.parametrize("block", [1 << 21, 50])
def test_the_output_of_a_trace_is_that_of_a_run(name, block, request, monkeypatch):
    monkeypatch.setattr(interpreter, "_BLOCK", block)
    model = request.getfixturevalue(name).model_
    program = model.engine.program
    random = np.random.default_rng(1)
    inputs = {op.out: random.normal(size=(2, 30, *op.shape)).astype(np.float32) for op in program.inputs}
    top = last_layer(program).out
    traced = Interpreter(program).trace(inputs, [top, program.output])
    np.testing.assert_array_equal(traced[program.output], Interpreter(program).run(inputs))
    assert traced[top].shape == (2, 30, *program.shapes[top])


def test_an_unknown_name_is_refused(regressor):
    with pytest.raises(ArgumentError, match="nobody"):
        Interpreter(regressor.model_.engine.program).trace({"past": np.zeros((1, 2, 2), np.float32)}, ["nobody"])
