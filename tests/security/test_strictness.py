"""Everything unknown in a model file is a ModelFileError, even under a right checksum."""

import msgspec
import numpy as np
import pytest
from tests.security.breaking import (
    added,
    changed_section,
    dropped,
    entry,
    inside,
    metadata,
    numbers,
    program_changed,
    put,
    retyped,
    without,
)
from tests.security.crafting import parts, sealed

import whorl
from whorl.data.corpus_reader import CorpusReader
from whorl.data.lookahead import LateReader
from whorl.data.text_reader import TextReader
from whorl.errors import ModelFileError
from whorl.runtime import consistency
from whorl.runtime.class_readout import CategoricalReadout
from whorl.runtime.files import load as load_file

BROKEN = {
    "unknown section": metadata(code="{}"),
    "missing section": lambda h, b: (
        {**h, "__metadata__": {k: v for k, v in h["__metadata__"].items() if k != "card"}},
        b,
    ),
    "another format": metadata(format="2"),
    "no format": lambda h, b: ({**h, "__metadata__": {k: v for k, v in h["__metadata__"].items() if k != "format"}}, b),
    "section is not JSON": metadata(reader="{"),
    "section is not an object": metadata(card="[1]"),
    "section with NaN": metadata(card='{"a":NaN}'),
    "section with an infinite number": metadata(card='{"a":1e999}'),
    "section nested too deep": metadata(card="[" * 200_000),
    "section with a huge number": metadata(card='{"a":' + "9" * 100_000 + "}"),
    "metadata is not text": metadata(card=7),
    "unknown field of the model": changed_section("model", put(code="x")),
    "missing field of the model": changed_section("model", without("task")),
    "wrong type in the model": changed_section("model", put(task=7)),
    "unknown reader": changed_section("model", put(reader="os")),
    "unknown readout": changed_section("model", put(readout="os")),
    "two readouts": changed_section("model", put(readout="point")),
    "unknown pairing": changed_section("model", inside("wiring", "pairing", "type", to="shell")),
    "unknown field of the pairing": changed_section("model", inside("wiring", "pairing", "extra", to=1)),
    "a warm-up below one": changed_section("model", inside("wiring", "pairing", "warm_up", to=0)),
    "a warm-up beyond all rows": changed_section("model", inside("wiring", "pairing", "warm_up", to=2**64)),
    "lags below none": changed_section("model", inside("wiring", "pairing", "num_lags", to=-1)),
    "a horizon below one": changed_section("model", inside("wiring", "pairing", "horizon", to=-2)),
    "another horizon": changed_section("model", inside("wiring", "pairing", "horizon", to=3)),
    "other levels": changed_section("model", inside("wiring", "head", "levels", to=[0.2, 0.5, 0.9])),
    "fewer levels": changed_section("model", inside("wiring", "head", "levels", to=[0.1, 0.9])),
    "unknown field of the reader": changed_section("reader", put(code="x")),
    "missing field of the reader": changed_section("reader", without("table")),
    "unknown table option": changed_section("reader", inside("table", "code", to="x")),
    "wrong table option": changed_section("reader", inside("table", "on_gap", to="guess")),
    "unknown schema field": changed_section("reader", inside("schema", "code", to="x")),
    "a column without a kind": changed_section("reader", inside("schema", "kinds", to={})),
    "unknown kind": changed_section("reader", inside("schema", "kinds", "heat", to="image")),
    "a column twice": changed_section("reader", inside("schema", "past", to=["heat"])),
    "a target that is not answered": changed_section("reader", inside("schema", "targets", to=["heat"])),
    "another step": changed_section("reader", inside("step", "count", to=0)),
    "a negative horizon of the reader": changed_section("reader", put(horizon=-2)),
    "a horizon beyond": changed_section("reader", put(horizon=10**30)),
    "a codec of another column": changed_section("reader", inside("past", "numeric", to=["load", "nothing"])),
    "unknown codec option": changed_section("reader", inside("past", "code", to="x")),
    "another calendar": changed_section("reader", inside("past", "calendar", to="heat")),
    "unknown operation": changed_section("program", program_changed(3, op="shell")),
    "unknown field of an operation": changed_section("program", program_changed(3, code="x")),
    "an operation without a name": changed_section("program", program_changed(3, out="")),
    "a value that is not there": changed_section("program", program_changed(-1, x="nothing")),
    "another width": changed_section("program", program_changed(0, shape=[9])),
    "another output": changed_section("program", put(output="past")),
    "another output shape": changed_section("program", program_changed(-1, shape=[1, 2, 4])),
    "a static input": changed_section("program", program_changed(0, static=True)),
    "a baseline that is no program": changed_section("baselines", put(drift="{}")),
    "a baseline that is no text": changed_section("baselines", put(drift=7)),
    "an unknown baseline's tensor": added("baseline/other/steps"),
    "a baseline of another shape": changed_section(
        "baselines",
        lambda value: {**value, "last_value": value["last_value"].replace('"shape":[2,1,1]', '"shape":[1,2,1]')},
    ),
    "an extra tensor of nobody": added("code"),
    "an extra tensor of the program": added("program/code"),
    "an extra tensor of the reader": added("reader/code"),
    "an extra tensor of a codec": added("reader/past/code"),
    "an extra tensor of the readout": added("readout/code"),
    "an extra score": added("scores/code"),
    "a missing weight": dropped("program/w"),
    "a missing statistic": dropped("reader/past/center"),
    "missing levels": dropped("readout/levels"),
    "a weight that is NaN": numbers("program/w", float("nan")),
    "a weight that is infinite": numbers("program/u", float("inf")),
    "a centre that is NaN": numbers("reader/past/center", float("nan")),
    "a scale of zero": numbers("reader/outputs/scale", 0.0),
    "a naive error below zero": numbers("scores/naive_mae", -1.0),
    "a flag that is neither": numbers("reader/past/flagged", 7),
    "offsets beyond their bytes": numbers("reader/past/category0.ends", 99),
    "negative offsets": numbers("reader/past/category0.ends", -1),
    "a level above one": numbers("readout/levels", 2.0),
    "levels that do not ascend": lambda h, b: changed_section(
        "model", inside("wiring", "head", "levels", to=[0.6, 0.5, 0.9])
    )(*numbers("readout/levels", 0.6)(h, b)),
    "unknown codec family": changed_section("model", inside("wiring", "inputs", to="os")),
    "a weight in float64": retyped("program/w", "F64"),
    "a weight in int64": retyped("program/w", "I64"),
    "a statistic in float32": retyped("reader/past/center", "F32"),
    "levels in float32": retyped("readout/levels", "F32"),
    "a naive error in float32": retyped("scores/naive_mae", "F32"),
    "an unknown type": entry("program/w", dtype="F16"),
    "no type": entry("program/w", dtype=""),
    "another shape of a weight": lambda h, b: (
        {**h, "program/w": {**h["program/w"], "shape": h["program/w"]["shape"][::-1]}},
        b,
    ),
    "a flat weight": lambda h, b: (
        {**h, "program/w": {**h["program/w"], "shape": [int(np.prod(h["program/w"]["shape"]))]}},
        b,
    ),
    "an unknown field of a tensor": entry("program/w", code=1),
    "offsets that overlap": entry("program/w", data_offsets=[0, 4]),
    "offsets the wrong way": entry("program/w", data_offsets=[8, 4]),
    "negative size": entry("program/w", shape=[-1, -15]),
    "more bytes than named": lambda h, b: (h, b + b"\0"),
    "fewer bytes than named": lambda h, b: (h, b[:-1]),
    "no bytes": lambda h, b: (h, b""),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_does_not_belong_into_a_file_is_refused(what, sound, load):
    """M1."""
    header, body = BROKEN[what](*parts(sound["table"]))
    with pytest.raises(ModelFileError):
        load(sealed(header, body))


@pytest.mark.parametrize(
    "craft",
    [
        changed_section("reader", put(num_targets=2)),
        changed_section("reader", put(code=1)),
        changed_section("reader", inside("past", "num_features", to=3)),
        added("reader/other/center", "F64", (2,), b"\0" * 16),
        added("readout/levels", "F64", (1,), b"\0" * 8),
        changed_section("model", inside("wiring", "pairing", "every_step", to="yes")),
        dropped("reader/outputs/scale"),
    ],
)
def test_a_model_of_arrays_is_as_strict(craft, sound, load):
    """M1."""
    with pytest.raises(ModelFileError):
        load(sealed(*craft(*parts(sound["array"]))))


TEXTS = {"text": ["a b", "b", "a", "b a"] * 4, "price": [1.0, 2.0, 3.0, 4.0] * 4, "label": ["x", "y"] * 8}
WORDS = [["a", "b"], ["b"], ["b", "a", "b"]] * 6, [["x", "y"], ["y"], ["y", "x", "y"]] * 6
SERIES = np.random.default_rng(0).normal(size=(12, 7, 2))
LIFE = [{"series": str(n // 5), "heat": float(n % 7), "time": n % 5, "left": float(n % 3)} for n in range(60)]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A model of each kind of truth, loaded as anybody loads it."""
    once = {
        "network": whorl.Recurrent("gru", hidden_size=3),
        "training": whorl.Training(epochs=1, batch_size=8, device="cpu", validation=0.25),
    }
    labels = np.array(["x", "y"] * 6, object)
    table = {"target": "left", "series": "series", "time": "time"}
    models = {
        "texts": whorl.Classifier(target="label", text="text", **once).fit(TEXTS, verbose=False),
        "words": whorl.Tagger(lookahead=0, **once).fit(WORDS, verbose=False),
        "late words": whorl.Tagger(lookahead=2, **once).fit(WORDS, verbose=False),
        "labelled arrays": whorl.Classifier(**once).fit((SERIES, labels), verbose=False),
        "labelled steps": whorl.Tagger(lookahead=0, **once).fit((SERIES, [labels[:7]] * 12), verbose=False),
        "whole arrays": whorl.Detector(per="sequence", code=2, **once).fit(SERIES, verbose=False),
        "table": whorl.Regressor(**table, **once).fit(LIFE, verbose=False),
        "table of steps": whorl.Regressor(every_step=True, **table, **once).fit(LIFE, verbose=False),
        "remaining": whorl.Regressor(remaining=True, **table, **once).fit(LIFE, verbose=False),
        "corpus": whorl.Generator(**once).fit(["ab ab", "ba", "bb"] * 9, verbose=False),
    }
    folder = tmp_path_factory.mktemp("fitted")
    for name, model in models.items():
        model.save(folder / name)
    return {name: load_file(folder / name) for name in models}


def checked(model, reader=None, readout=None, **pairing):
    wiring = msgspec.structs.replace(model.wiring, pairing=msgspec.structs.replace(model.wiring.pairing, **pairing))
    own = model.readout if readout is None else readout
    consistency.check_parts(wiring, reader or model.reader, own, model.engine.program, {}, None)


@pytest.mark.parametrize("what", ["texts", "labelled arrays", "table"])
def test_one_truth_a_sequence_is_none_for_each_step(what, fitted):
    checked(fitted[what])
    with pytest.raises(ModelFileError, match="targets at every step, its reader of whole sequences"):
        checked(fitted[what], every_step=True)


@pytest.mark.parametrize("what", ["words", "labelled steps", "table of steps", "remaining"])
def test_truths_of_steps_are_none_of_a_whole_sequence(what, fitted):
    checked(fitted[what])
    readout = CategoricalReadout() if len(fitted[what].reader.classes) else None
    with pytest.raises(ModelFileError, match="targets of whole sequences, its reader at every step"):
        checked(fitted[what], readout=readout, every_step=False)


def test_late_answers_are_of_steps(fitted):
    with pytest.raises(ModelFileError, match="2 steps late, but its pairing"):
        checked(fitted["late words"], readout=CategoricalReadout(), every_step=False)


def test_a_table_of_whole_sequences_has_no_forecasts(sound, load):
    crafted = changed_section("reader", put(per_sequence=True))(*parts(sound["table"]))
    with pytest.raises(ModelFileError, match="its table is of another pairing"):
        load(sealed(*crafted))


def test_a_judgement_is_of_rows_or_of_whole_sequences(fitted):
    checked(fitted["whole arrays"])
    with pytest.raises(ModelFileError, match="differ in what is judged"):
        checked(fitted["whole arrays"], whole=False)


def test_a_reader_that_answers_nothing_is_refused(sound, load):
    model = load(sound["array"])
    model.reader.names = ()
    with pytest.raises(ModelFileError, match="answers nothing"):
        checked(model)


@pytest.mark.parametrize("inner", ["late", "pairs", "text", "dialogues"])
def test_what_has_no_answer_for_each_row_has_no_late_ones(inner, fitted, sound, load):
    readers = {
        "late": fitted["late words"].reader,
        "pairs": load(sound["pairs"]).reader,
        "text": fitted["texts"].reader,
    }
    readers["dialogues"] = readers["pairs"]  # refused by its kind, before what is told of it is read
    reader = readers[inner]
    config = {"reader": inner, "config": reader.config(), "lookahead": 2}
    with pytest.raises(ModelFileError, match=f"damaged: '{inner}'"):
        LateReader.restore(config, reader.arrays())


@pytest.mark.parametrize("option", ["calendar", "elapsed"])
@pytest.mark.parametrize("part", ["beside", "outputs"])
def test_a_text_has_no_time_beside_it(part, option, fitted):
    reader = fitted["texts"].reader
    config, arrays = reader.config(), reader.arrays()
    if part == "outputs":
        config |= {"labels": False, "targets": ["price"], "outputs": {**config["beside"]}}
        kept = {name: array for name, array in arrays.items() if not name.startswith("outputs/")}
        arrays = kept | {name.replace("beside", "outputs"): array for name, array in arrays.items() if "beside" in name}
    TextReader.restore(config, arrays)
    with pytest.raises(ModelFileError, match="asks a text for its time"):
        TextReader.restore(*timed(config, arrays, part, option))


@pytest.mark.parametrize("option", ["calendar", "elapsed"])
def test_running_text_has_no_time_beside_it(option, fitted):
    reader = fitted["corpus"].reader
    config, arrays = reader.config(), reader.arrays()
    # Nothing stands beside this text: a codec of no column is as much.
    empty = {"numeric": [], "categories": [], "calendar": None, "elapsed": None, "step": None}
    config["beside"] = {**empty, "scaling": "standard", "missing": "hold"}
    for name, dtype in (("center", np.float64), ("scale", np.float64), ("flagged", np.bool_)):
        arrays[f"beside/{name}"] = np.empty(0, dtype)
    CorpusReader.restore(config, arrays)
    with pytest.raises(ModelFileError, match="asks a text for its time"):
        CorpusReader.restore(*timed(config, arrays, "beside", option))


def timed(config, arrays, part, option):
    """The reader with a codec that reads a column of times."""
    unit = {f"{part}/unit": np.ones(1)} if option == "elapsed" else {}
    return {**config, part: {**config[part], option: "when"}}, {**arrays, **unit}
