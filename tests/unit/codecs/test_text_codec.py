"""Text to tokens and back: exact text, pieces = whole, and bounded remainders."""

import random
import sys
import unicodedata
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.codecs.texts import AWKWARD, PROSE, UNITS, in_pieces

from whorl.codecs.alphabet import from_bytes, to_bytes
from whorl.codecs.normalisation import LONGEST, Normaliser
from whorl.codecs.text import TextCodec, Unit
from whorl.codecs.words import split
from whorl.errors import MissingExtraError
from whorl.specs import Tokens

# Words


def test_words_numbers_endings_and_punctuation_are_tokens() -> None:
    assert split("don't") == ["do", "n't"]
    assert split("CAN’T") == ["CA", "N’T"]
    assert split("it's") == ["it", "'s"]
    assert split("'quoted'") == ["'", "quoted", "'"]
    assert split("1,000.5%!!!!") == ["1,000.5", "%", "!!!", "!"]
    assert split("well-known,") == ["well", "-", "known", ","]
    assert split("a_b") == ["a", "_", "b"]
    assert split("नमस्ते") == ["नमस्ते"]
    assert split("e\u0301té") == ["e\u0301té"]
    assert split("👨‍👩‍👧👍🏽") == ["👨‍", "👩‍", "👧", "👍🏽"]
    assert split("x2n't") == ["x", "2", "n", "'t"]


def test_words_come_back_with_their_spaces() -> None:
    fitted = TextCodec().fit([PROSE])
    encoded = fitted.encode(PROSE)
    assert 0 not in encoded
    assert fitted.decode(encoded) == fitted.normalised(PROSE) == PROSE
    assert fitted.tokens("Nobody knew... more (it)") == ["Nobody", "knew", "...", "more", "(", "it", ")"]


def test_spaces_as_usual_need_no_token_and_others_need_one() -> None:
    fitted = TextCodec().fit(['a, b. (c) "d" e-f 5%', *"abcdef"])
    assert fitted.tokens('a, b. (c) "d" e-f') == ["a", ",", "b", ".", "(", "c", ")", '"', "d", '"', "e", "-", "f"]
    assert fitted.tokens("a , b") == ["a", "␣", ",", "b"]
    assert fitted.tokens("a,b") == ["a", ",", "⁀", "b"]
    assert fitted.tokens("e - f") == ["e", "␣", "-", "␣", "f"]
    assert fitted.tokens("a\r\n\n\nb") == ["a", "⏎", "⏎", "b"]
    assert fitted.vocabulary[:6] == ("\ufffd", "<begin>", "<end>", "␣", "⁀", "⏎")


def test_usual_is_what_training_has() -> None:
    """Of texts that were split before, a full stop has a space before it, and it takes no token to say so."""
    fitted = TextCodec().fit(["a film , a joke .", "no , no . a ' quote ' .", "a film ."])
    assert fitted.tokens("a joke , no .") == ["a", "joke", ",", "no", "."]
    assert fitted.decode(fitted.encode("a joke , no.")) == "a joke , no."


def test_an_unknown_word_is_shown_and_the_rest_is_exact() -> None:
    fitted = TextCodec(most=3).fit(["the cat, the dog, the"])
    assert fitted.spec == Tokens(3 + 3 + 3)
    assert fitted.vocabulary[6:] == ("the", ",", "cat")
    encoded = fitted.encode("the dog,\nthe-cat  ")
    assert fitted.decode(encoded) == "the \ufffd,\nthe\ufffdcat"
    assert TextCodec(least_count=2).fit(["the cat, the dog, the"]).vocabulary[6:] == ("the", ",")


def test_white_space_of_words_is_a_space_or_one_or_two_line_breaks() -> None:
    fitted = TextCodec().fit(["a b"])
    for text, wanted in {
        "  a \t b\u00a0": "a b",
        "a \r b": "a\nb",
        "a\r\nb": "a\nb",
        "\na\n \r\n\u2028b\r": "\na\n\nb\n",
        " ": "",
        "": "",
    }.items():
        assert fitted.normalised(text) == wanted
        assert fitted.decode(fitted.encode(text)) == wanted
        assert in_pieces(fitted, text, 1).tobytes() == fitted.encode(text).tobytes()


