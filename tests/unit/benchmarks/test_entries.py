"""Entries, floors and targets."""

import numpy as np
import pytest
import torch
from benchmarks import floors, targets
from benchmarks.problems import problem
from benchmarks.registry import BARS, ENTRIES, GATES, PLAIN_SIZES, Target, select
from tests.unit.benchmarks.records import peer, record

RATES = floors.Rates(flops={1: 1e11, 2: 2e11}, narrow={"bf16": 1e11, "int8": 4e11}, read={73728: 1e11, 524288: 5e10})


def test_all_cells_are_trained_at_all_sizes_and_every_bar_belongs_to_an_entry():
    plain = [entry for entry in ENTRIES.values() if entry.kind == "train" and not entry.option]
    sizes = {(entry.cell, entry.steps, entry.batch, entry.inputs, entry.hidden) for entry in plain}
    assert sizes >= {(cell, *size) for cell in GATES for size in PLAIN_SIZES}
    judged = {(entry.cell, entry.steps, entry.hidden) for entry in plain if any(t.bar for t in entry.targets)}
    assert judged >= set(BARS)


def test_a_goal_asks_for_more_than_the_bar_beside_it():
    compared = 0
    for entry in ENTRIES.values():
        bars = {(t.measure, t.against): t.limit for t in entry.targets if t.bar}
        for goal in entry.targets:
            bar = bars.get((goal.measure, goal.against))
            if not goal.bar and bar is not None:
                compared += 1
                assert goal.limit > bar if goal.at_least else goal.limit < bar, entry.name
    assert compared > 10


def test_entries_are_chosen_by_pattern_and_quick_ones_are_few():
    assert [entry.name for entry in select(only="gru 100x32x64x64 zone")] == ["train gru 100x32x64x64 zoneout"]
    assert {entry.kind for entry in select(only="step *")} == {"step"}
    assert 0 < len(select(quick=True)) < len(select()) / 3


def test_every_option_has_its_plain_entry_and_other_peers_solve_the_entry_itself():
    for entry in ENTRIES.values():
        if "whorl plain" in entry.peers:
            assert entry.solved_by("whorl plain").option == ""
            assert entry.solved_by("whorl plain").hidden == entry.hidden
            assert entry.solved_by("torch") is entry


def test_the_floor_of_training_is_three_products_at_the_measured_rate():
    entry = ENTRIES["train gru 100x64x256x256"]
    assert floors.seconds(entry, RATES) == pytest.approx(6 * 3 * 100 * 64 * 256 * (256 + 256) / 2e11)
    assert floors.seconds(entry, RATES, real_steps=3200) == pytest.approx(floors.seconds(entry, RATES) / 2)


def test_a_projection_makes_the_recurrent_product_narrower_and_adds_its_own():
    entry = ENTRIES["train lstm 100x32x64x64 projection"]
    assert floors.products(entry) == 4 * 64 * (64 + 32) + 32 * 64


def test_the_floor_of_a_step_is_reading_the_weights_and_that_of_many_streams_arithmetic():
    assert floors.seconds(ENTRIES["step lstm 8x64 fp32"], RATES) == pytest.approx(4 * 4 * 64 * 72 / 1e11)
    assert floors.seconds(ENTRIES["step lstm 256x256 int8"], RATES) == pytest.approx(4 * 256 * 512 / 5e10)
    assert floors.seconds(ENTRIES["streams lstm 64x256x256 int8"], RATES) == pytest.approx(
        2 * 64 * 4 * 256 * 512 / 4e11
    )


def once_slow(seconds):
    """The same durations, but for the first call of each: a second more, as if something else ran then."""
    seen = set()

    def with_first(*arguments):
        duration = seconds(*arguments)
        first = duration not in seen
        seen.add(duration)
        return duration + first

    return with_first


