"""Sentences that have one of some words at each place, and the search for what is said among them."""

import itertools

import numpy as np
import pytest

from whorl.codecs.text import TextCodec
from whorl.errors import ArgumentError, ModelFileError
from whorl.runtime.choosing import log_softmax
from whorl.runtime.grammar import Grammar, grammar_of
from whorl.runtime.spelling import nats
from whorl.runtime.spelling_beam import BeamSearch

LETTERS = " abcd"
PLACES = (("a", "ab", "cad"), ("", "b"), ("d", "da", "ab"))


def symbols(words: str) -> tuple[int, ...]:
    return tuple(LETTERS.index(letter) + 1 for letter in words)


def sentences(places: tuple[tuple[str, ...], ...]) -> set[str]:
    """All of them: the definition."""
    return {" ".join(word for word in words if word) for words in itertools.product(*places)} - {""}


def said(text: tuple[int, ...], grammar: Grammar) -> int | None:
    """Where a text stands; None where the grammar has none that begins with it."""
    state = Grammar.start
    for symbol in text:
        onward = grammar.onward(state)
        if symbol not in onward:
            return None
        state = onward[symbol]
    return state


@pytest.mark.parametrize(
    "places",
    [
        PLACES,
        (("a",),),
        (("", "a"), ("", "a b"), ("c", "")),
        (("a", "a", "ab"), ("b",), ("", "b")),
        (("",), ("b", "a b")),
        (("",), ("b",), ("", "a")),
        (("", "a"), ("b",), ("", "a"), ("", "b", "a")),
    ],
)
def test_a_grammar_has_the_sentences_of_its_places_and_no_other(places):
    grammar, wanted = grammar_of(places, symbols), sentences(places)
    longest = max(map(len, wanted))
    beginnings = {one[:n] for one in wanted for n in range(len(one) + 1)}
    for text in (
        {"".join(own) for own in itertools.product(LETTERS[:3], repeat=min(5, longest + 1))} | beginnings | wanted
    ):
        state = said(symbols(text), grammar)
        assert (state is not None) == (text in beginnings)
        if state is not None:
            assert grammar.ends(state) == (text in wanted)


def test_words_are_symbols_too():
    names = {"left": 1, "right": 2, "turn": 3}
    grammar = grammar_of((("turn",), ("left", "right")), lambda words: tuple(names[word] for word in words.split()))
    assert list(grammar.onward(0)) == [3]
    assert list(grammar.onward(grammar.onward(0)[3])) == [1, 2]


def test_words_whose_symbols_depend_on_others_are_refused():
    pairs = {"a": (1,), "b": (2,), "a a": (1, 1), "a a a": (1, 1, 1), "a b a": (1, 3)}
    with pytest.raises(ArgumentError, match="'b', whose symbols depend on the words beside it"):
        grammar_of((("a",), ("a", "b")), pairs.__getitem__)


@pytest.mark.parametrize("orders", [(("turn", "$"), ("left",)), (("$", "turn"), ("left",))])
def test_signs_that_change_the_spaces_around_them_are_refused(orders):
    codec = TextCodec(unit="word").fit(["turn left $5"])
    with pytest.raises(ArgumentError, match=r"'\$', whose symbols depend"):
        grammar_of(orders, lambda words: tuple(codec.encode(words)[:, 0].astype(int).tolist()))


def test_equal_words_at_many_places_that_may_be_left_out_are_kept_once():
    words = ("", *map("".join, itertools.product("abcd", repeat=4)))
    grammar = grammar_of((words,) * 100, symbols)
    search = BeamSearch(10, grammar=grammar)
    search.read(drawn(2, steps=60))
    assert search.best(final=True).symbols
    assert len(grammar._branches) < 3 * 4**4 < 100 * 4**4  # two trees: at the start, and behind a space


def drawn(seed: int, steps: int = 14) -> np.ndarray:
    return log_softmax(2.0 * np.random.default_rng(seed).standard_normal((steps, len(LETTERS) + 1)))


@pytest.mark.parametrize("seed", range(6))
def test_a_wide_beam_finds_the_likeliest_sentence(seed):
    log_probs = drawn(seed)
    each = {text: -nats(log_probs, np.array(symbols(text))) for text in sentences(PLACES)}
    search = BeamSearch(500, grammar=grammar_of(PLACES, symbols))
    search.read(log_probs)
    found = search.best(final=True)
    assert found.symbols == symbols(max(each, key=each.__getitem__))
    assert found.score == pytest.approx(max(each.values()), abs=1e-9)


def test_what_is_hardly_heard_is_followed_where_nothing_else_may_be_said():
    log_probs = np.full((4, len(LETTERS) + 1), -40.0)
    log_probs[:, [0, 4]] = -0.7  # nothing, or c
    grammar = grammar_of((("a", "ab"),), symbols)
    search = BeamSearch(5, grammar=grammar)
    search.read(log_probs)
    assert search.best(final=True).symbols == symbols("a")


def test_while_somebody_speaks_the_text_is_the_beginning_of_a_sentence_and_in_the_end_a_whole_one():
    log_probs = np.full((2, len(LETTERS) + 1), np.log(0.05))
    log_probs[0, 4] = log_probs[1, 2] = np.log(0.75)  # c, and a: "ca" is no sentence
    search = BeamSearch(50, grammar=grammar_of((("cad", "a"),), symbols))
    search.read(log_probs)
    assert search.best(final=False).symbols == symbols("ca")
    assert search.best(final=True).symbols == symbols("a")


def test_where_nothing_is_whole_the_beginning_is_answered():
    search = BeamSearch(50, grammar=grammar_of((("cad",),), symbols))
    search.read(drawn(1, steps=2))
    text = search.best(final=True).symbols
    assert symbols("cad")[: len(text)] == text


def test_pieces_and_stored_states_change_nothing():
    grammar, log_probs = grammar_of(PLACES, symbols), drawn(3, steps=30)
    whole, pieces = BeamSearch(4, grammar=grammar), BeamSearch(4, grammar=grammar)
    whole.read(log_probs)
    for at in range(0, 30, 5):
        pieces.read(log_probs[at : at + 5])
        restored = BeamSearch(4, grammar=grammar_of(PLACES, symbols))
        restored.unpack(pieces.packed(), len(LETTERS) + 1)
        pieces = restored
    assert pieces.best(final=True) == whole.best(final=True)


def test_a_state_of_another_grammar_is_refused():
    made = BeamSearch(4, grammar=grammar_of((("cad",), ("b",)), symbols))
    log_probs = np.full((3, len(LETTERS) + 1), -20.0)
    log_probs[range(3), symbols("cad")] = 0.0
    made.read(log_probs)
    with pytest.raises(ModelFileError, match="another grammar"):
        BeamSearch(4, grammar=grammar_of((("ab",),), symbols)).unpack(made.packed(), len(LETTERS) + 1)
