"""Pictures as vectors and as grids of them, in torch and in the programs that are emitted."""

import numpy as np
import pytest
import torch

from whorl.nn.inputs import InputColumns
from whorl.nn.pictures import PictureEncoder
from whorl.runtime import operations as ops
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program
from whorl.specs import Fields, Picture, Reals

SPEC = Picture(2, 9, 14)


def emitted(module, width):
    program = Program()
    program.output = module.emit(program, program.add(ops.Input(out="x", shape=(width,))))
    return program


@pytest.mark.parametrize("grid", [False, True])
def test_an_encoder_says_as_a_program_what_it_says_in_torch(grid):
    torch.manual_seed(0)
    encoder = PictureEncoder(SPEC, 5, side=4, grid=grid).eval()
    x = torch.randn(3, 2, SPEC.width)
    wanted = encoder(x).detach().numpy()
    assert encoder.places == (3, 4)
    assert wanted.shape == ((3, 2, 12, 5) if grid else (3, 2, 5))
    program = emitted(encoder, SPEC.width)
    for engine in (Interpreter(program), NativeEngine(program)):
        # Layer norm over 16 channels divides by as little as sqrt(eps), which enlarges rounding: 2e-6 was measured.
        np.testing.assert_allclose(engine.run({"x": x.numpy()}), wanted, atol=1e-5)


def test_a_place_of_the_grid_sees_its_part_of_the_picture_and_not_the_far_corner():
    encoder = PictureEncoder(Picture(1, 32, 32), 3, side=8, grid=True)
    picture = torch.zeros(1, 32, 32)
    picture[0, :4, -4:] = 1.0  # top right: the last place of the first row
    change = (encoder(picture.flatten()) - encoder(torch.zeros(1024))).abs().sum(dim=-1).reshape(encoder.places)
    assert change[0, 7] > 0
    assert change[4:].abs().max() == 0
    assert change[:, :4].abs().max() == 0


def test_what_is_said_of_a_picture_does_not_depend_on_others():
    encoder = PictureEncoder(SPEC, 5).train()
    x = torch.randn(4, SPEC.width)
    torch.testing.assert_close(encoder(x)[1:2], encoder(x[1:2]))


def test_the_smallest_picture_has_a_layer_and_the_largest_side_is_kept_to():
    assert len(PictureEncoder(Picture(1, 1, 1)).layers) == 1
    assert PictureEncoder(Picture(1, 1, 200), side=4).places == (1, 4)
    assert [layer.out_channels for layer in PictureEncoder(Picture(3, 96, 60)).layers] == [16, 32, 64, 64, 64]


def test_a_picture_that_is_alone_in_a_batch_is_learned_though_it_has_one_pixel():
    encoder = PictureEncoder(Picture(3, 1, 2), 5, norm="batch").train()
    encoder(torch.randn(1, 6)).sum().backward()
    assert all(one.grad is not None and torch.isfinite(one.grad).all() for one in encoder.parameters())


def test_pictures_stand_behind_numbers_in_the_features_of_a_step():
    torch.manual_seed(0)
    columns = InputColumns(Fields({"camera": Picture(1, 4, 5), "numeric": Reals(3)}))
    x = torch.randn(2, 23)
    found = columns(x)
    assert found.shape == (2, columns.size)
    torch.testing.assert_close(found[:, :3], x[:, 20:])
    program = emitted(columns, 23)
    np.testing.assert_allclose(Interpreter(program).run({"x": x[:, None].numpy()})[:, 0], found.detach(), atol=1e-5)
