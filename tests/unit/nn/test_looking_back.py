"""What cores that do not recur look back at, and what they refuse."""

import numpy as np
import pytest
import torch
from tests.laws.core_laws import leaves, same_states

import whorl
from whorl.errors import ArgumentError
from whorl.nn.lookback import Lookback, Reading
from whorl.nn.looking import angles, turned
from whorl.nn.perceptron import PerceptronCore
from whorl.nn.temporal import ConvolutionCore
from whorl.nn.transformer import TransformerCore
from whorl.runtime import operations as ops
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program

same = torch.testing.assert_close


def transformer(**options):
    return TransformerCore(3, 8, **{"num_layers": 2, "num_heads": 2, "window": 4, **options})


CORES = {
    "transformer": (transformer, 1 + 2 * 3),
    "convolution": (lambda: ConvolutionCore(3, 8, num_layers=3, kernel_size=2), 1 + 2 * (1 + 2 + 4)),
    "perceptron": (lambda: PerceptronCore(3, 8, window=6), 6),
}
RECIPES = {
    "transformer": whorl.Transformer(8, 2, 2, window=4),
    "convolution": whorl.Convolution(8, 3, kernel_size=2),
    "perceptron": whorl.Perceptron(8, 2, window=6),
}


@pytest.fixture(params=CORES)
def named(request):
    """A core in float64, and how many steps its output depends on."""
    torch.manual_seed(3)
    new, reach = CORES[request.param]
    return request.param, new().double().eval(), reach


