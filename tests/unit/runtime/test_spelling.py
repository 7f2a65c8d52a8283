"""Searches for texts: what steps say, whatever the pieces they come in."""

import itertools
import math

import msgspec
import numpy as np
import pytest
import torch

import whorl
from whorl.errors import ArgumentError, ModelFileError
from whorl.runtime.choosing import log_softmax
from whorl.runtime.ngrams import KneserNey
from whorl.runtime.spelling import GreedySearch, nats
from whorl.runtime.spelling_beam import Advice, BeamSearch
from whorl.runtime.transcribing import searching

SYMBOLS = 4


def said(*steps: int, sure: float = 0.9) -> np.ndarray:
    """Log-probabilities of steps that say these symbols, 0 none."""
    rows = np.full((len(steps), SYMBOLS), (1.0 - sure) / (SYMBOLS - 1))
    rows[np.arange(len(steps)), steps] = sure
    return np.log(rows)


def drawn(count: int, seed: int = 3) -> np.ndarray:
    return log_softmax(2.0 * np.random.default_rng(seed).standard_normal((count, SYMBOLS)))


def all_texts(log_probs: np.ndarray) -> dict[tuple[int, ...], float]:
    """Probability of every text, over all ways to say it: the definition."""
    found: dict[tuple[int, ...], float] = {}
    for way in itertools.product(range(SYMBOLS), repeat=len(log_probs)):
        text = tuple(symbol for symbol, _ in itertools.groupby(way) if symbol)
        found[text] = found.get(text, 0.0) + math.exp(sum(log_probs[t, symbol] for t, symbol in enumerate(way)))
    return found


def test_runs_of_a_symbol_count_once_and_none_between_them_says_that_there_are_two():
    search = GreedySearch()
    search.read(said(0, 1, 1, 0, 1, 2, 2, 0))
    assert search.best(final=True).symbols == (1, 1, 2)
    assert search.best(final=True).steps == (1, 4, 5)


def test_a_wide_beam_finds_the_likeliest_text_over_all_ways():
    for seed in range(5):
        log_probs = drawn(6, seed)
        best = max(all_texts(log_probs).items(), key=lambda item: item[1])
        search = BeamSearch(400)
        search.read(log_probs)
        found = search.best(final=True)
        assert found.symbols == best[0]
        assert math.exp(found.score) == pytest.approx(best[1], rel=1e-2)  # what is hardly said is not followed


def test_a_beam_adds_ways_up_where_the_likeliest_way_says_something_else():
    log_probs = np.log(np.array([[0.6, 0.4, 1e-9, 1e-9], [0.6, 0.4, 1e-9, 1e-9]]))
    greedy, beam = GreedySearch(), BeamSearch(5)
    greedy.read(log_probs)
    beam.read(log_probs)
    assert greedy.best(final=True).symbols == ()
    assert beam.best(final=True).symbols == (1,)  # 0.64 over three ways, against 0.36


@pytest.mark.parametrize("make", [GreedySearch, lambda: BeamSearch(3), lambda: BeamSearch(3, advice())])
def test_pieces_and_stored_states_change_nothing(make):
    log_probs = drawn(57)
    whole, pieces = make(), make()
    whole.read(log_probs)
    for at in (0, 1, 20, 21, 50):
        end = {0: 1, 1: 20, 20: 21, 21: 50, 50: 57}[at]
        pieces.read(log_probs[at:end])
        restored = make()
        restored.unpack(pieces.packed(), SYMBOLS)
        pieces = restored
    assert pieces.best(final=True) == whole.best(final=True)
    assert pieces.packed() == whole.packed()


@pytest.mark.parametrize("make", [GreedySearch, lambda: BeamSearch(3)])
def test_going_back_forgets_what_was_read_since(make):
    search = make()
    search.read(drawn(9))
    before, mark = search.packed(), search.mark()
    search.read(drawn(30, seed=8))
    assert search.packed() != before
    search.back_to(mark)
    assert search.packed() == before


def test_what_all_texts_of_a_beam_begin_with_is_settled_so_that_a_step_stays_short():
    search = BeamSearch(4)
    search.read(said(*([1, 0, 2, 0, 3, 0] * 50)))
    assert len(search.best(final=True).symbols) == 150
    assert max(len(tail.symbols) for tail in search._tails) < 20


