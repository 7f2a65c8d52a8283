"""The reader of captions: what it keeps, what of it may be damaged, and the state of a source that is being read."""

import msgspec
import numpy as np
import pytest

from whorl.codecs.text import TextCodec
from whorl.data.caption_reader import CaptionReader, fit_captions
from whorl.data.described import Where, described
from whorl.data.glances import glance, size_of
from whorl.data.media import mediums
from whorl.errors import DataError, ModelFileError
from whorl.plans.media import Features
from whorl.plans.table import Table
from whorl.specs import Picture, Reals

X = np.random.default_rng(0).normal(size=(4, 3, 2))
TEXTS = [["a dog", "dogs"], ["a cat"], ["a dog"], ["two cats", "cats 🙂"]]


@pytest.fixture
def reader():
    where = Where(mediums.get("features"), None, ("caption",), Table())
    text = TextCodec(begin=True, end=True)
    sources = described((X, TEXTS), where)
    made = fit_captions(sources, where=where, plan=Features(), text=text, longest=5, ordered=False)
    made.remember(made.encode(sources))
    return made


def test_texts_of_one_source_share_it_and_know_each_other(reader):
    sequences = reader.read((X, TEXTS), targets=True)
    assert [one.texts[1:] for one in sequences[:3]] == [("a dog", "dogs"), ("a dog", "dogs"), ("a cat",)]
    assert sequences[0].source is sequences[1].source
    assert sequences[1].source is not sequences[2].source
    assert [reader.text_of(one.row_targets[:, 0]) for one in sequences[:3]] == ["a dog", "dogs", "a cat"]
    assert [len(one) for one in reader.read(X)] == [1] * 4


def test_rivals_are_the_most_frequent_text_and_that_of_the_nearest_source(reader):
    found = reader.rivals(reader.read(X[::-1] + 0.01))
    assert found["most frequent"] == ["a dog"] * 4
    assert found["nearest source"] == ["two cats", "a dog", "a cat", "a dog"]


@pytest.mark.parametrize("spec", [Picture(3, 5, 20), Picture(1, 8, 1), Reals(4)], ids=str)
def test_a_glance_is_as_large_as_is_told_without_one(spec):
    assert size_of(spec) == glance(np.ones((2, spec.width)), spec).size


def test_a_glance_at_a_picture_is_the_mean_of_its_places():
    pixels = np.arange(2 * 2 * 16).reshape(1, -1)
    assert glance(pixels, Picture(2, 2, 16)).tolist() == [n + 0.5 for n in range(0, 64, 2)]


def test_a_reader_comes_back_from_its_description(reader):
    again = CaptionReader.restore(reader.config(), reader.arrays())
    assert again.config() == reader.config()
    for one, other in zip(again.read((X, TEXTS), targets=True), reader.read((X, TEXTS), targets=True), strict=True):
        np.testing.assert_array_equal(one.read_steps, other.read_steps)
        np.testing.assert_array_equal(one.row_targets, other.row_targets)
    assert again.rivals(again.read(X)) == reader.rivals(reader.read(X))


@pytest.mark.parametrize(
    "change",
    [{"longest": 1}, {"plan": {}}, {"plan": {"medium": "smell"}}, {"ordered": "no"}, {"usual": 3}, {"code": 1},
     {"target": {}}, {"source": {}}, {"table": {"x": 1}}, {"targets": "caption"}],
)  # fmt: skip
def test_a_damaged_description_is_refused(reader, change):
    with pytest.raises(ModelFileError):
        CaptionReader.restore({**reader.config(), **change}, reader.arrays())


def test_damaged_arrays_are_refused(reader):
    good = reader.arrays()
    for name, array in good.items():
        with pytest.raises(ModelFileError):
            CaptionReader.restore(reader.config(), {key: value for key, value in good.items() if key != name})
        with pytest.raises(ModelFileError):
            CaptionReader.restore(reader.config(), {**good, name: array[:-1]})
    with pytest.raises(ModelFileError):
        CaptionReader.restore(
            reader.config(), {**good, "glances/vectors": np.full_like(good["glances/vectors"], np.nan)}
        )


def test_the_first_steps_are_kept_of_a_source_that_is_longer_whole_and_in_pieces(reader):
    long = np.random.default_rng(1).normal(size=(9, 2))
    (whole,) = reader.read([long])
    rows = reader.open(None)
    for step in long:
        assert rows.push(step) == []
    np.testing.assert_array_equal(np.concatenate([one["source"] for one in rows.flush()]), whole.read_steps)
    assert len(whole.read_steps) == 5


def test_states_that_no_reader_has_written_are_refused(reader):
    rows = reader.open(None)
    rows.push(X[0, 0])
    count, ended, held, inner = msgspec.msgpack.decode(rows.read())
    damaged = [
        b"",
        rows.read()[:-1],
        msgspec.msgpack.encode([(99).to_bytes(8, "little"), ended, held, inner]),
        msgspec.msgpack.encode([count, ended, held[:-1], inner]),
        msgspec.msgpack.encode([count, ended, b"\xff" * len(held), inner]),
        msgspec.msgpack.encode([count, ended, held, b"x"]),
    ]
    for state in damaged:
        with pytest.raises(ModelFileError):
            reader.open(None).write(state)
    other = reader.open(None)
    other.write(rows.read())
    assert other.read() == rows.read()


def test_a_source_without_a_step_is_refused(reader):
    with pytest.raises(DataError, match="is empty"):
        reader.read([np.zeros((0, 2))])
    with pytest.raises(DataError, match="2 numbers in training, but 3 came"):
        reader.read([np.zeros((1, 3))])
