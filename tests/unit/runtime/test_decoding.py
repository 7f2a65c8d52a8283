"""Sequences of tokens from an engine: what comes out is what an exhaustive search finds, and no slot stays open."""

import itertools

import numpy as np
import pytest
from tests.unit.live.tiny_translator import translator

import whorl
from whorl.errors import ArgumentError, TrainingError
from whorl.runtime import operations as ops
from whorl.runtime.choosing import drawn, log_softmax
from whorl.runtime.decoding import TokenSteps, decode, opened
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program

END = 2


def speaker(vocabulary=4, hidden=5, seed=3, scale=1.5):
    """A program that reads a code at each step and answers logits and, behind them, two numbers more."""
    draw, program = np.random.default_rng(seed), Program()

    def weights(name, *shape):
        return program.tensor(name, draw.normal(0.0, scale, shape))

    code = program.add(ops.Input(out="code", shape=(1,)))
    author = program.add(ops.Input(out="author", shape=(1,), static=True))
    row = program.add(ops.Embed(x=code, table=weights("table", vocabulary, 3)))
    row = program.add(ops.Concat(parts=(row, author), axis=0))
    h = program.add(
        ops.Recurrent(
            x=row,
            cell="rnn_tanh",
            over="stream",
            weight_ih=weights("w_ih", hidden, 4),
            weight_hh=weights("w_hh", hidden, hidden),
        )
    )
    program.output = program.add(ops.Affine(x=h, weight=weights("out", vocabulary + 2, hidden)))
    return program


def steps(**changes):
    settings = {
        "inputs": lambda tokens, numbers: {"code": tokens[:, None].astype(np.float32)},
        "logits": lambda output: output[:, :-2],
        "end": END,
    }
    return TokenSteps(**settings | changes)


class Counted(NativeEngine):
    """Counts open slots, and breaks at a chosen step."""

    def __init__(self, program, breaks_at=None):
        super().__init__(program)
        self.now, self.most, self.left = 0, 0, breaks_at

    def open(self, context=None):
        self.now += 1
        return super().open(context)

    def fork(self, slot):
        self.now += 1
        self.most = max(self.most, self.now)
        return super().fork(slot)

    def close(self, slot):
        self.now -= 1
        super().close(slot)

    def step(self, slots, inputs):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise MemoryError
        return super().step(slots, inputs)


def author(number):
    return {"author": np.array([number / 3.0], np.float32)}


def decoded(engine, decoding, authors=(0,), first=1, settings=None, **options):
    with opened(engine, [author(number) for number in authors]) as slots:
        return decode(engine, slots, [first] * len(authors), decoding, settings or steps(), **options)


def log_prob(engine, tokens, number=0, first=1, banned=()):
    """Of these tokens one after the other, from whole sequences and not from steps."""
    read = np.array([first, *tokens[:-1]], np.float32)[None, :, None]
    logits = engine.run({"code": read, "author": author(number)["author"][None]})[0, :, :-2].astype(np.float64)
    logits[:, list(banned)] = -np.inf
    return log_softmax(logits)[np.arange(len(tokens)), tokens]


def every_sequence(vocabulary, limit, banned=()):
    tokens = [token for token in range(vocabulary) if token != END and token not in banned]
    for length in range(limit + 1):
        for body in itertools.product(tokens, repeat=length):
            if length < limit:
                yield (*body, END)
            else:
                yield body


def brute_force(engine, vocabulary, limit, penalty, number=0, banned=()):
    scored = [
        (log_prob(engine, tokens, number, banned=banned).sum() / ((5 + len(tokens)) / 6) ** penalty, tokens)
        for tokens in every_sequence(vocabulary, limit, banned)
    ]
    return sorted(scored, reverse=True)


@pytest.mark.parametrize("penalty", [0.0, 0.6, 2.5])
@pytest.mark.parametrize("seed", range(3))
def test_a_wide_beam_finds_what_an_exhaustive_search_finds(penalty, seed):
    engine = NativeEngine(speaker(seed=seed))
    found = decoded(engine, whorl.Beam(width=4**4, length_penalty=penalty, max_length=4), (0, 2, 5), num_best=7)
    for number, answers in zip((0, 2, 5), found, strict=True):
        expected = brute_force(engine, 4, 4, penalty, number)[:7]
        assert [(*map(int, one.tokens), *([END] if one.ended else [])) for one in answers] == [
            tokens for _, tokens in expected
        ]
        np.testing.assert_allclose([one.score for one in answers], [score for score, _ in expected], atol=1e-9)


def test_banned_tokens_never_come_and_leave_their_probability_to_the_others():
    engine = Interpreter(speaker())
    (answers,) = decoded(
        engine, whorl.Beam(width=99, length_penalty=0.6, max_length=3), settings=steps(banned=(0, 3)), num_best=4
    )
    expected = brute_force(engine, 4, 3, 0.6, banned=(0, 3))
    assert len(expected) == 4
    np.testing.assert_allclose([one.score for one in answers], [score for score, _ in expected], atol=1e-6)
    assert np.exp([one.log_probs.sum() for one in answers]).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(5))
