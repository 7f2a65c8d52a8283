"""No time without right results: the gate, and what a run does when it is red."""

import json

import numpy as np
import pytest
from benchmarks import floors, run, verify
from benchmarks.processes import WorkerError
from benchmarks.registry import ENTRIES

FP32 = verify.BOUNDS["fp32"]
RIGHT = {
    "output": np.linspace(-1, 1, 12).reshape(3, 4),
    "h": np.linspace(-1, 1, 4),
    "grad weight_hh": np.linspace(-200, 200, 8),
}


def changed(name, change):
    found = {key: value.astype(np.float32) for key, value in RIGHT.items()}
    flat = found[name].reshape(-1)
    flat[-1] = change(flat[-1])
    return found


def test_rounding_to_float32_is_green():
    verdict = verify.compare(changed("h", lambda value: value), RIGHT, FP32)
    assert verdict.red is None
    assert 0 < verdict.output < 1e-7
    assert verdict.gradient < 1e-7


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("output", lambda value: value + 2e-5, "`output` differs by 2.0e-05, allowed are 1e-05"),
        ("h", lambda value: value - 2e-5, "`h` differs"),
        ("grad weight_hh", lambda value: value + 200 * 2e-4, "`grad weight_hh` differs by 2.0e-04"),
        ("output", lambda value: np.nan, "`output` differs by nan"),
        ("grad weight_hh", lambda value: np.inf, "`grad weight_hh` differs by inf"),
    ],
)
def test_a_perturbed_result_is_red(name, change, words):
    assert words in verify.compare(changed(name, change), RIGHT, FP32).red


def test_a_gradient_is_measured_by_its_largest_value():
    assert verify.compare(changed("grad weight_hh", lambda value: value + 200 * 5e-5), RIGHT, FP32).red is None


def test_a_missing_an_unknown_and_a_misshapen_result_are_red():
    found = changed("h", lambda value: value)
    without = {name: value for name, value in found.items() if name != "h"}
    assert "missing ['h']" in verify.compare(without, RIGHT, FP32).red
    assert "unknown ['c']" in verify.compare({**found, "c": found["h"]}, RIGHT, FP32).red
    assert "`h` differs by inf" in verify.compare({**found, "h": found["h"][None]}, RIGHT, FP32).red


def test_only_the_weights_of_whorl_may_be_narrow():
    entry = ENTRIES["step lstm 256x256 int8"]
    assert verify.bounds(entry, "whorl") == verify.BOUNDS["int8"]
    assert {verify.bounds(entry, peer).output for peer in entry.peers[1:]} == {1e-5}


ENTRY = ENTRIES["train gru 5x1x8x16"]
RATES = floors.Rates(flops={1: 1e11, 2: 2e11}, narrow={}, read={})


class Script:
    """What the workers of a test do wrong, and which of them took a sample."""

    def __init__(self):
        self.wrong, self.broken, self.sampled = set(), set(), []


class Fake:
    """A worker that knows the right results, or others, and takes a millisecond for each call."""

    def __init__(self, script, name):
        self.script, self.peer = script, name.rpartition(", ")[2]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def close(self):
        pass

    def send(self, do, **arguments):
        self.answer = self.ask(do, **arguments)

    def receive(self):
        if self.peer in self.script.broken:
            raise WorkerError("`it` has died")
        return self.answer

    def ask(self, do, path=None, **arguments):
        if do == "results":
            found = changed("output", lambda value: value + (1e-3 if self.peer in self.script.wrong else 0))
            np.savez(path, **found)
        if do == "sample":
            self.script.sampled.append(self.peer)
            return {"seconds": 1e-3, "latencies": []}
        if do == "rates":
            return {"flops": {"1": 1e11, "2": 2e11}, "narrow": {}, "read": {}}
        return {"code": "fake"}

    def processor_seconds(self):
        return 0.0


