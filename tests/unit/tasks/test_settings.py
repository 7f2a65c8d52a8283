"""Settings of a task: untouched by the constructor, JSON and back, and scikit-learn's conventions."""

import json
from dataclasses import fields

import numpy as np
import pytest
from sklearn.base import clone

import whorl
from whorl.errors import ArgumentError, ModelFileError
from whorl.tasks import settings

FORECASTER = {
    "target": ("load", "heat"),
    "time": "when",
    "series": "building",
    "known": ("holiday",),
    "static": ("size", "kind"),
    "horizon": 7,
    "context": 31,
    "stride": 3,
    "quantiles": (0.05, 0.5, 0.95),
    "memory": "window",
    "segment_length": 5,
    "table": whorl.Table(
        kinds={"holiday": "category", "n": "ignore"},
        scaling="robust",
        clip=4.0,
        missing=("-",),
        on_gap="fill",
        delimiter=";",
    ),
    "network": whorl.Recurrent("lstm", hidden_size=9, num_layers=2, dropout=0.25, layer_norm=True, chrono=30),
    "training": whorl.Training(
        epochs=3, max_seconds=1.5, clip_norm=None, patience=None, validation=17, seed=5, checkpoint="runs"
    ),
}
REGRESSOR = {
    "target": "y",
    "every_step": True,
    "loss": "mae",
    "network": "rnn",
    "training": whorl.Training(validation=0.25, learning_rate=0.125),
}
CASES = [
    (whorl.Forecaster, {}),
    (whorl.Forecaster, FORECASTER),
    (whorl.Forecaster, {"quantiles": (), "target": None, "network": "lstm"}),
    (whorl.Regressor, {}),
    (whorl.Regressor, REGRESSOR),
]
cases = pytest.mark.parametrize(("kind", "given"), CASES)


@cases
def test_the_constructor_stores_its_arguments_untouched(kind, given):
    estimator = kind(**given)
    for name, value in given.items():
        assert getattr(estimator, name) is value
    assert estimator.get_params() == {**kind().get_params(), **given}


@cases
def test_a_clone_has_the_settings_and_nothing_that_was_learned(kind, given):
    estimator = kind(**given)
    estimator.model_ = "learned"
    twin = clone(estimator)
    assert type(twin) is kind
    assert twin.get_params() == estimator.get_params()
    assert not hasattr(twin, "model_")


@cases
def test_settings_come_back_from_json(kind, given):
    estimator = kind(**given)
    described = settings.describe(estimator)
    assert set(described) == set(estimator.get_params())
    back = settings.restore(kind, json.loads(json.dumps(described)))
    assert back.get_params() == estimator.get_params()
    assert settings.describe(back) == described


def test_lists_and_numbers_of_numpy_are_described_as_plain_values():
    estimator = whorl.Forecaster(
        target=["a", "b"], known=["c"], horizon=np.int64(3), quantiles=[np.float64(0.1), np.float64(0.9)]
    )
    described = json.loads(json.dumps(settings.describe(estimator)))
    assert (described["target"], described["horizon"], described["quantiles"]) == (["a", "b"], 3, [0.1, 0.9])
    back = settings.restore(whorl.Forecaster, described)
    assert (back.target, back.known, back.horizon, back.quantiles) == (("a", "b"), ("c",), 3, (0.1, 0.9))


@pytest.mark.parametrize(
    "change",
    [
        {"code": 1},
        {"horizon": "7"},
        {"horizon": 0},
        {"horizon": None},
        {"memory": "elephant"},
        {"quantiles": [0.9, 0.1]},
        {"quantiles": ["a"]},
        {"target": [1]},
        {"network": "transformr"},
        {"network": {"cell": "gru", "code": 1}},
        {"network": {"cell": "os"}},
        {"training": {"epochs": 0}},
        {"training": None},
        {"table": {"on_gap": "guess"}},
    ],
    ids=str,
)
def test_settings_that_do_not_fit_are_refused(change):
    described = {**settings.describe(whorl.Forecaster()), **change}
    with pytest.raises(ModelFileError):
        settings.restore(whorl.Forecaster, described)


@pytest.mark.parametrize("plan", ["network", "training", "table"])
def test_an_unknown_field_of_a_plan_is_refused(plan):
    described = settings.describe(whorl.Forecaster(network=whorl.Recurrent("gru")))
    described[plan] = {**described[plan], "code": 1}
    with pytest.raises(ModelFileError, match=f"`{plan}`"):
        settings.restore(whorl.Forecaster, described)


def test_a_plan_of_an_older_file_has_the_defaults_of_fields_that_came_later():
    described = {**settings.describe(whorl.Forecaster()), "training": {"epochs": 3}}
    assert settings.restore(whorl.Forecaster, described).training == whorl.Training(epochs=3)


def test_a_plan_is_completed_where_it_was_left_open_and_nowhere_else():
    """A decay of 0 and no patience are choices, not gaps."""
    task = {"epochs": 7, "batch_size": 5, "learning_rate": 0.1, "weight_decay": 0.2, "tbptt_steps": 3, "patience": 2}
    assert whorl.Training(clip_norm=None, seed=4).completed(**task) == whorl.Training(clip_norm=None, seed=4, **task)
    own = {"epochs": 1, "batch_size": 2, "learning_rate": 0.3, "weight_decay": 0, "tbptt_steps": 4, "patience": None}
    assert whorl.Training(**own).completed(**task) == whorl.Training(**own)
    assert whorl.Training().completed() == whorl.Training()
    assert whorl.Training().completed(patience=None).completed(patience=3).patience is None
    assert [whorl.Training(batch_size=5).num_batches(count) for count in (0, 1, 5, 6)] == [1, 1, 1, 2]


