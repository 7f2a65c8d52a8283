"""Sequences of unequal length, and states that are zeroed on the way."""

import itertools

import pytest
import torch
from torch import Tensor

import whorl.nn

KINDS = {
    "rnn": (whorl.nn.RNN, {}),
    "gru": (whorl.nn.GRU, {}),
    "lstm": (whorl.nn.LSTM, {}),
    "projected": (whorl.nn.LSTM, {"proj_size": 2}),
    "normalised": (whorl.nn.LSTM, {"layer_norm": True}),
    "zoneout": (whorl.nn.GRU, {"zoneout": 0.25}),
    "two layers": (whorl.nn.GRU, {"num_layers": 2}),
}


@pytest.fixture(params=KINDS)
def build(request):
    kind, options = KINDS[request.param]

    def build_module(**more):
        torch.manual_seed(0)
        return kind(3, 5, batch_first=True, dtype=torch.float64, **options, **more).eval()

    return build_module


def state_of(module, batch_size: int) -> tuple[Tensor, ...]:
    shapes = module.state_shapes(batch_size)
    return tuple(torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes)


def rows(state: tuple[Tensor, ...], row: int) -> tuple[Tensor, ...]:
    return tuple(part[:, row : row + 1] for part in state)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_batch_of_unequal_lengths_equals_its_items_alone_whatever_the_padding_holds(build, bidirectional):
    module = build(bidirectional=bidirectional)
    lengths = [4, 0, 6, 1]
    state = state_of(module, 4)
    x = torch.randn(4, 6, 3, dtype=torch.float64)
    for row, length in enumerate(lengths):
        x[row, length:] = [torch.nan, torch.inf, 1e300, -7.0][row]
    output, final = module.run(x, state, lengths=lengths)
    for row, length in enumerate(lengths):
        assert torch.equal(output[row, length:], torch.zeros_like(output[row, length:]))
        if length == 0:
            expected: tuple[Tensor, ...] = rows(state, row)
        else:
            alone, expected = module.run(x[row : row + 1, :length], rows(state, row))
            torch.testing.assert_close(output[row : row + 1, :length], alone)
        for found, part in zip(rows(final, row), expected, strict=True):
            torch.testing.assert_close(found, part)


@pytest.mark.parametrize("backend", ["torch", "reference"])
def test_padding_changes_no_gradient(build, backend):
    module = build(bidirectional=True)
    if module.layer_norm or module.zoneout:
        backend = "reference"
    lengths = [4, 1]
    state = state_of(module, 2)
    short = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    found = []
    for extra in (0, 3):
        x = torch.cat([short, torch.full((2, extra, 3), torch.nan, dtype=torch.float64)], 1)
        x = torch.where(torch.arange(4 + extra)[:, None] < torch.tensor(lengths)[:, None, None], x, torch.nan)
        with whorl.nn.backend(backend):
            output, final = module.run(x, state, lengths=lengths)
        loss = output.square().sum() + sum(part.sin().sum() for part in final)
        found.append(torch.autograd.grad(loss, [short, *state, *module.parameters()]))
    for without, padded in zip(*found, strict=True):
        assert padded.isfinite().all()
        torch.testing.assert_close(padded, without)


def test_empty_input_is_safe(build):
    module = build(bidirectional=True)
    state = state_of(module, 2)
    output, final = module.run(torch.zeros(2, 0, 3, dtype=torch.float64), state)
    assert output.shape == (2, 0, module.output_size)
    assert all(torch.equal(found, part) for found, part in zip(final, state, strict=True))
    assert module(torch.zeros(0, 4, 3, dtype=torch.float64))[0].shape == (0, 4, module.output_size)
    assert module(torch.zeros(0, 4, 3, dtype=torch.float64), lengths=[])[0].shape == (0, 4, module.output_size)


