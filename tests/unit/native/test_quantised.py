"""The affine product with weights in bf16 and int8: what is rounded, what is exact, and who cannot disturb whom."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.native.products import draw, same_bits
from tests.unit.processes import check_one_digest

from whorl import _native

FORMATS = ["bf16", "int8"]
SHAPES = [(1, 1, 1), (1, 5, 3), (3, 33, 101), (4, 3, 33), (6, 16, 64), (7, 101, 65), (13, 100, 130), (50, 513, 31)]


def to_bf16(values):
    """Rounded to the nearest number with 8 significant bits, to even at ties."""
    significand, exponent = np.frexp(values.astype(np.float64))
    return np.ldexp(np.rint(significand * 256) / 256, exponent).astype(np.float32)


def scale_of(rows):
    return np.abs(rows).max(axis=1, initial=0) / np.float32(127)


def to_int8(x):
    """Rows of features as whole numbers, the way the product takes them."""
    largest = np.abs(x).max(axis=1, initial=0)
    factor = np.float32(127) / np.where(largest > 0, largest, np.float32(1))
    return np.rint(x * factor[:, None]).astype(np.int64)


def int8_reference(x, weight):
    """Every rounding of the product without bias; whole numbers in between."""
    x_scale, weight_scale = scale_of(x), scale_of(weight)
    divisor = np.where(weight_scale > 0, weight_scale, np.float32(1)).astype(np.float64)
    whole_weight = np.rint(weight / divisor[:, None]).astype(np.int64)
    sums = (to_int8(x) @ whole_weight.T).astype(np.float32)
    return sums * (x_scale[:, None] * weight_scale)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_bf16_product_is_the_float32_product_of_the_rounded_weights(shape):
    x, weight, bias = draw(*shape)
    expected = _native.affine(x, _native.pack(to_bf16(weight)), bias)
    assert same_bits(_native.affine(x, _native.pack(weight, format="bf16"), bias), expected)


def test_bf16_rounds_to_nearest_and_to_even_at_ties():
    step = np.float32(2.0**-7)
    weight = np.array([[1 + step / 2], [1 + 3 * step / 2], [1 + step * 0.51], [3.4e38], [1e-45]], np.float32)
    answer = _native.affine(np.ones((1, 1), np.float32), _native.pack(weight, format="bf16"))
    np.testing.assert_array_equal(answer, np.array([[1, 1 + 2 * step, 1 + step, np.inf, 0]], np.float32))


@pytest.mark.parametrize("shape", [*SHAPES, (5, 4097, 20)])
def test_an_int8_product_is_that_of_whole_numbers(shape):
    x, weight, _ = draw(*shape)
    answer = _native.affine(x, _native.pack(weight, format="int8"))
    assert same_bits(answer, int8_reference(x, weight))


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_numbers_do_not_saturate(sign):
    # All products are +-127 * 127: where pairs are added in 16 bits, or where many are, this is what overflows.
    x = np.full((3, 65536), sign, np.float32)
    weight = np.stack([np.ones(65536), -np.ones(65536), np.tile([1.0, -1.0], 32768)]).astype(np.float32)
    answer = _native.affine(x, _native.pack(weight, format="int8"))
    expected = sign * np.array([65536, -65536, 0], np.float32)
    np.testing.assert_allclose(answer, np.tile(expected, (3, 1)), rtol=3e-7)  # two scales, each rounded once


def test_the_bias_is_added_with_one_rounding():
    # Scales are powers of two here, so the product is a whole number and the sum is exact.
    random = np.random.default_rng(2)
    x, weight = (random.integers(-127, 128, shape).astype(np.float32) for shape in ((9, 40), (35, 40)))
    x[:, 0], weight[:, 0] = 127, -127
    bias = random.integers(-100, 101, 35).astype(np.float32)
    answer = _native.affine(x, _native.pack(weight, format="int8"), bias)
    np.testing.assert_array_equal(answer, x @ weight.T + bias)


@given(num_rows=st.integers(1, 20), in_features=st.integers(1, 150), out_features=st.integers(1, 70), data=st.data())
def test_the_error_is_within_what_the_steps_of_the_format_allow(num_rows, in_features, out_features, data):
    x, weight, bias = draw(num_rows, in_features, out_features, seed=data.draw(st.integers(0, 1000)))
    weight *= np.exp(np.random.default_rng(0).uniform(-9, 9, (out_features, 1))).astype(np.float32)
    exact = x.astype(np.float64) @ weight.astype(np.float64).T + bias
    size = np.abs(x).astype(np.float64) @ np.abs(weight).astype(np.float64).T + np.abs(bias)
    rounding = 1e-6 * size  # of the float32 chain, as for weights in float32
    error = np.abs(_native.affine(x, _native.pack(weight, format="bf16"), bias) - exact)
    assert np.all(error <= 2.0**-8 * size + rounding)

    # Half a step of either factor times the other, and half a step of both.
    x_step, weight_step = scale_of(x)[:, None].astype(np.float64), scale_of(weight)[None].astype(np.float64)
    allowed = 0.5 * x_step * np.abs(weight).sum(axis=1) + 0.5 * weight_step * np.abs(x).sum(axis=1)[:, None]
    allowed += 0.25 * in_features * x_step * weight_step
    error = np.abs(_native.affine(x, _native.pack(weight, format="int8"), bias) - exact)
    assert np.all(error <= 1.0001 * allowed + rounding)


@pytest.mark.parametrize("weights", FORMATS)
@given(num_rows=st.integers(1, 40), in_features=st.integers(0, 70), out_features=st.integers(1, 150), data=st.data())
def test_a_row_alone_and_in_any_batch_has_the_same_bits(weights, num_rows, in_features, out_features, data):
    x, weight, bias = draw(num_rows, in_features, out_features, seed=num_rows)
    packed = _native.pack(weight, format=weights)
    whole = _native.affine(x, packed, bias)
    for row in range(num_rows):
        assert same_bits(_native.affine(x[row : row + 1], packed, bias), whole[row : row + 1])
    chosen = data.draw(st.lists(st.integers(0, num_rows - 1), min_size=1, max_size=20))
    assert same_bits(_native.affine(x[chosen], packed, bias), whole[chosen])


@pytest.mark.parametrize("weights", FORMATS)
def test_rows_keep_their_bits_over_blocks_of_rows(weights):
    x, weight, bias = draw(601, 1100, 90)
    packed = _native.pack(weight, format=weights)
    whole = _native.affine(x, packed, bias)
    for row in (0, 5, 6, 113, 114, 239, 240, 480, 599, 600):
        assert same_bits(_native.affine(x[row : row + 1], packed, bias), whole[row : row + 1])


@pytest.mark.parametrize("weights", FORMATS)
@pytest.mark.parametrize("shape", [(600, 128, 200), (9, 700, 2000), (1, 1500, 4000)])
def test_the_number_of_threads_changes_no_bit(weights, shape):
    x, weight, bias = draw(*shape)
    packed = _native.pack(weight, format=weights)
    one = _native.affine(x, packed, bias)
    for num_threads in (2, 3, 8):
        assert same_bits(_native.affine(x, packed, bias, num_threads), one)


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
    for weights in ("bf16", "int8"):
        packed = _native.pack(weight, format=weights)
        for rows in (x, x[:1], x * np.float32(1e-30), np.round(4 * x) * np.float32(0.5)):
            digest.update(_native.affine(rows, packed, bias).tobytes())
print(_native.isa(), digest.hexdigest())
"""