def test_a_beam_of_width_one_is_greedy(seed):
    engine = NativeEngine(speaker(vocabulary=7, seed=seed))
    (narrow,) = decoded(engine, whorl.Beam(width=1, length_penalty=0.0, max_length=19))
    (greedy,) = decoded(engine, whorl.Greedy(max_length=19))
    assert narrow[0].tokens.tolist() == greedy[0].tokens.tolist()
    assert narrow[0].score == greedy[0].score
    by_hand, token, slot = [], 1, engine.open(author(0))
    while token != END and len(by_hand) < 19:
        output = engine.step([slot], {"code": np.array([[token]], np.float32)})
        token = int(output[0, :-2].argmax())
        by_hand.append(token)
    assert greedy[0].tokens.tolist() == [token for token in by_hand if token != END]
    assert greedy[0].ended == (by_hand[-1] == END)


def test_log_probabilities_are_those_of_the_whole_sequence_whatever_the_temperature():
    engine = NativeEngine(speaker(vocabulary=9))
    for decoding in (whorl.Greedy(), whorl.Sample(temperature=3.0, seed=5), whorl.Beam(width=3, length_penalty=0.0)):
        (answers,) = decoded(engine, decoding, max_lengths=11)
        one = answers[0]
        tokens = [*one.tokens, *([END] if one.ended else [])]
        np.testing.assert_allclose(one.log_probs, log_prob(engine, tokens), atol=1e-9)
        assert one.score == pytest.approx(one.log_probs.sum())


