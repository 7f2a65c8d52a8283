"""The data that is shipped: small, whole, and each with a note that says whose it is."""

import io
from pathlib import Path

import av
import numpy as np
import pytest

import whorl
from whorl import datasets


def test_all_shipped_data_together_are_small():
    folder = Path(datasets.__file__).parent
    assert sum(file.stat().st_size for file in folder.iterdir() if file.is_file()) <= 8_000_000


@pytest.mark.parametrize("name", datasets.names())
def test_a_note_says_where_the_data_come_from_and_what_one_may_do_with_them(name):
    notice = datasets.path(name).with_suffix(".md").read_text(encoding="utf-8")
    assert notice.startswith(f"# {datasets.path(name).name}\n")
    for heading in ("**Source.**", "**Licence.**", "**Changes.**"):
        assert heading in notice


def test_no_note_is_left_without_its_data():
    folder = Path(datasets.__file__).parent
    assert sorted(file.stem for file in folder.glob("*.md")) == datasets.names()


def test_the_air_of_beijing_is_whole():
    columns = datasets.load("beijing_air")
    assert {len(cells) for cells in columns.values()} == {43_824}
    assert columns["time"][-1] == "2014-12-31 23:00"
    assert sum(not cell for cell in columns["pm2.5"]) == 2_067
    notice = datasets.path("beijing_air").with_suffix(".md").read_text(encoding="utf-8")
    for word in ("UCI Machine Learning Repository", "Song Xi Chen", "CC BY 4.0", "Liang"):
        assert word in notice


def test_the_japanese_vowels_are_whole():
    columns = datasets.load("japanese_vowels")
    assert {len(cells) for cells in columns.values()} == {9_961}
    utterances = list(dict.fromkeys(columns["utterance"]))
    assert utterances == [str(n) for n in range(1, 641)]
    speaker = dict(zip(columns["utterance"], columns["speaker"], strict=True))
    assert [sum(speaker[n] == who for n in utterances[:270]) for who in "123456789"] == [30] * 9
    assert all(cell for cells in columns.values() for cell in cells)
    assert (columns["lpc_1"][0], columns["lpc_12"][0]) == ("1.860936", "0.088728")


def test_the_turbofan_engines_are_whole():
    columns = datasets.load("turbofan")
    assert {len(cells) for cells in columns.values()} == {7_826}
    engines = list(dict.fromkeys(columns["engine"]))
    assert engines == [str(n) for n in range(1, 41)]
    for engine in engines:
        cycles = [cycle for name, cycle in zip(columns["engine"], columns["cycle"], strict=True) if name == engine]
        assert cycles == [str(n + 1) for n in range(len(cycles))]
    assert all(cell for cells in columns.values() for cell in cells)
    assert (columns["T24"][0], columns["W32"][0]) == ("641.82", "23.4190")


def test_the_videos_of_lips_are_whole_and_each_begins_with_a_frame_of_its_own():
    with np.load(datasets.path("grid_lips"), allow_pickle=False) as data:
        video, frames, texts = data["video"].tobytes(), data["frames"].astype(int), data["texts"].tolist()
        assert len(set(data["names"].tolist())) == 500
    with av.open(io.BytesIO(video)) as container:
        keys = [packet.is_keyframe for packet in container.demux(video=0) if packet.size]
    assert (len(keys), len(texts), len(set(texts))) == (18_997, 500, 500)
    assert np.array_equal(np.flatnonzero(keys), np.cumsum([0, *frames[:-1]]))
    assert {len(text.split()) for text in texts} == {6}
    assert (texts[0], texts[-1]) == ("bin green at h zero now", "set white with v nine again")


def test_the_plays_are_whole():
    text = datasets.path("shakespeare").read_text(encoding="utf-8")
    assert text.startswith("First Citizen:\nBefore we proceed any further, hear me speak.\n")
    assert (len(text), text.count("\n"), len(set(text))) == (559072, 19766, 63)
    assert text.endswith("\n")


def test_the_taxis_of_new_york_are_whole():
    columns = datasets.load("nyc_taxi")
    assert {len(cells) for cells in columns.values()} == {10_320}
    assert (columns["time"][0], columns["time"][-1]) == ("2014-07-01 00:00", "2015-01-31 23:30")
    assert sum(map(int, columns["anomaly"])) == 1_035
    assert (columns["passengers"][0], columns["passengers"][-1]) == ("10844", "26288")


def test_a_data_set_that_is_not_shipped_is_refused_with_the_closest_name():
    with pytest.raises(whorl.ArgumentError, match="Did you mean 'beijing_air'"):
        datasets.load("beijing_ai")


def test_the_months_of_the_stock_market_are_whole():
    columns = datasets.load("shiller")
    assert {len(cells) for cells in columns.values()} == {1_830}
    assert (columns["month"][0], columns["month"][-1]) == ("1871-01-01", "2023-06-01")
    assert (columns["price"][0], columns["price"][-1]) == ("4.44", "4345.37")
    assert [n for n, cell in enumerate(columns["return"]) if not cell] == [0]
    changes = [float(cell) for cell in columns["return"][1:]]
    prices = [float(cell) for cell in columns["price"]]
    # Prices have two digits, which is much where they are small.
    assert all(
        abs(now / before - 1 - own) < 0.003 for before, now, own in zip(prices, prices[1:], changes, strict=False)
    )
