"""The peers that need no other library: each solves the problem that it is said to solve."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from benchmarks import problems, verify
from benchmarks.peers import loops, torch_training, whorl_training
from benchmarks.problems import problem
from benchmarks.processes import Process, WorkerError
from benchmarks.registry import ENTRIES, GATES, OPTIONS


@pytest.fixture(autouse=True)
def same_threads():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def many_resets(monkeypatch):
    """So few steps would hold none."""
    monkeypatch.setattr(problems, "RESET_EVERY", 4)


def short(cell, option):
    """An entry that takes no time; a problem is drawn for its name, whatever its sizes."""
    return replace(ENTRIES["train gru 100x32x64x64"], cell=cell, option=option, steps=9, batch=3, inputs=5, hidden=6)


def worst(found, expected):
    assert found.keys() == expected.keys()
    assert all(found[name].shape == expected[name].shape for name in expected)
    # Python's own `max` passes over NaN.
    return float(np.max([np.abs(found[name] - expected[name]).max() for name in expected]))


@pytest.mark.parametrize("sick", ["first", "last"])
def test_a_result_that_is_not_a_number_is_seen_wherever_it_stands(sick):
    expected = {"first": np.zeros(2), "last": np.zeros(2)}
    assert not worst(expected | {sick: np.array([0.0, np.nan])}, expected) < 1e-13


@pytest.mark.parametrize("cell", GATES)
def test_the_loop_and_the_layer_of_torch_agree_in_float64(cell):
    entry = short(cell, "")
    looped = torch_training.torch_pass(entry, torch.float64, looped=True).results()
    layered = torch_training.torch_pass(entry, torch.float64).results()
    # Both in float64; only the order of additions differs.
    assert worst(looped, layered) < 1e-13


@pytest.mark.parametrize("cell", GATES)
def test_a_reset_is_a_layer_that_starts_again(cell):
    entry = short(cell, "resets")
    given = problem(entry)
    looped = torch_training.torch_pass(entry, torch.float64).results()
    layer = torch_training.torch_layer(entry, given, torch.float64)
    assert given.resets.any()
    for row in range(entry.batch):
        state = [torch.tensor(part[None, row]).double() for part in given.state]
        for t in range(entry.steps):
            state = [part * float(not given.resets[t, row]) for part in state]
            output, final = layer(torch.tensor(given.x[t : t + 1, row]).double(), _fed(state))
            state = list(final) if cell == "lstm" else [final]
            np.testing.assert_allclose(looped["output"][t, row], output[0].detach(), rtol=0, atol=1e-13)


def _fed(state):
    return tuple(state) if len(state) == 2 else state[0]


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("option", ["", *OPTIONS])
def test_whorl_passes_the_gate_with_every_option(cell, option):
    if option == "projection":
        cell = "lstm"
    entry = short(cell, option)
    found = whorl_training.build(entry, "whorl").results()
    expected = torch_training.torch_pass(entry, torch.float64).results()
    verdict = verify.compare(found, expected, verify.BOUNDS["fp32"])
    assert verdict.red is None
    assert verdict.gradient is not None


@pytest.mark.parametrize("option", ["zoneout", "recurrent dropout", "layer norm", "resets", "lengths"])
def test_an_option_changes_the_answer(option):
    given = torch_training.torch_pass(short("gru", option), torch.float64).results()
    seed = problem(short("gru", option))
    weights = {name: torch.tensor(value).double() for name, value in seed.layer.present().items() if "norm" not in name}
    x, state = torch.tensor(seed.x).double(), [torch.tensor(part).double() for part in seed.state]
    plain = loops.scan("gru", weights, loops.Masks(), None, x, state)
    assert np.abs(given["output"] - plain[0].numpy()).max() > 1e-3


def test_no_two_calls_with_new_lengths_have_the_same_number_of_steps(monkeypatch):
    subject = torch_training.torch_pass(short("gru", "new lengths"), torch.float32)
    read = []
    forward = subject._forward
    monkeypatch.setattr(subject, "_forward", lambda x, state: read.append(len(x)) or forward(x, state))
    measured = subject.subject()
    for _ in range(4):
        measured.call()
    measured.warm()
    assert read == [8, 10, 7, 11, 9]
    assert measured.calls == 2


@pytest.mark.slow
def test_a_worker_builds_verifies_and_takes_samples(tmp_path):
    for name, peer, latencies in (("train gru 5x1x8x16", "whorl", 0), ("step gru 8x16 fp32", "whorl", 30)):
        with Process("a worker", tmp_path / "log") as process:
            assert process.ask("build", entry=name, peer=peer)["code"]
            process.ask("results", path=str(tmp_path / "found.npz"))
            with np.load(tmp_path / "found.npz") as found:
                assert np.isfinite(found["output"]).all()
            assert process.ask("prepare")["calls"] >= 1
            sample = process.ask("sample", latencies=latencies)
            assert sample["seconds"] > 0
            assert len(sample["latencies"]) == latencies
            with pytest.raises(WorkerError, match="no such entry"):
                process.ask("build", entry="no such entry", peer=peer)
            assert process.processor_seconds() > 0


def test_a_worker_that_dies_is_an_error(tmp_path):
    with Process("a worker", tmp_path / "log") as process:
        process._child.kill()
        process._child.wait()
        with pytest.raises(WorkerError, match="has died"):
            process.ask("prepare")
