"""The page and the picture of the benchmarks."""

import json

import pytest
from benchmarks import linear_scan, page, picture, printing
from benchmarks.registry import ENTRIES
from tests.unit.benchmarks.records import peer, record, results

GRU = record("train gru 100x32x64x64", whorl=peer(2e-3), torch=peer(14e-3), jax=peer(1.9e-3))
ZONEOUT = record(
    "train gru 100x32x64x64 zoneout", whorl=peer(2.5e-3), whorl_plain=peer(2e-3), torch=peer(red="`h` differs by 1")
)
STEP = record("step lstm 8x64 fp32", floor=7e-7, latency=True, whorl=peer(1e-6), torch=peer(9e-5))
STREAMS = record("streams lstm 64x256x256 fp32", whorl=peer(1e-3), torch_cell=peer(2e-3))
ALL = results(GRU, ZONEOUT, STEP, STREAMS)


def test_the_page_has_times_ratios_and_the_share_of_the_floor():
    text = page.page(ALL, "")
    assert "| gru 100x32x64x64 | 2.00 ms (1.80 ms to 2.40 ms) |" in text
    assert "| 7.00x | 0.95x | 50% | output 3e-07 state 2e-07 gradient 4e-06 |" in text
    assert "| lstm 8x64 | whorl | 1.00 us | 2.00 us | 3.00 us | 100,000 |" in text
    assert "| 64,000 |" in text
    assert "jax not installed" in text


def test_losses_and_missed_targets_stand_on_the_page_and_in_the_summary():
    for text in (page.page(ALL, ""), printing.summary_lines(ALL["entries"])):
        assert "missed" in text
        assert "0.95" in text
    assert "| train gru 100x32x64x64 | jax | 0.95x |" in page.page(ALL, "")
    assert "In none of these entries." in page.page(results(STEP), "")


def test_the_page_says_how_far_results_may_be_off():
    words = " ".join(page.page(ALL, "").split())
    narrow = "(those of whorl by 0.01 with bf16 weights, by 0.05 with int8 weights)"
    assert f"may differ by 1e-05 {narrow}, gradients by 0.0001 of their largest value" in words


def test_entries_that_are_missing_in_the_results_are_named():
    text = page.page(ALL, "")
    assert f"{len(ENTRIES) - 4} of {len(ENTRIES)} entries are missing" in text
    assert "- step lstm 256x256 int8\n" in text
    assert "- step lstm 8x64 fp32\n" not in text
    everything = [record(name, whorl=peer(1e-3)) for name in ENTRIES]
    assert "Not measured" not in page.page(results(*everything), "")


def test_what_is_wrong_has_no_time():
    text = page.page(ALL, "")
    assert "| wrong results |" in text
    lines = printing.entry_lines(ZONEOUT)
    assert "WRONG, no time: `h` differs by 1" in lines
    assert "torch: not measured" in lines


def test_notes_stand_below_the_targets():
    text = page.page(ALL, "### Why\n\nBecause.\n")
    assert text.index("## Bars and goals") < text.index("Because.") < text.index("## Where another library is faster")


def test_every_table_has_as_many_cells_in_every_row():
    for table in page.page(ALL, "").split("\n\n"):
        rows = [line.count("|") for line in table.splitlines() if line.startswith("|")]
        assert len(set(rows)) <= 1


def test_the_picture_carries_which_results_it_shows(tmp_path):
    path = tmp_path / "picture.png"
    carried = page.digest(json.dumps(ALL))
    picture.draw(ALL["entries"], path, carried)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert carried.encode() in path.read_bytes()


def linear(part, **ways):
    ways = {name.replace("_", " "): seconds for name, seconds in ways.items()}
    return {"part": part, "threads": 2, "cell": "lru", "batch": 1, "steps": 1000, "hidden": 64, "ways": ways}


MACHINE = {"cores": 2, "processor": "Some Processor", "versions": {"torch": "2.12"}}
SCAN = linear("scan", native=1e-3, loop=16e-3, parallel_scan=20e-3, copy_of_as_many_bytes=2e-3)


def test_check_names_what_is_not_up_to_date(tmp_path, monkeypatch):
    files = {"RESULTS": "r.json", "NOTES": "n.md", "LINEAR": "l.json", "PAGE": "p.md", "PICTURE": "p.png"}
    for name, file in files.items():
        monkeypatch.setattr(page, name, tmp_path / file)
    monkeypatch.setattr(page, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match=r"r.json is missing. Run: make bench"):
        page.main(["--check"])
    page.RESULTS.write_text(json.dumps(ALL))
    with pytest.raises(SystemExit, match=r"p.md and p.png: not up to date"):
        page.main(["--check"])
    page.main([])
    page.main(["--check"])
    page.RESULTS.write_text(json.dumps(results(STEP)))
    with pytest.raises(SystemExit, match=r"p.md and p.png"):
        page.main(["--check"])
    page.main([])
    page.LINEAR.write_text(json.dumps({"rounds": 3, "machine": MACHINE, "records": [SCAN]}))
    with pytest.raises(SystemExit, match=r"p.md: not up to date"):
        page.main(["--check"])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1.234e-7, "0.12 us"),
        (9.99e-7, "1.00 us"),
        (1.5e-5, "15.0 us"),
        (0.01234, "12.3 ms"),
        (0.25, "250 ms"),
        (3, "3.00 s"),
    ],
)
def test_durations_have_a_unit(seconds, text):
    assert printing.duration(seconds) == text


def test_linear_recurrences_stand_beside_the_fastest_way_of_torch():
    other = linear("scan", native=1e-3, loop="other numbers", parallel_scan=14e-3, copy_of_as_many_bytes=2e-3)
    layer = linear("layer", native=2e-3, loop=9e-3, parallel_scan=7e-3)
    text = page.page(ALL, "", {"rounds": 3, "machine": MACHINE, "records": [SCAN, other, layer]})
    assert "least of 3 rounds" in text
    assert "2 cores of Some Processor, torch 2.12" in text
    assert "1 of 2 scans reach 15x." in text
    assert "| lru | 1 x 1,000 x 64 | 2 | 1.00 ms | 16.0 ms | loop | 16.0x | 2.00 ms |\n" in text
    assert "| lru | 1 x 1,000 x 64 | 2 | 1.00 ms | 14.0 ms | parallel scan | 14.0x | 2.00 ms |\n" in text
    assert "| lru | 1 x 1,000 x 64 | 2 | 2.00 ms | 7.00 ms | parallel scan | 3.5x |\n" in text


@pytest.mark.parametrize("part", ["scan", "layer"])
@pytest.mark.parametrize("cell", ["mingru", "minlstm", "lru"])
def test_ways_to_write_a_linear_recurrence_in_torch_agree_with_native_code(part, cell):
    timed = linear_scan.problem(part, cell, 2, 9, 5)
    wanted = linear_scan.once(linear_scan.linear.scan, timed)[1]
    for way in linear_scan.ways(cell, compiled=False).values():
        assert linear_scan.agrees(linear_scan.once(way, timed)[1], wanted)
    assert not linear_scan.agrees([wanted[0] + 1.0], wanted[:1])
