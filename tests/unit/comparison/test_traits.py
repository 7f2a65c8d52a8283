"""Data in numbers, before anything is trained."""

import numpy as np
import pytest

import whorl
from whorl.comparison.traits import variance_ratio

from .subjects import beats, dialogues, hourly, plays, tagged

RNG = np.random.default_rng(5)


def test_rows_columns_and_the_season_of_a_table_are_counted(tmp_path):
    traits = whorl.suggest(hourly(tmp_path, 400), target="load", horizon=6).traits
    assert (traits.sequences, traits.median_length, traits.shortest, traits.longest) == (1, 400, 400, 400)
    assert traits.examples == 360  # a tenth is held out
    assert (traits.numeric, traits.categories, traits.targets) == (2, 0, 1)
    assert traits.season == 24
    assert not traits.classes
    assert not traits.irregular


def test_lengths_are_those_of_several_series():
    traits = whorl.suggest([RNG.standard_normal((n, 3)) for n in (40, 60, 200)], horizon=4).traits
    assert (traits.sequences, traits.shortest, traits.median_length, traits.longest) == (3, 40, 60, 200)
    assert (traits.numeric, traits.targets) == (3, 3)


def test_labels_are_counted_and_are_no_column_that_is_read(tmp_path):
    data = beats(tmp_path, label=lambda n: "odd" if n % 4 == 0 else "usual")
    traits = whorl.suggest(data, target="kind", series="beat", time="t").traits
    assert traits.classes == {"odd": 10, "usual": 30}
    assert traits.largest_class == 0.75
    assert (traits.sequences, traits.examples, traits.numeric) == (40, 36, 1)


def test_words_are_counted_without_the_steps_of_a_late_answer(tmp_path):
    traits = whorl.suggest(tagged(tmp_path)).traits
    assert (traits.sequences, traits.median_length, traits.vocabulary) == (12, 4, 4)
    assert sum(traits.classes.values()) == 48


def test_tokens_and_replies_are_what_is_learned_from(tmp_path):
    text = whorl.suggest(plays(tmp_path)).traits
    assert text.sequences == 1
    assert text.examples == pytest.approx(0.9 * text.longest, rel=0.01)
    replies = whorl.suggest(dialogues(tmp_path)).traits
    assert replies.sequences == 24


def test_the_variance_ratio_is_one_for_a_random_walk_and_small_for_noise():
    steps = RNG.standard_normal((20_000, 2))
    assert variance_ratio([steps.cumsum(axis=0)], 10) == pytest.approx(1.0, abs=0.1)
    # Of independent values both changes have the variance 2, so that the ratio is 1 / 10.
    assert variance_ratio([steps], 10) == pytest.approx(0.1, abs=0.01)


def test_the_variance_ratio_goes_by_the_target_in_the_middle():
    steps = RNG.standard_normal((20_000, 3))
    steps[:, :2] = steps[:, :2].cumsum(axis=0)
    assert variance_ratio([steps], 10) == pytest.approx(1.0, abs=0.1)


def test_the_variance_ratio_needs_rows_and_changes():
    assert variance_ratio([RNG.standard_normal((30, 1))], 10) is None
    assert variance_ratio([np.ones((500, 1))], 10) is None
    assert variance_ratio([np.full((500, 1), np.nan)], 10) is None


def test_missing_values_are_no_changes():
    walk = RNG.standard_normal((20_000, 1)).cumsum(axis=0)
    walk[RNG.random(20_000) < 0.2] = np.nan
    assert variance_ratio([walk], 10) == pytest.approx(1.0, abs=0.1)


def test_rows_that_are_held_out_tell_nothing():
    # The last tenth is another series altogether; neither season nor variance may see it.
    wave = np.sin(2 * np.pi * np.arange(900) / 30) + 0.1 * np.random.default_rng(0).standard_normal(900)
    later = 50 * np.sin(2 * np.pi * np.arange(100) / 7)
    one = whorl.suggest(np.concatenate([wave, later])[:, None], horizon=5).traits
    other = whorl.suggest(np.concatenate([wave, -later])[:, None], horizon=5).traits
    assert one.season == other.season == 30
    assert one.wandering == other.wandering