def steps_that_matter(core, num_steps=24):
    """The steps of the input that the last output depends on, in one of several sequences: a relu may be shut."""
    x = torch.randn(20, num_steps, 3, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(core(x)[0][:, -1].square().sum(), x)
    return gradient.abs().sum(dim=(0, 2)).nonzero().flatten().tolist()


def program_of(core, lead=()):
    program = Program()
    program.output = core.emit(program, program.add(ops.Input(out="x", shape=(*lead, 3))))
    return program


def test_an_output_depends_on_as_many_steps_as_the_recipe_says_and_on_no_more(named):
    name, core, reach = named
    assert steps_that_matter(core) == list(range(24 - reach, 24))
    assert RECIPES[name].reach == reach


def test_a_program_says_how_many_rows_it_depends_on(named):
    _, core, reach = named
    program = program_of(core)
    assert (program.streams, program.memory) == (True, reach)


def test_a_program_reads_several_rows_of_a_step_side_by_side(named):
    """As those of the targets of a carried forecaster."""
    _, core, _ = named
    x = torch.randn(2, 19, 3, dtype=torch.float64)
    engine = NativeEngine(program_of(core, lead=(2,)))
    found = engine.run({"x": x.float().numpy().swapaxes(0, 1)[None]})[0]
    np.testing.assert_allclose(found.swapaxes(0, 1), core(x)[0].detach().numpy(), atol=1e-5)


def test_a_program_over_a_value_says_what_a_fresh_core_says(named):
    _, core, _ = named
    x = torch.randn(2, 9, 3, dtype=torch.float64)
    program = Program()
    program.output = core.emit_value(program, program.add(ops.Input(out="x", shape=(2, 9, 3))))
    found = NativeEngine(program).run({"x": x.float().numpy()[None, None]})[0, 0]
    np.testing.assert_allclose(found, core(x)[0].detach().numpy(), atol=1e-5)


def test_what_came_before_a_reset_is_forgotten(named):
    _, core, _ = named
    x = torch.randn(2, 11, 3, dtype=torch.float64)
    resets = torch.zeros(2, 11, dtype=torch.bool)
    resets[:, 5] = True
    y, state = core(x, resets_BT=resets)
    fresh, after = core(x[:, 5:])
    same(y[:, 5:], fresh)
    same(y[:, :5], core(x[:, :5])[0])
    same_states(state, after)


def test_a_state_is_of_one_size_however_many_steps_were_read(named):
    _, core, _ = named
    sizes = [[part.shape for part in leaves(core(torch.randn(2, steps, 3).double())[1])] for steps in (1, 40)]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("given", ["nothing", "lengths", "resets", "state"])
def test_all_that_a_core_makes_is_on_the_device_of_its_weights(named, given):
    """On a device that holds no numbers, where a tensor of another device is refused."""
    _, core, _ = named
    core = core.float().to("meta")
    x = torch.zeros(2, 9, 3, device="meta")
    options = {
        "lengths": {"lengths_B": torch.tensor([9, 4])},
        "resets": {"resets_BT": torch.zeros(2, 9, dtype=torch.bool)},
        "state": {"state": core.initial_state(2)},
    }
    y, state = core(x, **options.get(given, {}))
    assert {part.device.type for part in [y, *leaves(state)]} == {"meta"}
    assert core.last_output(y, state, options.get(given, {}).get("lengths_B")).shape == (2, 8)


def test_half_the_bits_are_enough_where_that_is_asked_for(named):
    _, core, _ = named
    core = core.float()
    x = torch.randn(2, 9, 3)
    with torch.autocast("cpu", torch.bfloat16):
        first, state = core(x[:, :5])
        second, _ = core(x[:, 5:], state)
    same(torch.cat([first, second], dim=1).float(), core(x)[0], atol=0.1, rtol=0.1)


def test_features_that_are_ignored_at_first_say_nothing(named):
    _, core, _ = named
    core.ignore_inputs(1)
    x = torch.randn(2, 7, 3, dtype=torch.float64)
    other = torch.cat([x[..., :1], torch.randn(2, 7, 2).double()], dim=-1)
    same(core(other)[0], core(x)[0], rtol=0, atol=0)
    assert not torch.equal(core(x + 1.0)[0], core(x)[0])


def test_the_last_output_is_that_of_the_last_real_step_and_zero_without_one(named):
    _, core, _ = named
    x, lengths = torch.randn(3, 5, 3, dtype=torch.float64), torch.tensor([5, 2, 0])
    y, state = core(x, lengths_B=lengths)
    last = core.last_output(y, state, lengths)
    same(last[0], core(x[:1])[0][0, -1])
    same(last[1], core(x[1:2, :2])[0][0, -1])
    assert (last[2] == 0).all()
    y, state = core(x[:, :0])
    assert (core.last_output(y, state) == 0).all()


# The Transformer


def test_how_well_a_key_fits_a_query_depends_on_how_far_back_it_lies_alone():
    query, key = torch.randn(1, 8, dtype=torch.float64), torch.randn(1, 8, dtype=torch.float64)

    def fit(at, back):
        turn_q, turn_k = turned(query, at, 2), turned(key, at - back, 2)
        return (turn_q * turn_k).reshape(2, 4).sum(dim=-1)

    same(fit(7, 3), fit(1000, 3))
    assert not torch.allclose(fit(7, 3), fit(7, 4))


def test_a_turn_keeps_the_length_of_each_head_and_does_nothing_at_the_first_position():
    x = torch.randn(5, 12, dtype=torch.float64)
    same(turned(x, 3, 3).reshape(5, 3, 4).norm(dim=-1), x.reshape(5, 3, 4).norm(dim=-1))
    same(turned(x[:1], 0, 3), x[:1])
    assert angles(3, 8, 2)[2].tolist() == [2.0, 0.02] * 4


def test_attention_in_blocks_is_that_over_all_pairs_of_steps():
    """Against the whole matrix of weights, with the mask of the window."""
    torch.manual_seed(1)
    core = transformer(num_layers=1, window=5).double().eval()
    (block,) = core.blocks
    x = torch.randn(2, 23, 3, dtype=torch.float64)
    h = core.read(x)
    query, key, value = block.inputs(block.norms[0](h)).chunk(3, dim=-1)
    query, key = turned(query, 0, 2), turned(key, 0, 2)
    apart = torch.arange(23)[:, None] - torch.arange(23)
    found = []
    for head in (slice(0, 4), slice(4, 8)):
        scores = query[..., head] @ key[..., head].transpose(1, 2) / 2.0
        scores = scores.masked_fill((apart < 0) | (apart > 4), -torch.inf)
        found.append(torch.softmax(scores, dim=-1) @ value[..., head])
    h = h + block.found(torch.cat(found, dim=-1))
    h = h + block.narrow(torch.relu(block.wide(block.norms[1](h))))
    same(core(x)[0], core.norm(h))


def test_the_first_step_looks_at_itself_alone_and_not_at_zeros_before_it():
    core = transformer(num_layers=1).double().eval()
    x = torch.randn(1, 1, 3, dtype=torch.float64)
    value = core.blocks[0].inputs(core.blocks[0].norms[0](core.read(x))).chunk(3, dim=-1)[2]
    h = core.read(x) + core.blocks[0].found(value)
    inner = core.blocks[0].wide(core.blocks[0].norms[1](h))
    same(core(x)[0], core.norm(h + core.blocks[0].narrow(torch.relu(inner))))


def test_a_width_that_heads_cannot_share_is_refused():
    with pytest.raises(ArgumentError, match=r"`hidden_size` is a multiple of twice `num_heads`, here of 6, but is 8"):
        TransformerCore(3, 8, num_heads=3)


# Rows that are looked back at


def test_a_lookback_is_a_causal_convolution():
    layer = Lookback(3, 4, 3, dilation=2).double()
    x = torch.randn(2, 9, 3, dtype=torch.float64)
    reading = Reading.of(x, None, None)
    y, _ = layer(x, x.new_zeros(2, layer.reach, 3), reading)
    weight = layer.linear.weight.reshape(4, 3, 3).transpose(1, 2)
    padded = torch.nn.functional.pad(x.transpose(1, 2), (4, 0))
    same(y, torch.nn.functional.conv1d(padded, weight, layer.linear.bias, dilation=2).transpose(1, 2))


@pytest.mark.parametrize("size", [3, 12])
def test_many_rows_are_laid_side_by_side_as_few_are(size):
    """Whichever way is faster; resets take the one that tells steps apart."""
    x, before = torch.randn(2, 9, 3), torch.randn(2, size - 1, 3)
    back = range(size - 1, -1, -1)
    never = torch.zeros(2, 9, dtype=torch.bool)
    plain = Reading.of(x, None, None).looked_back(before, x, back)
    same(plain, Reading.of(x, None, never).looked_back(before, x, back), rtol=0, atol=0)
    rows = torch.cat([before, x], dim=1)
    same(plain[:, 4], rows[:, 4 : 4 + size].flatten(1), rtol=0, atol=0)
