"""Lengths of a compiled layer are checked when its graph runs, whichever backend runs it."""

import re
from contextlib import nullcontext

import pytest
import torch

import whorl.nn
from whorl.errors import ArgumentError
from whorl.ops import compiled_lengths


@pytest.fixture(autouse=True)
def compile_afresh():
    """The numbers of graphs that other tests made do not count."""
    torch.compiler.reset()


@pytest.mark.parametrize(
    ("dtype", "forced"), [(torch.float32, None), (torch.float64, None), (torch.float32, "reference")]
)
def test_lengths_that_do_not_fit_are_an_error_when_the_graph_runs(dtype, forced):
    layer, x = whorl.nn.GRU(3, 5, dtype=dtype), torch.randn(6, 4, 3, dtype=dtype)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    with whorl.nn.backend(forced) if forced else nullcontext():
        fitting = torch.tensor([6, 0, 2, 3])
        torch.testing.assert_close(compiled(x, lengths=fitting)[0], layer(x, lengths=fitting)[0])
        for lengths in ([7, 1, 1, 1], [-1, 1, 1, 1]):
            with pytest.raises(ArgumentError, match="`lengths` must lie within 0 and the 6 steps") as eager:
                layer(x, lengths=torch.tensor(lengths))
            with pytest.raises(ArgumentError, match=re.escape(str(eager.value))):
                compiled(x, lengths=torch.tensor(lengths))


@pytest.mark.parametrize("dtype", [torch.int64, torch.int8])
def test_the_operator_is_a_sound_one(dtype):
    torch.library.opcheck(compiled_lengths.checked, (torch.tensor([3, 0], dtype=dtype), 4))
