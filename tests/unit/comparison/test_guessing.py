"""Which task data are for, by the kind of file and the roles that are named."""

import numpy as np
import PIL.Image
import pytest

import whorl
from whorl.comparison.guessing import guess_task
from whorl.comparison.question import Question
from whorl.data.check import check

from .subjects import archive, beats, dialogues, hourly, pairs, pictures, plays, recordings, shop, tagged

SERIES = np.arange(60.0).reshape(5, 6, 2)


def task_of(data, **asked):
    return guess_task(data, Question(**asked)).task


@pytest.mark.parametrize(
    ("make", "asked", "task"),
    [
        (hourly, {}, "forecast"),
        (hourly, {"target": "load"}, "forecast"),
        (hourly, {"label": "temp"}, "detect"),
        (beats, {"target": "kind", "series": "beat"}, "classify"),
        (beats, {"target": "x", "series": "beat"}, "forecast"),
        (beats, {"series": "beat"}, "forecast"),
        (beats, {"target": "kind"}, "tag"),
        (beats, {"text": "kind", "series": "beat"}, "tag"),
        (archive, {}, "classify"),
        (tagged, {}, "tag"),
        (plays, {}, "generate"),
        (pairs, {"source": "long", "target": "german"}, "translate"),
        (pairs, {"source": "long", "target": "short"}, "summarize"),
        (pairs, {"text": "long"}, "generate"),
        (pairs, {"text": "long", "target": "short"}, "classify"),
        (dialogues, {}, "chat"),
        (shop, {}, "recommend"),
        (shop, {"target": "item_id"}, "tag"),
    ],
)
def test_a_file_tells_its_task(make, asked, task, tmp_path):
    assert task_of(make(tmp_path), **asked) == task


@pytest.mark.parametrize(
    ("data", "task"),
    [
        (SERIES, "forecast"),
        (SERIES[0], "forecast"),
        (SERIES[0, :, 0], "forecast"),
        ((SERIES, np.array([0, 1, 0, 1, 1])), "classify"),
        ((SERIES, np.array(["a", "b", "a", "b", "a"])), "classify"),
        ((SERIES, np.array([0.5, 1.2, 0.1, 3.0, 2.0])), "regress"),
        ((SERIES, np.arange(5.0)), "regress"),
        ((SERIES, np.eye(5)[:, :3]), "classify"),
        ((SERIES, np.linspace(0, 1, 15).reshape(5, 3)), "regress"),
        ((SERIES, np.arange(30).reshape(5, 6) % 3), "tag"),
        ((SERIES, SERIES[..., :1] + 0.5), "regress"),
        (([SERIES[0], SERIES[1, :4]], [np.array(["a"] * 6), np.array(["b"] * 4)]), "tag"),
        ({"a": [1.0, 2.0, 3.0], "b": [3.0, 2.0, 1.0]}, "forecast"),
        ([{"a": 1.0}, {"a": 2.0}], "forecast"),
        (["Once upon a time", "there was"], "generate"),
        ((["free money", "see you", "free", "lunch?"], ["spam", "ham", "spam", "ham"]), "classify"),
        ((["a dog runs", "a cat sits", "it rains"], ["ein Hund rennt", "eine Katze sitzt", "es regnet"]), "translate"),
        (([["a", "dog"], ["it", "rains"]], [["DET", "NOUN"], ["PRON", "VERB"]]), "tag"),
        ([["How are you?", "Fine."], ["Hi.", "Hello."]], "chat"),
        ([{"turns": ["How are you?", "Fine."]}], "chat"),
        (("train.en", "train.de"), "translate"),
    ],
)
def test_values_of_python_tell_their_task(data, task):
    assert task_of(data) == task


def test_numbers_in_a_text_file_are_a_table(tmp_path):
    path = tmp_path / "rates.txt"
    path.write_text("\n".join(f"{t / 10},{t % 7 / 5}" for t in range(30)))
    assert task_of(path) == "forecast"
    path.write_text("\n".join(f"{t / 10}" for t in range(30)))
    assert task_of(path) == "forecast"


def test_a_number_for_each_series_is_a_label_only_where_it_comes_again(tmp_path):
    asked = {"target": "kind", "series": "beat"}
    assert task_of(beats(tmp_path, label=lambda n: n % 3), **asked) == "classify"
    assert task_of(beats(tmp_path, label=lambda n: n), **asked) == "regress"
    assert task_of(beats(tmp_path, label=lambda n: n / 7), **asked) == "regress"


def test_a_table_of_texts_with_a_column_label_is_classified(tmp_path):
    rows = [f"this is mail number {n},{('spam', 'ham')[n % 2]}" for n in range(20)]
    (tmp_path / "mails.csv").write_text("\n".join(["body,label", *rows]))
    found = guess_task(tmp_path / "mails.csv", Question())
    assert (found.task, found.roles) == ("classify", {"text": "body", "target": "label"})


def test_a_folder_tells_its_task_by_its_files(tmp_path):
    for name, make, task in (("a", tagged, "tag"), ("b", plays, "generate"), ("c", hourly, "forecast")):
        (tmp_path / name).mkdir()
        make(tmp_path / name)
        assert task_of(tmp_path / name) == task


def test_texts_about_files_are_said_in_recordings_and_shown_by_pictures(tmp_path):
    said, shown = recordings(tmp_path), pictures(tmp_path)
    assert (task_of(said), task_of(shown)) == ("transcribe", "caption")
    assert guess_task(shown, Question()).roles == {"target": "caption"}
    assert task_of(shown, target="caption") == "caption"
    lines = tmp_path / "lines.txt"
    lines.write_text("0.png#0\ta dark wall\n0.png#1\ta wall that is dark\n1.png#0\ta light wall\n")
    assert task_of(lines) == "caption"


