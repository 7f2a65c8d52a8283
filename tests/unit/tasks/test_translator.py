"""Translator: from pairs of texts to texts, whole, in batches and in pieces."""

import pickle

import numpy as np
import pytest

import whorl
from whorl.errors import ArgumentError, DataError, MissingExtraError, ModelFileError
from whorl.runtime import text_metrics

NETWORK = whorl.Recurrent("gru", hidden_size=8)
SOURCES = ["one two", "two", "three one", "one", "two three, one", "three"] * 4
TARGETS = ["zwei eins", "zwei", "eins drei", "eins", "eins drei, zwei", "Drei."] * 4


def short(**changes):
    plan = {"epochs": 2, "batch_size": 8, "device": "cpu", "validation": 0.25, **changes.pop("training", {})}
    settings = {"tokens": whorl.Text(), "longest": 9, "network": NETWORK, **changes}
    return whorl.Translator(training=whorl.Training(**plan), **settings)


@pytest.fixture(scope="module")
def model():
    return short().fit((SOURCES, TARGETS), verbose=False)


def test_an_answer_is_a_text_for_each_source(model):
    answer = model.predict(["one", "", "never heard of", "two " * 40])
    assert isinstance(answer.value, list)
    assert [type(text) for text in answer.value] == [str] * 4
    assert answer.index.series.tolist() == ["0", "1", "2", "3"]
    assert answer.index.origin.tolist() == [1, 0, 3, 8]  # the last token that was read
    assert (answer.score <= 0).all()
    records = list(answer.to_records())
    assert records[0] == {
        "series": "0", "origin": 1, "output": "target", "value": answer.value[0], "score": float(answer.score[0]),
    }  # fmt: skip


def test_sources_come_in_all_the_ways_that_data_come(model, tmp_path):
    wanted = model.predict(SOURCES).value
    (tmp_path / "new.txt").write_text("\n".join(SOURCES) + "\n")
    for data in (np.array(SOURCES), (SOURCES, TARGETS), [{"source": one} for one in SOURCES], tmp_path / "new.txt"):
        assert model.predict(data).value == wanted