def test_every_instruction_set_gives_the_same_bits():
    check_one_digest(FINGERPRINT, json.dumps(SHAPES))


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("num_rows", [1, 2, 6, 7, 31])
@pytest.mark.parametrize("weights", FORMATS)
def test_a_poisoned_row_leaves_its_neighbours_alone(weights, num_rows, poison):
    x, weight, bias = draw(num_rows, 40, 70)
    packed = _native.pack(weight, format=weights)
    clean = _native.affine(x, packed, bias)
    for row in range(num_rows):
        sick = x.copy()
        sick[row, 17] = poison
        answer = _native.affine(sick, packed, bias)
        others = np.arange(num_rows) != row
        assert same_bits(answer[others], clean[others])
        assert not np.isfinite(answer[row]).any()


@pytest.mark.parametrize("poison", [np.nan, np.inf])
@pytest.mark.parametrize("weights", FORMATS)
def test_a_poisoned_weight_stays_in_its_column(weights, poison):
    x, weight, bias = draw(7, 40, 70)
    clean = _native.affine(x, _native.pack(weight, format=weights), bias)
    weight[69, 3] = poison
    answer = _native.affine(x, _native.pack(weight, format=weights), bias)
    assert same_bits(answer[:, :69].copy(), clean[:, :69].copy())
    assert not np.isfinite(answer[:, 69]).any()


