"""The first choice for data: what it rests on, and that it can be fitted as it is written."""

import json
import shlex
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

import whorl
from whorl.cli.app import app
from whorl.comparison import suggestion
from whorl.comparison.question import TASKS
from whorl.tasks.estimator import Estimator
from whorl.tasks.settings import describe

from .subjects import SUBJECTS, archive, beats, hourly, plays


def walk(count, seed=0):
    return np.random.default_rng(seed).standard_normal((count, 1)).cumsum(axis=0)


@pytest.fixture
def fitted(monkeypatch):
    """What a command line would fit, without fitting it."""
    found = []

    def record(self, data, **_):
        found.append((self, data))
        raise KeyboardInterrupt

    monkeypatch.setattr(Estimator, "fit", record)
    return found


def test_every_task_has_a_subject():
    others = ("remaining", "judge", "files", "recordings", "pictures")
    assert set(SUBJECTS) == set(TASKS) == {name for name in suggestion._RULES if name not in others}


@pytest.mark.parametrize("task", TASKS)
def test_the_command_builds_the_very_model_that_is_suggested(task, tmp_path, fitted):
    make, asked = SUBJECTS[task]
    found = whorl.suggest(make(tmp_path), **asked)
    assert found.task == task
    choices = [(found.model, found.command), *((one.model, one.command) for one in found.alternatives)]
    for model, command in choices:
        CliRunner().invoke(app, shlex.split(command)[1:], prog_name="whorl")
        built, data = fitted.pop()
        assert type(built) is type(model)
        assert describe(built) == describe(model)
        assert data == str(make(tmp_path))


@pytest.mark.parametrize("task", TASKS)
def test_the_lines_of_python_build_it_too(task, tmp_path, fitted):
    make, asked = SUBJECTS[task]
    found = whorl.suggest(make(tmp_path), **asked)
    with pytest.raises(KeyboardInterrupt):
        exec(found.python, {"whorl": whorl})
    ((built, data),) = fitted
    assert describe(built) == describe(found.model)
    assert data == str(make(tmp_path))


@pytest.mark.parametrize("task", TASKS)
def test_all_that_is_said_can_be_written_as_json(task, tmp_path):
    make, asked = SUBJECTS[task]
    described = json.loads(json.dumps(whorl.suggest(make(tmp_path), **asked).describe()))
    assert described["task"] == task
    assert described["reasons"]
    assert described["alternatives"][0]["command"].startswith(f"whorl fit {task} ")
    assert described["traits"]["examples"] > 0


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("task", TASKS)
def test_nothing_that_reads_both_ways_is_suggested_for_a_stream(task, stream, tmp_path):
    make, asked = SUBJECTS[task]
    found = whorl.suggest(make(tmp_path), **asked, stream=stream)
    models = [found.model, *(one.model for one in found.alternatives)]
    both = [whorl.plans.networks.from_key(model.network).bidirectional for model in models]
    if stream:
        assert not any(both)
    elif task == "tag":
        assert both[0]


def test_a_model_that_is_suggested_can_be_fitted(tmp_path):
    data = hourly(tmp_path)
    found = whorl.suggest(data, target="load", horizon=6)
    small = whorl.Recurrent("gru", hidden_size=4)
    found.model.set_params(network=small, training=whorl.Training(epochs=1)).fit(data, verbose=False)
    assert found.model.predict(data).value.shape == (1, 6, 1)


def test_the_state_is_carried_through_few_rows_and_many_are_read_by_windows():
    waves = np.sin(np.arange(3000) / 5)[:, None] + 0.1 * np.random.default_rng(0).standard_normal((3000, 1))
    few, many = whorl.suggest(waves[:300]), whorl.suggest(waves)
    assert (few.model.memory, many.model.memory) == ("carried", "window")
    assert [one.model.memory for one in few.alternatives] == ["window", "window"]
    assert [one.model.memory for one in many.alternatives] == ["carried", "window"]
    assert "270 rows to learn from" in few.reasons[0]


def test_a_window_holds_the_season_that_is_named_in_the_reasons():
    steps = np.arange(2400)
    season = np.random.default_rng(0).standard_normal(300)[steps % 300]
    found = whorl.suggest((season + 0.1 * np.random.default_rng(1).standard_normal(2400))[:, None])
    assert found.traits.season == 300
    assert found.settings["context"] == 300
    assert any("a season of 300 rows" in reason and "context=300" in reason for reason in found.reasons)


