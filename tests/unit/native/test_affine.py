"""The native affine product: right, and the same bits for a row wherever it stands."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.threads import in_threads
from tests.unit.native.products import draw, same_bits
from tests.unit.processes import check_one_digest, run_python

from whorl import _native

# Measured: |error| / (|x| . |weight|^T + |bias|) is at most 3.2e-7 over these shapes; its cause is the rounding of one
# long float32 chain. 1e-6 leaves a factor of three.
RELATIVE_TOLERANCE = 1e-6

SHAPES = [(1, 1, 1), (1, 5, 3), (3, 7, 17), (6, 16, 64), (7, 33, 65), (13, 100, 130), (50, 513, 31), (5, 1025, 200)]


def relative_error(answer, x, weight, bias):
    x, weight, bias = (array.astype(np.float64) for array in (x, weight, bias))
    scale = np.abs(x) @ np.abs(weight).T + np.abs(bias)
    return float(np.max(np.abs(answer - (x @ weight.T + bias)) / scale, initial=0.0))


@pytest.mark.parametrize("shape", [*SHAPES, (256, 2048, 100)])
def test_the_answer_is_that_of_float64_within_rounding(shape):
    x, weight, bias = draw(*shape)
    assert relative_error(_native.affine(x, _native.pack(weight), bias), x, weight, bias) < RELATIVE_TOLERANCE


def test_whole_numbers_come_out_exactly():
    random = np.random.default_rng(1)
    x = random.integers(-8, 9, (37, 65)).astype(np.float32)
    weight = random.integers(-8, 9, (83, 65)).astype(np.float32)
    bias = random.integers(-8, 9, 83).astype(np.float32)
    np.testing.assert_array_equal(_native.affine(x, _native.pack(weight), bias), x @ weight.T + bias)


def test_each_element_is_one_chain_from_the_bias_over_the_features_in_order():
    # 1 + 2^-24 rounds back to 1, so the order decides: from 1 the small terms vanish one by one, from 0 they add up.
    tiny = np.float32(2.0**-24)
    x = np.full((1, 64), tiny, np.float32)
    packed = _native.pack(np.ones((20, 64), np.float32))
    assert np.all(_native.affine(x, packed, np.ones(20, np.float32)) == 1.0)
    assert np.all(_native.affine(x, packed) == 64 * tiny)


def test_multiply_and_add_round_once():
    a = np.float32(1 + 2.0**-12)
    answer = _native.affine(np.array([[a]]), _native.pack(np.array([[a]])), np.array([-1 - 2.0**-11], np.float32))
    assert answer.item() == 2.0**-24  # a product rounded on its own would leave 0


@given(num_rows=st.integers(1, 40), in_features=st.integers(0, 70), out_features=st.integers(1, 150), data=st.data())
def test_a_row_alone_and_in_any_batch_has_the_same_bits(num_rows, in_features, out_features, data):
    x, weight, bias = draw(num_rows, in_features, out_features, seed=num_rows)
    packed = _native.pack(weight)
    whole = _native.affine(x, packed, bias)
    for row in range(num_rows):
        assert same_bits(_native.affine(x[row : row + 1], packed, bias), whole[row : row + 1])
    chosen = data.draw(st.lists(st.integers(0, num_rows - 1), min_size=1, max_size=20))
    assert same_bits(_native.affine(x[chosen], packed, bias), whole[chosen])


def test_rows_keep_their_bits_over_cache_blocks():
    x, weight, bias = draw(601, 1100, 90)
    packed = _native.pack(weight)
    whole = _native.affine(x, packed, bias)
    for row in (0, 5, 6, 239, 240, 480, 599, 600):
        assert same_bits(_native.affine(x[row : row + 1], packed, bias), whole[row : row + 1])


@pytest.mark.parametrize("shape", [(600, 128, 200), (9, 700, 2000), (1, 1500, 4000), (24, 513, 1030)])
@pytest.mark.parametrize("num_threads", [2, 3, 8])
def test_the_number_of_threads_changes_no_bit(shape, num_threads):
    x, weight, bias = draw(*shape)
    packed = _native.pack(weight)
    assert same_bits(_native.affine(x, packed, bias, num_threads), _native.affine(x, packed, bias))


def test_callers_on_several_threads_get_their_own_answers():
    jobs = [draw(200, 128, 300, seed) for seed in range(6)]
    packed = [_native.pack(weight) for _, weight, _ in jobs]
    expected = [_native.affine(x, p, bias) for (x, _, bias), p in zip(jobs, packed, strict=True)]

    def work(index):
        x, _, bias = jobs[index]
        for _ in range(20):
            assert same_bits(_native.affine(x, packed[index], bias, 2), expected[index])

    in_threads(len(jobs), work)


FINGERPRINT = """
import hashlib, json, sys
import numpy as np
from whorl import _native
digest = hashlib.sha256()
for shape in json.loads(sys.argv[1]):
    random = np.random.default_rng(0)
    x = random.standard_normal(shape[:2], dtype=np.float32)
    weight = random.standard_normal((shape[2], shape[1]), dtype=np.float32)
    bias = random.standard_normal(shape[2], dtype=np.float32)
    x[:, 0] *= np.float32(1e-40)  # subnormal numbers must survive too
    digest.update(_native.affine(x, _native.pack(weight), bias).tobytes())
    digest.update(_native.affine(x * np.float32(1e-30), _native.pack(weight * np.float32(1e-12))).tobytes())
