"""Labels and items to codes and back, in the kind in which they came."""

import json
from typing import Any

import numpy as np
import pytest

from whorl.codecs.codec import codecs
from whorl.codecs.symbols import SymbolsCodec
from whorl.errors import ArgumentError, DataError, ModelFileError, NotFittedError
from whorl.specs import Tokens


def test_symbols_have_codes_in_sorted_order_and_zero_is_unknown() -> None:
    fitted = SymbolsCodec().fit([["sun", "fog"], ["rain", None, "sun"]])
    assert fitted.spec == Tokens(4)
    assert fitted.kind == "text"
    assert fitted.symbols.tolist() == ["fog", "rain", "sun"]
    array = fitted.encode(["rain", "hail", None, "", float("nan"), "sun"])
    assert array.shape == (6, 1)
    assert array.dtype == np.float32
    assert array[:, 0].tolist() == [2, 0, 0, 0, 0, 3]
    assert fitted.decode(array).tolist() == ["rain", None, None, None, None, "sun"]
    assert fitted.decode(array[:, 0]).dtype == object


@pytest.mark.parametrize(
    ("values", "kind", "symbols", "dtype"),
    [
        (np.array([10, 9, -3]), "integer", [-3, 9, 10], np.int64),
        (np.array([True, False]), "boolean", [False, True], np.bool_),
        (np.array([0.5, np.nan, -1.5]), "number", [-1.5, 0.5], np.float64),
        ([2, 0.5, -0.0], "number", [0.0, 0.5, 2.0], np.float64),
        ([np.int32(4), np.int64(-4)], "integer", [-4, 4], np.int64),
        (np.array(["ß", "Z"]), "text", ["Z", "ß"], object),
        (["a", np.nan, "b"], "text", ["a", "b"], object),
    ],
)
def test_the_kind_is_learned_and_given_back(values: Any, kind: str, symbols: list, dtype: type) -> None:
    fitted = SymbolsCodec().fit([values])
    assert fitted.kind == kind
    assert fitted.symbols.tolist() == symbols
    codes = np.arange(1, len(symbols) + 1)
    assert fitted.decode(codes).dtype == dtype
    assert fitted.decode(codes).tolist() == symbols
    assert fitted.decode(np.empty((0, 1), np.float32)).dtype == dtype


def test_what_is_unknown_is_nan_among_numbers_and_none_otherwise() -> None:
    assert np.isnan(SymbolsCodec().fit([[0.5]]).decode(np.zeros(1))).all()
    for low, high in ((3, 4), (False, True), ("a", "b")):
        decoded = SymbolsCodec().fit([[high, low]]).decode(np.array([[0], [2]]))
        assert decoded.dtype == object
        assert decoded.tolist() == [None, high]


def test_a_whole_number_may_come_as_a_float_and_a_float_as_a_whole_number() -> None:
    """A column of whole numbers with a missing value is one of floats."""
    fitted = SymbolsCodec().fit([[3, 4]])
    assert fitted.encode(np.array([4.0, np.nan, 3.5]))[:, 0].tolist() == [2, 0, 0]
    assert SymbolsCodec().fit([[3.0, 0.5]]).encode([3, 1])[:, 0].tolist() == [2, 0]


def test_whole_numbers_that_are_one_float_are_one_symbol_among_numbers() -> None:
    fitted = SymbolsCodec().fit([[2**53, 2**53 + 1, 0.5]])
    assert fitted.symbols.tolist() == [0.5, 2.0**53]
    assert fitted.encode([2**53 + 1, 2**53])[:, 0].tolist() == [2, 2]
    assert SymbolsCodec.restore(fitted.config(), fitted.arrays()).symbols.tolist() == [0.5, 2.0**53]


def test_values_of_another_kind_are_refused_with_their_place() -> None:
    fitted = SymbolsCodec().fit([["a"]])
    with pytest.raises(
        DataError, match="kind 'text', as in training, but position 1 of the sequence, 3 is of the kind"
    ):
        fitted.encode(["a", 3])
    with pytest.raises(DataError, match="kind 'boolean'"):
        SymbolsCodec().fit([[True, False]]).encode([1])
    with pytest.raises(DataError, match="kind 'integer'"):
        SymbolsCodec().fit([[1, 0]]).encode([True])
    with pytest.raises(
        DataError, match=r"one kind, but training has text \(position 0 of training sequence 0, 'a'\) and"
    ):
        SymbolsCodec().fit([["a"], [None, 1]])
    with pytest.raises(DataError, match="position 2 of training sequence 1 is a list"):
        SymbolsCodec().fit([["a"], ["b", "c", ["d"]]])  # type: ignore[list-item]
    for wrong in (float("inf"), -float("inf"), 2**63):
        with pytest.raises(DataError, match="finite and fits 64 bits"):
            SymbolsCodec().fit([[1.0, wrong]])
    with pytest.raises(DataError, match="the text 'cab' came"):
        fitted.encode("cab")
    with pytest.raises(DataError, match="a list or an array, but a int came"):
        SymbolsCodec().fit([1, 2])  # type: ignore[list-item]
    with pytest.raises(DataError, match=r"shape \(T,\), but \(2, 1\)"):
        fitted.encode(np.array([["a"], ["b"]]))


