"""`Detector` on tables, arrays and files: what it answers, and what it refuses."""

from functools import partial

import numpy as np
import pytest
import torch

import whorl
from whorl.errors import ArgumentError, DataError, ModelFileError
from whorl.nn.reconstruction import ReconstructionNetwork
from whorl.nn.recurrent import RecurrentCore
from whorl.plans.heads import StudentT
from whorl.plans.wiring import Surprise
from whorl.runtime.surprise_readout import SurpriseReadout
from whorl.specs import Fields, Reals

TRAINING = whorl.Training(epochs=4, batch_size=8, device="cpu", validation=0.2)
SMALL = whorl.Recurrent("gru", hidden_size=6)


def detector(**settings):
    return whorl.Detector(network=SMALL, **{"training": TRAINING, "lag": 1, **settings})


def series(count, seed=0, odd=range(0)):
    """Two channels that go together, but in the odd rows."""
    random = np.random.default_rng(seed)
    first = np.sin(np.arange(count) / 5) + 0.1 * random.normal(size=count)
    second = 0.5 * first + 0.1 * random.normal(size=count)
    second[list(odd)] += 4.0
    return np.stack([first, second], axis=1)


@pytest.fixture(scope="module")
def model():
    return detector(alarm=whorl.Alarm(smooth=1)).fit(series(301))


@pytest.fixture(scope="module")
def beats():
    return detector(per="sequence", code=3).fit(np.stack([series(19, seed) for seed in range(41)]))


def test_each_row_has_a_score_an_alarm_and_the_surprise_of_each_channel(model):
    odd = range(40, 50)
    found = model.predict(series(97, 1, odd))
    assert found.score.shape == found.value.shape == (97,)
    assert found.contributions.shape == (97, 2)
    assert found.names == ("c0", "c1")
    assert found.value.tolist() == (found.score > found.threshold).astype(int).tolist()
    assert found.score == pytest.approx(found.contributions.mean(axis=1))
    assert found.value[40]
    assert found.odd(40) == "c1"
    record = list(found.to_records())[40]
    assert record["value"] == 1
    assert record["channel"] == "c1"
    assert record["surprise(c1)"] > record["surprise(c0)"]
    assert record["threshold"] == found.threshold


def test_labels_are_scored_beside_naive_rivals(model):
    truth = np.zeros(97)
    truth[40:50] = 1
    found = model.evaluate((series(97, 1, range(40, 50)), truth))
    assert {"f1", "false_alarm_rate", "auroc", "vus_pr", "event_recall"} < set(found.metrics)
    assert set(found.baseline) == {"z_score", "difference"}
    assert "surprise" not in found.baseline["z_score"]
    assert found.num_answers == 97
    assert set(model.evaluate(series(97, 1)).metrics) == {"surprise", "alarm_rate"}


def test_the_threshold_is_the_conformal_rank_of_the_validation_part():
    rate = 0.1
    model = detector(alarm=whorl.Alarm(smooth=1, false_alarm_rate=rate)).fit(series(301))
    scores = np.sort(model.predict(series(301)).score[-60:])
    assert model.model_.readout.num_rows == 60
    assert model.model_.readout.threshold == scores[int(np.ceil(61 * (1 - rate))) - 1]


def test_what_is_missing_surprises_nobody(model):
    rows = series(50, 2)
    rows[20, 1] = np.nan
    rows[30] = np.nan
    found = model.predict(rows)
    assert np.isnan(found.contributions[20, 1])
    assert found.score[20] == found.contributions[20, 0]
    assert np.isnan(found.score[30])
    assert found.value[30] == 0
    assert found.odd(30) is None


def test_smoothing_averages_over_the_last_rows():
    raw = detector(alarm=whorl.Alarm(smooth=1)).fit(series(301)).predict(series(60, 3)).score
    found = detector(alarm=whorl.Alarm(smooth=5)).fit(series(301)).predict(series(60, 3)).score
    weight = (4 / 6) ** np.arange(60)
    wanted = [(weight[: t + 1][::-1] * raw[: t + 1]).sum() / weight[: t + 1].sum() for t in range(60)]
    assert found == pytest.approx(wanted, abs=1e-5)


def test_rows_without_values_have_the_mean_so_far_and_the_first_ones_none():
    rows = series(60, 3)
    rows[:2] = rows[30:33] = np.nan
    found = detector(alarm=whorl.Alarm(smooth=5)).fit(series(301)).predict(rows)
    assert np.isnan(found.score[:2]).all()
    assert found.score[30:33] == pytest.approx(np.repeat(found.score[29], 3), abs=1e-5)


