"""Pictures as steps: what each kind of step holds, scaling, pictures in rows, and what is refused."""

import numpy as np
import pytest

from whorl.codecs.image import ImageCodec, levels_of
from whorl.errors import DataError, ModelFileError
from whorl.specs import Picture, Reals


def picture(height, width, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels)).astype(np.uint8)


def codec(**options):
    return ImageCodec(**{"height": 4, "width": 5, **options}).fit([picture(4, 5), picture(4, 5, seed=1)])


def test_a_step_is_a_picture_channels_first_a_row_or_a_pixel():
    one = picture(4, 5, seed=2)
    whole, rows, pixels = (codec(steps=steps).encode(one) for steps in ("picture", "rows", "pixels"))
    assert [codec(steps=steps).spec for steps in ("picture", "rows", "pixels")] == [
        Picture(3, 4, 5),
        Reals(15),
        Reals(3),
    ]
    assert [encoded.shape for encoded in (whole, rows, pixels)] == [(1, 60), (4, 15), (20, 3)]
    assert np.array_equal(rows.reshape(20, 3), pixels)
    assert np.array_equal(whole.reshape(3, 20).T, pixels)


def test_each_channel_has_mean_0_and_deviation_1_in_training():
    training = [picture(4, 5, seed=seed) // np.uint8([1, 2, 8]) for seed in range(9)]
    fitted = ImageCodec(height=4, width=5, steps="pixels").fit(training)
    pixels = np.concatenate([fitted.encode(one) for one in training])
    np.testing.assert_allclose(pixels.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(pixels.std(axis=0), 1, atol=1e-6)


def test_what_never_varies_is_not_blown_up():
    fitted = ImageCodec(height=2, width=2, mode="grey").fit([np.full((2, 2), 7, np.uint8)])
    assert fitted.encode(np.full((2, 2), 9, np.uint8)).tolist() == [[2.0] * 4]


def test_colours_become_grey_by_how_bright_they_look_and_grey_becomes_colours():
    red = np.zeros((4, 5, 3), np.uint8)
    red[..., 0] = 255
    assert (codec(mode="grey").pictures(red) == 76).all()  # 0.299 * 255
    grey = codec().pictures(picture(4, 5, 1))
    assert grey.shape == (1, 4, 5, 3)
    assert (grey == grey[..., :1]).all()


def test_a_larger_picture_is_cut_in_its_middle_or_distorted():
    wide = np.zeros((4, 12, 1), np.uint8)
    wide[:, 4:8] = 200
    cut = ImageCodec(height=2, width=2, mode="grey", fit="crop").pictures(wide)
    assert (cut > 150).all()  # where it was cut, neighbours still count a little
    stretched = ImageCodec(height=2, width=6, mode="grey", fit="stretch").pictures(wide)
    assert (stretched[0, :, [0, 5]] < 40).all()
    assert (stretched[0, :, [2, 3]] > 160).all()


@pytest.mark.parametrize("steps", ["picture", "rows", "pixels"])
def test_rows_one_by_one_give_the_steps_of_the_picture(steps):
    fitted, one = codec(steps=steps), picture(4, 5, seed=3)
    encoder = fitted.chunks()
    for number, row in enumerate(one):
        moved = fitted.chunks()
        moved.write(encoder.read())
        encoder = moved
        made = encoder.push(row if number % 2 else row.ravel())
        whole = fitted.encode(one)
        per_row = len(whole) // 4
        wanted = whole if steps == "picture" and number == 3 else whole[number * per_row : (number + 1) * per_row]
        assert np.array_equal(made, wanted)
    assert len(encoder.flush()) == 0


def test_rows_in_grey_may_come_several_at_once():
    fitted = ImageCodec(height=4, width=5, mode="grey").fit([picture(4, 5, 1)])
    one, encoder = picture(8, 5, 1, seed=3)[..., 0], fitted.chunks()
    made = [encoder.push(one[a:b]) for a, b in ((0, 3), (3, 3), (3, 8))]
    assert [len(part) for part in made] == [0, 0, 2]
    assert np.array_equal(made[2], fitted.encode(one.reshape(2, 4, 5, 1)))


def test_a_picture_that_is_not_whole_is_told():
    encoder = codec().chunks()
    encoder.push(picture(4, 5)[0])
    with pytest.raises(DataError, match="1 of its 4 rows came, but a whole one"):
        encoder.push(picture(4, 5))
    with pytest.raises(DataError, match="has 4 rows, but 1 came"):
        encoder.flush()
    with pytest.raises(DataError, match="is 5 pixels of 3 numbers"):
        encoder.push(picture(4, 6)[0])


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(4), np.zeros((2, 2, 2)), np.zeros((0, 3)), np.zeros((2, 0, 3)), np.zeros((1, 2, 2, 3, 1)), None,
        "a.png", [[1, 2], [3]], np.full((2, 2), 256), np.full((2, 2), -1), np.full((2, 2), 0.5),
        np.full((2, 2), np.nan),
        np.array([["a"]]),
    ],
    ids=lambda value: str(getattr(value, "shape", type(value).__name__)),
)  # fmt: skip
def test_what_is_no_picture_is_refused(value):
    with pytest.raises(DataError, match=r"a picture is an array|pixels are whole numbers from 0 to 255"):
        levels_of(value)


@pytest.mark.parametrize("kind", [np.int64, np.float64, np.float32, np.uint16])
def test_levels_of_other_types_are_the_same_levels(kind):
    one = picture(4, 5)
    assert np.array_equal(levels_of(one.astype(kind)), one)


@pytest.mark.parametrize(
    ("changes", "arrays"),
    [
        ({"height": 0}, {}),
        ({"height": 2**31}, {}),
        ({"mode": "infrared"}, {}),
        ({}, {"scale": np.zeros(3)}),
        ({}, {"center": np.full(3, np.nan)}),
        ({}, {"center": np.zeros(1)}),
        ({}, {"center": np.zeros(3, np.float32)}),
        ({}, {"more": np.zeros(3)}),
    ],
)
def test_a_damaged_description_is_refused(changes, arrays):
    fitted = codec()
    with pytest.raises(ModelFileError):
        ImageCodec.restore({**fitted.config(), **changes}, {**fitted.arrays(), **arrays})


@pytest.mark.parametrize("state", [b"", b"\x92\x04\xc4\x00", b"\x92\x01\xc4\x00", b"\x92\xff\xc4\x00", b"\x90"])
def test_a_damaged_state_is_refused(state):
    with pytest.raises(ModelFileError, match="state of an image codec"):
        codec().chunks().write(state)
