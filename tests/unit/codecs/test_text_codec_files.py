"""Codecs of text in files: a strict way back, and what is refused before."""

import json
from typing import Any

import numpy as np
import pytest
from tests.unit.codecs.texts import AWKWARD, PROSE, UNITS, in_pieces

from whorl.codecs.codec import codecs
from whorl.codecs.text import TextCodec, Unit
from whorl.codecs.words import MARKS
from whorl.errors import ArgumentError, DataError, ModelFileError, NotFittedError


def test_what_is_no_text_and_use_before_fit_are_refused() -> None:
    with pytest.raises(DataError, match=r"one text came\. Put it into a list"):
        TextCodec().fit("a text")
    with pytest.raises(DataError, match="training text 1 is a bytes"):
        TextCodec().fit(["a", b"b"])  # type: ignore[list-item]
    for unit in UNITS:
        with pytest.raises(DataError, match="at least one training text that is not empty"):
            TextCodec(unit=unit).fit(["", ""])
    with pytest.raises(NotFittedError, match="Call `fit`"):
        TextCodec().encode("a")
    fitted = TextCodec().fit(["a"])
    with pytest.raises(DataError, match="the text is a list"):
        fitted.encode(["a"])  # type: ignore[arg-type]
    with pytest.raises(DataError, match="a piece of text is a NoneType"):
        fitted.chunks().push(None)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="whole numbers from 0 to 6, but row 1 is 7"):
        fitted.decode(np.array([0, 7]))


@pytest.mark.parametrize(
    "options",
    [
        {"unit": "line"},
        {"normalize": "NFD"},
        {"most": 0},
        {"most": 255, "unit": "bpe"},
        {"least_count": 0},
        {"most": 2**30},
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=f"`{next(iter(options))}`"):
        TextCodec(**options)


@pytest.mark.parametrize("unit", UNITS)
def test_a_codec_travels_as_json_and_arrays(unit: Unit) -> None:
    fitted = TextCodec(unit=unit, lowercase=True, normalize="NFC", most=300, end=True).fit([PROSE, *AWKWARD])
    again = codecs.get("text").restore(json.loads(json.dumps(fitted.config())), fitted.arrays())
    assert isinstance(again, TextCodec)
    assert again.config() == fitted.config()
    assert again.vocabulary == fitted.vocabulary
    assert in_pieces(again, PROSE, 5).tobytes() == fitted.encode(PROSE).tobytes()


def words(*tokens: str, spaces: Any = None) -> dict[str, np.ndarray]:
    encoded = [token.encode() for token in tokens]
    return {
        "vocabulary.bytes": np.frombuffer(b"".join(encoded), np.uint8),
        "vocabulary.ends": np.cumsum([len(token) for token in encoded], dtype=np.int64),
        "spaces": np.array([0] * len(tokens) if spaces is None else spaces, np.uint8),
    }


@pytest.mark.parametrize(
    ("unit", "arrays"),
    [
        ("word", {}),
        ("word", words("a")),
        ("word", words(*MARKS, "a", "a")),
        ("word", words(*MARKS, "a b")),
        ("word", words(*MARKS, "a", "")),
        ("word", words(*MARKS, "a", spaces=[0, 0, 0])),
        ("word", words(*MARKS, "a", spaces=[0, 0, 0, 8])),
        ("word", words(*MARKS, "a", spaces=[0, 0, 0, 4])),
        ("word", {**words(*MARKS), "vocabulary.ends": np.array([1, 0, 2**62])}),
        ("word", {**words(*MARKS), "more": np.zeros(1)}),
        ("character", {**words("a")}),
        ("character", {name: array for name, array in words("ab").items() if name != "spaces"}),
        ("byte", {"merges": np.zeros(0, np.int64)}),
        ("bpe", {}),
        ("bpe", {"merges": np.zeros(3, np.int64)}),
        ("bpe", {"merges": np.zeros(2, np.int32)}),
        ("bpe", {"merges": np.array([-1, 5])}),
        ("bpe", {"merges": np.array([0, 256])}),
        ("bpe", {"merges": np.array([2**62, 5])}),
        ("bpe", {"merges": np.array([97, 98, 97, 98])}),
        ("bpe", {"merges": np.array([97, 97, *np.repeat(np.arange(256, 300), 2)])}),  # each twice as long
    ],
)
def test_damaged_arrays_are_refused(unit: Unit, arrays: dict[str, np.ndarray]) -> None:
    with pytest.raises(ModelFileError):
        TextCodec.restore({**TextCodec(unit=unit).config(), "unit": unit}, arrays)


@pytest.mark.parametrize(
    "change",
    [{"unit": "line"}, {"unit": 3}, {"lowercase": 1}, {"normalize": "NFD"}, {"most": 10**30}, {"most": 0}, {"more": 1},
     {"least_count": 0}, {"begin": None}, {"unit": "bpe", "most": 3}],
)  # fmt: skip
def test_a_damaged_config_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ModelFileError):
        TextCodec.restore({**TextCodec().config(), **change}, words(*MARKS))
    with pytest.raises(ModelFileError):
        TextCodec.restore({"unit": "word"}, words(*MARKS))


def test_a_damaged_state_is_refused() -> None:
    fitted = TextCodec().fit(["a word"])
    encoder = fitted.chunks()
    encoder.push("wo")
    whole = encoder.read()
    import msgspec

    begun, raw, text, left, quotes = msgspec.msgpack.decode(whole)
    assert text == b"wo"
    wrong = [
        (begun, raw, text, 9, quotes),
        (begun, raw, text, -1, quotes),
        (begun, raw, text, 2**62, quotes),
        (begun, raw, text, left, 4),
        (begun, raw, b"\xff", left, quotes),
        (begun, raw, b"x" * 2000, left, quotes),
        (begun, b"x" * 2000, text, left, quotes),
        (begun, raw, text, left),
        (begun, raw, text, left, quotes, 1),
        (1, raw, text, left, quotes),
    ]
    for state in [b"", b"\xc1", whole[:-1], whole + b"\0", *map(msgspec.msgpack.encode, wrong)]:
        with pytest.raises(ModelFileError, match="state of a text codec"):
            fitted.chunks().write(state)
