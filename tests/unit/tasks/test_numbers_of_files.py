"""A Regressor of recordings and pictures: numbers of files, in tables and in pairs."""

import numpy as np
import PIL.Image
import pytest
import soundfile

import whorl
from whorl.data.splits import held_out
from whorl.errors import ArgumentError, DataError

BRIEF = whorl.Training(epochs=3, seed=0, device="cpu")
SMALL = whorl.Recurrent("gru", hidden_size=8)


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    """A table of tones and their pitch."""
    folder = tmp_path_factory.mktemp("tones")
    rng = np.random.default_rng(0)
    lines = ["file,pitch,who"]
    for n in range(40):
        pitch = float(rng.uniform(200, 1500))
        samples = 0.3 * np.sin(2 * np.pi * pitch * np.arange(1600) / 4000 + rng.uniform(0, 6))
        soundfile.write(folder / f"{n}.wav", samples, 4000)
        lines.append(f"{n}.wav,{pitch:.3f},w{n % 8}")
    (folder / "tones.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def pitch(tones):
    training = whorl.Training(epochs=25, seed=0, device="cpu")
    return whorl.Regressor(target="pitch", network=SMALL, training=training).fit(tones / "tones.csv", verbose=False)


def test_a_number_is_learned_of_recordings_and_scored_beside_the_mean(tones, pitch):
    assert isinstance(pitch.model_.reader.plan, whorl.Audio)
    scores = pitch.evaluate(tones / "tones.csv")
    assert scores.metrics["mae"] < 0.5 * scores.baseline["mean"]["mae"]
    assert scores.num_answers == 40


def test_tables_lists_and_folders_of_files_are_answered_alike(tones, pitch):
    paths = sorted(tones.glob("*.wav"), key=lambda path: int(path.stem))
    wanted = pitch.predict(tones / "tones.csv").value
    assert wanted.shape == (40, 1)
    assert np.array_equal(pitch.predict(paths).value, wanted)
    labelled = pitch.predict([str(paths[3])])
    assert labelled.value[0] == wanted[3]
    assert labelled.index.series.tolist() == [str(paths[3])]


def test_a_folder_is_learned_by_the_table_in_it_and_answered_file_by_file(tones, pitch, tmp_path):
    training = whorl.Training(epochs=1, seed=0, device="cpu")
    model = whorl.Regressor(target="pitch", network=SMALL, training=training)
    wanted = model.fit(tones / "tones.csv", verbose=False).predict(tones / "tones.csv").value
    assert np.array_equal(model.fit(tones, verbose=False).predict(tones / "tones.csv").value, wanted)
    assert pitch.evaluate(tones).metrics == pitch.evaluate(tones / "tones.csv").metrics
    some = tmp_path / "some"
    some.mkdir()
    for name in ("3.wav", "4.wav"):
        (some / name).write_bytes((tones / name).read_bytes())
    (some / "known.csv").write_text("file,pitch\n3.wav,300\n")
    assert len(pitch.predict(some).value) == 2  # also the one that no table names
    assert pitch.evaluate(some).num_answers == 1


def test_subfolders_are_no_numbers(tones, pitch, tmp_path):
    (tmp_path / "low").mkdir()
    (tmp_path / "low" / "a.wav").write_bytes((tones / "0.wav").read_bytes())
    assert pitch.predict(tmp_path).value.shape == (1, 1)
    with pytest.raises(DataError, match="a number for each file, but it has others, such as 'low'"):
        pitch.evaluate(tmp_path)
    with pytest.raises(ArgumentError, match="subfolders name labels"):
        whorl.Regressor(training=BRIEF).fit(tmp_path, verbose=False)


def test_a_stream_answers_so_far_and_a_saved_model_the_same(tones, pitch, tmp_path):
    samples, _ = soundfile.read(tones / "7.wav", dtype="float32")
    stream = pitch.stream()
    answers = [stream.push(piece) for piece in np.split(samples, [300, 301, 900])]
    last = [*[one for part in answers for one in part], *stream.flush()][-1]
    assert last.value.tolist() == pitch.predict([tones / "7.wav"]).value.tolist()
    pitch.save(tmp_path / "pitch.whorl")
    loaded = whorl.runtime.load(tmp_path / "pitch.whorl")
    assert loaded.predict([tones / "7.wav"]).value.tolist() == last.value.tolist()
    assert isinstance(whorl.load(tmp_path / "pitch.whorl").tokens, whorl.Audio)


def test_several_numbers_of_pictures_come_as_a_pair_with_an_interval():
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 256, (30, 6, 5, 1)).astype(np.uint8)
    truths = np.stack([levels.mean(axis=(1, 2, 3)), levels[:, 0].mean(axis=(1, 2))], axis=1)
    model = whorl.Regressor(tokens=whorl.Image(mode="grey"), quantiles=(0.1, 0.9), network=SMALL, training=BRIEF).fit(
        (levels, truths), verbose=False
    )
    found = model.predict(levels)
    assert found.names == ("y0", "y1")
    assert found.value.shape == (30, 2)
    low, high = found.interval
    assert (low <= high).all()
    assert model.evaluate((levels, truths)).num_answers == 30