print(_native.isa(), digest.hexdigest())
"""


def test_every_instruction_set_gives_the_same_bits():
    check_one_digest(FINGERPRINT, json.dumps(SHAPES))


def test_an_unknown_instruction_set_is_refused_by_name():
    result = run_python("import whorl._native", WHORL_ISA="mmx")
    assert result.returncode != 0
    assert "WHORL_ISA is 'mmx'" in result.stderr
    assert "portable" in result.stderr


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("num_rows", [2, 6, 7, 31])
def test_a_poisoned_row_leaves_its_neighbours_alone(poison, num_rows):
    x, weight, bias = draw(num_rows, 40, 70)
    packed = _native.pack(weight)
    clean = _native.affine(x, packed, bias)
    for row in range(num_rows):
        sick = x.copy()
        sick[row, 17] = poison
        answer = _native.affine(sick, packed, bias)
        others = np.arange(num_rows) != row
        assert same_bits(answer[others], clean[others])
        assert not np.isfinite(answer[row]).any()


def test_a_poisoned_weight_stays_in_its_column():
    x, weight, bias = draw(7, 40, 70)
    clean = _native.affine(x, _native.pack(weight), bias)
    weight[69, 3] = np.nan
    answer = _native.affine(x, _native.pack(weight), bias)
    assert same_bits(answer[:, :69].copy(), clean[:, :69].copy())
    assert np.isnan(answer[:, 69]).all()


@pytest.mark.parametrize("shape", [(0, 4, 3), (5, 0, 3), (5, 4, 0), (0, 0, 0), (0, 4, 0)])
@pytest.mark.parametrize("with_bias", [True, False])
def test_sizes_of_zero_are_fine(shape, with_bias):
    x, weight, bias = draw(*shape)
    answer = _native.affine(x, _native.pack(weight), bias if with_bias else None)
    assert answer.shape == (shape[0], shape[2])
    assert answer.dtype == np.float32
    np.testing.assert_array_equal(answer, np.broadcast_to(bias if with_bias else np.float32(0), answer.shape))


def test_subnormal_numbers_survive_a_thread_that_flushes_them():
    x, packed = np.full((1, 1), 1e-40, np.float32), _native.pack(np.ones((1, 1), np.float32))
    torch.set_flush_denormal(True)
    try:
        answer = _native.affine(x, packed)
    finally:
        torch.set_flush_denormal(False)
    assert same_bits(answer, x)


def test_out_is_filled_and_returned():
    x, weight, bias = draw(9, 5, 33)
    out = np.full((9, 33), np.nan, np.float32)
    assert _native.affine(x, _native.pack(weight), bias, out=out) is out
    assert same_bits(out, _native.affine(x, _native.pack(weight), bias))


def test_nothing_is_written_beside_out():
    x, weight, bias = draw(7, 5, 33)
    guarded = np.full(7 * 33 + 64, 7.0, np.float32)
    _native.affine(x, _native.pack(weight), bias, out=guarded[32:-32].reshape(7, 33))
    assert np.all(guarded[:32] == 7.0)
    assert np.all(guarded[-32:] == 7.0)


def test_a_packed_weight_knows_its_size_and_keeps_its_own_copy():
    x, weight, _ = draw(2, 5, 18)
    packed = _native.pack(weight)
    before = _native.affine(x, packed)
    weight[:] = 0
    assert same_bits(_native.affine(x, packed), before)
    assert (packed.in_features, packed.out_features, packed.nbytes) == (5, 18, 2 * 5 * 16 * 4)
    assert repr(packed) == "PackedWeight(in_features=5, out_features=18)"
    with pytest.raises(AttributeError):
        packed.in_features = 3


def test_read_only_inputs_are_accepted():
    x, weight, bias = draw(2, 5, 18)
    for array in (x, weight, bias):
        array.flags.writeable = False
    assert _native.affine(x, _native.pack(weight), bias).shape == (2, 18)


def test_a_child_process_after_fork_can_still_use_threads():
    code = """