@pytest.mark.parametrize("weights", FORMATS)
def test_a_row_of_zeros_gives_the_bias(weights):
    x, weight, bias = draw(5, 33, 20)
    x[2], x[3] = 0, -0.0
    answer = _native.affine(x, _native.pack(weight, format=weights), bias)
    np.testing.assert_array_equal(answer[2:4], np.stack([bias, bias]))
    assert np.all(_native.affine(x, _native.pack(np.zeros_like(weight), format=weights), bias) == bias)


@pytest.mark.parametrize("size", [3e38, 1e30, 1e-30, 1e-35])
def test_int8_takes_rows_of_any_size(size):
    x, weight, _ = draw(4, 33, 20)
    x = x / np.abs(x).max() * np.float32(size)
    weight = weight * np.float32(1 / 64)
    answer = _native.affine(x, _native.pack(weight, format="int8")).astype(np.float64) / size
    exact = (x.astype(np.float64) / size) @ weight.astype(np.float64).T
    np.testing.assert_allclose(answer, exact, atol=0.02 * np.abs(exact).max())  # two roundings of 1 / 254


def test_int8_takes_the_smallest_rows_for_zero():
    answer = _native.affine(
        np.full((1, 3), 1e-40, np.float32), _native.pack(np.ones((2, 3), np.float32), format="int8")
    )
    np.testing.assert_array_equal(answer, np.zeros((1, 2)))


@pytest.mark.parametrize("weights", ["fp32", *FORMATS])
@pytest.mark.parametrize("num_rows", [1, 7])
def test_resume_adds_to_what_stands_in_out(weights, num_rows):
    x, weight, _ = draw(num_rows, 33, 21)
    random = np.random.default_rng(5)
    start = random.standard_normal(21, dtype=np.float32)
    packed = _native.pack(weight, format=weights)
    out = np.tile(start, (num_rows, 1))
    assert _native.affine(x, packed, np.full(21, np.nan, np.float32), out=out, resume=True) is out
    assert same_bits(out, _native.affine(x, packed, start))  # the chain cannot tell a bias from what it goes on from


@pytest.mark.parametrize("shape", [(0, 4, 3), (5, 0, 3), (5, 4, 0), (0, 0, 0)])
@pytest.mark.parametrize("weights", FORMATS)
def test_sizes_of_zero_are_fine(weights, shape):
    x, weight, bias = draw(*shape)
    answer = _native.affine(x, _native.pack(weight, format=weights), bias)
    np.testing.assert_array_equal(answer, np.broadcast_to(bias, (shape[0], shape[2])))


@pytest.mark.parametrize("weights", FORMATS)
def test_nothing_is_written_beside_out(weights):
    x, weight, bias = draw(7, 5, 33)
    guarded = np.full(7 * 33 + 64, 7.0, np.float32)
    _native.affine(x, _native.pack(weight, format=weights), bias, out=guarded[32:-32].reshape(7, 33))
    assert np.all(guarded[:32] == 7.0)
    assert np.all(guarded[-32:] == 7.0)


def test_fewer_bits_are_fewer_bytes():
    weight = np.zeros((33, 102), np.float32)  # 3 panels of 16; 102 features fill up to 102, 102 and 104
    sizes = {name: _native.pack(weight, format=name).nbytes for name in ("fp32", "bf16", "int8")}
    assert sizes == {"fp32": 48 * 102 * 4, "bf16": 48 * 102 * 2, "int8": 48 * 104 + 48 * 8}


def test_a_packed_weight_tells_its_format():
    packed = _native.pack(np.zeros((3, 5), np.float32), format="int8")
    assert packed.format == "int8"
    assert repr(packed) == "PackedWeight(in_features=5, out_features=3, format='int8')"
    assert _native.pack(np.zeros((3, 5), np.float32)).format == "fp32"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: _native.pack(np.zeros((1, 1), np.float32), format="int4"), "'fp32', 'bf16' or 'int8', but is 'int4'"),
        (lambda: _native.pack(np.zeros((1, 65537), np.float32), format="int8"), "at most 65536.*has 65537"),
        (
            lambda: _native.affine(np.zeros((1, 1), np.float32), _native.pack(np.eye(1, dtype="f")), resume=True),
            "`resume` .* Pass `out`",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(call, message):
    with pytest.raises(ValueError, match=message):
        call()
