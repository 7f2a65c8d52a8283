"""Files of pictures: each format and what it may hold, sizes, and files that are damaged or far too large."""

import struct
import time
import zlib

import numpy as np
import PIL.Image
import pytest

import whorl
from whorl.data import pictures
from whorl.errors import DataError, MissingExtraError

COLOUR, GREY = whorl.Image(), whorl.Image(mode="grey")


def levels(height=6, width=9, channels=3, seed=0):
    made = np.random.default_rng(seed).integers(0, 256, (height, width, channels)).astype(np.uint8)
    return made if channels > 1 else made[..., 0]


def saved(path, array, **options):
    PIL.Image.fromarray(array).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".ppm", ".webp"])
def test_formats_without_loss_give_their_levels(tmp_path, suffix):
    options = {"lossless": True, "exact": True} if suffix == ".webp" else {}
    path = saved(tmp_path / f"a{suffix}", levels(), **options)
    assert np.array_equal(pictures.load(path, COLOUR), levels())
    assert pictures.load(path, GREY).shape == (6, 9, 1)


def test_a_photo_is_about_what_was_taken(tmp_path):
    smooth = np.linspace(0, 255, 16 * 24).reshape(16, 24).astype(np.uint8)
    path = saved(tmp_path / "a.JPG", smooth, format="JPEG", quality=95)
    found = pictures.load(path, GREY)
    assert np.abs(found[..., 0].astype(int) - smooth).max() < 8
    assert pictures.load(path, COLOUR).shape == (16, 24, 3)


def test_of_a_film_the_first_picture_is_read(tmp_path):
    first, second = (PIL.Image.fromarray(np.full((4, 5), level, np.uint8)) for level in (40, 200))
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second])
    assert (pictures.load(tmp_path / "a.gif", GREY) == 40).all()


def test_palettes_bits_and_sixteen_of_them_become_levels(tmp_path):
    two = PIL.Image.fromarray(np.array([[0, 255, 255]], np.uint8))
    two.convert("1").save(tmp_path / "bits.png")
    assert pictures.load(tmp_path / "bits.png", GREY).ravel().tolist() == [0, 255, 255]
    two.convert("P").save(tmp_path / "palette.png")
    assert pictures.load(tmp_path / "palette.png", COLOUR)[..., 1].ravel().tolist() == [0, 255, 255]
    deep = np.array([[0, 255, 256, 65535]], np.uint16)
    PIL.Image.fromarray(deep).save(tmp_path / "deep.png")
    assert pictures.load(tmp_path / "deep.png", GREY).ravel().tolist() == [0, 0, 1, 255]
    assert pictures.load(tmp_path / "deep.png", COLOUR).shape == (1, 4, 3)


def test_what_is_transparent_stands_on_white(tmp_path):
    clear = np.zeros((1, 2, 4), np.uint8)
    clear[0, 1, 3] = 255  # the second pixel is black, the first one nothing
    saved(tmp_path / "a.png", clear)
    assert pictures.load(tmp_path / "a.png", GREY).ravel().tolist() == [255, 0]
    PIL.Image.fromarray(np.array([[7, 9]], np.uint8)).save(tmp_path / "b.png", transparency=9)
    assert pictures.load(tmp_path / "b.png", GREY).ravel().tolist() == [7, 255]


@pytest.mark.parametrize("orientation", range(10))
def test_a_picture_is_turned_as_its_camera_was_held(tmp_path, orientation):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.png", levels(channels=1), exif=exif)
    with PIL.Image.open(path) as opened:
        wanted = np.asarray(PIL.ImageOps.exif_transpose(opened))
    assert np.array_equal(pictures.load(path, GREY)[..., 0], wanted)
    turned = pictures.completed(GREY, [path])
    assert (turned.height, turned.width) == wanted.shape


def test_a_size_goes_by_the_most_frequent_one_and_is_at_most_64(tmp_path):
    cells = [saved(tmp_path / f"{n}.png", levels(*size)) for n, size in enumerate([(20, 30), (20, 30), (9, 9)])]
    size = lambda plan: (plan.height, plan.width)  # noqa: E731
    assert size(pictures.completed(COLOUR, cells)) == (20, 30)
    assert size(pictures.completed(whorl.Image(height=10), cells)) == (10, 15)
    assert size(pictures.completed(whorl.Image(width=10), cells)) == (7, 10)
    assert size(pictures.completed(COLOUR, [levels(256, 128)])) == (64, 32)
    assert size(pictures.completed(COLOUR, [np.zeros((3, 5, 7, 1), np.uint8)])) == (5, 7)
    given = whorl.Image(height=5, width=6)
    assert pictures.completed(given, []) is given
    with pytest.raises(DataError, match="no picture to take a size of"):
        pictures.completed(COLOUR, [])


def test_a_header_of_an_enormous_picture_is_refused_before_anything_is_decoded(tmp_path):
    """D3: pixels are bounded by what the header says."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    for number, (width, height) in enumerate([(2**31 - 1, 2**31 - 1), (60_000, 60_000), (9_000, 9_000)]):
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        body = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(2**20))) + chunk(b"IEND", b"")
        path = tmp_path / f"{number}.png"
        path.write_bytes(body)
        started = time.perf_counter()
        with pytest.raises(DataError, match="most_pixels"):
            pictures.load(path, COLOUR)
        assert time.perf_counter() - started < 1.0
    path = saved(tmp_path / "a.png", levels())
    with pytest.raises(DataError, match=r"`most_pixels` is 53, but .* has 9 x 6 pixels"):
        pictures.load(path, whorl.Image(most_pixels=53))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".webp", ".bmp"])
def test_a_file_that_is_cut_off_is_told_and_one_that_was_changed_is_read_or_told(tmp_path, suffix):
    """D4: pictures that are cut are refused, and changed ones read or refused."""
    whole = saved(tmp_path / f"whole{suffix}", levels(40, 50)).read_bytes()
    path = tmp_path / f"a{suffix}"
    for share in (0.0, 0.05, 0.3, 0.6, 0.9):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(DataError, match=f"{path}"):
            pictures.load(path, COLOUR)
    rng = np.random.default_rng(1)
    for _ in range(60):
        changed = bytearray(whole)
        for at in rng.integers(0, min(len(whole), 400), 3):
            changed[at] = rng.integers(0, 256)
        path.write_bytes(changed)
        try:
            assert pictures.load(path, COLOUR).shape[2] == 3
        except DataError as error:
            assert str(path) in str(error)


def test_other_formats_are_not_decoded_whatever_they_are_called(tmp_path):
    PIL.Image.fromarray(levels()).save(tmp_path / "a.png", format="TIFF")
    (tmp_path / "b.png").write_text("no picture")
    for name in ("a.png", "b.png"):
        with pytest.raises(DataError, match="is no picture in PNG, JPEG, BMP, GIF, WebP, PGM or PPM"):
            pictures.load(tmp_path / name, COLOUR)


def test_without_pillow_the_command_is_told(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.png", levels())
    monkeypatch.setitem(__import__("sys").modules, "PIL.Image", None)
    with pytest.raises(MissingExtraError, match=r'`pillow` is needed to read pictures .* pip install "whorl\[image\]"'):
        pictures.load(path, COLOUR)
