"""Arrays of a reader's parts: side by side under names that tell them apart, and back."""

from dataclasses import asdict

import numpy as np
import pytest

from whorl.codecs.array import ArrayCodec
from whorl.data.parts import joined, split, table_of
from whorl.errors import ModelFileError
from whorl.plans.table import Table


def test_what_parts_have_learned_comes_back_to_each_under_its_own_names() -> None:
    codecs = {"past": ArrayCodec().fit([np.eye(3)]), "größe": ArrayCodec().fit([np.ones((2, 1))]), "ahead": None}
    parts = split(joined(codecs), ("größe", "past"))
    assert set(parts) == {"größe", "past"}
    for name, own in parts.items():
        expected = codecs[name].arrays()
        assert list(own) == list(expected)
        assert all(np.array_equal(own[key], expected[key]) for key in expected)


def test_a_part_without_arrays_has_none_and_a_name_keeps_its_slashes() -> None:
    assert split({"a/b/c": np.ones(1)}, ("a", "b")) == {"a": {"b/c": np.ones(1)}, "b": {}}


@pytest.mark.parametrize("name", ["c/scale", "", "ab/scale", "/a/scale"])
def test_an_array_of_no_part_is_refused(name: str) -> None:
    with pytest.raises(ModelFileError, match=f"an unknown array '{name}'"):
        split({"a/scale": np.ones(1), name: np.ones(1)}, ("a", "b"))


def test_options_of_tables_come_back_whole_or_not_at_all() -> None:
    options = asdict(Table(delimiter=";"))
    assert table_of(options) == Table(delimiter=";")
    fewer = {name: value for name, value in options.items() if name != "missing"}
    for damaged in (options | {"code": "x"}, fewer):
        with pytest.raises(ModelFileError, match="unknown options of tables"):
            table_of(damaged)
    for wrong in ({**options, "missing": 3}, {**options, "elapsed": "sometimes"}):
        with pytest.raises(ModelFileError, match="is damaged"):
            table_of(wrong)