def test_a_window_leaves_rows_to_learn_from_where_series_are_short():
    found = whorl.suggest(walk(60))
    assert found.settings["context"] == 20
    assert found.settings["horizon"] == 6
    found.model.set_params(network=whorl.Recurrent("gru", hidden_size=2), training=whorl.Training(epochs=1))
    found.model.fit(walk(60), verbose=False)


def test_the_shortest_series_still_has_a_window():
    data = [walk(300), walk(40)]
    found = whorl.suggest(data, horizon=30)
    assert found.settings["context"] == 10
    assert "the shortest series has 40 rows" in found.reasons[1]
    found.model.set_params(network=whorl.Recurrent("gru", hidden_size=2), training=whorl.Training(epochs=1))
    found.model.fit(data, verbose=False)


def test_a_random_walk_is_named_as_one_and_a_wave_is_not():
    assert any("random walk" in caution for caution in whorl.suggest(walk(4000)).cautions)
    noise = np.random.default_rng(0).standard_normal((4000, 1))
    assert not any("random walk" in caution for caution in whorl.suggest(noise).cautions)


def test_so_few_rows_that_no_network_should_be_trusted_are_said_to_be_so():
    assert any("too few to trust" in caution for caution in whorl.suggest(walk(80)).cautions)
    assert not any("too few to trust" in caution for caution in whorl.suggest(walk(400)).cautions)


def test_classes_count_alike_where_one_is_nearly_all(tmp_path):
    rare = beats(tmp_path, label=lambda n: "odd" if n % 8 == 0 else "usual")
    asked = {"target": "kind", "series": "beat", "time": "t"}
    found = whorl.suggest(rare, **asked)
    assert found.settings["class_weight"] == "balanced"
    assert any("88% of the labels are 'usual'" in reason for reason in found.reasons)
    assert "class_weight" not in whorl.suggest(beats(tmp_path), **asked).settings


def test_a_class_with_hardly_an_example_is_named(tmp_path):
    data = beats(tmp_path, label=lambda n: "once" if n in (3, 7) else "often" if n % 2 else "usual")
    (caution,) = whorl.suggest(data, target="kind", series="beat", time="t").cautions
    assert "fewer than 5 examples of 'once'" in caution


def test_a_stream_is_learned_from_sequences_that_end_early(tmp_path):
    asked = {"target": "kind", "series": "beat", "time": "t"}
    assert whorl.suggest(beats(tmp_path), **asked, stream=True).settings["augmentation"] == ("series", "prefixes")
    assert "augmentation" not in whorl.suggest(beats(tmp_path), **asked).settings


def test_times_that_are_irregular_are_not_warped(tmp_path):
    path = tmp_path / "stays.csv"
    rows = [f"p{n},{t * t + n % 3},{t % 4},{('well', 'ill')[n % 2]}" for n in range(20) for t in range(1, 9)]
    path.write_text("\n".join(["stay,minute,pulse,outcome", *rows]))
    asked = {"target": "outcome", "series": "stay", "time": "minute", "table": whorl.Table(on_gap="ignore")}
    found = whorl.suggest(path, **asked)
    assert found.traits.irregular
    assert found.settings["augmentation"] == "none"
    assert "--on-gap ignore" in found.command
    assert any("boosted trees" in caution for caution in found.cautions)
    assert whorl.suggest(path, **asked, stream=True).settings["augmentation"] == "prefixes"
    assert not any("--frozen" in one.command for one in found.alternatives)


def test_a_frozen_core_is_an_alternative_for_series_with_labels(tmp_path):
    make, asked = SUBJECTS["classify"]
    found = whorl.suggest(make(tmp_path), **asked)
    (one,) = [one for one in found.alternatives if "as they were drawn" in one.reason]
    assert one.model.network == whorl.Recurrent("rnn", frozen=True)
    assert "--network rnn --frozen" in one.command


def test_lives_are_counted_where_a_regression_has_no_target(tmp_path):
    data = beats(tmp_path)
    found = whorl.suggest(data, task="regress", series="beat", time="t")
    assert found.settings["remaining"] is True
    assert "`remaining`" in found.reasons[0]
    assert not whorl.suggest(data, task="regress", target="x", series="beat", time="t").settings.get("remaining")


def test_sequences_of_an_archive_are_judged_whole(tmp_path):
    found = whorl.suggest(archive(tmp_path), task="detect", normal="1")
    assert found.settings["per"] == "sequence"
    assert found.traits.examples == 27
    assert found.settings["normal"] == "1"
    assert found.network.hidden_size == 24


def test_rows_of_arrays_with_labels_are_judged_each():
    found = whorl.suggest((walk(300), np.zeros(300)), task="detect")
    assert found.model.per == "row"
    assert found.traits.examples == 270


