"""Captions of pictures, frames and features, end to end."""

import csv
import tracemalloc

import numpy as np
import pytest
from PIL import Image as Pillow

import whorl
from whorl.codecs.features import FeaturesCodec
from whorl.codecs.video import VideoCodec
from whorl.data.caption_rows import CaptionRows
from whorl.errors import ArgumentError, DataError, StreamingError
from whorl.report import card, findings, looks
from whorl.runtime.interpreter import Interpreter
from whorl.runtime.writing import OTHER

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 50, 230)}
PLACES = ("left", "right")
TRAINING = whorl.Training(epochs=40, batch_size=8, seed=1, learning_rate=5e-3, validation=0.25)
SMALL = {
    "tokens": whorl.Text(),
    "embedding_size": 24,
    "longest": 12,
    "dropout": 0.0,
    "augmentation": "none",
    "network": whorl.Recurrent("gru", hidden_size=24),
    "training": TRAINING,
}


def drawn(rng, colour, place):
    picture = rng.integers(90, 120, (16, 16, 3)).astype(np.uint8)
    left = 1 if place == "left" else 9
    picture[5:11, left : left + 6] = COLOURS[colour]
    return picture


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures with two captions each, in a table whose paths start in a folder beside it."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    (folder / "images").mkdir()
    rows = [("image", "caption")]
    for n in range(72):
        colour, place = list(COLOURS)[n % 3], PLACES[n // 3 % 2]
        Pillow.fromarray(drawn(rng, colour, place)).save(folder / "images" / f"{n}.png")
        rows += [(f"{n}.png", f"a {colour} square on the {place}"), (f"{n}.png", f"{place} stands a {colour} one")]
    with open(folder / "captions.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


@pytest.fixture(scope="module")
def model(folder):
    return whorl.Captioner(source="image", media=whorl.Image(height=16, width=16), **SMALL).fit(folder / "captions.csv")


def test_captions_tell_what_is_on_a_picture_and_where(model, folder):
    found = model.evaluate(folder)
    assert found.metrics["bleu"] > found.baseline["most frequent"]["bleu"] + 20
    assert found.metrics["perplexity"] < 0.7 * found.baseline[OTHER]["perplexity"]
    assert set(found.metrics) == {*("bleu", "cider", "nll", "perplexity", "nats_per_character", "bits_per_character")}
    assert set(found.baseline) == {"most frequent", "nearest source", "unigram", OTHER}
    assert found.num_answers == len(found.prediction) == 72
    assert found.target[0] == ("a red square on the left", "left stands a red one")
    rng = np.random.default_rng(5)
    (said,) = model.predict([drawn(rng, "blue", "right")]).value
    assert "blue" in said
    assert "right" in said


def test_paths_arrays_and_a_stream_are_answered_alike_whatever_the_engine(model, folder, tmp_path):
    paths = [folder / "images" / f"{n}.png" for n in range(5)]
    pictures = [np.asarray(Pillow.open(path)) for path in paths]
    wanted = model.predict(paths)
    assert model.predict(pictures).value == wanted.value
    for picture, text, score in zip(pictures, wanted.value, wanted.score, strict=True):
        stream = model.stream()
        assert stream.push(picture) == []
        (answer,) = stream.flush()
        assert (answer.value, answer.score.tolist()) == ([text], [score])
    model.save(tmp_path / "m.whorl")
    for loaded in (whorl.load(tmp_path / "m.whorl"), whorl.runtime.load(tmp_path / "m.whorl")):
        assert loaded.predict(paths).value == wanted.value
    inner = model.model_
    source = inner.reader.read(pictures[:2])[0].read_steps[None]
    np.testing.assert_allclose(
        Interpreter(inner.encoder.program).run({"source": source}), inner.encoder.run({"source": source}), atol=2e-5
    )


def test_every_text_of_a_picture_is_learned_and_a_picture_is_held_out_with_all_of_them(model):
    assert model.model_.card["data"]["training_sequences"] == 54
    held = {one.key for one in model.held_out_.sequences}
    assert len(model.held_out_.sequences) == 2 * len(held) == 36


def test_sources_of_one_group_are_held_out_together(tmp_path):
    rng = np.random.default_rng(0)
    for n in range(12):
        np.save(tmp_path / f"{n}_of{n % 4}.npy", rng.normal(size=(2, 3)))
    paths, texts = [f"{n}_of{n % 4}.npy" for n in range(12)], ["a b", "b"] * 6
    with open(tmp_path / "c.csv", "w", newline="") as file:
        rows = [(path, text, n % 4) for n, path in enumerate(paths) for text in (texts[n], "c")]
        csv.writer(file).writerows([("file", "caption", "who"), *rows])
    plan = {**SMALL, "training": whorl.Training(epochs=1, validation=0.25)}
    listed = ([tmp_path / path for path in paths], texts)
    for group, data in (("who", tmp_path / "c.csv"), (r"_of(\d)", tmp_path / "c.csv"), (r"_of(\d)", listed)):
        made = whorl.Captioner(media=whorl.Features(group=group), **plan).fit(data)
        held = {one.key.removesuffix(".npy")[-1] for one in made.held_out_.sequences}
        assert (len(held), made.model_.card["data"]["validation_sequences"]) == (1, 3)
    with pytest.raises(DataError, match=r"column `speaker` is not in c\.csv"):
        whorl.Captioner(media=whorl.Features(group="speaker"), **plan).fit(tmp_path / "c.csv")
    with pytest.raises(DataError, match="has no such part"):
        whorl.Captioner(media=whorl.Features(group=r"_by(\d)"), **plan).fit(listed)


@pytest.mark.parametrize("decoding", [whorl.Greedy(), whorl.Sample(seed=1, temperature=0.5), whorl.Beam(width=3)])
def test_texts_are_searched_for_in_every_way(model, folder, decoding):
    assert all(model.predict([folder / "images" / "0.png"], decoding=decoding).value)


def test_the_report_draws_what_each_word_looks_at(model, tmp_path):
    model.report(tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert "Captions: caption" in page
    assert page.count("Written: ") == 8  # each picture is told twice
    assert OTHER in page


def test_a_caption_is_searched_for_by_a_beam_that_hardly_favours_long_ones(model, folder):
    paths = [folder / "images" / "0.png"]
    found = model.predict(paths).score
    assert found == model.predict(paths, decoding=whorl.Beam(width=5, length_penalty=0.3)).score
    assert found != model.predict(paths, decoding=whorl.Beam(width=5)).score


def rules(model):
    facts = card.read(model.model_.card)
    return {one.rule for one in findings.findings(findings.measure(model.model_, facts, None, model.held_out_))}


def test_a_model_that_does_not_look_is_told_so_whether_texts_are_by_chance_or_sources_are_alike(model):
    rng = np.random.default_rng(0)
    assert "source unused" not in rules(model)
    plan = {**SMALL, "training": whorl.Training(epochs=4, seed=0)}
    texts = [f"goes {('up', 'down')[n]}" for n in rng.integers(0, 2, 60)]
    assert "source unused" in rules(whorl.Captioner(**plan).fit((rng.normal(size=(60, 3, 4)), texts)))
    alike = np.broadcast_to(rng.normal(size=(1, 3, 4)), (60, 3, 4)).copy()
    assert "source unused" in rules(whorl.Captioner(**plan).fit((alike, ["goes up", "goes down"] * 30)))


def test_frames_have_an_order_and_cells_have_none():
    rng = np.random.default_rng(0)
    names, shapes = ["up", "down"], [np.linspace(0, 1, 7), np.linspace(1, 0, 7)]
    x = [(shapes[n % 2][:, None] + rng.normal(0, 0.05, (7, 3))).astype(np.float32) for n in range(60)]
    y = [f"it goes {names[n % 2]} all the time" for n in range(60)]
    found = {}
    for ordered in (False, True):
        made = whorl.Captioner(media=whorl.Features(ordered=ordered), **SMALL).fit((x, y))
        assert made.predict(x[:1]).value == made.predict([x[0]]).value
        found[ordered] = made.evaluate((x, y)).metrics["bleu"]
        turned = [one[::-1].copy() for one in x]
        assert (made.predict(turned).value == made.predict(x).value) is not ordered
    assert found[True] == pytest.approx(100.0)


@pytest.mark.parametrize("name", ["x.npy", "x.safetensors"])
def test_that_a_file_has_features_is_seen_without_reading_it(name, tmp_path):
    (tmp_path / name).write_bytes(b"no array at all")
    assert whorl.Captioner().for_data((str(tmp_path / name), ["a", "b"])).media == whorl.Features()
    with pytest.raises(DataError, match="is damaged"):
        whorl.Captioner().fit((tmp_path / name, ["a", "b"]))


def test_what_is_read_is_seen_in_the_data(folder):
    assert whorl.Captioner().for_data(folder / "captions.csv").media == whorl.Image()
    assert whorl.Captioner().for_data((np.zeros((2, 3, 4)), ["a", "b"])).media == whorl.Features()
    assert whorl.Captioner(source="image").for_data(str(folder)).media == whorl.Image()
    with pytest.raises(ArgumentError, match="`media` is not given"):
        whorl.Captioner().for_data([{"x": "a", "caption": "b"}])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"media": "image"}, r"`media` is a whorl.Audio\(...\) or"),
        ({"augmentation": "mirror"}, "`augmentation` is 'views' or 'none'"),
        ({"source": "caption"}, "Name different columns"),
        ({"longest": 1}, "`longest`"),
        ({"network": "transformer"}, "`network`"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ArgumentError, match=message):
        whorl.Captioner(**settings)


def test_two_columns_of_paths_are_told_apart_by_source(folder):
    table = [{"a": str(folder / "images" / f"{n}.png"), "b": f"{n}.png", "caption": "a b"} for n in range(8)]
    with pytest.raises(DataError, match=r"several columns of pictures: 'a', 'b'\. Name the one to read as `source`."):
        whorl.Captioner(**SMALL).fit(table)
    with pytest.raises(DataError, match=r"several columns of pictures: 'a', 'b'\. Name the one to read as `source`."):
        whorl.Captioner(media=whorl.Image(height=8, width=8), **SMALL).fit(table)
    assert whorl.Captioner(source="a", **SMALL).for_data(table).media == whorl.Image()


def test_a_feature_that_is_infinite_once_scaled_is_not_to_be_missing_instead():
    codec = FeaturesCodec().fit([np.random.default_rng(0).normal(scale=1e-3, size=(5, 3))])
    with pytest.raises(DataError, match=r"infinite once scaled\. Correct it, or rescale the feature"):
        codec.encode(np.full((2, 3), 3e38))


def test_several_pictures_are_no_one_source(model):
    several = np.zeros((3, 16, 16, 3), np.uint8)
    with pytest.raises(DataError, match=r"`0`: a source is one picture, but 3 came\. Give each as a source of its own"):
        model.predict([several])
    with pytest.raises(DataError, match="a source is one picture, but 3 came"):
        whorl.Captioner(media=whorl.Image(), **SMALL).fit(([several] * 8, ["a", "b"] * 4))
    stream = model.stream()
    with pytest.raises(DataError, match="but 3 came"):
        stream.push(several)
    stream.push(several[0])
    before = bytes(stream.state)
    with pytest.raises(DataError, match="but 2 came"):
        stream.push(several[1])
    assert bytes(stream.state) == before
    assert stream.flush()[0].value == model.predict([several[0]]).value


def test_data_that_cannot_be_learned_from_are_refused(model):
    with pytest.raises(DataError, match="of files of features there is one"):
        whorl.Captioner(**SMALL).fit((np.zeros((1, 2, 3)), ["one"]))
    with pytest.raises(DataError, match="finite"):
        whorl.Captioner(**SMALL).fit((np.full((2, 2, 3), np.nan), ["one", "two"]))
    with pytest.raises(DataError, match=r"features are finite numbers within 3\.4e38"):
        whorl.Captioner(**SMALL).fit((np.full((2, 2, 3), 1e300), ["one", "two"]))
    with pytest.raises(DataError, match="no file"):
        model.predict(["not_there.png"])
    with pytest.raises(DataError, match="a picture is an array"):
        model.stream().push("text")


@pytest.mark.parametrize(("background", "still"), [("kept", 0.0), ("running", 0.5)])
def test_a_report_shows_frames_as_they_are_read_above_what_each_word_looks_at(background, still, tmp_path):
    x = [np.zeros((4, 5, 6, 1), np.uint8) for _ in range(8)]
    for n, frames in enumerate(x):
        frames[2:, :, n % 2] = 200
    media = whorl.Video(height=5, width=6, mode="grey", background=background)
    made = whorl.Captioner(media=media, **{**SMALL, "training": whorl.Training(epochs=1)}).fit((x, ["a b", "c"] * 4))
    one = made.model_.reader.read(x[:1])[0]
    shown = looks._frames(made.model_.reader, one)
    assert shown.shape == (4, 5, 6)
    assert (shown.min() >= 0, shown.max() <= 1) == (True, True)
    assert np.flatnonzero((shown != still).any(axis=(1, 2))).tolist() == [2, 3]
    made.report(tmp_path / "r.html")
    assert "The tokens that were written: 1 " in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_a_push_of_a_frame_costs_no_copy_of_those_before():
    codec = VideoCodec(height=64, width=64, mode="colour").fit([np.zeros((2, 64, 64, 3), np.uint8)])
    rows, frame = CaptionRows(codec, 256), np.full((64, 64, 3), 7, np.uint8)
    whole = 256 * codec.spec.width * 4  # bytes
    marks = []
    for _ in range(9):
        marks.append((rows.mark(), rows.read()))
        tracemalloc.start()
        try:
            rows.push(frame)
            assert tracemalloc.get_traced_memory()[1] < whole / 10
        finally:
            tracemalloc.stop()
    for mark, state in reversed(marks):
        rows.back_to(mark)
        assert rows.read() == state


def test_a_video_without_its_background_is_no_stream():
    x = [np.random.default_rng(n).integers(0, 255, (3, 6, 6, 1)).astype(np.uint8) for n in range(8)]
    media = whorl.Video(height=6, width=6, mode="grey", background="file")
    made = whorl.Captioner(media=media, **{**SMALL, "training": whorl.Training(epochs=1)}).fit((x, ["a b", "c"] * 4))
    assert not made.model_.streams
    with pytest.raises(StreamingError, match="background='running'"):
        made.stream()