@pytest.mark.parametrize("given", [np.ones((20, 6)), list(np.ones((20, 6))), np.ones((20, 6)).tolist()])
def test_pictures_may_have_as_many_numbers_as_rows(given):
    shades = np.arange(20 * 6 * 5, dtype=np.uint8).reshape(20, 6, 5, 1)
    model = whorl.Regressor(tokens=whorl.Image(mode="grey"), network=SMALL, training=BRIEF)
    assert model.fit((shades, given), verbose=False).predict(shades).value.shape == (20, 6)


def test_pictures_that_have_more_numbers_than_others_are_refused():
    shades = np.zeros((4, 6, 5, 1), np.uint8)
    with pytest.raises(
        DataError, match=r"`y` must have 2 columns, one for each of y0, y1, but .*Give \(N, 2\) answers"
    ):
        whorl.Regressor(tokens=whorl.Image()).fit((shades, [[1, 2], [3], [1, 2], [3]]), verbose=False)


@pytest.mark.parametrize("form", [np.asarray, np.ndarray.tolist, list])
def test_one_number_of_a_picture_may_stand_in_a_column(form):
    shades = np.arange(20 * 6 * 5, dtype=np.uint8).reshape(20, 6, 5, 1)
    truths = np.linspace(0.0, 3.0, 20)
    model = whorl.Regressor(tokens=whorl.Image(mode="grey"), network=SMALL, training=BRIEF)
    wanted = model.fit((shades, truths), verbose=False).predict(shades)
    found = model.fit((shades, form(truths[:, None])), verbose=False).predict(shades)
    assert found.names == wanted.names == ("y",)
    assert found.value.tolist() == wanted.value.tolist()
    assert model.evaluate((shades, form(truths[:, None]))).num_answers == 20
    with pytest.raises(DataError, match="one value for each row, but has shape"):
        model.evaluate((shades, np.ones((20, 2))))


@pytest.mark.parametrize("most", [1e39, -1e300, np.inf])
def test_numbers_that_no_network_can_hold_are_refused_before_anything_is_learned(most):
    shades = np.arange(20 * 6 * 5, dtype=np.uint8).reshape(20, 6, 5, 1)
    truths = np.where(np.arange(20) % 2 == 0, most, 1.0)
    with pytest.raises(DataError, match=r"within 3\.4e38, .* but column 'y' of a training row has -?(1e\+|inf)"):
        whorl.Regressor(tokens=whorl.Image(), network=SMALL, training=BRIEF).fit((shades, truths), verbose=False)


