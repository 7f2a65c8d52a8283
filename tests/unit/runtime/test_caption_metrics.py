"""CIDEr-D against what its equations give by hand, and scores against several references."""

import math

import pytest

from whorl.runtime import text_metrics
from whorl.runtime.caption_metrics import cider


def test_cider_is_what_its_equations_give_by_hand():
    # "red" is in the references of one picture of two, "dog" in those of both; only the single words "red" and the pair
    # "red dog" tell anything: idf log 2 and log 2; "dog" has idf 0, there is no longer n-gram.
    found = cider(["red dog", "a cat dog"], [["red dog"], ["blue dog"]])
    # The first picture: both vectors are equal, so words and pairs agree with cosine 1, and n = 3 and 4 are empty.
    first = 10.0 * (1.0 + 1.0) / 4
    # The second: "dog" is worth nothing, and nothing else is shared.
    assert found == pytest.approx((first + 0.0) / 2)


def test_cider_counts_a_repeated_word_no_more_often_than_it_was_wanted_and_marks_other_lengths_down():
    # n = 1: own weight of "red" is 2 log 2, wanted 1 log 2: min is log 2, so (log2 * log2) / (2 log2 * log2) = 1 / 2.
    # One word more than wanted: exp(-1 / (2 * 36)). No pair is shared.
    found = cider(["red red", "x"], [["red"], ["y"]])
    assert found == pytest.approx((10.0 * math.exp(-1 / 72) * 0.5 / 4) / 2)


def test_cider_is_the_mean_over_references_whatever_their_case_and_their_full_stops():
    one = cider(["Red dog .", "x"], [["red dog"], ["y"]])
    assert one == pytest.approx(cider(["red dog", "x"], [["RED DOG.", "red dog"], ["y"]]))
    assert cider(["red dog", "x"], [["red dog", "cow"], ["y"]]) < one


def test_an_empty_answer_and_a_single_picture_agree_with_nothing():
    assert cider(["", "x y"], [["red"], ["x y"]]) == pytest.approx(10.0 * (1 + 1) / 4 / 2)
    assert cider(["red"], [["red"]]) == 0.0  # no n-gram tells one picture from others


def test_an_answer_that_equals_any_reference_scores_in_full():
    references = [("the cat sat on the mat", "a cat was there now"), ("one two three four five",)]
    found = text_metrics.caption(["a cat was there now", "one two three four five"], references)
    assert found["bleu"] == pytest.approx(100.0)
    assert text_metrics.translation(["a cat was there now", "one two three four five"], references)[
        "chrf"
    ] == pytest.approx(100.0)
    assert text_metrics.summary(["b c"], [("x y", "b c")])["rouge_l"] == pytest.approx(100.0)
    assert text_metrics.reply(["b c"], [("x y", "b c")])["word_f1"] == pytest.approx(1.0)
