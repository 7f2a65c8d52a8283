"""What an encoder reads of steps that have an order: features that differ where steps do, whatever is beside them."""

import numpy as np
import pytest
import torch

from whorl.nn.sources import Features
from whorl.runtime import operations as ops
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.program import Program
from whorl.specs import Picture, Reals


def frames(count, steps):
    """Pictures of 6 x 5 pixels that share much and differ little."""
    draw = torch.Generator().manual_seed(2)
    shared = 3.0 * torch.randn(30, generator=draw)
    return shared + 0.1 * torch.randn(count, steps, 30, generator=draw)


def features(spec=None, size=7):
    torch.manual_seed(0)
    return Features(Picture(1, 6, 5) if spec is None else spec, size)


def test_what_differs_between_frames_is_not_lost_in_what_they_share():
    source = features(size=16)
    read, _ = source.read(frames(4, 9), torch.full((4,), 9))
    assert read.std(dim=(0, 1)).min() > 0.3


def test_padding_is_no_part_of_the_norm():
    x, lengths = frames(3, 6), torch.tensor([6, 2, 4])
    found = []
    for steps in (6, 8):
        source = features()
        padded = torch.zeros(3, steps, 30)
        padded[:, :6] = x
        read, _ = source.read(padded, lengths)
        assert not read[1, 2:].any()
        found.append((read[:, :6], source.norm.running_mean, source.norm.running_var))
    for own, other in zip(*found, strict=True):
        torch.testing.assert_close(own, other)


def test_one_step_alone_and_none_at_all_are_read_in_training():
    source = features(Reals(3))
    for steps in (1, 0):
        read, lengths = source.read(torch.ones(1, 1, 3), torch.tensor([steps]))
        assert read.shape == (1, 1, 7)
        assert torch.isfinite(read).all()
        assert lengths.tolist() == [steps]


@pytest.mark.parametrize("spec", [Picture(1, 6, 5), Reals(30)])
def test_the_norm_is_a_part_of_the_weights_of_a_program(spec):
    source, x = features(spec), frames(2, 5)
    for _ in range(3):
        source.read(x, torch.tensor([5, 5]))
    source.eval()
    program = Program()
    program.output = source.emit(program, program.add(ops.Input(out="source", shape=(30,))))
    with torch.no_grad():
        wanted, _ = source.read(x, torch.tensor([5, 5]))
    assert wanted.any()
    np.testing.assert_allclose(Interpreter(program).run({"source": x.numpy()}), wanted.numpy(), atol=1e-5)
