"""What says how texts are decoded: which settings there are, and for which answers."""

import pytest

import whorl
from whorl.errors import ArgumentError
from whorl.plans.decoding import check_decoding


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (whorl.Greedy, {"max_length": 0}, "`max_length` is a whole number >= 1"),
        (whorl.Greedy, {"max_length": True}, "`max_length` is a whole number >= 1"),
        (whorl.Sample, {"temperature": 0.0}, r"`temperature` is a positive number.*whorl.Greedy\(\)"),
        (whorl.Sample, {"temperature": float("nan")}, "`temperature` is a positive number"),
        (whorl.Sample, {"temperature": "hot"}, "`temperature` is a positive number"),
        (whorl.Sample, {"top_k": 0}, "`top_k` is a whole number >= 1"),
        (whorl.Sample, {"top_k": 1.5}, "`top_k` is a whole number >= 1"),
        (whorl.Sample, {"top_p": 0.0}, r"`top_p` is a probability in \(0, 1]"),
        (whorl.Sample, {"top_p": 1.1}, r"`top_p` is a probability in \(0, 1]"),
        (whorl.Sample, {"seed": -1}, "`seed` is a whole number"),
        (whorl.Beam, {"width": 0}, "`width` is a whole number >= 1"),
        (whorl.Beam, {"length_penalty": -0.1}, "`length_penalty` is a number >= 0"),
        (whorl.Beam, {"length_penalty": float("inf")}, "`length_penalty` is a number >= 0"),
    ],
)
def test_settings_are_checked(kind, settings, message):
    with pytest.raises(ArgumentError, match=message):
        kind(**settings)


def test_a_grammar_is_for_what_is_said():
    asked = whorl.Beam(grammar=(("left", "right"),))
    assert check_decoding(asked, said=True) is asked
    with pytest.raises(ArgumentError, match="does not transcribe"):
        check_decoding(asked)


def test_a_decoding_is_one_of_three():
    assert check_decoding(whorl.Beam()) == whorl.Beam()
    with pytest.raises(ArgumentError, match="`decoding` must be"):
        check_decoding("greedy")


@pytest.mark.parametrize(
    "wrong", ["turn left", (), ("turn", "left"), (("turn",), ()), (("turn", 3),), ((""), ("",)), 3]
)
def test_a_grammar_that_is_none_is_refused(wrong):
    with pytest.raises(ArgumentError, match="`grammar` has the words of each place"):
        whorl.Beam(grammar=wrong)


def test_lists_are_places_too_and_white_space_does_not_count():
    assert whorl.Beam(grammar=[["turn  on", " left "], ["", "now"]]).grammar == (("turn on", "left"), ("", "now"))