def test_decoding_chooses_how_tokens_are_chosen(model):
    beam = model.predict(SOURCES[:6], decoding=whorl.Beam(width=5))
    np.testing.assert_array_equal(model.predict(SOURCES[:6]).value, beam.value)  # the default
    greedy, narrow = model.predict(SOURCES[:6], decoding=whorl.Greedy()), whorl.Beam(width=1)
    np.testing.assert_array_equal(greedy.value, model.predict(SOURCES[:6], decoding=narrow).value)
    drawn = [model.predict(SOURCES[:6], decoding=whorl.Sample(seed=seed, temperature=3.0)).value for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    brief = model.predict(SOURCES[:6], decoding=whorl.Greedy(max_length=1)).value
    assert all(len(text.split()) <= 1 for text in brief)
    with pytest.raises(ArgumentError, match="`decoding` must be"):
        model.predict(["one"], decoding="beam")


def test_scores_are_of_texts_as_the_decoding_writes_them(model):
    drawn = whorl.Sample(seed=1, temperature=3.0)
    found, usual = model.evaluate((SOURCES, TARGETS), decoding=drawn), model.evaluate((SOURCES, TARGETS))
    assert found.prediction.value == model.predict(SOURCES, decoding=drawn).value
    chrf = text_metrics.translation(found.prediction.value, TARGETS)["chrf"]
    assert found.metrics["chrf"] == chrf != usual.metrics["chrf"]
    # How likely the true tokens are, and what rivals write, is up to no search.
    assert found.metrics["nll"] == usual.metrics["nll"]
    assert found.baseline == usual.baseline


def test_a_task_that_writes_nothing_takes_no_decoding():
    X = np.zeros((8, 3, 1))
    other = whorl.Regressor(network=NETWORK, training=whorl.Training(epochs=1, device="cpu")).fit((X, X[:, 0, 0]))
    with pytest.raises(ArgumentError, match="`decoding`"):
        other.predict(X, decoding=whorl.Greedy())
    with pytest.raises(ArgumentError, match=r"`decoding` .* those of this regress model in `evaluate` are not"):
        other.evaluate((X, X[:, 0, 0]), decoding=whorl.Greedy())
    going_on = whorl.Generator(network=NETWORK, training=whorl.Training(epochs=1, device="cpu")).fit(["one two. " * 60])
    with pytest.raises(ArgumentError, match=r"`decoding` .* those of this generate model in `evaluate` are not"):
        going_on.evaluate(["one two."], decoding=whorl.Greedy())
    with pytest.raises(ArgumentError, match="`decoding` is for streams that write texts, but those of this regress"):
        other.stream(decoding=whorl.Greedy())


def test_scores_stand_beside_copies_and_similar_pairs(model):
    found = model.evaluate((SOURCES[:6], TARGETS[:6]))
    assert set(found.metrics) == {"bleu", "chrf", "nll", "perplexity", "nats_per_character", "bits_per_character"}
    assert found.metrics["perplexity"] == pytest.approx(np.exp(found.metrics["nll"]))
    assert set(found.baseline) == {"copy of the source", "nearest pair"}
    assert found.num_answers == 6
    assert found.target == TARGETS[:6]
    assert found.prediction.value == model.predict(SOURCES[:6]).value
    with pytest.raises(ArgumentError, match="keep=True"):
        _ = model.evaluate((SOURCES[:6], TARGETS[:6]), keep=False).prediction


def test_the_nll_is_that_of_the_tokens_of_the_truth(model):
    """Step by step through the engine, the same sum."""
    reader, engine = model.model_.reader, model.model_.engine
    from whorl.runtime.writing import contexts

    nats, count = 0.0, 0
    for one in reader.read((SOURCES[:3], TARGETS[:3]), targets=True):
        slot = engine.open(contexts(model.model_.encoder, engine, [one.source])[0])
        for code, target in zip(one.past, one.targets[:, 0].astype(int), strict=True):
            logits = engine.step([slot], {"past": code[None]})[0, 0].astype(np.float64)
            nats -= logits[target] - np.log(np.exp(logits).sum())
            count += 1
        engine.close(slot)
    found = model.evaluate((SOURCES[:3], TARGETS[:3])).metrics["nll"]
    assert found == pytest.approx(nats / count, abs=1e-6)


def test_scores_of_texts_are_those_of_sacrebleu():
    scores = text_metrics.TextScores()
    assert scores.result() == {}
    scores.update(["the cat sat on the mat"], ["the cat sat on the mat"])
    assert scores.result() == {"bleu": pytest.approx(100.0), "chrf": pytest.approx(100.0)}
    scores.update(["x"], ["a dog ran far away today"])
    # 6 of 7 unigrams, all of the longer runs; brevity exp(1 - 12/7).
    wanted = 100 * np.exp(1 - 12 / 7) * (6 / 7) ** 0.25
    assert scores.result()["bleu"] == pytest.approx(wanted)
    scores.add_tokens(np.log([0.5, 0.5]), num_characters=4)
    assert scores.result()["perplexity"] == pytest.approx(2.0)
    assert scores.result()["bits_per_character"] == pytest.approx(0.5)


def test_scores_tell_the_share_of_unknown_tokens(model):
    usual, found = model.evaluate((SOURCES[:1], TARGETS[:1])), model.evaluate((SOURCES[:1], ["Ж" * 9]))
    assert "unknown" not in usual.metrics
    (one,) = model.model_.reader.read((SOURCES[:1], ["Ж" * 9]), targets=True)
    assert found.metrics["unknown"] == pytest.approx((one.targets == 0).mean())
    assert (one.targets == 0).any()
    assert "nats_per_character" not in found.metrics


def test_a_missing_extra_is_one_line(monkeypatch):
    import sys

    for name in [*(name for name in sys.modules if name.startswith("sacrebleu.")), "sacrebleu.metrics.bleu"]:
        monkeypatch.setitem(sys.modules, name, None)
    scores = text_metrics.TextScores()
    scores.update(["a"], ["a"])
    with pytest.raises(MissingExtraError, match=r'whorl\[text\]"$'):
        scores.result()


def test_a_stream_answers_when_the_source_ends(model):
    stream = model.stream()
    assert [stream.push(piece) for piece in ("two th", "ree, ", {"source": "one"})] == [[], [], []]
    (answer,) = stream.flush()
    assert answer.value == model.predict(["two three, one"]).value
    assert stream.flush() == []
    with pytest.raises(DataError, match="has ended"):
        stream.push("one")
    stream.reset()
    stream.push("one")
    copy = pickle.loads(pickle.dumps(stream))
    for one in (stream, copy):
        assert one.flush()[0].value == model.predict(["one"]).value
    with pytest.raises(ArgumentError, match="`push_rows`"):
        model.stream().push_rows(["one"])


def test_many_streams_move_together_or_not_at_all(model):
    streams = [model.stream(), model.stream()]
    whorl.push_many(streams, ["one ", "two"])
    before = [bytes(stream.state) for stream in streams]
    with pytest.raises(DataError, match="a row of this model is"):
        whorl.push_many(streams, ["two", 7])
    assert [bytes(stream.state) for stream in streams] == before


def test_a_state_with_an_engine_in_it_is_of_another_model(model):
    from dataclasses import replace

    stream = model.stream()
    with pytest.raises(ModelFileError, match="another model"):
        stream.state = replace(stream.state, engine=b"x")


def test_a_model_file_holds_both_sides(model, tmp_path):
    model.save(tmp_path / "m.whorl")
    light = whorl.runtime.load(tmp_path / "m.whorl")
    assert light.identity == model.model_.identity
    assert light.predict(SOURCES).value == model.predict(SOURCES).value
    fewer = whorl.runtime.load(tmp_path / "m.whorl", weights="int8")
    assert fewer.identity != light.identity
    assert len(fewer.predict(SOURCES[:2])) == 2
    slow = whorl.runtime.load(tmp_path / "m.whorl", engine="numpy")
    assert slow.predict(SOURCES[:6]).value == light.predict(SOURCES[:6]).value


@pytest.mark.parametrize("cell", ["lstm", "rnn"])
def test_every_cell_and_additive_attention_translate(cell):
    made = short(network=whorl.Recurrent(cell, hidden_size=5, num_layers=2), attention="additive", sampling=0.2)
    assert len(made.fit((SOURCES, TARGETS), verbose=False).predict(["one"])) == 1


def test_a_source_that_is_read_whole_may_be_read_forwards_alone(tmp_path):
    forwards = short(network=whorl.Recurrent("gru", hidden_size=8, bidirectional=False)).fit((SOURCES, TARGETS))
    assert forwards.model_.encoder.program.streams  # which one that reads backwards, too, does not
    assert not short().fit((SOURCES, TARGETS)).model_.encoder.program.streams
    wanted = forwards.predict(SOURCES[:6])
    forwards.save(tmp_path / "m.whorl")
    assert whorl.load(tmp_path / "m.whorl").network.bidirectional is False
    for engine in ("native", "numpy"):
        light = whorl.runtime.load(tmp_path / "m.whorl", engine=engine)
        assert light.predict(SOURCES[:6]).value == wanted.value
        stream = light.stream()
        stream.push(SOURCES[0])
        assert stream.flush()[0].value == wanted.value[:1]


def test_input_feeding_is_learned_written_and_kept_in_the_file(tmp_path):
    made = short(input_feeding=True, sampling=0.2).fit((SOURCES, TARGETS), verbose=False)
    assert made.model_.engine.program.loops
    assert made.model_.engine.name == "native"
    wanted = made.predict(SOURCES[:6])
    plain = short(sampling=0.2).fit((SOURCES, TARGETS), verbose=False).predict(SOURCES[:6])
    assert not np.isclose(wanted.score, plain.score, rtol=1e-3).any()
    made.save(tmp_path / "m.whorl")
    assert whorl.load(tmp_path / "m.whorl").input_feeding
    for engine in ("native", "numpy"):
        light = whorl.runtime.load(tmp_path / "m.whorl", engine=engine)
        assert light.predict(SOURCES[:6]).value == wanted.value
    summary = whorl.Summarizer(input_feeding=True).wiring().shape
    assert summary.input_feeding


def test_byte_pairs_are_the_default_and_come_back_as_text():
    made = short(tokens=whorl.Text(unit="bpe", most=300), longest=40).fit((SOURCES, TARGETS), verbose=False)
    reader = made.model_.reader
    (one,) = reader.encode(["x"], ["Ünïcode, 'quoted' – 3.5 €!"])
    assert reader.text_of(one.targets[:, 0]) == "Ünïcode, 'quoted' – 3.5 €!"
    assert whorl.Translator().tokens == whorl.Text(unit="bpe", most=6000)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"source": "target"}, "both 'target'"),
        ({"tokens": "bpe"}, "`tokens`"),
        ({"attention": "dott"}, "Did you mean 'dot'"),
        ({"input_feeding": 1}, "`input_feeding` is True or False"),
        ({"wait": 0}, "`wait`"),
        ({"wait": 128}, "128 tokens are read at most"),
        ({"wait": 3, "network": whorl.Recurrent("gru", bidirectional=True)}, "`network` reads both ways"),
        ({"sampling": 1.0}, "`sampling`"),
        ({"smoothing": -0.1}, "`smoothing`"),
        ({"embedding_size": 0}, "`embedding_size` is a whole number >= 1"),
        ({"dropout": True}, "`dropout`"),
        ({"longest": 1}, "`longest`"),
        ({"longest": 10**6}, "`longest` is at most 4096"),
        ({"network": "transformer"}, "`network`"),
    ],
)
def test_settings_that_do_nothing_are_refused(settings, message):
    with pytest.raises(ArgumentError, match=message):
        whorl.Translator(**settings)


def test_data_that_cannot_be_learned_from_are_refused():
    with pytest.raises(DataError, match="Bring more pairs"):
        short().fit((["one"], ["eins"]), verbose=False)
    with pytest.raises(DataError, match="`one` is not there"):
        short().fit(["one", "two"], verbose=False)
    with pytest.raises(DataError, match="'target' is empty"):
        short().fit([{"source": "one", "target": "eins"}, {"source": "two", "target": None}], verbose=False)


def test_what_is_cut_is_said(capsys):
    short(longest=3).fit((SOURCES, TARGETS), verbose=True)
    assert "16 pairs are as long as may be read, 3 tokens" in capsys.readouterr().out
