"""The native readout of quantiles: the bits of the one in numpy."""

import numpy as np
import pytest

from whorl import _native
from whorl.runtime.readouts import QuantileReadout, Readout

LEVELS = [
    (0.5,),
    (0.1, 0.9),
    (0.1, 0.5, 0.9),
    (0.2, 0.3, 0.9),
    (0.05, 0.25, 0.5, 0.75, 0.95),
    tuple(np.arange(1, 10) / 10),
]
STEPS = [(1,), (3,), (1, 1), (5, 3), (24, 1), (33, 2), (101, 1)]


def outputs(draw, count, steps, levels):
    """Unsorted, with ties."""
    made = draw.standard_normal((count, *steps, 1 + len(levels))).astype(np.float32)
    made[draw.random(made.shape) < 0.3] = 0.25
    return made


def fitted(draw, steps, levels):
    return QuantileReadout(levels).fit(outputs(draw, 40, steps, levels), draw.standard_normal((40, *steps)))


@pytest.mark.parametrize("levels", LEVELS, ids=len)
@pytest.mark.parametrize("steps", STEPS, ids=str)
@pytest.mark.parametrize("calibrated", [True, False])
def test_answers_have_the_bits_of_numpy(levels, steps, calibrated):
    draw = np.random.default_rng([len(levels), *steps])
    readout = fitted(draw, steps, levels) if calibrated else QuantileReadout(levels)
    scale, center = draw.uniform(0.1, 9.0, steps[-1]), draw.standard_normal(steps[-1])
    for count in (0, 1, 2, 7, 130):
        given = outputs(draw, count, steps, levels)
        found, wanted = readout.in_units(given, scale, center), Readout.in_units(readout, given, scale, center)
        assert found.dtype == wanted.dtype
        assert found.shape == wanted.shape == (1 + len(levels), count, *steps)
        assert found.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("levels", LEVELS, ids=len)
def test_answers_may_be_rows_of_a_larger_array(levels):
    draw = np.random.default_rng(6)
    readout, units = fitted(draw, (5, 3), levels), (np.arange(1.0, 4.0), np.ones(3))
    given = outputs(draw, 30, (5, 3), levels)
    for answer in (readout.in_units, lambda *parts: Readout.in_units(readout, *parts)):
        into = np.full((1 + len(levels), 33, 5, 3), 7.0)
        for at in (0, 11):
            assert answer(given[at : at + 19], *units, into, at + 2) is into
        assert (into[:, 2:32] == readout.in_units(given, *units)).all()
        assert (into[:, :2] == 7.0).all()
        assert (into[:, 32:] == 7.0).all()


@pytest.mark.parametrize("levels", LEVELS, ids=len)
def test_what_is_not_finite_stays_in_its_place(levels):
    draw = np.random.default_rng(3)
    readout = fitted(draw, (5, 3), levels)
    given = outputs(draw, 300, (5, 3), levels)
    for value in (np.nan, np.inf, -np.inf):
        given[draw.random(given.shape) < 0.02] = value
    with np.errstate(invalid="ignore"):
        wanted = Readout.in_units(readout, given, np.ones(3), np.zeros(3))
    found = readout.in_units(given, np.ones(3), np.zeros(3))
    assert np.isnan(wanted).any()
    assert np.array_equal(found, wanted, equal_nan=True)


def test_a_readout_follows_its_calibration_and_the_units():
    draw = np.random.default_rng(4)
    readout, given = QuantileReadout((0.1, 0.5, 0.9)), outputs(draw, 4, (3, 2), (0.1, 0.5, 0.9))
    one, other = np.ones(2), np.array([2.0, 3.0])
    for _ in range(2):
        for scale in (one, other):
            for rows in (given, given[:, :2], given[:, :, :1]):
                if rows is not given and readout.shifts is not None:
                    continue
                own = scale[: rows.shape[2]]
                found, wanted = readout.in_units(rows, own, own), Readout.in_units(readout, rows, own, own)
                assert found.tobytes() == wanted.tobytes()
        readout.fit(outputs(draw, 40, (3, 2), readout.levels), draw.standard_normal((40, 3, 2)))


def test_arguments_that_do_not_fit_are_refused():
    none, row = np.empty((0, 0), np.float32), np.ones(4)
    for levels, scale, center, shifts, floors in (
        (0, row, row, none, none),
        (-1, row, row, none, none),
        (2, row, row[:3], none, none),
        (2, row, row, np.ones((2, 3), np.float32), np.ones((2, 3), np.float32)),
        (2, row, row, np.ones((3, 4), np.float32), np.ones((3, 4), np.float32)),
        (2, row, row, np.ones((2, 4), np.float32), none),
    ):
        with pytest.raises(ValueError, match="hold a number each"):
            _native.QuantileReadout(levels, scale, center, shifts, floors)
    with pytest.raises(TypeError):
        _native.QuantileReadout(2, row.astype(np.float32), row, none, none)
    readout = _native.QuantileReadout(2, row, row, none, none)
    given, to = np.zeros((5, 4, 3), np.float32), np.zeros((3, 5, 4))
    readout.answer(given, to)
    assert (to == 1.0).all()
    for wrong in ((given, to[:2]), (given[:, :3].copy(), to), (np.zeros(60, np.float32), to), (given, np.zeros(60))):
        with pytest.raises(ValueError, match="must be"):
            readout.answer(*wrong)
    for wrong in ((given, to, 1), (given, to, -1), (given[:2], to, 4), (given, to[:, :4].copy()), (given, to, 2**62)):
        with pytest.raises(ValueError, match="must be rows"):
            readout.answer(*wrong)
    frozen = to.copy()
    frozen.flags.writeable = False
    for wrong in (
        (given.astype(np.float64), to),
        (given[:, ::-1], to),
        (given, to.astype(np.float32)),
        (given, frozen),
    ):
        with pytest.raises(TypeError):
            readout.answer(*wrong)


def test_no_numbers_are_answered_with_none():
    nothing = np.empty(0)
    readout = _native.QuantileReadout(3, nothing, nothing, *[np.empty((0, 0), np.float32)] * 2)
    readout.answer(np.empty((5, 0, 4), np.float32), np.empty((4, 5, 0)))