@pytest.fixture
def machine(clock, monkeypatch):
    """Products of 64 rows and columns and readings of arrays that take known times."""
    product = {(torch.float32, 2): 1e-4, (torch.float32, 1): 2e-4, (torch.bfloat16, 1): 5e-5}
    reading = {4: 0.0, 16 * 1024: 4e-6, 65536: 32e-6, 131072: 33e-6, 262144: 2e-4}
    mm = once_slow(lambda a, b: product[a.dtype, torch.get_num_threads()])
    int_mm = once_slow(lambda a, b: {(torch.int8, 1): 1e-5}[a.dtype, torch.get_num_threads()])
    dot = once_slow(lambda a, b: 1e-6 + reading[a.nbytes])
    monkeypatch.setattr(torch, "mm", clock.takes(torch.mm, mm))
    monkeypatch.setattr(torch, "_int_mm", clock.takes(torch._int_mm, int_mm))
    monkeypatch.setattr(np, "dot", clock.takes(np.dot, dot))
    threads = torch.get_num_threads()
    yield product
    torch.set_num_threads(threads)


def test_measured_rates_are_those_of_the_fastest_calls(machine):
    rates = floors.measure([4096, 65536], n=64)
    operations = 2 * 64**3
    assert rates.flops == pytest.approx({2: operations / 1e-4, 1: operations / 2e-4})
    assert rates.narrow == pytest.approx({"bf16": operations / 5e-5, "int8": operations / 1e-5})
    # The microsecond of each call is taken off, and 4 KiB are as fast as the shortest array that is read.
    assert rates.read == pytest.approx({4096: 16 * 1024 / 4e-6, 65536: 65536 / 32e-6})


def test_a_small_array_is_read_at_least_as_fast_as_each_larger_one(machine):
    rates = floors.measure([65536, 16384, 131072, 262144], n=64)
    assert rates.read == pytest.approx(
        {16384: 16384 / 4e-6, 65536: 131072 / 33e-6, 131072: 131072 / 33e-6, 262144: 262144 / 2e-4}
    )


def test_without_arithmetic_in_bf16_its_rate_is_that_of_fp32(machine):
    machine[torch.bfloat16, 1] = 8e-4
    rates = floors.measure([], n=64)
    assert rates.narrow["bf16"] == rates.flops[1]


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        (Target(measure="ratio", against="torch", limit=5), 6.0),
        (Target(measure="ratio", against="torch or jax", limit=5), 3.0),
        (Target(measure="cost", limit=1.3), 1.25),
        (Target(measure="extra", against="torch", limit=6e-6), -5e-3),
        (Target(measure="seconds", limit=7e-6), 1e-3),
        (Target(measure="rate", limit=5), 32000.0),
        (Target(measure="floor", limit=0.8), 0.5),
    ],
)
def test_targets_are_held_against_the_medians(target, reached):
    made = record(
        "train gru 100x32x64x64",
        floor=5e-4,
        whorl=peer(1e-3),
        torch=peer(6e-3),
        jax=peer(3e-3),
        whorl_plain=peer(0.8e-3),
    )
    assert targets.value(target, ENTRIES["train gru 100x32x64x64"], made) == pytest.approx(reached)
    assert targets.text(target)


def test_limits_are_minima_or_maxima():
    name = "step lstm 8x64 fp32"
    slow = record(name, whorl=peer(2e-6), torch=peer(90e-6), onnxruntime=peer(20e-6))
    fast = record(name, whorl=peer(1e-6), torch=peer(90e-6), onnxruntime=peer(20e-6))
    assert [item["met"] for item in slow["targets"]] == [False, False, False, True]
    assert [item["met"] for item in fast["targets"]] == [True, True, True, True]


def test_what_a_missing_peer_would_decide_stays_open():
    made = record("train gru 100x32x64x64", whorl=peer(1e-3), torch=peer(9e-3), jax={"red": None, "missing": "no"})
    met = {item["target"]: item["met"] for item in made["targets"]}
    assert met == {">= 6x torch": True, ">= 5x torch": True, ">= 1.2x jax": None, ">= 1.5x torch or jax": None}


def test_a_problem_is_the_same_in_every_process_and_another_for_every_entry():
    first, again = problem(ENTRIES["train gru 100x32x16x32"]), problem(ENTRIES["train gru 100x32x16x32"])
    np.testing.assert_array_equal(first.x, again.x)
    assert not np.array_equal(first.x, problem(ENTRIES["train rnn 100x32x16x32"]).x)
    lengths = problem(ENTRIES["train gru 100x32x64x64 lengths"]).lengths
    assert lengths.max() == 100
    assert lengths.min() < 50