@pytest.mark.parametrize(
    "decoding", [whorl.Greedy(), whorl.Sample(seed=3, top_k=5, temperature=1.3), whorl.Beam(width=3)]
)
def test_a_sequence_does_not_depend_on_those_beside_it(decoding, monkeypatch):
    engine = NativeEngine(speaker(vocabulary=7))
    together = decoded(engine, decoding, range(6), max_lengths=[1, 9, 4, 17, 2, 6])
    monkeypatch.setattr("whorl.runtime.decoding._AT_ONCE", 30)
    in_turns = decoded(engine, decoding, range(6), max_lengths=[1, 9, 4, 17, 2, 6])
    for ours, theirs in zip(together, in_turns, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert one.tokens.tolist() == other.tokens.tolist()
            assert one.log_probs.tolist() == other.log_probs.tolist()
    assert {len(one[0].log_probs) for one in together} != {1}


def test_a_seed_gives_the_same_draws_again_and_another_seed_others():
    engine = NativeEngine(speaker(vocabulary=9, scale=0.3))

    def draws(seed):
        return [one[0].tokens.tolist() for one in decoded(engine, whorl.Sample(seed=seed, max_length=20), [0] * 5)]

    assert draws(4) == draws(4) != draws(5)
    assert len({tuple(tokens) for tokens in draws(4)}) > 1  # one draw for each sequence


def test_draws_depend_on_the_number_of_a_sequence_and_not_on_its_place():
    engine, sample = NativeEngine(speaker(vocabulary=9, scale=0.3)), whorl.Sample(seed=4, max_length=20)

    def draws(count, numbers=None):
        return [one[0].tokens.tolist() for one in decoded(engine, sample, [0] * count, numbers=numbers)]

    assert draws(3, [5, 0, 2]) == [draws(6)[number] for number in (5, 0, 2)]
    for numbers in ([0, 1], [0, 1, -1]):
        with pytest.raises(ArgumentError, match="`numbers` must be 3 whole numbers"):
            draws(3, numbers)


def test_what_is_drawn_for_a_text_does_not_depend_on_the_texts_beside_it():
    model, sample = translator(), whorl.Sample(seed=1, temperature=2.0)

    def written(*sources):
        found = model.predict(list(sources), decoding=sample)
        return list(zip(found.value, found.score.tolist(), strict=True))

    alike = written(*["two, one"] * 40)
    assert written("two, one", "two")[0] == written("two, one", "three, one two")[0] == alike[0]
    assert written("two", "two, one")[1] == alike[1] != alike[0]
    # Texts that are read together are 32 at most; the draws of those after them are their own.
    assert all(one != other for one, other in zip(alike[:8], alike[32:], strict=True))


def test_draws_have_the_frequencies_of_the_model():
    engine = NativeEngine(speaker(vocabulary=5, scale=0.8))
    many = decoded(engine, whorl.Sample(max_length=1, seed=1), [0] * 4000, settings=steps(end=None))
    counts = np.bincount([int(one[0].tokens[0]) for one in many], minlength=5) / 4000
    expected = np.exp([log_prob(engine, [token])[0] for token in range(5)])
    # 4 standard deviations of a share
    assert (np.abs(counts - expected) <= 4 * np.sqrt(expected * (1 - expected) / 4000)).all()


def test_top_k_and_top_p_keep_the_likeliest_tokens():
    log_probs = np.log([0.1, 0.4, 0.2, 0.3, 0.0 + 1e-300])
    uniforms = np.linspace(0, 1, 400, endpoint=False)

    def kept(**settings):
        return {drawn(log_probs, whorl.Sample(**settings), uniform) for uniform in uniforms}

    assert kept() == {0, 1, 2, 3}
    assert kept(top_k=2) == {1, 3}
    assert kept(top_k=99) == {0, 1, 2, 3}
    assert kept(top_p=0.4) == {1}
    assert kept(top_p=0.41) == kept(top_p=0.7) == {1, 3}
    assert kept(top_k=3, top_p=0.95) == {1, 2, 3}
    assert kept(temperature=0.01) == {1}
    shares = np.bincount([drawn(log_probs, whorl.Sample(temperature=0.5), u) for u in uniforms], minlength=5) / 400
    np.testing.assert_allclose(shares[:4], np.array([1, 16, 4, 9]) / 30, atol=0.004)


@pytest.mark.parametrize("settings", [{}, {"top_k": 2}, {"top_p": 0.9}])
def test_the_coldest_draws_are_the_most_likely_token(settings):
    log_probs = log_softmax(np.array([-np.inf, 0.1, 3.0, 2.9, -700.0]))
    for temperature in (5e-324, 1e-320, 1e-9):
        sample = whorl.Sample(temperature=temperature, **settings)
        assert {drawn(log_probs, sample, uniform) for uniform in (0.0, 0.5, 1.0 - 2**-53)} == {2}


def test_a_token_that_cannot_come_is_never_drawn():
    log_probs = np.array([-np.inf, 0.0, -np.inf])
    assert {drawn(log_probs, whorl.Sample(top_k=3), u) for u in (0.0, 0.5, np.nextafter(1, 0))} == {1}


@pytest.mark.parametrize("decoding", [whorl.Greedy(), whorl.Sample(), whorl.Beam(width=4)])
@pytest.mark.parametrize("breaks_at", [None, 0, 3])
def test_slots_never_stay_open(decoding, breaks_at):
    engine = Counted(speaker(vocabulary=6), breaks_at)
    with opened(engine, [author(0)] * 5) as slots:
        before = [engine.read(slot) for slot in slots]
        if breaks_at is None:
            decode(engine, slots, [1] * 5, decoding, steps(end=None), max_lengths=8)
        else:
            with pytest.raises(MemoryError):
                decode(engine, slots, [1] * 5, decoding, steps(end=None), max_lengths=8)
        assert engine.now == 5
        assert [engine.read(slot) for slot in slots] == before
    assert engine.now == 0
    assert engine.most <= 5 + 5 * getattr(decoding, "width", 1)


def test_slots_that_could_not_all_be_opened_are_closed():
    engine = Counted(speaker())
    with pytest.raises(ArgumentError), opened(engine, [author(0), {}]):
        raise AssertionError
    assert engine.now <= 1  # the one that failed was counted and never opened


def test_what_stands_beside_the_logits_is_kept_for_each_step():
    engine = Interpreter(speaker(vocabulary=6))
    settings = steps(beside=lambda output: output[:, -2:])
    for decoding in (whorl.Greedy(max_length=5), whorl.Beam(width=3, max_length=7)):
        for number, (one,) in enumerate(decoded(engine, decoding, (0, 1, 2), settings=settings)):
            read = np.array([1, *one.tokens], np.float32)[: len(one.log_probs)][None, :, None]
            whole = engine.run({"code": read, "author": author(number)["author"][None]})
            np.testing.assert_allclose(one.beside, whole[0, :, -2:], atol=1e-6)


def test_inputs_are_made_for_the_sequences_that_are_still_at_work():
    seen = []

    def inputs(tokens, numbers):
        seen.append(numbers.tolist())
        return {"code": tokens[:, None].astype(np.float32)}

    decoded(
        NativeEngine(speaker()),
        whorl.Greedy(),
        (0, 0, 0),
        settings=steps(inputs=inputs, end=None),
        max_lengths=[2, 1, 3],
    )
    assert seen == [[0, 1, 2], [0, 2], [2]]


def test_no_sequences_have_no_answers():
    assert decoded(NativeEngine(speaker()), whorl.Beam(max_length=3), ()) == []


def test_what_cannot_be_decoded_is_refused():
    engine = NativeEngine(speaker())
    with pytest.raises(ArgumentError, match="`max_length` must be given"):
        decoded(engine, whorl.Greedy())
    with pytest.raises(ArgumentError, match="the least is 0"):
        decoded(engine, whorl.Greedy(), max_lengths=[0])
    with pytest.raises(ArgumentError, match="`first` must be 0 tokens"):
        decode(engine, [], [1], whorl.Greedy(max_length=2), steps())
    with pytest.raises(ArgumentError, match="`num_best`"):
        decoded(engine, whorl.Greedy(max_length=2), num_best=0)
    with pytest.raises(TrainingError, match="not banned"):
        decoded(engine, whorl.Greedy(max_length=2), settings=steps(banned=(0, 1, 2, 3)))