def advice(weight: float = 1.0, bonus: float = 0.0) -> Advice:
    return Advice(KneserNey(3, SYMBOLS).fit([[1, 3, 3, 3, 2]] * 20), weight, bonus)  # begin, 3, 3, 3, end


def test_n_grams_decide_where_the_steps_do_not():
    log_probs = np.log(np.array([[0.02, 0.02, 0.49, 0.47]]))
    alone, advised = BeamSearch(5), BeamSearch(5, advice())
    alone.read(log_probs)
    advised.read(log_probs)
    assert alone.best(final=False).symbols == (2,)
    assert advised.best(final=False).symbols == (3,)


def test_a_bonus_makes_texts_longer():
    log_probs = np.log(np.array([[0.7, 0.01, 0.01, 0.28]] * 3))
    lengths = []
    for bonus in (0.0, 4.0):
        search = BeamSearch(20, advice(weight=0.1, bonus=bonus))
        search.read(log_probs)
        lengths.append(len(search.best(final=True).symbols))
    assert lengths[0] < lengths[1]


def test_the_surprise_of_a_text_is_that_of_all_its_ways_and_of_torch():
    log_probs = drawn(6)
    texts = all_texts(log_probs)
    for text in [(), (1,), (1, 1), (2, 3, 2), (3, 3, 3)]:
        assert nats(log_probs, np.array(text, np.int64)) == pytest.approx(-math.log(texts[text]))
        if text:
            wanted = torch.nn.functional.ctc_loss(
                torch.from_numpy(log_probs)[:, None],
                torch.tensor([text]),
                torch.tensor([6]),
                torch.tensor([len(text)]),
                reduction="sum",
            )
            assert nats(log_probs, np.array(text)) == pytest.approx(float(wanted))


def test_a_text_that_does_not_fit_into_the_steps_cannot_be():
    assert nats(drawn(3), np.array([1, 1, 2])) == math.inf  # none has to stand between the two
    assert nats(drawn(0), np.array([1])) == math.inf
    assert nats(drawn(0), np.array([], np.int64)) == 0.0


def symbols(words: str) -> tuple[int, ...]:
    """1 stands between words, and 2 and 3 are letters."""
    return tuple(" ab".index(letter) + 1 for letter in words)


def test_a_transcript_is_found_by_two_searches_and_no_other():
    assert isinstance(searching(None, None, symbols)(), GreedySearch)
    assert isinstance(searching(None, advice(), symbols)(), BeamSearch)
    assert isinstance(searching(whorl.Greedy(), advice(), symbols)(), GreedySearch)
    for wrong in (whorl.Sample(), whorl.Greedy(max_length=3)):
        with pytest.raises(ArgumentError, match="as long as what is said"):
            searching(wrong, None, symbols)
    many = whorl.Beam(max_length=3, grammar=(("ab",) * 5000,))
    with pytest.raises(ArgumentError, match="as long as what is said") as caught:
        searching(many, None, symbols)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("penalty", [0.0, 3.0])
def test_a_transcript_has_no_length_penalty(penalty):
    with pytest.raises(ArgumentError, match=r"`length_penalty` is .* Leave it out"):
        searching(whorl.Beam(length_penalty=penalty), None, symbols)


@pytest.mark.parametrize(
    "state",
    [b"", b"\x00", GreedySearch().packed(), BeamSearch(2).packed(), BeamSearch(3).packed()[:-3]],
)
def test_a_state_of_another_search_is_refused(state):
    with pytest.raises(ModelFileError, match=r"search|beam"):
        BeamSearch(3).unpack(state, SYMBOLS)


def test_a_state_with_symbols_that_are_none_is_refused():
    search = GreedySearch()
    search.read(said(1, 3))
    with pytest.raises(ModelFileError, match="damaged"):
        GreedySearch().unpack(search.packed(), 3)


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_state_of_a_beam_with_probabilities_that_are_none_is_refused(wrong):
    kind, width, count, sure, tails = msgspec.msgpack.decode(BeamSearch(3).packed())
    (kept, _, *others), *_ = tails
    with pytest.raises(ModelFileError, match="damaged"):
        BeamSearch(3).unpack(msgspec.msgpack.encode([kind, width, count, sure, [[kept, wrong, *others]]]), SYMBOLS)