def test_what_belongs_together_is_held_out_together(tones):
    model = whorl.Regressor(target="pitch", group="who", network=SMALL, training=BRIEF)
    fitted = model.fit(tones / "tones.csv", verbose=False)
    held = [n for n, at in enumerate(fitted.held_out_.steps) if len(at)]
    assert held
    groups = {n % 8 for n in held}
    assert len(held) == 5 * len(groups)


def test_frames_of_videos_and_features_are_files_too(tmp_path):
    for n in range(12):
        np.save(tmp_path / f"{n}.npy", np.full((3, 4), n, np.float32))
    (tmp_path / "t.csv").write_text("file,size\n" + "".join(f"{n}.npy,{n}\n" for n in range(12)))
    model = whorl.Regressor(target="size", network=SMALL, training=BRIEF).fit(tmp_path / "t.csv", verbose=False)
    assert isinstance(model.model_.reader.plan, whorl.Features)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tokens": whorl.Text()}, "`tokens` is a whorl.Audio"),
        ({"tokens": whorl.Audio(), "series": "who"}, "`series` is of tables of rows"),
        ({"tokens": whorl.Audio(), "remaining": True}, "`remaining` is of tables of rows"),
        ({"tokens": whorl.Image(), "every_step": True}, "`every_step` is of tables of rows"),
    ],
)
def test_settings_that_contradict_files_are_refused(settings, said):
    with pytest.raises(ArgumentError, match=said):
        whorl.Regressor(target="pitch", **settings)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["low", "high", "high", "low"], "a number for each file, but it has others, such as 'low'"),
        (["", "", "", ""], "has no number for any training file"),
    ],
)
def test_targets_that_are_no_numbers_are_refused(tones, tmp_path, cells, said):
    lines = [f"{tones / f'{n}.wav'},{cell}" for n, cell in enumerate(cells)]
    (tmp_path / "t.csv").write_text("\n".join(["file,pitch", *lines]) + "\n")
    with pytest.raises(DataError, match=said):
        whorl.Regressor(target="pitch", training=BRIEF).fit(tmp_path / "t.csv", verbose=False)


def test_a_validation_part_without_truths_is_told_in_no_words_of_tables():
    x = np.random.default_rng(0).integers(0, 255, (8, 8, 8)).astype(np.uint8)
    regressor = whorl.Regressor(tokens=whorl.Image(mode="grey"), network=SMALL, training=BRIEF)
    known = held_out(8, BRIEF.validation, BRIEF.seed)
    y = np.arange(8.0)
    y[known] = np.nan
    with pytest.raises(DataError, match="Hold out more by `validation`, or bring examples whose targets are known"):
        regressor.fit((x, y), verbose=False)


def test_files_without_a_number_are_not_learned_from(tones, tmp_path):
    lines = [f"{tones / f'{n}.wav'},{'' if n % 5 == 0 else n}" for n in range(30)]
    (tmp_path / "t.csv").write_text("\n".join(["file,pitch", *lines]) + "\n")
    model = whorl.Regressor(target="pitch", network=SMALL, training=BRIEF).fit(tmp_path / "t.csv", verbose=False)
    assert np.isfinite(model.predict(tmp_path / "t.csv").value).all()


def test_pictures_of_a_table_are_seen_to_be_such(tmp_path):
    rng = np.random.default_rng(0)
    lines = ["picture,brightness"]
    for n in range(20):
        level = int(rng.integers(0, 256))
        PIL.Image.fromarray(np.full((5, 7), level, np.uint8)).save(tmp_path / f"{n}.png")
        lines.append(f"{n}.png,{level}")
    (tmp_path / "shades.csv").write_text("\n".join(lines) + "\n")
    model = whorl.Regressor(target="brightness", network=SMALL, training=BRIEF)
    fitted = model.fit(tmp_path / "shades.csv", verbose=False)
    assert isinstance(fitted.model_.reader.plan, whorl.Image)
    fitted.report(tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size > 10_000