def test_unseen_values_are_reported_and_can_be_an_error() -> None:
    values = ["hail", "fog", None, "hail", "snow", ""]
    fitted = SymbolsCodec().fit([["fog", "rain"]])
    assert fitted.unseen(values) == {"hail": 2, "snow": 1}
    strict = SymbolsCodec(unseen="error").fit([["fog", "rain"]])
    assert strict.encode(["rain", None, ""])[:, 0].tolist() == [2, 0, 0]
    with pytest.raises(DataError, match=r"`'frog'` at position 1 is not among the 2 symbols .* Did you mean 'fog'\?"):
        strict.encode(["rain", "frog"])
    with pytest.raises(DataError, match="`5` at position 0"):
        SymbolsCodec(unseen="error").fit([[3, 4]]).encode([5])


def test_the_most_frequent_are_kept_and_ties_go_by_order() -> None:
    values = list("aabbbccd")
    assert SymbolsCodec(most=2).fit([values]).symbols.tolist() == ["a", "b"]
    assert SymbolsCodec(most=3).fit([values]).symbols.tolist() == ["a", "b", "c"]
    assert SymbolsCodec(least_count=2).fit([values[:4], values[4:]]).symbols.tolist() == ["a", "b", "c"]
    assert SymbolsCodec(most=1).fit([values]).unseen(values) == {"a": 2, "c": 2, "d": 1}
    with pytest.raises(DataError, match="`least_count`=4 times; the most frequent one occurs 3 times"):
        SymbolsCodec(least_count=4).fit([values])


def test_nothing_to_learn_from_wrong_options_and_use_before_fit_are_refused() -> None:
    for nothing in ([], [[]], [[None, "", np.nan]]):
        with pytest.raises(DataError, match="at least one value that is not missing"):
            SymbolsCodec().fit(nothing)
    with pytest.raises(NotFittedError, match="Call `fit`"):
        SymbolsCodec().encode(["a"])
    for options in ({"unseen": "ignore"}, {"most": 0}, {"least_count": 0}, {"most": 2**24}):
        with pytest.raises(ArgumentError, match=f"`{next(iter(options))}`"):
            SymbolsCodec(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("array", [np.array([3.0]), np.array([-1]), np.array([0.5]), np.array([np.nan]), [["1"]],
                                   np.zeros((1, 2)), np.array([np.inf])])  # fmt: skip
def test_what_is_no_code_is_not_decoded(array: Any) -> None:
    with pytest.raises(DataError, match="`decode` takes"):
        SymbolsCodec().fit([["a", "b"]]).decode(array)


@pytest.mark.parametrize("values", [["a", "\ud800", "ä\0"], [3, -(2**63)], [True], [0.1, 1e300], [2.0**53, 0.5]])
def test_a_codec_travels_as_json_and_arrays(values: list) -> None:
    fitted = SymbolsCodec(most=7).fit([values])
    again = codecs.get("symbols").restore(json.loads(json.dumps(fitted.config())), fitted.arrays())
    assert isinstance(again, SymbolsCodec)
    assert again.symbols.tolist() == sorted(values)
    assert again.encode(values).tobytes() == fitted.encode(values).tobytes()
    assert again.most == 7


def test_damaged_files_are_refused() -> None:
    numbers, texts = SymbolsCodec().fit([[0.5, 2.0]]), SymbolsCodec().fit([["a", "b"]])
    whole = {"bytes": np.frombuffer(b"ab", np.uint8), "ends": np.array([1, 2])}
    for array in ([2.0, 0.5], [0.5, 0.5], [np.nan, 1.0], [0.5, np.inf], [], [[0.5, 2.0]]):
        with pytest.raises(ModelFileError):
            SymbolsCodec.restore(numbers.config(), {"symbols": np.array(array)})
    wrong: list[dict[str, np.ndarray]] = [
        {"ends": np.array([1, 3])},
        {"ends": np.array([2, 1])},
        {"ends": np.array([0, 2])},  # an empty symbol
        {"ends": np.array([-1, 2])},
        {"ends": np.array([2**62, 2])},
        {"ends": np.array([1.0, 2.0])},
        {"bytes": np.frombuffer(b"ba", np.uint8)},
        {"bytes": np.frombuffer(b"aa", np.uint8)},
        {"bytes": np.frombuffer(b"a\xff", np.uint8)},
    ]
    for change in wrong:
        arrays = {f"symbols.{name}": array for name, array in (whole | change).items()}
        with pytest.raises(ModelFileError):
            SymbolsCodec.restore(texts.config(), arrays)
    for config in ({"kind": "tensor"}, {"most": 1}, {"most": -1}, {"most": 10**30}, {"unseen": 3}, {"more": 1},
                   {"least_count": True}, {"kind": "integer"}):  # fmt: skip
        with pytest.raises(ModelFileError):
            SymbolsCodec.restore({**texts.config(), **config}, texts.arrays())
    for arrays in ({}, numbers.arrays(), {**texts.arrays(), "more": np.zeros(1)}):
        with pytest.raises(ModelFileError):
            SymbolsCodec.restore(texts.config(), arrays)
    with pytest.raises(ModelFileError, match="belongs to another model"):
        texts.chunks().write(b"\0")