@pytest.fixture
def fake(monkeypatch):
    """Replaces the workers by those of a script."""
    script = Script()
    monkeypatch.setattr(run, "Process", lambda name, log: Fake(script, name))
    monkeypatch.setattr(run, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(run, "_is_installed", lambda peer: peer != "jax")
    return script


def test_right_peers_take_turns_and_have_times(fake, tmp_path):
    record = run.measure(ENTRY, RATES, 3, tmp_path / "log")
    assert fake.sampled == ["whorl", "torch"] * 3
    assert record["peers"]["whorl"]["seconds"] == {"median": 1e-3, "p10": 1e-3, "p90": 1e-3}
    assert record["peers"]["jax"] == {"red": None, "missing": "not installed"}
    assert record["targets"][0]["met"] is True


def test_a_wrong_peer_has_no_time(fake, tmp_path):
    fake.wrong = {"torch"}
    record = run.measure(ENTRY, RATES, 3, tmp_path / "log")
    assert set(fake.sampled) == {"whorl"}
    assert "seconds" not in record["peers"]["torch"]
    assert "`output` differs" in record["peers"]["torch"]["red"]
    assert record["targets"][0]["met"] is None


def test_nothing_is_timed_where_whorl_is_wrong(fake, tmp_path):
    fake.wrong = {"whorl"}
    record = run.measure(ENTRY, RATES, 3, tmp_path / "log")
    assert fake.sampled == []
    assert not any("seconds" in peer for peer in record["peers"].values())


def test_a_peer_that_dies_has_no_time(fake, tmp_path):
    fake.broken = {"torch"}
    assert "died" in run.measure(ENTRY, RATES, 1, tmp_path / "log")["peers"]["torch"]["red"]


@pytest.mark.parametrize(("wrong", "status"), [(set(), 0), ({"torch"}, 0), ({"whorl"}, 1)])
def test_the_exit_status_says_that_whorl_is_wrong_and_the_text_who_is(
    fake, tmp_path, capsys, monkeypatch, wrong, status
):
    fake.wrong = wrong
    monkeypatch.setattr(run, "PARTIAL", tmp_path / "partial.json")
    assert run.main(["--only", ENTRY.name, "--samples", "2"]) == status
    written = json.loads((tmp_path / "partial.json").read_text())
    assert [record["name"] for record in written["entries"]] == [ENTRY.name]
    assert not written["whole"]
    assert ("WRONG, no time" in capsys.readouterr().out) == bool(wrong)


@pytest.fixture
def whole(fake, tmp_path, monkeypatch):
    """A whole run of two entries, and the results of one before it."""
    monkeypatch.setattr(run, "_is_installed", lambda peer: True)
    monkeypatch.setattr(run, "select", lambda **chosen: [ENTRY, ENTRIES["train rnn 5x1x8x16"]])
    monkeypatch.setattr(run, "PARTIAL", tmp_path / "build" / "recurrence.json")
    monkeypatch.setattr(run, "SAVED", tmp_path / "saved.json")
    run.SAVED.write_text("before")
    return fake


def test_a_whole_run_replaces_the_results_when_it_is_complete(whole, monkeypatch):
    def measured(entry, *arguments):
        assert run.SAVED.read_text() == "before"
        return measure(entry, *arguments)

    measure = run.measure
    monkeypatch.setattr(run, "measure", measured)
    whole.wrong = {"torch"}
    assert run.main([]) == 0
    written = json.loads(run.SAVED.read_text())
    assert written["whole"]
    assert len(written["entries"]) == 2
    assert not run.PARTIAL.exists()


def test_an_interrupted_run_and_one_where_whorl_is_wrong_leave_the_results_as_they_were(whole, monkeypatch):
    whole.wrong = {"whorl"}
    assert run.main([]) == 1
    assert run.SAVED.read_text() == "before"
    whole.wrong, measure = set(), run.measure

    def interrupted(entry, *arguments):
        if entry is not ENTRY:
            raise KeyboardInterrupt
        return measure(entry, *arguments)

    monkeypatch.setattr(run, "measure", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.main([])
    assert run.SAVED.read_text() == "before"
    assert len(json.loads(run.PARTIAL.read_text())["entries"]) == 1


def test_a_pattern_without_entries_is_an_error(capsys):
    with pytest.raises(SystemExit):
        run.main(["--only", "nothing like this"])
    assert "no entry's name holds" in capsys.readouterr().err
