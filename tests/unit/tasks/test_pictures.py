"""Classifiers of pictures: folders, tables, lists and arrays, live by rows, and what is printed and refused."""

import numpy as np
import PIL.Image
import pytest

import whorl
from whorl.errors import ArgumentError, DataError
from whorl.plans.changes import Views

BRIEF = whorl.Training(epochs=3, seed=0)


def picture(kind, rng, size=(8, 7)):
    """Noise that is bright above, or below."""
    made = rng.integers(0, 90, (*size, 3))
    made[: size[0] // 2 if kind == "above" else None, :][: None if kind == "above" else 0] += 150
    if kind == "below":
        made[size[0] // 2 :] += 150
    return made.astype(np.uint8)


def pictures(count=24, seed=0):
    rng = np.random.default_rng(seed)
    labels = ["above", "below"] * (count // 2)
    return [picture(label, rng) for label in labels], labels


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    for number, (one, label) in enumerate(zip(*pictures(), strict=True)):
        (root / label).mkdir(exist_ok=True)
        PIL.Image.fromarray(one).save(root / label / f"{number:02}.png")
    return root


@pytest.fixture(scope="module")
def rows(folder):
    plan = whorl.Image(mode="grey", steps="rows")
    return whorl.Classifier(tokens=plan, training=whorl.Training(epochs=8, seed=0)).fit(folder, verbose=False)


def test_a_folder_is_seen_to_be_of_pictures_and_its_subfolders_are_labels(folder):
    model = whorl.Classifier(training=BRIEF).fit(folder, verbose=False)
    assert isinstance(model.model_.reader.plan, whorl.Image)
    assert (model.model_.reader.plan.height, model.model_.reader.plan.width) == (8, 7)
    assert model.predict(folder).classes.tolist() == ["above", "below"]


def test_what_is_learned_of_a_folder_answers_files_tables_lists_and_arrays_alike(folder, rows, tmp_path):
    arrays, labels = pictures()
    paths = [folder / label / f"{number:02}.png" for number, label in enumerate(labels)]
    table = tmp_path / "table.csv"
    lines = (f"{path},{label},7\n" for path, label in zip(paths, labels, strict=True))
    table.write_text("".join(["file,label,size\n", *lines]))
    wanted = rows.predict(paths).probabilities
    for data in (table, arrays, np.stack(arrays), (np.stack(arrays), labels), [str(path) for path in paths]):
        assert np.array_equal(rows.predict(data).probabilities, wanted)
    assert rows.predict(paths[3]).value.tolist() == [labels[3]]
    assert rows.evaluate(table).metrics["accuracy"] == rows.evaluate((paths, labels)).metrics["accuracy"] > 0.9


def test_rows_that_come_one_by_one_are_answered_as_the_picture_so_far(rows):
    arrays, _ = pictures(2, seed=5)
    grey = rows.model_.reader.past.pictures(arrays[0])[0]
    stream = rows.stream()
    answers = [stream.push(row)[0] for row in grey]
    assert len(answers) == 8
    assert np.array_equal(answers[-1].probabilities[-1], rows.predict(arrays[:1]).probabilities[0])
    assert stream.flush() == []
    stream.reset()
    for row in grey[:3]:
        stream.push(row.ravel())
    kept = bytes(stream.state)
    other = rows.stream()
    other.state = whorl.State.from_bytes(kept)
    assert np.array_equal(other.push(grey[3])[0].probabilities, answers[3].probabilities)


@pytest.mark.parametrize("network", ["gru", "convlstm"])
def test_pictures_one_after_the_other_are_steps_of_one_example(network, tmp_path):
    arrays, _ = pictures(48)
    # Pairs of pictures: the first of one pair is the second of the other.
    pairs = [np.stack([arrays[n], arrays[n + 1]][:: 1 if n % 4 else -1]) for n in range(0, 48, 2)]
    labels = ["up" if n % 4 else "down" for n in range(0, 48, 2)]
    plan = whorl.Image(mode="grey")
    training = whorl.Training(epochs=15, learning_rate=1e-2, seed=0)
    model = whorl.Classifier(tokens=plan, network=network, training=training).fit((pairs, labels), verbose=False)
    assert model.evaluate((pairs, labels)).metrics["accuracy"] > 0.9
    stream = model.stream()
    (first,), (second,) = stream.push(pairs[0][:1]), stream.push(pairs[0][1:])
    assert np.array_equal(second.probabilities, model.predict(pairs[:1]).probabilities)
    assert not np.array_equal(first.probabilities, second.probabilities)
    model.save(tmp_path / "model.whorl")
    again = whorl.load(tmp_path / "model.whorl")
    assert again.tokens == plan
    assert np.array_equal(again.predict(pairs).probabilities, model.predict(pairs).probabilities)
    model.report(tmp_path / "report.html", (pairs, labels))


def test_a_picture_that_cannot_be_read_names_its_file(folder, rows, tmp_path):
    damaged = tmp_path / "a.png"
    damaged.write_bytes((folder / "above" / "00.png").read_bytes()[:60])
    with pytest.raises(DataError, match=r"a\.png` cannot be read as a picture"):
        rows.predict([damaged])
    with pytest.raises(DataError, match="is no file"):
        rows.predict([tmp_path / "none.png"])
    with pytest.raises(DataError, match="pixels are whole numbers from 0 to 255"):
        rows.predict([np.full((8, 7), 0.5)])


def bars(places, count=40, size=20):
    """Grey pictures with a bar: upright ones stand at a place of `places`, and the others lie anywhere."""
    rng, labels = np.random.default_rng(3), ["upright", "lying"] * (count // 2)
    made = rng.integers(0, 90, (count, size, size))
    for one, label in zip(made, labels, strict=True):
        at = rng.choice(places if label == "upright" else size - 1)
        one[(slice(None), slice(at, at + 2)) if label == "upright" else slice(at, at + 2)] += 150
    return made.astype(np.uint8), labels


def test_views_teach_what_pictures_are_in_a_mirror_where_they_are_asked_for():
    left, right = bars([1, 2]), bars([16, 17])
    plan = whorl.Training(epochs=8, seed=0)
    sure = {}
    for words in ("none", "auto", "views"):
        model = whorl.Classifier(tokens=whorl.Image(mode="grey"), augmentation=words, training=plan)
        model.fit(left, verbose=False)
        sure[words] = model.predict(right[0]).probabilities[::2, model.model_.reader.classes.tolist().index("upright")]
    assert np.array_equal(sure["auto"], sure["none"])
    assert sure["views"].mean() > sure["none"].mean() + 0.1


def test_views_are_of_steps_that_are_pictures():
    x, y = pictures(12)
    views = {"augmentation": ("views", "prefixes"), "training": BRIEF}
    for plan in (whorl.Image(height=8, width=7), whorl.Video(height=8, width=7)):
        wiring = whorl.Classifier(tokens=plan, **views).wiring()
        assert (wiring.augmentation, wiring.prefixes) == (Views(), 0.3)
    clips = [np.stack([one] * 3) for one in x]
    whorl.Classifier(tokens=whorl.Video(height=8, width=7), **views).fit((clips, y), verbose=False)
    with pytest.raises(ArgumentError, match="has 'views', but examples are pictures whose steps are no whole pictures"):
        whorl.Classifier(tokens=whorl.Image(steps="rows"), **views).fit((x, y), verbose=False)
    with pytest.raises(ArgumentError, match="has 'views', but examples are series"):
        whorl.Classifier(**views).fit((np.zeros((4, 3, 2)), [0, 1, 0, 1]), verbose=False)
    with pytest.raises(ArgumentError, match="has 'views', but examples are texts"):
        whorl.Classifier(text="said", augmentation="views")
    with pytest.raises(ArgumentError, match="an example is changed in one way alone"):
        whorl.Classifier(augmentation=("series", "views"))


def test_changes_of_recordings_are_refused_for_a_folder_of_pictures(folder):
    with pytest.raises(ArgumentError, match="has 'sound', but examples are pictures"):
        whorl.Classifier(augmentation="sound", training=BRIEF).fit(folder, verbose=False)


def test_settings_that_contradict_pictures_are_refused():
    with pytest.raises(ArgumentError, match="`series` is of tables of rows"):
        whorl.Classifier(tokens=whorl.Image(), series="a")
    with pytest.raises(ArgumentError, match=r"`steps` must be one of picture, rows, pixels.* Did you mean 'rows'"):
        whorl.Image(steps="row")
    with pytest.raises(ArgumentError, match="`height` is a whole number from 1 to 4096"):
        whorl.Image(height=0)
    with pytest.raises(ArgumentError, match="`augmentation` has 'tokens'"):
        whorl.Classifier(tokens=whorl.Image(), augmentation="tokens")
