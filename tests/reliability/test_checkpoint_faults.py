"""What happens to a training run when disk, user or machine interfere."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.reliability.training_process import Noise, intact, network, objective, plan, sample

import whorl.errors
from whorl.errors import ResourceError
from whorl.train import EpochRecord, SilentProgress, fit
from whorl.train.checkpoint import CheckpointFolder

SCRIPT = Path(__file__).with_name("training_process.py")
SOURCE = Path(whorl.errors.__file__).parents[1]
CALLS = ("open", "write", "fsync", "replace")


def start(*arguments: str) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip


def output(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return out


class Fault:
    """Makes the N-th call of these functions of `os` fail once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int, code: int, calls: tuple[str, ...] = CALLS) -> None:
        self.left, self.code = number, code
        for name in calls:
            monkeypatch.setattr(os, name, self._counted(getattr(os, name)))

    def _counted(self, function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            self.left -= 1
            if self.left == 0:
                raise OSError(self.code, os.strerror(self.code))
            return function(*arguments, **options)

        return call


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EROFS])
def test_a_failing_file_operation_leaves_the_old_or_the_new_checkpoint(tmp_path: Path, code: int) -> None:
    """R1, R6: the N-th open, write, fsync or replace fails, for every N."""
    folder = CheckpointFolder(tmp_path)
    folder.save(1, sample(1))
    failures = 0
    for number in range(1, 100):
        step = number + 1
        before = folder.load()
        assert before is not None
        with pytest.MonkeyPatch.context() as monkeypatch:
            fault = Fault(monkeypatch, number, code)
            try:
                folder.save(step, sample(step))
            except ResourceError as error:
                assert os.strerror(code) in str(error)
                failures += 1
        intact(tmp_path, {int(before.text), step})
        if fault.left > 0:
            break
    # Two files, each with its open, write, fsync, replace, and open and fsync of the folder.
    assert failures == 12
    intact(tmp_path, {step})
    assert not list(tmp_path.glob("*.partial"))


def test_a_file_is_made_durable_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R1: what a power cut leaves depends on the order, which no error can show."""
    heard: list[str] = []

    def noted(name: str, function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            target = arguments[0] if name == "open" else arguments[1] if name == "replace" else ""
            heard.append(f"{name} {Path(str(target)).name}".strip())
            return function(*arguments, **options)

        return call

    for name in CALLS:
        monkeypatch.setattr(os, name, noted(name, getattr(os, name)))
    CheckpointFolder(tmp_path).save(3, sample(3))
    monkeypatch.undo()
    expected = []
    for file in ("step-00000003.safetensors", "latest"):
        expected += [f"open {file}.partial", "write", "fsync", f"replace {file}", f"open {tmp_path.name}", "fsync"]
    assert heard == expected


def test_a_disk_that_writes_little_at_a_time_gets_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """R1."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:1000]))
    CheckpointFolder(tmp_path).save(1, sample(1))
    monkeypatch.undo()
    intact(tmp_path, {1})


def test_a_disk_that_fills_up_ends_training_and_the_last_checkpoint_resumes(tmp_path: Path) -> None:
    """R6, and R2 after it."""
    whole = fit(network(), Noise(3), Noise(1), objective, plan(4), progress=SilentProgress())
    monkeypatch = pytest.MonkeyPatch()

    class FullAfterTwo(SilentProgress):
        def epoch(self, number: int, record: EpochRecord, best_loss: float) -> None:
            if number == 3:
                Fault(monkeypatch, 1, errno.ENOSPC, ("write",))

    with pytest.raises(
        ResourceError, match=r"could not take the checkpoint of step 9: No space left on device.*intact"
    ):
        fit(network(), Noise(3), Noise(1), objective, plan(4), progress=FullAfterTwo(), checkpoint=tmp_path)
    monkeypatch.undo()
    assert (tmp_path / "latest").read_text() == "step-00000006.safetensors\n"
    resumed = fit(
        network(), Noise(3), Noise(1), objective, plan(4), progress=SilentProgress(), checkpoint=tmp_path, resume=True
    )
    assert resumed == whole


def test_a_folder_that_cannot_be_made_is_found_out_before_the_first_step(tmp_path: Path) -> None:
    """R6: not after an hour of training."""
    (tmp_path / "file").write_text("in the way")

    class NoStep(SilentProgress):
        def step(self, loss: float) -> None:
            pytest.fail("a step was taken")

    with pytest.raises(ResourceError, match="`checkpoint` folder"):
        fit(network(), Noise(3), Noise(1), objective, plan(1), progress=NoStep(), checkpoint=tmp_path / "file" / "sub")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_process_saves_within_ten_seconds_and_resumes(tmp_path: Path, number: int, code: int) -> None:
    """R3, and R2 after it."""
    process = start("train", str(tmp_path))
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    asked = time.monotonic()
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - asked < 10
    assert process.returncode == code, err
    assert f"Resume from the checkpoint in '{tmp_path}'" in err
    assert "Traceback" not in err

    quiet, data = SilentProgress(), (Noise(1000), Noise(2))
    resumed = fit(network(), *data, objective, plan(1), progress=quiet, checkpoint=tmp_path, resume=True)
    assert resumed == fit(network(), *data, objective, plan(1), progress=quiet, num_steps=200)


@pytest.mark.slow
def test_a_process_killed_at_any_file_operation_leaves_a_checkpoint_that_loads(tmp_path: Path) -> None:
    """R1: SIGKILL at the N-th operation, for every N."""
    assert int(output(start("kill-at-call", str(tmp_path)))) >= 14


@pytest.mark.slow
def test_twenty_kills_at_random_instants_leave_a_checkpoint_that_loads(tmp_path: Path) -> None:
    """R1."""
    first, last = (int(line) for line in output(start("kill-at-random", str(tmp_path))).splitlines())
    assert last > first  # the children did save before they died


@pytest.mark.slow
def test_training_does_not_grow(tmp_path: Path) -> None:
    """R7: less than 0.5 MB per 1,000 steps."""
    assert float(output(start("memory"))) < 0.5