def test_resets_read_forwards_equal_running_the_pieces_apart(build):
    module = build()
    state = state_of(module, 2)
    x = torch.randn(2, 7, 3, dtype=torch.float64, requires_grad=True)
    resets = torch.zeros(2, 7, dtype=torch.bool)
    resets[0, 3] = resets[1, [2, 5]] = True
    output, final = module.run(x, state, resets=resets)
    for row, cuts in enumerate([[0, 3, 7], [0, 2, 5, 7]]):
        carried: tuple[Tensor, ...] | None = rows(state, row)
        for start, stop in itertools.pairwise(cuts):
            piece, carried = module.run(x[row : row + 1, start:stop], carried)
            torch.testing.assert_close(output[row : row + 1, start:stop], piece)
            last, carried = carried, None
        for found, part in zip(rows(final, row), last, strict=True):
            torch.testing.assert_close(found, part)
    # Nothing before the boundary reaches what comes after it.
    late = torch.autograd.grad(output[0, 3:].sum(), [x, *state])
    assert (late[0][0, :3] == 0).all()
    assert all((gradient[:, 0] == 0).all() for gradient in late[1:])
    assert (late[0][0, 3:] != 0).any()


def test_resets_read_backwards_cut_between_a_step_and_the_one_before_it():
    torch.manual_seed(0)
    module = whorl.nn.GRU(3, 5, batch_first=True, bidirectional=True, dtype=torch.float64)
    (state,) = state_of(module, 1)
    x = torch.randn(1, 7, 3, dtype=torch.float64)
    resets = torch.tensor([[False, False, False, True, False, False, False]])
    output, final = module(x, state, resets=resets)
    # Backwards, h0 enters at the end; the first piece of time starts from zero.
    zero = torch.zeros_like(state)
    early, early_final = module(x[:, :3], torch.stack([state[0], zero[1]]))
    late, late_final = module(x[:, 3:], torch.stack([zero[0], state[1]]))
    torch.testing.assert_close(output, torch.cat([early, late], 1))
    torch.testing.assert_close(final, torch.stack([late_final[0], early_final[1]]))


def test_a_reset_at_the_first_step_drops_the_initial_state_forwards_only():
    module = whorl.nn.RNN(3, 5, batch_first=True, bidirectional=True, dtype=torch.float64)
    (state,) = state_of(module, 1)
    x = torch.randn(1, 4, 3, dtype=torch.float64)
    resets = torch.tensor([[True, False, False, False]])
    output, final = module(x, state, resets=resets)
    expected, expected_final = module(x, torch.stack([torch.zeros_like(state[0]), state[1]]))
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(final, expected_final)


def test_resets_in_the_padding_change_nothing():
    module = whorl.nn.LSTM(3, 5, batch_first=True, bidirectional=True, dtype=torch.float64)
    state = state_of(module, 2)
    x, lengths = torch.randn(2, 6, 3, dtype=torch.float64), [4, 2]
    resets = torch.arange(6) >= torch.tensor(lengths)[:, None]
    output, final = module(x, state, lengths=lengths, resets=resets)
    expected, expected_final = module(x, state, lengths=lengths)
    torch.testing.assert_close(output, expected)
    torch.testing.assert_close(final, expected_final)


def test_a_reset_wipes_a_state_that_is_not_a_number():
    module = whorl.nn.GRU(3, 5)
    output, _ = module(torch.randn(2, 1, 3), torch.full((1, 1, 5), torch.nan), resets=torch.tensor([[True], [False]]))
    assert output.isfinite().all()


def test_resets_have_the_leading_axes_of_the_input():
    module = whorl.nn.GRU(3, 5, dtype=torch.float64)
    x = torch.randn(6, 2, 3, dtype=torch.float64)
    resets = torch.zeros(6, 2, dtype=torch.bool)
    resets[4, 1] = True
    output, _ = module(x, resets=resets)
    torch.testing.assert_close(output[4:, 1], module(x[4:, 1])[0])
    torch.testing.assert_close(output[:, 1], module(x[:, 1], resets=resets[:, 1])[0])
    torch.testing.assert_close(output[:, 0], module(x[:, 0])[0])
