"""Codecs side by side: one array, and each field by its own codec."""

import json
from typing import Any

import numpy as np
import pytest

from whorl.codecs.array import ArrayCodec
from whorl.codecs.codec import codecs
from whorl.codecs.fields import FieldsCodec
from whorl.codecs.frame import Frame
from whorl.codecs.symbols import SymbolsCodec
from whorl.codecs.text import TextCodec
from whorl.errors import ArgumentError, DataError, ModelFileError
from whorl.specs import Fields, Flags, Reals, Tokens

VALUES: dict[str, Any] = {"load": np.array([[1.0, np.nan], [3.0, 4.0], [5.0, 8.0]]), "day": ["mo", "tu", None],
                          "letter": "aba"}  # fmt: skip


def codec() -> FieldsCodec:
    return FieldsCodec({"load": ArrayCodec(), "day": SymbolsCodec(), "letter": TextCodec(unit="character")})


def test_fields_stand_side_by_side_in_their_order() -> None:
    fitted = codec().fit([VALUES])
    assert fitted.spec == Fields(
        {"load": Fields({"numeric": Reals(2), "missing": Flags(1)}), "day": Tokens(3), "letter": Tokens(5)}
    )
    array = fitted.encode(VALUES)
    assert array.shape == (3, 5)
    assert array[:, 3:].tolist() == [[1, 3], [2, 4], [0, 3]]
    decoded = fitted.decode(array)
    assert decoded["letter"] == "aba"
    assert decoded["day"].tolist() == ["mo", "tu", None]  # type: ignore[attr-defined]
    np.testing.assert_allclose(decoded["load"][1:], VALUES["load"][1:], rtol=1e-6)  # type: ignore[index]  # float32


def test_columns_of_a_frame_are_fields() -> None:
    frame = Frame({"day": np.array(["mo", None], object), "more": np.zeros(2)})
    assert FieldsCodec({"day": SymbolsCodec()}).fit([frame]).encode(frame).tolist() == [[1], [0]]


def test_a_field_that_is_missing_or_of_another_length_is_named() -> None:
    fitted = codec().fit([VALUES])
    with pytest.raises(DataError, match=r"Field `day` is missing; .* Did you mean 'dya'\?"):
        fitted.encode({"load": VALUES["load"], "dya": VALUES["day"], "letter": "aba"})
    with pytest.raises(DataError, match=r"a mapping \{name: values\} or a frame, but a list came"):
        fitted.encode([VALUES])  # type: ignore[arg-type]
    with pytest.raises(DataError, match="one number of rows, but these have 'load' 3, 'day' 2, 'letter' 3"):
        fitted.encode({**VALUES, "day": ["mo", "tu"]})
    with pytest.raises(DataError, match=r"shape \(T, 5\), but \(3, 4\)"):
        fitted.decode(np.zeros((3, 4)))
    with pytest.raises(ArgumentError, match="`fields` names at least one codec"):
        FieldsCodec({})


def test_rows_wait_for_the_field_that_is_behind() -> None:
    fields = {"plain": TextCodec(unit="character"), "composed": TextCodec(unit="character", normalize="NFC")}
    fitted = FieldsCodec(fields).fit([dict.fromkeys(fields, "abc")])
    assert fitted.streams == "at_flush"
    encoder = fitted.chunks()
    assert len(encoder.push(dict.fromkeys(fields, "ab"))) == 1
    other = fitted.chunks()
    other.write(encoder.read())
    assert other.push(dict.fromkeys(fields, "c")).tolist() == [[4, 4]]
    assert other.flush().tolist() == [[5, 5]]
    encoder.push({"plain": "abc", "composed": "a"})
    with pytest.raises(DataError, match="one number of rows"):
        encoder.flush()


def test_a_piece_that_is_refused_moves_no_field() -> None:
    fitted = FieldsCodec({"load": ArrayCodec(), "day": SymbolsCodec(unseen="error")}).fit([VALUES])
    encoder = fitted.chunks()
    before = encoder.read()
    for wrong in ({"load": VALUES["load"]}, {**VALUES, "day": ["mo", "fr", "tu"]}):
        with pytest.raises(DataError):
            encoder.push(wrong)
        assert encoder.read() == before
    assert encoder.push(VALUES).tobytes() == fitted.encode(VALUES).tobytes()


@pytest.mark.parametrize(
    "state", [b"", b"\xc1", b"\x90", b"\x93\x92\xc4\x00\xc4\x01a\x92\xc4\x00\xc4\x00\x92\xc4\x00\xc4\x00"]
)
def test_a_damaged_state_is_refused(state: bytes) -> None:
    with pytest.raises(ModelFileError):
        codec().fit([VALUES]).chunks().write(state)


def test_fields_travel_as_json_and_arrays_and_so_do_fields_of_fields() -> None:
    fitted = FieldsCodec({"a.b": codec(), "day": SymbolsCodec()}).fit([{"a.b": VALUES, "day": VALUES["day"]}])
    again = codecs.get("fields").restore(json.loads(json.dumps(fitted.config())), fitted.arrays())
    values = {"a.b": VALUES, "day": VALUES["day"]}
    assert again.encode(values).tobytes() == fitted.encode(values).tobytes()
    assert again.spec == fitted.spec


def test_damaged_files_are_refused() -> None:
    fitted = codec().fit([VALUES])
    config: Any = json.loads(json.dumps(fitted.config()))
    load, day, letter = config["fields"]
    wrong: list[Any] = [
        [],
        [load, day],
        [day, load, letter],
        [load, load, letter],
        [load, day, {**letter, "codec": "os.system"}],
        [load, day, {**letter, "codec": "symbol"}],
        [load, day, {**letter, "config": {}}],
        [load, day, {**letter, "config": None}],
        [load, day, {**letter, "more": 1}],
        {"load": load},
    ]
    for fields in wrong:
        with pytest.raises(ModelFileError):
            FieldsCodec.restore({"fields": fields}, fitted.arrays())
    with pytest.raises(ModelFileError, match=r"which is not known here; .* Did you mean 'symbols'\?"):
        FieldsCodec.restore({"fields": wrong[5]}, fitted.arrays())
    for arrays in ({}, {**fitted.arrays(), "field3.symbols": np.zeros(1)}, {**fitted.arrays(), "x": np.zeros(1)}):
        with pytest.raises(ModelFileError):
            FieldsCodec.restore(config, arrays)


def test_fields_that_are_too_deep_are_refused_without_a_crash() -> None:
    config: dict[str, object] = {}
    for _ in range(500):
        config = {"fields": [{"name": "a", "codec": "fields", "config": config}]}
    with pytest.raises(ModelFileError, match="too deep"):
        FieldsCodec.restore(config, {})