# Every unit


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("normalize", [None, "NFC", "NFKC"])
def test_awkward_texts_come_back_whole_and_in_pieces(unit: Unit, normalize: Any) -> None:
    fitted = TextCodec(unit=unit, normalize=normalize, begin=True, end=True).fit([PROSE, *AWKWARD])
    for text in (*AWKWARD, PROSE, "".join(AWKWARD)):
        encoded = fitted.encode(text)
        assert encoded[[0, -1], 0].tolist() == [1, 2]
        assert fitted.decode(encoded) == fitted.normalised(text) or 0 in encoded
        for length in (1, 3):
            assert in_pieces(fitted, text, length).tobytes() == encoded.tobytes(), (text, length)
    assert fitted.encode("").tolist() == [[1], [2]]


@pytest.mark.parametrize("unit", UNITS)
def test_exact_units_give_every_row_at_once(unit: Unit) -> None:
    fitted = TextCodec(unit=unit).fit([PROSE])
    assert fitted.streams == ("exact" if unit in ("character", "byte") else "at_flush")
    assert TextCodec(unit=unit, normalize="NFC").streams == "at_flush"
    rows = len(fitted.chunks().push("no word ends here"))
    assert (rows == len(fitted.encode("no word ends here"))) == (fitted.streams == "exact")