def test_targets_of_arrays_are_no_lives():
    rng = np.random.default_rng(0)
    found = whorl.suggest((rng.standard_normal((30, 8, 2)), rng.standard_normal(30)), task="regress")
    assert not found.model.remaining
    found = whorl.suggest((rng.standard_normal((30, 8, 2)), rng.standard_normal((30, 8, 1))))
    assert found.model.every_step


def test_the_guess_is_told_with_the_option_that_overrides_it(tmp_path):
    data = plays(tmp_path)
    assert whorl.suggest(data).notes[0] == "task: generate, as plays.txt is text (guessed; name it with --task)"
    assert not whorl.suggest(data, task="generate").notes[0].startswith("task:")


def test_data_that_are_no_path_have_lines_of_python_and_no_command():
    found = whorl.suggest(walk(300))
    assert found.command is None
    assert found.alternatives[0].command is None
    assert found.python.endswith("model.fit(data)")


def test_names_with_commas_blanks_and_quotes_survive_the_command_line(tmp_path, fitted):
    path = tmp_path / "größe mit 'Leer'.csv"
    rows = [f"{t},{t % 7},{t % 5}" for t in range(200)]
    path.write_text("\n".join(['t,"load, kW","a ""b"""', *rows]), encoding="utf-8")
    found = whorl.suggest(path, target=("load, kW", 'a "b"'))
    CliRunner().invoke(app, shlex.split(found.command)[1:], prog_name="whorl")
    ((built, data),) = fitted
    assert built.target == ("load, kW", 'a "b"')
    assert data == str(path)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"task": "forcast"}, r"`task` must be one of forecast.*'forcast'.*Did you mean 'forecast'"),
        ({"target": "laod"}, r"column `laod` is not in load\.csv.*Did you mean 'load'"),
        ({"horizon": 0}, r"`horizon` is a whole number >= 1, but is 0"),
        ({"horizon": 200}, r"`horizon` is 200, but the longest series has 300 rows .* 401 in one"),
        ({"stream": "yes"}, r"`stream` is True, False or None, but is 'yes'"),
        ({"task": "generate", "text": "load", "horizon": 3}, r"`horizon` says nothing to the task generate"),
        ({"table": {"scaling": "none"}}, r"`table` is a whorl\.Table"),
    ],
)
def test_what_cannot_be_is_refused(asked, said, tmp_path):
    with pytest.raises(whorl.WhorlError, match=said):
        whorl.suggest(hourly(tmp_path), **asked)


def test_groups_are_kept_and_are_no_input(tmp_path, fitted):
    path = tmp_path / "visits.csv"
    rows = [f"{n},{n // 4},{t},{(n * t) % 5},{n * 1.5}" for n in range(40) for t in range(6)]
    path.write_text("\n".join(["id,patient,t,x,y", *rows]), encoding="utf-8")
    found = whorl.suggest(path, target="y", series="id", time="t", group="patient")
    assert found.task == "regress"
    assert found.settings["group"] == "patient"
    CliRunner().invoke(app, shlex.split(found.command)[1:], prog_name="whorl")
    assert fitted[0][0].group == "patient"
    with pytest.raises(whorl.ArgumentError, match="`group` says nothing to the task forecast"):
        whorl.suggest(hourly(tmp_path), task="forecast", target="load", group="patient")


def test_a_file_that_is_not_there_or_empty_is_refused(tmp_path):
    with pytest.raises(whorl.DataError, match="is not there"):
        whorl.suggest(tmp_path / "nope.csv")
    for name in ("empty.csv", "empty.txt"):
        (tmp_path / name).write_text("")
        with pytest.raises(whorl.DataError, match="is empty"):
            whorl.suggest(tmp_path / name)


def test_no_torch_is_needed_and_its_absence_is_told(tmp_path):
    code = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
import whorl
print(whorl.suggest({str(hourly(tmp_path))!r}, target="load").cautions[-1])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("torch is not installed")
    assert 'pip install "whorl[train]"' in done.stdout


@pytest.mark.parametrize("data", [None, 5, b"x", [], {}, "", np.empty(0), np.empty((0, 3)), [[]], [None], ([], [])])
def test_what_are_no_data_are_refused(data):
    with pytest.raises(whorl.DataError):
        whorl.suggest(data)


@pytest.mark.parametrize("rows", [1, 2])
def test_a_row_or_two_are_refused(rows, tmp_path):
    with pytest.raises(whorl.DataError, match="row"):
        whorl.suggest(hourly(tmp_path, rows), target="load")