def test_of_a_longer_sequence_the_last_rows_are_built_again_and_surprise_reads_all(beats):
    usual, wild = series(19, 90), series(19, 91) * 50
    longer = np.concatenate([wild, usual])
    alone, behind, seen = beats.predict([usual, longer, np.concatenate([usual, wild])]).score
    assert behind == pytest.approx(alone, abs=1e-4)
    assert seen > alone + 10
    surprised = detector(per="sequence", method="surprise").fit(np.stack([series(19, seed) for seed in range(41)]))
    alone, behind = surprised.predict([usual, longer]).score
    assert behind > alone + 1


def test_nothing_is_learned_from_rows_that_are_labelled_as_anomalies():
    rows = series(301)
    odd = rows.copy()
    odd[100:110] = 1e5
    truth = np.zeros(301)
    truth[100:110] = 1
    found = detector().fit((odd, truth))
    assert found.model_.reader.scale == pytest.approx(np.delete(rows[:241], range(100, 110), axis=0).std(axis=0))
    assert np.isfinite([epoch.train_loss for epoch in found.history_.epochs]).all()
    assert max(epoch.train_loss for epoch in found.history_.epochs) < 10


def test_whole_sequences_have_one_answer_and_streams_one_so_far(beats):
    found = beats.predict(np.stack([series(19, 90), series(19, 91, range(5, 12))]))
    assert found.score.shape == (2,)
    assert found.score[1] > found.score[0]
    stream = beats.stream()
    answers = [stream.push(row)[0] for row in series(19, 90)]
    assert answers[-1].score[0] == found.score[0]
    labels = np.array([0, 1])
    assert beats.evaluate((np.stack([series(19, 90), series(19, 91, range(5, 12))]), labels)).metrics["auroc"] == 1.0


def test_one_class_of_a_labelled_file_is_normal(tmp_path):
    rows = [[3 - n % 2, *series(11, n)[:, 0].round(3)] for n in range(30)]
    path = tmp_path / "beats.tsv"
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    model = detector(per="sequence", normal="3").fit(path)
    assert model.model_.card["data"]["sequences"] == 30
    found = model.evaluate(path)
    assert found.num_answers == 30
    assert "auroc" in found.metrics


def test_runs_of_a_table_are_told_apart_and_its_labels_may_be_missing():
    columns = {"run": np.repeat(["ä", "b"], 150).astype(object), "x": series(300)[:, 0], "y": series(300)[:, 1]}
    model = detector(series="run", label="bad").fit(columns)
    found = model.predict(columns)
    assert found.index.series[[0, -1]].tolist() == ["ä", "b"]
    bad = np.zeros(300)
    bad[7] = 1
    assert "auroc" in model.evaluate({**columns, "bad": bad}).metrics
    assert model.stream("b").push({"x": 0.1, "y": 0.2})[0].score.shape == (1,)


@pytest.mark.parametrize("method", ["surprise", "reconstruction"])
def test_both_methods_load_as_they_were_saved(method, tmp_path):
    model = detector(method=method, context=4, code=2).fit(series(120))
    model.save(tmp_path / "m.whorl")
    loaded = whorl.load(tmp_path / "m.whorl")
    assert loaded.get_params() == model.get_params()
    assert loaded.predict(series(33, 5)).score.tolist() == model.predict(series(33, 5)).score.tolist()


def test_irregular_rows_stream_and_load_as_they_are_predicted(tmp_path):
    times = np.cumsum(np.random.default_rng(0).integers(1, 9, 160)).astype("timedelta64[m]")
    rows = series(160)
    rows[::7, 0] = np.nan
    columns = {"when": np.datetime64("2026-01-01T00:00") + times, "x": rows[:, 0], "y": rows[:, 1]}
    model = detector(table=whorl.Table(on_gap="ignore")).fit(columns)
    wanted = model.predict(columns).score
    stream = model.stream()
    told = [stream.push({name: column[n] for name, column in columns.items()})[0].score[0] for n in range(160)]
    assert np.array(told) == pytest.approx(wanted, abs=1e-12, nan_ok=True)
    model.save(tmp_path / "m.whorl")
    assert whorl.load(tmp_path / "m.whorl").predict(columns).score == pytest.approx(wanted, abs=0, nan_ok=True)