# Spelled by their characters, so that no editor composes them.
LONG = {"x": 1, " ": 1, "\u0301": 1, "漢": 1, "ab ": 3, "'": 1, "n't": 3, "\r": 1, "\u1100\u1161": 2}


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("unit_of_text", LONG)
def test_what_is_held_back_is_bounded_and_pieces_are_still_the_whole(unit: Unit, unit_of_text: str) -> None:
    fitted = TextCodec(unit=unit, normalize="NFC", lowercase=True).fit([PROSE, unit_of_text * 9])
    text = unit_of_text * (3500 // len(unit_of_text))
    encoder, made, largest = fitted.chunks(), [], 0
    for start in range(0, len(text), 333):
        made.append(encoder.push(text[start : start + 333]))
        largest = max(largest, len(encoder.read()))
    assert np.concatenate([*made, encoder.flush()]).tobytes() == fitted.encode(text).tobytes()
    assert largest <= 4 * 2 * (LONGEST + 2) + 30


@pytest.mark.parametrize("unit", UNITS)
def test_a_word_of_a_million_letters_is_encoded(unit: Unit) -> None:
    fitted = TextCodec(unit=unit).fit(["x" * 10])
    text = "x" * 1_000_000
    assert len(fitted.encode(text)) >= 1000
    assert unit == "word" or fitted.decode(fitted.encode(text)) == text


@pytest.mark.parametrize("unit", UNITS)
def test_fitting_twice_gives_the_same_codec(unit: Unit) -> None:
    texts = [PROSE, *AWKWARD, PROSE[::-1]]
    first, second = (TextCodec(unit=unit).fit(iter(texts)) for _ in range(2))
    assert first.vocabulary == second.vocabulary
    assert all(first.arrays()[name].tobytes() == array.tobytes() for name, array in second.arrays().items())


def test_equally_frequent_characters_stand_in_order() -> None:
    assert TextCodec(unit="character").fit(["bca", "b"]).vocabulary[3:] == ("b", "a", "c")
    assert TextCodec(unit="character", most=2).fit(["bca", "b"]).decode(np.array([4, 0, 3])) == "a\ufffdb"


def test_bytes_that_are_no_text_are_shown_as_unknown_and_surrogates_come_back() -> None:
    fitted = TextCodec(unit="byte").fit(["a"])
    assert fitted.spec == Tokens(259)
    assert fitted.decode(np.array([3 + 0xC3, 3 + 97, 0, 1, 3 + 0xED, 3 + 0xA0])) == "\ufffda\ufffd\ufffd\ufffd"
    for text in ("\ud800", "\ud83d\ude00a", "\udc00\ud800", "é\ud800\U0001f600"):
        assert fitted.decode(fitted.encode(text)) == text
        assert from_bytes([to_bytes(text)]) == text


@given(st.binary(max_size=9))
def test_any_bytes_decode(data: bytes) -> None:
    """Python itself replaces the same bytes, but for surrogates."""
    if b"\xed" not in data:
        assert from_bytes([data]) == data.decode("utf-8", "replace")
    assert isinstance(from_bytes([data]), str)


# Normal forms


@given(
    st.text(alphabet="aeJKΣİſﬁ½\u0301\u0323\u030c\u1100\u1161\u11a8가\u09c7\u09be\uff76\uff9e", max_size=9),
    st.booleans(),
)
def test_a_normal_form_in_pieces_is_that_of_the_whole(text: str, lowercase: bool) -> None:
    for form in ("NFC", "NFKC"):
        normaliser = Normaliser(lowercase=lowercase, form=form)  # type: ignore[arg-type]
        whole, made, rest = normaliser.normalised(text), "", ""
        for character in text:
            ready, rest = normaliser.ready(rest + character, last=False)
            made += ready
        made += normaliser.ready(rest, last=True)[0]
        assert made == whole == normaliser.normalised(whole)
        assert unicodedata.is_normalized(form, whole)  # type: ignore[arg-type]
        if not lowercase:
            assert whole == unicodedata.normalize(form, text)  # type: ignore[arg-type]


def test_no_character_is_joined_to_one_that_was_given_already() -> None:
    """Any character of Unicode after a base and a mark; those that stand apart are found by a table."""
    normaliser, picked = Normaliser(lowercase=False, form="NFKC"), random.Random(6)
    for code in picked.sample(range(sys.maxunicode + 1), 4000) + list(range(0x1100, 0x1200)):
        for base in ("a\u0323", "\u1100", "\u09c7", "カ"):
            given_already, rest = normaliser.ready(base + chr(code), last=False)
            whole = unicodedata.normalize("NFKC", base + chr(code) + "\u0301")
            assert given_already + normaliser.ready(rest + "\u0301", last=True)[0] == whole, hex(code)


def test_the_final_sigma_is_lowered_like_any_other() -> None:
    fitted = TextCodec(unit="character", lowercase=True).fit(["ΟΔΟΣ"])
    assert fitted.normalised("ΟΔΟΣ ΣΑ") == "οδοσ σα"
    assert in_pieces(fitted, "ΟΔΟΣ", 1).tobytes() == fitted.encode("ΟΔΟΣ").tobytes()


# Byte pairs


def test_byte_pairs_join_as_the_library_that_learned_them() -> None:
    from tokenizers import Tokenizer, models

    texts = [PROSE * 3, "low lower lowest newer newest wider " * 9]
    fitted = TextCodec(unit="bpe", most=300).fit(texts)
    assert fitted.spec == Tokens(3 + 300)
    merges = fitted.arrays()["merges"].reshape(-1, 2).tolist()
    spelled = [chr(256 + byte) for byte in range(256)]
    for left, right in merges:
        if (joined := spelled[left] + spelled[right]) not in spelled:
            spelled.append(joined)
    pairs = [(spelled[left], spelled[right]) for left, right in merges]
    theirs = Tokenizer(models.BPE({text: n for n, text in enumerate(spelled)}, pairs))
    picked = random.Random(3)
    for word in ["lowest", "é", "x" * 99, *("".join(picked.choices("lowernwidst", k=12)) for _ in range(200))]:
        letters = "".join(chr(256 + byte) for byte in word.encode())
        assert (fitted.encode(word)[:, 0] - 3).tolist() == theirs.encode(letters).ids, word


def test_byte_pairs_know_every_text_and_shorten_what_they_learned() -> None:
    fitted = TextCodec(unit="bpe", most=400).fit(["the lowest of the low " * 20, *["the"] * 9])
    assert fitted.decode(fitted.encode("日本\ud800 \0!")) == "日本\ud800 \0!"
    assert fitted.tokens("the low") == ["the", " low"]
    assert len(fitted.encode("the lowest of the low")) == 5
    assert fitted.vocabulary[3 + 0xE9] == "<e9>"


def test_without_the_library_byte_pairs_are_restored_but_not_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = TextCodec(unit="bpe", most=300).fit([PROSE])
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtraError, match=r'`tokenizers` is needed to learn byte pairs .* "whorl\[text\]"'):
        TextCodec(unit="bpe").fit([PROSE])
    again = TextCodec.restore(fitted.config(), fitted.arrays())
    assert again.encode(PROSE).tobytes() == fitted.encode(PROSE).tobytes()
