"""Roles and kinds are guessed, said, and overridden."""

import json

import numpy as np
import pytest

from whorl.codecs.frame import Frame
from whorl.data.csv_source import parse_csv
from whorl.data.schema import Schema, infer_schema
from whorl.errors import ArgumentError, DataError, ModelFileError
from whorl.plans.table import Table

ROWS = 40


def frame() -> Frame:
    lines = ["No,date,shop,load,heat,wind,fixed,empty,code,other"]
    lines += [
        f"{i},2016-07-01 {i % 24:02d}:00,s{i % 2},{i * 1.5},{i % 7},{'NESW'[i % 4]},3,,id-{i},2015-01-{1 + i % 28:02d}"
        for i in range(1, ROWS + 1)
    ]
    return parse_csv("\n".join(lines).encode(), "load.csv", Table())


def test_what_is_not_named_is_guessed_and_said() -> None:
    schema = infer_schema(frame(), target="load", series="shop")
    assert schema.time == "date"
    assert schema.targets == ("load",)
    assert schema.past == ("heat", "wind")
    assert schema.kinds == {"date": "time", "load": "numeric", "heat": "numeric", "wind": "category"}
    assert set(schema.ignored) == {"No", "fixed", "empty", "code", "other"}
    said = "\n".join(schema.describe())
    for part in [
        "time: date (guessed; name it with --time)",
        "series: shop",
        "target: load",
        "past covariates: heat (numeric), wind (category)",
        "ignored: No, counts the rows; use it with --kinds No=numeric",
        "ignored: fixed, constant",
        "ignored: empty, no values",
        "ignored: code, a different value on nearly every row",
        "ignored: other, another time column",
    ]:
        assert part in said


def test_without_a_target_every_numeric_column_is_forecast_and_said() -> None:
    schema = infer_schema(frame(), time="date")
    assert schema.targets == ("load", "heat")
    assert any("every numeric column; choose with --target" in line for line in schema.describe())


def test_a_lone_ramp_is_a_series_to_forecast() -> None:
    assert infer_schema(Frame({"y": np.arange(10.0)})).targets == ("y",)


def test_kinds_override_the_guess() -> None:
    table = Table(kinds={"heat": "category", "No": "numeric", "date": "ignore", "other": "ignore", "wind": "ignore"})
    schema = infer_schema(frame(), target="load", table=table)
    assert schema.time is None
    assert schema.kinds["heat"] == "category"
    assert "No" in schema.past
    assert "wind" not in schema.past
    assert "none found, rows are steps in order" in schema.describe()[0]


def test_known_and_static_covariates_keep_their_role() -> None:
    schema = infer_schema(frame(), target="load", known=["heat"], static=["wind"])
    assert (schema.known, schema.static) == (("heat",), ("wind",))
    assert schema.columns == ("date", "load", *schema.past, "heat", "wind")
    assert schema.of_kind("category", schema.static) == ("wind",)


def test_a_column_that_is_nearly_all_numbers_is_numeric() -> None:
    text = "y,z\n" + "1,3.5\n" * 30 + "oops,2\n"
    assert infer_schema(parse_csv(text.encode(), "t.csv", Table()), target="z").kinds["z"] == "numeric"
    assert infer_schema(parse_csv(text.encode(), "t.csv", Table())).kinds["y"] == "numeric"


@pytest.mark.parametrize("role", ["target", "time", "series"])
def test_an_unknown_name_is_refused_with_the_closest(role: str) -> None:
    with pytest.raises(DataError, match="Did you mean 'load'"):
        infer_schema(frame(), **{role: "laod"})  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="Did you mean 'load'"):
        infer_schema(frame(), table=Table(kinds={"laod": "numeric"}))


def test_a_column_in_two_roles_is_refused() -> None:
    with pytest.raises(ArgumentError, match="`known` names column 'load', which is `target` already"):
        infer_schema(frame(), target="load", known=["load"])
    with pytest.raises(ArgumentError, match="`known` is a list of columns"):
        infer_schema(frame(), target="load", known="heat")


def test_a_target_must_be_numeric_and_have_values() -> None:
    with pytest.raises(
        DataError, match=r"column 'wind' is the target, which must be numeric.*'E'.*--kinds wind=numeric"
    ):
        infer_schema(frame(), target="wind")
    with pytest.raises(DataError, match="column 'empty' is the target, but all its 40 values are missing"):
        infer_schema(frame(), target="empty")
    with pytest.raises(DataError, match=r"no numeric column to forecast; its columns are 'a'"):
        infer_schema(Frame({"a": np.array(["u", "v"], object)}))


def test_a_schema_travels_as_json() -> None:
    schema = infer_schema(frame(), target="load", series="shop", known=["heat"])
    assert Schema.from_config(json.loads(json.dumps(schema.to_config()))) == schema


@pytest.mark.parametrize(
    "change",
    [{"extra": 1}, {"targets": "load"}, {"kinds": {"load": "shape"}}, {"kinds": {}}, {"past": ["load"]}, {"time": 3}],
)
def test_a_damaged_description_is_a_model_file_error(change: dict[str, object]) -> None:
    config = infer_schema(frame(), target="load").to_config()
    with pytest.raises(ModelFileError):
        Schema.from_config({**config, **change})
    config.pop("targets")
    with pytest.raises(ModelFileError):
        Schema.from_config(config)
