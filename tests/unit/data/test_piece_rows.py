"""A text in pieces: what is refused leaves it as it was, and a state of nonsense is no state."""

import msgspec
import numpy as np
import pytest

from whorl.codecs.frame import Frame
from whorl.codecs.table import TableCodec
from whorl.codecs.text import TextCodec
from whorl.data.piece_rows import PieceRows
from whorl.data.source_rows import SourceRows
from whorl.data.text_columns import TextColumns, TextRows
from whorl.errors import DataError, ModelFileError

TEXT = TextCodec(end=True).fit(["a lovely film", "größe 🙂"])
PRICE = TableCodec(numeric=("price",)).fit([Frame({"price": np.array([1.0, 3.0])}, "prices")])


def beside() -> PieceRows:
    return TextRows("text", TextColumns(TEXT, PRICE))


def source() -> PieceRows:
    return SourceRows("text", TEXT, 5)


def test_an_end_without_what_stands_beside_the_text_is_refused_and_the_text_stays_open() -> None:
    rows = beside()
    before = rows.read()
    with pytest.raises(DataError, match="no piece yet, so nothing is known beside it"):
        rows.flush()
    assert rows.read() == before
    assert len(rows.push({"text": "lovely film", "price": 2})) == 1
    assert [one["past"].shape for one in rows.flush()] == [(1, 2)] * 2  # the word held back, and the end


@pytest.mark.parametrize("new", [beside, source])
@pytest.mark.parametrize("piece", [{"text": 7, "price": 2}, {"price": 2}, b"lovely", None])
def test_what_is_no_piece_is_refused_and_leaves_everything(new, piece) -> None:
    rows = new()
    rows.push({"text": "a love", "price": 2})
    before = rows.read()
    with pytest.raises(DataError, match="a row of this model is a piece of text"):
        rows.push(piece)
    assert rows.read() == before


@pytest.mark.parametrize("new", [beside, source])
@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, b""),
        (0, bytes(9)),
        (0, 1),
        (1, None),
        (2, b"123"),
        (2, bytes(400)),
        (2, "text"),
        (3, b"nonsense"),
        (3, None),
    ],
)
def test_a_state_with_nonsense_in_any_place_is_refused_and_leaves_everything(new, place, value) -> None:
    rows = new()
    rows.push({"text": "a love", "price": 2})
    before = rows.read()
    parts = msgspec.msgpack.decode(before)
    parts[place] = value
    with pytest.raises(ModelFileError, match="damaged, or belongs to another model"):
        rows.write(msgspec.msgpack.encode(parts))
    assert rows.read() == before


def test_a_state_that_counts_more_than_is_held_or_holds_nothing_is_of_no_source() -> None:
    parts = msgspec.msgpack.decode(source().read())
    for place, value in ((0, (6).to_bytes(8, "little")), (2, None)):
        with pytest.raises(ModelFileError, match="`state` of the reader is damaged"):
            source().write(msgspec.msgpack.encode([*parts[:place], value, *parts[place + 1 :]]))


@pytest.mark.parametrize("new", [beside, source])
def test_a_state_is_the_same_bytes_in_another_reader_which_goes_on_alike(new) -> None:
    rows, other = new(), new()
    rows.push({"text": "a lovely fi", "price": 2})
    other.write(rows.read())
    assert other.read() == rows.read()
    for one, same in zip([*rows.push("lm"), *rows.flush()], [*other.push("lm"), *other.flush()], strict=True):
        assert {name: part.tolist() for name, part in one.items()} == {
            name: part.tolist() for name, part in same.items()
        }
    assert rows.flush() == other.flush() == []