def test_recordings_with_their_text_beside_them_are_transcribed(tmp_path):
    recordings(tmp_path)
    assert task_of(tmp_path / "sounds") == "classify"
    for n in range(12):
        (tmp_path / "sounds" / f"{n}.txt").write_text("low middle high")
    assert task_of(tmp_path / "sounds") == "transcribe"


def test_a_folder_with_pictures_and_one_table_is_told_by_the_table(tmp_path):
    folder = tmp_path / "flickr"
    (folder / "shots").mkdir(parents=True)
    shown = pictures(folder / "shots")
    (folder / "shown.csv").write_text(shown.read_text(encoding="utf-8").replace("\n", "\nshots/", 12))
    shown.unlink()
    assert (task_of(folder), task_of(folder / "shown.csv")) == ("caption", "caption")


def test_a_label_beside_files_is_a_label(tmp_path):
    shown = pictures(tmp_path)
    rows = shown.read_text(encoding="utf-8").splitlines()
    shown.write_text("\n".join(["picture,label", *(f"{row.split(',')[0]},{n % 2}" for n, row in enumerate(rows[1:]))]))
    assert (task_of(shown), task_of(shown, target="label")) == ("classify", "classify")


def test_every_guess_says_what_was_seen(tmp_path):
    assert "column 'time'" in guess_task(hourly(tmp_path), Question()).because
    assert "one label for each 'beat'" in guess_task(beats(tmp_path), Question(target="kind", series="beat")).because


def test_a_column_that_is_not_there_is_named_with_the_closest_one(tmp_path):
    with pytest.raises(whorl.DataError, match=r"column `bet` is not in beats\.csv.*Did you mean 'beat'"):
        task_of(beats(tmp_path), series="bet")


@pytest.mark.parametrize(("user", "item"), [("User ID", "Item ID"), ("user-id", "product_Id"), ("userId", "Track Id")])
def test_users_and_items_are_known_however_their_columns_are_spelled(user, item):
    events = {user: ["a", "a", "b", "b"], item: ["x", "y", "x", "z"], "n": [1, 2, 3, 4]}
    found = guess_task(events, Question())
    assert (found.task, dict(found.roles)) == ("recommend", {"user": user, "item": item})


def flat(folder, header, cells):
    """A folder of pictures, and one table of them beside these."""
    for n in range(12):
        PIL.Image.fromarray(np.full((4, 5), 20 * n, np.uint8)).save(folder / f"{n}.png")
    rows = [f"{n}.png,{cells(n)}" for n in range(12)]
    (folder / "told.csv").write_text("\n".join([header, *rows]) + "\n")
    return folder


@pytest.mark.parametrize(
    ("header", "cells", "task", "target"),
    [
        ("file,says", lambda n: f"a wall of shade {n}", "caption", "says"),
        ("file,size", lambda n: 1.37 * n, "regress", "size"),
        ("file,size,weight", lambda n: f"{1.37 * n},{0.3 * n}", "regress", ("size", "weight")),
        ("file,row,size", lambda n: f"{n},{1.37 * n}", "regress", "size"),  # numbers of rows tell nothing
        ("file,stars", lambda n: n % 3, "classify", "stars"),
        ("file,kind", lambda n: "ab"[n % 2], "classify", "kind"),
        ("file,label,size", lambda n: f"{'ab'[n % 2]},{1.37 * n}", "classify", None),
    ],
)
def test_a_folder_of_pictures_is_for_what_the_table_beside_them_says(tmp_path, header, cells, task, target):
    folder = flat(tmp_path, header, cells)
    for data in (folder, str(folder / "told.csv")):
        found = guess_task(data, Question())
        assert (found.task, found.roles.get("target")) == (task, target)
    suggestion = whorl.suggest(folder)
    assert suggestion.task == task
    assert str(suggestion.command).startswith(f"whorl fit {task} {folder} ")
    assert not [one for one in check(folder, target=target) if one.severity == "error"]


def test_tables_that_do_not_name_the_pictures_of_a_folder_say_nothing_of_them(tmp_path):
    folder = flat(tmp_path, "file,size", lambda n: 1.37 * n)
    (folder / "more.csv").write_text("a,b\n1,2\n")
    assert task_of(folder) == "regress"
    (folder / "again.csv").write_text((folder / "told.csv").read_text())
    assert task_of(folder) == "classify"  # which of the two is meant is not clear
    (folder / "again.csv").unlink()
    (folder / "told.csv").unlink()
    assert task_of(folder) == "classify"


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (np.arange(12) * 1.3, "regress"),
        (np.arange(12), "regress"),
        ((np.arange(12) * 1.3)[:, None], "regress"),
        (np.arange(36.0).reshape(12, 3).tolist(), "regress"),
        (np.arange(12) % 3, "classify"),
        (np.eye(12)[:, :3], "classify"),
        (["a", "b"] * 6, "classify"),
        ([f"a wall of shade {n}" for n in range(12)], "caption"),
        ([[f"a wall of shade {n}"] * 2 for n in range(12)], "caption"),
    ],
)
def test_what_stands_beside_a_list_of_pictures_tells_the_task(tmp_path, y, task):
    folder = flat(tmp_path, "file,size", lambda n: n)
    suggestion = whorl.suggest(([str(folder / f"{n}.png") for n in range(12)], y))
    assert suggestion.task == task
