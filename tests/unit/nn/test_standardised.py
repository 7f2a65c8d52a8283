"""Numbers on one scale, as training has seen them."""

import numpy as np
import torch

from whorl.nn.standardised import Standardised
from whorl.runtime import operations as ops
from whorl.runtime.engines import engine_for
from whorl.runtime.program import Program

ROWS = np.random.default_rng(0).normal((3.0, -1.0), (2.0, 0.1), (60, 2)).astype(np.float32)


def counted(*batches, **given):
    layer = Standardised(2).train()
    for batch in batches:
        layer(torch.from_numpy(np.asarray(batch)), **given)
    return layer


def test_batches_of_one_size_count_as_all_their_rows_do():
    layer = counted(*ROWS.reshape(6, 10, 2))
    np.testing.assert_allclose(layer.mean.numpy(), ROWS.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(layer.variance.numpy(), ROWS.var(axis=0), rtol=1e-5)


def test_what_is_scaled_has_mean_zero_and_variance_one_before_it_is_bounded():
    y = counted(ROWS).eval()(torch.from_numpy(ROWS)).numpy()
    z = 2.0 * np.arctanh(y / 2.0)
    np.testing.assert_allclose([z.mean(axis=0), z.var(axis=0)], [[0, 0], [1, 1]], atol=1e-4)


def test_what_training_has_never_seen_is_bounded():
    layer = counted(ROWS).eval()
    assert bool((layer(torch.tensor([[1e9, -1e9]])) == torch.tensor([[2.0, -2.0]])).all())


def test_rows_of_long_ago_are_forgotten():
    late = counted(*[ROWS[:10] + 100] * 5, *[ROWS[:10]] * 1500)
    np.testing.assert_allclose(late.mean.numpy(), ROWS[:10].mean(axis=0), rtol=1e-3)


def test_padding_is_not_counted_and_stays_zero():
    real = torch.ones(6, 10, dtype=torch.bool)
    real[:, 7:] = False
    padded = torch.from_numpy(ROWS.reshape(6, 10, 2).copy())
    padded[:, 7:] = torch.nan
    layer = Standardised(2).train()
    y = layer(padded, real)
    np.testing.assert_allclose(layer.mean.numpy(), ROWS.reshape(6, 10, 2)[:, :7].mean(axis=(0, 1)), rtol=1e-5)
    assert not y[:, 7:].any()
    assert bool(y[:, :7].any())


def test_a_row_alone_can_be_learned_from():
    y = counted(ROWS[:1])(torch.from_numpy(ROWS[:1]))
    assert bool(torch.isfinite(y).all())
    assert bool(torch.isfinite(counted(np.zeros((0, 2), np.float32)).variance).all())


def test_nothing_moves_once_training_is_over_and_nothing_of_it_is_learned():
    layer = counted(ROWS).eval()
    before = {name: value.clone() for name, value in layer.named_buffers()}
    layer(torch.zeros(3, 2))
    assert all(torch.equal(value, before[name]) for name, value in layer.named_buffers())
    assert not list(layer.parameters())


def test_a_program_scales_as_torch_does():
    layer, program = counted(ROWS).eval(), Program()
    program.output = layer.emit(program, program.add(ops.Input(out="x", shape=(2,))))
    x = np.random.default_rng(1).normal(size=2).astype(np.float32)
    wanted = layer(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(engine_for(program).run({"x": x[None, None]})[0, 0], wanted, rtol=1e-5, atol=1e-6)
