"""The convolutional LSTM: its equation, its states as maps, and what it refuses."""

import numpy as np
import pytest
import torch

import whorl
from whorl.errors import ArgumentError
from whorl.nn import cores
from whorl.nn.build import build
from whorl.nn.convlstm import ConvLSTMCore, ConvLSTMLayer, MapState
from whorl.plans.wiring import Wiring
from whorl.runtime import operations as ops
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program
from whorl.specs import Fields, Picture, Reals

SPEC = Picture(2, 3, 4)


def drawn(**options):
    torch.manual_seed(0)
    core = ConvLSTMCore(SPEC, 3, **options)
    with torch.no_grad():
        for parameter in core.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    return core.eval()


def test_a_step_of_one_pixel_is_the_equation_with_peepholes():
    """Shi et al. 2015, eq. 3, where every convolution is a product with the middle of its kernel."""
    layer = ConvLSTMLayer(Picture(1, 1, 1), 1, 3)
    w, u, v, b = (0.3, -0.5, 0.8, 0.2), (0.1, 0.7, -0.4, 0.6), (0.9, -0.2, 0.5), (0.05, 1.0, -0.1, 0.3)
    with torch.no_grad():
        layer.entering.weight.copy_(torch.full((4, 1, 3, 3), 9.0))  # zeros stand around the pixel
        layer.entering.weight[:, 0, 1, 1] = torch.tensor(w)
        layer.recurring.weight[:, 0, 1, 1] = torch.tensor(u)
        layer.entering.bias.copy_(torch.tensor(b))
        layer.peepholes.copy_(torch.tensor(v).reshape(3, 1, 1, 1))
    x, h, c = 1.5, 0.4, -0.7
    sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    i = sigmoid(w[0] * x + u[0] * h + v[0] * c + b[0])
    f = sigmoid(w[1] * x + u[1] * h + v[1] * c + b[1])
    new_c = f * c + i * np.tanh(w[2] * x + u[2] * h + b[2])
    o = sigmoid(w[3] * x + u[3] * h + v[2] * new_c + b[3])
    state = MapState(torch.full((1, 1, 1, 1), h), torch.full((1, 1, 1, 1), c))
    new = layer.step(layer.entering(torch.full((1, 1, 1, 1), x)), state)
    assert new.c.item() == pytest.approx(new_c, rel=1e-6)
    assert new.h.item() == pytest.approx(o * np.tanh(new_c), rel=1e-6)


def test_what_moves_by_a_pixel_moves_the_states_by_a_pixel():
    core = ConvLSTMCore(Picture(1, 9, 9), 2, places="kept")
    x = torch.zeros(2, 3, 9, 9)
    x[0, :, 3, 3] = x[1, :, 4, 5] = 1.0
    y, _ = core(x.flatten(2))
    first, second = y.reshape(2, 3, 2, 9, 9)
    # Away from the edges, around which zeros stand: what they do goes one pixel further with each step.
    torch.testing.assert_close(first[:, :, 2:6, 2:5], second[:, :, 3:7, 4:7])


@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "side": 2, "places": "kept"}])
def test_over_a_value_it_says_what_it_says_over_the_stream(options):
    core, x = drawn(**options), torch.randn(2, 5, SPEC.width)
    wanted = core(x)[0].detach().numpy()
    program = Program()
    given = program.add(ops.Input(out="x", shape=(2, 5, SPEC.width)))
    program.output = core.emit_value(program, given)
    for engine in (Interpreter(program), NativeEngine(program)):
        np.testing.assert_allclose(engine.run({"x": x.numpy()[None, None]})[0, 0], wanted, atol=1e-6)


def test_channels_that_are_to_be_ignored_are():
    core = drawn()
    core.ignore_inputs(SPEC.h * SPEC.w)
    x = torch.randn(1, 4, SPEC.width)
    other = x.clone()
    other[..., SPEC.h * SPEC.w :] = 7.0
    torch.testing.assert_close(core(other)[0], core(x)[0], rtol=0, atol=0)
    other[..., 0] += 1.0
    assert not torch.equal(core(other)[0], core(x)[0])


def test_a_larger_picture_is_halved_before_the_first_layer():
    core = ConvLSTMCore(Picture(3, 40, 70), 5, side=16)
    assert core.map == Picture(5, 5, 9)
    assert len(core.halvings) == 3
    assert core(torch.zeros(1, 2, 3 * 40 * 70))[0].shape == (1, 2, core.output_size)


def wiring() -> Wiring:
    return whorl.Classifier(convolution=0).wiring()


@pytest.mark.parametrize("past", [Reals(24), Fields({"a": SPEC, "b": Reals(1)}), Fields({"a": SPEC, "b": SPEC})])
def test_steps_that_are_no_picture_alone_are_refused(past):
    recipe = whorl.ConvLSTM().completed(hidden_size=64)
    with pytest.raises(ArgumentError, match="reads steps that are pictures and nothing beside them"):
        build(wiring(), recipe, past=past, ahead=None, num_targets=1, dropout=0.0, num_classes=3)


def test_what_changes_the_pixels_before_it_is_refused():
    with pytest.raises(ArgumentError, match=r"`network` is a ConvLSTM, .* with convolution=0"):
        cores.make(whorl.ConvLSTM().completed(hidden_size=64), 64, SPEC)


def test_a_recipe_has_16_channels_whatever_the_task_and_odd_kernels():
    assert whorl.ConvLSTM().completed(hidden_size=64) == whorl.ConvLSTM(hidden_size=16, num_layers=1)
    assert whorl.ConvLSTM(hidden_size=5).completed(hidden_size=64, num_layers=2).hidden_size == 5
    with pytest.raises(ArgumentError, match=r"`kernel_size` is odd, .* Use 5"):
        whorl.ConvLSTM(kernel_size=4)
    with pytest.raises(ArgumentError, match="`places` must be 'pooled' or 'kept'"):
        whorl.ConvLSTM(places="some")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="`side` is a whole number >= 1"):
        whorl.ConvLSTM(side=0)