def test_a_code_far_from_those_of_training_surprises_in_units_of_their_spread():
    core = partial(RecurrentCore, "gru", hidden_size=4)
    shape = Surprise(lag=None, context=5, code=3)
    network = ReconstructionNetwork(Fields({"numeric": Reals(2)}), shape, StudentT(), core, 2)
    inputs = {"past": torch.randn(16, 25, 2, generator=torch.Generator().manual_seed(0))}
    network.eval()
    network.judged(inputs, inputs["past"])
    assert not network.codes_batches  # nothing is learned from what is only judged
    network.train()
    network.judged(inputs, inputs["past"])
    with torch.no_grad():
        windows = torch.nn.functional.pad(inputs["past"], (0, 0, 4, 0)).unfold(1, 5, 1).transpose(2, 3)
        codes = network._code(windows[:, ::4]).flatten(0, 1)
        assert torch.allclose(network.codes_mean, codes.mean(dim=0), atol=1e-6)
        assert torch.allclose(network.codes_covariance, codes.T.cov(correction=0), atol=1e-6)
        network.eval()
        near = network(inputs)
        apart = codes.std(dim=0, correction=0) * torch.tensor([100.0, 0.0, 0.0])
        network.codes_mean += apart
        further = network(inputs) - near
    # A hundred deviations along one of three axes that depend on each other: at least 0.5 * 100 ** 2 / 3 nats.
    assert (further[..., 0] / near[..., 1] > 1500).all()
    assert not further[..., 1].any()  # whether a number was known is as it was


def test_codes_of_batches_make_the_moments_of_all_of_them():
    core = partial(RecurrentCore, "gru", hidden_size=4)
    shape = Surprise(lag=None, context=5, code=3)
    network = ReconstructionNetwork(Fields({"numeric": Reals(2)}), shape, StudentT(), core, 2).train()
    # The last number nearly follows from the first: half the digits would not tell that it does not quite.
    batches = torch.randn(4, 6, 3, generator=torch.Generator().manual_seed(0)) + torch.arange(4.0)[:, None, None]
    batches[..., 2] = batches[..., 0] + 1e-3 * batches[..., 1]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for batch in batches:
            network._note(batch)
    codes = batches.flatten(0, 1)
    assert torch.allclose(network.codes_mean, codes.mean(dim=0), atol=1e-5)
    assert torch.allclose(network.codes_covariance, codes.T.cov(correction=0), atol=1e-5)
    network.judged({"past": torch.randn(2, 9, 2)}, torch.full((2, 9, 2), torch.nan))
    assert network.codes_batches == 4  # what has no truth is not normal


def test_windows_of_whole_sequences_are_made_where_their_inputs_are():
    core = partial(RecurrentCore, "gru", hidden_size=4)
    network = ReconstructionNetwork(
        Fields({"numeric": Reals(2)}), Surprise(lag=None, context=5, code=3), StudentT(), core, 2, whole=True
    )
    inputs, targets = {"past": torch.randn(3, 7, 2)}, torch.randn(3, 7, 2)
    with torch.device("meta"):
        outputs, truths = network.judged(inputs, targets)
    assert outputs.shape == (3, 1, 5, 2, 3)
    assert torch.equal(truths[:, 0], targets[:, 2:])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"per": "rows"}, "`per` must be one of row, sequence"),
        ({"method": "surprize"}, "Did you mean 'surprise'"),
        ({"lag": 0}, "`lag` is a whole number >= 1"),
        ({"code": 1.5}, "`code` is a whole number >= 1"),
        ({"alarm": 0.01}, "`alarm` is a whorl.Alarm"),
        ({"network": whorl.Recurrent("gru", bidirectional=True)}, "knows what it should be surprised by"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ArgumentError, match=message):
        whorl.Detector(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"smooth": 0}, "`smooth` is a whole number of rows"),
        ({"false_alarm_rate": 1.0}, r"`false_alarm_rate` is a share in \(0, 1\)"),
        ({"false_alarm_rate": float("nan")}, "A hundredth is 0.01"),
        ({"buffer": True}, "`buffer` is a whole number of rows"),
        ({"buffer": 10_001}, "`buffer` is a whole number of rows >= 1 and <= 10,000, but is 10001"),
    ],
)
def test_alarms_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ArgumentError, match=message):
        whorl.Alarm(**settings)


def test_a_long_period_makes_no_longer_buffer_than_a_user_may_ask_for():
    readout = SurpriseReadout.of(detector().wiring(), {"period": 31_536_000})
    assert readout.buffer == 10_000
    assert SurpriseReadout.of(detector().wiring(), {"period": 24}).buffer == 24
    assert SurpriseReadout.restore(readout.arrays()).buffer == 10_000
    with pytest.raises(ModelFileError, match="sizes of the surprise readout"):
        SurpriseReadout.restore(SurpriseReadout(buffer=10_001).arrays())


def test_data_that_make_no_sense_are_refused(model):
    with pytest.raises(DataError, match="labels of anomalies are 0 and 1"):
        model.evaluate((series(20), np.full(20, 7)))
    with pytest.raises(DataError, match="one label for each row"):
        model.evaluate((series(20), np.zeros(19)))
    with pytest.raises(DataError, match="c1"):
        model.predict(series(20)[:, :1])
    with pytest.raises(DataError, match="labelled as an anomaly"):
        detector(per="sequence").fit((np.stack([series(9)] * 4), np.ones(4)))
    with pytest.raises(DataError, match="numeric column"):
        detector().fit({"word": ["a", "b", "c"]})