import os, warnings
import numpy as np
from whorl import _native
warnings.simplefilter("ignore")  # newer Pythons warn of any fork beside threads; that is what is tested here
x, packed = np.ones((600, 256), np.float32), _native.pack(np.ones((256, 256), np.float32))
_native.affine(x, packed, None, 2)
child = os.fork()
if child == 0:
    os._exit(0 if (_native.affine(x, packed, None, 2) == 256).all() else 1)
raise SystemExit(os.waitpid(child, 0)[1])
"""
    assert run_python(code).returncode == 0


GOOD = np.zeros((3, 4), np.float32)
PACKED = _native.pack(np.zeros((5, 4), np.float32))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: _native.pack([[1.0]]), TypeError, "`weight` must be a float32 numpy array, but is a list"),
        (lambda: _native.pack(np.zeros((2, 2))), TypeError, "`weight` must be float32, but its buffer format is 'd'"),
        (lambda: _native.pack(np.zeros((2, 2), ">f4")), TypeError, "`weight` must be float32"),
        (lambda: _native.pack(np.zeros(2, np.float32)), ValueError, r"`weight` must have 2 axes.*\(2,\)"),
        (lambda: _native.pack(np.zeros((2, 3), np.float32).T), ValueError, "`weight` must be C-contiguous"),
        (lambda: _native.affine(GOOD.astype(np.float64), PACKED), TypeError, "`x` must be float32"),
        (lambda: _native.affine(GOOD[0], PACKED), ValueError, r"`x` must have 2 axes, but its shape is \(4,\)"),
        (lambda: _native.affine(GOOD[:, :3].copy(), PACKED), ValueError, "`x` has 3 features.* takes 4"),
        (lambda: _native.affine(np.zeros((3, 8), np.float32)[:, ::2], PACKED), ValueError, "`x` must be C-contiguous"),
        (lambda: _native.affine(None, PACKED), TypeError, "`x` must be a float32 numpy array, but is a NoneType"),
        (lambda: _native.affine(GOOD, PACKED, np.zeros(4, np.float32)), ValueError, r"`bias` must have shape \(5,\)"),
        (lambda: _native.affine(GOOD, PACKED, np.zeros((5, 1), np.float32)), ValueError, "`bias` must have 1 axis"),
        (lambda: _native.affine(GOOD, PACKED, np.zeros(5)), TypeError, "`bias` must be float32"),
        (lambda: _native.affine(GOOD, PACKED, None, 0), ValueError, "`num_threads` must be at least 1, but is 0"),
        (lambda: _native.affine(GOOD, PACKED, out=GOOD), ValueError, r"`out` must have shape \(3, 5\), but has"),
        (lambda: _native.affine(GOOD, PACKED, out=b"abc"), TypeError, "`out` must be a writable float32"),
        (lambda: _native.affine(GOOD, GOOD), TypeError, "incompatible function arguments"),
        (lambda: _native.PackedWeight(), TypeError, "PackedWeight"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_out_may_not_share_memory_with_an_input():
    memory = np.zeros(40, np.float32)
    packed = _native.pack(np.zeros((4, 4), np.float32))
    x = memory[:16].reshape(4, 4)
    with pytest.raises(ValueError, match="`out` shares memory with `x`"):
        _native.affine(x, packed, out=memory[12:28].reshape(4, 4))
    with pytest.raises(ValueError, match="`out` shares memory with `bias`"):
        _native.affine(x, packed, memory[20:24], out=memory[16:32].reshape(4, 4))
    _native.affine(x, packed, memory[32:36], out=memory[16:32].reshape(4, 4))
