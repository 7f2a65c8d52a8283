"""A Transcriber of sound begins with the knowledge that little is said where little is heard."""

import numpy as np
import pytest
from tests.unit.tasks.letters import WORDS

import whorl
from whorl.plans.heads import Ctc
from whorl.tasks.examples import training_part
from whorl.tasks.preparation import prepare

RATE = 8000
SILENCE_S, LETTER_S = 0.6, 0.1


def spoken(count: int, *, seed: int = 0) -> tuple[list[np.ndarray], list[str]]:
    """Silence, a word that is always the same, one that is not, and silence; a letter is a tone."""
    random = np.random.default_rng(seed)
    quiet, time = np.zeros(round(SILENCE_S * RATE)), np.arange(round(LETTER_S * RATE)) / RATE
    texts = [f"dab {WORDS[n]}" for n in random.integers(0, len(WORDS), count)]
    sounds = []
    for text in texts:
        tones = [0.3 * np.sin(2 * np.pi * (300 + 400 * " abcd".index(letter)) * time) for letter in text]
        whole = np.concatenate([quiet, *tones, quiet])
        sounds.append((whole + 0.003 * random.standard_normal(len(whole))).astype(np.float32))
    return sounds, texts


AUDIO = whorl.Audio(sample_rate_hz=RATE, num_bands=12, features="log_mel")


def small(**training: object) -> whorl.Transcriber:
    plan = whorl.Training(**{"batch_size": 8, "learning_rate": 1e-2, "epochs": 40, "seed": 0, **training})
    return whorl.Transcriber(media=AUDIO, network=whorl.Recurrent("gru", hidden_size=24), convolution=3, training=plan)


def test_the_word_after_one_that_is_always_the_same_is_learned_behind_a_silence():
    """Where nobody says that little is said in silence, this fit says the first word there, and gets 0.3 wrong."""
    model = small().fit(spoken(24), verbose=False)
    assert model.evaluate(spoken(20, seed=8)).metrics["wer"] < 0.1


def test_what_reads_bands_of_sound_one_way_is_told_how_loud_a_step_is_and_nothing_else():
    both = whorl.Recurrent("gru", bidirectional=True)

    def cost(**settings: object) -> float:
        head = whorl.Transcriber(**settings).wiring().head
        assert isinstance(head, Ctc)
        return head.quiet

    assert cost(media=AUDIO) == cost(media=AUDIO, lookahead=0) > 0.0
    assert cost(media=AUDIO, network=both) == 0.0
    assert cost(media=whorl.Audio(features="mfcc")) == cost(media=whorl.Video()) == cost() == 0.0


@pytest.mark.parametrize(("training", "told"), [({}, 10), ({"max_seconds": 60.0}, 0)])
def test_quiet_steps_are_told_in_a_quarter_of_training_and_never_where_a_clock_ends_it(training, told):
    estimator = small(**training)
    prepared = prepare(estimator, spoken(12))
    batches, _, _ = training_part(estimator, estimator.wiring(), prepared)
    assert len(batches) == 2
    found = ["quiet" in batches.batch(1, seed=0, epoch=epoch).inputs for epoch in range(40)]
    assert found == [True] * told + [False] * (40 - told)