def test_a_missing_setting_is_refused():
    described = settings.describe(whorl.Forecaster())
    del described["stride"]
    with pytest.raises(ModelFileError, match="stride"):
        settings.restore(whorl.Forecaster, described)


def test_parameters_are_set_checked_and_suggested():
    estimator = whorl.Forecaster()
    assert estimator.set_params(horizon=5, network="rnn") is estimator
    assert (estimator.horizon, estimator.network) == (5, "rnn")
    with pytest.raises(ArgumentError, match="Did you mean 'horizon'"):
        estimator.set_params(horizn=3)
    with pytest.raises(ArgumentError, match="`horizon` is a whole number >= 1"):
        estimator.set_params(horizon=0)


@pytest.mark.parametrize(
    ("task", "name"),
    [
        (whorl.Transcriber, "convolution"),
        (whorl.Classifier, "convolution"),
        (whorl.Captioner, "embedding_size"),
        (whorl.Generator, "embedding_size"),
        (whorl.Recommender, "embedding_size"),
        (whorl.Recommender, "negatives"),
        (whorl.Detector, "lag"),
        (whorl.Detector, "context"),
        (whorl.Detector, "code"),
    ],
)
def test_a_size_beyond_measure_is_refused_before_anything_is_made_of_it(task, name):
    with pytest.raises(ArgumentError, match=rf"`{name}` is at most \d+, but is 1000000000. Lower it."):
        task(**{name: 10**9})


def test_a_model_is_used_after_it_was_fitted(tmp_path):
    estimator = whorl.Forecaster()
    for use in (
        lambda: estimator.predict([]),
        lambda: estimator.evaluate([]),
        estimator.stream,
        lambda: estimator.save(tmp_path / "m.whorl"),
    ):
        with pytest.raises(whorl.errors.NotFittedError, match="this Forecaster is not fitted yet"):
            use()
    assert not list(tmp_path.iterdir())


def test_what_a_recipe_leaves_open_the_task_fills_in():
    open_recipe = whorl.Recurrent("lstm").completed(hidden_size=5, num_layers=2, bidirectional=True)
    assert whorl.Recurrent(bidirectional=False).completed(hidden_size=5, bidirectional=True).bidirectional is False
    assert open_recipe == whorl.Recurrent("lstm", hidden_size=5, num_layers=2, bidirectional=True)
    chosen = whorl.Recurrent("rnn", hidden_size=3, num_layers=1, bidirectional=True)
    assert chosen.completed(hidden_size=5, num_layers=2) == chosen


def test_lives_are_read_by_two_layers_unless_one_is_asked_for():
    assert whorl.Regressor(remaining=True).resolved(90, 1)[0].num_layers == 2
    assert (
        whorl.Regressor(remaining=True, network=whorl.Recurrent("gru", num_layers=1)).resolved(90, 1)[0].num_layers == 1
    )
    assert whorl.Regressor().resolved(90, 1)[0].num_layers == 1


@pytest.mark.parametrize("kind", [whorl.Forecaster, whorl.Regressor])
@pytest.mark.parametrize("levels", [("x",), 3, None, "x", (0.9, 0.1), (float("nan"),), (0.0, 0.5), np.ones((2, 2))])
def test_levels_of_quantiles_are_ascending_numbers(kind, levels):
    with pytest.raises(ArgumentError, match=r"`quantiles` are ascending levels within \(0, 1\), but are"):
        kind(quantiles=levels)


ROLES = ("target", "time", "series", "known", "static", "group", "text", "source", "label", "user", "item", "condition")
TASKS = (
    *(whorl.Captioner, whorl.Chatbot, whorl.Classifier, whorl.Detector, whorl.Forecaster, whorl.Generator),
    *(whorl.Recommender, whorl.Regressor, whorl.Summarizer, whorl.Tagger, whorl.Transcriber, whorl.Translator),
)


@pytest.mark.parametrize(
    ("kind", "role"),
    [(kind, one.name) for kind in TASKS for one in fields(kind) if one.name in ROLES],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_columns_are_named_by_text(kind, role):
    for wrong in (3, 2.5, b"x", ("a", 3)):
        with pytest.raises(ArgumentError, match=f"`{role}`.*text.*but .*Write"):
            kind(**{role: wrong})


@pytest.mark.parametrize(
    ("make", "role"),
    [
        *(
            (kind, role)
            for kind in (whorl.Audio, whorl.Features, whorl.Image, whorl.Video)
            for role in ("column", "group")
        ),
        (whorl.Music, "column"),
        (whorl.Trading, "dividends"),
        (lambda **given: whorl.suggest(np.zeros((5, 6, 2)), **given), "group"),
        (lambda **given: whorl.check({"x": [1.0, 2.0]}, **given), "series"),
    ],
)
def test_columns_of_plans_and_of_questions_are_named_by_text(make, role):
    with pytest.raises(ArgumentError, match=f"`{role}` is the name of a column, as text, or None, but is 3"):
        make(**{role: 3})


@pytest.mark.parametrize("role", ["target", "known", "static"])
def test_several_columns_that_are_checked_are_named_by_text(role):
    with pytest.raises(
        ArgumentError, match=f"`{role}`: a column is named by text, and several by a list of texts, but 3"
    ):
        whorl.check({"x": [1.0, 2.0]}, **{role: 3})


@pytest.mark.parametrize("clip", [0, -1.0, float("inf"), float("nan"), True, "5"])
def test_a_bound_is_a_positive_number(clip):
    with pytest.raises(ArgumentError, match="`clip` is a positive number of scales"):
        whorl.Table(clip=clip)
