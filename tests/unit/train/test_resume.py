"""R2: a run that is stopped anywhere and resumed equals one that was never stopped."""

import signal
from pathlib import Path

import pytest
import torch
from tests.unit.conftest import Clock
from tests.unit.train.tiny import PLAN, TRAIN, VALID, Sums, network, objective, plan, weights

from whorl.errors import ArgumentError, ModelFileError, ResourceError
from whorl.plans.training import Training
from whorl.train import EpochRecord, History, Interrupted, SilentProgress, TensorBatch, fit
from whorl.train.checkpoint import CheckpointFolder
from whorl.train.objective import Carried, Loss


class StopAfter(SilentProgress):
    """Presses Ctrl-C after a number of steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self, loss: float) -> None:
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)


class StopAtEpoch(SilentProgress):
    """Presses Ctrl-C when an epoch has just been validated."""

    def epoch(self, number: int, record: EpochRecord, best_loss: float) -> None:
        signal.raise_signal(signal.SIGINT)


def run(
    net: torch.nn.Module,
    folder: Path | None,
    *,
    training: Training = PLAN,
    stop: SilentProgress | None = None,
    resume: bool = False,
    train: Sums = TRAIN,
    num_steps: int | None = None,
) -> History:
    progress = stop or SilentProgress()
    return fit(
        net, train, VALID, objective, training, progress=progress, checkpoint=folder, resume=resume, num_steps=num_steps
    )


@pytest.fixture(scope="module")
def whole() -> tuple[History, dict[str, bytes]]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    net = network()
    history = run(net, None)
    torch.set_num_threads(threads)
    return history, weights(net)


@pytest.mark.parametrize("steps", range(1, 13))
def test_a_run_stopped_after_any_step_resumes_bit_for_bit(
    tmp_path: Path, steps: int, whole: tuple[History, dict[str, bytes]]
) -> None:
    with pytest.raises(Interrupted, match=f"SIGINT. {steps} of 12 steps were taken.*resume=True") as stopped:
        run(network(), tmp_path, stop=StopAfter(steps))
    assert stopped.value.exit_code == 130
    # Another network object with other weights: everything must come out of the checkpoint.
    net = network(seed=99)
    assert run(net, tmp_path, resume=True) == whole[0]
    assert weights(net) == whole[1]


def test_a_run_stopped_after_every_step_in_turn_resumes_bit_for_bit(
    tmp_path: Path, whole: tuple[History, dict[str, bytes]]
) -> None:
    for step in range(12):
        with pytest.raises(Interrupted):
            run(network(seed=1 + step), tmp_path, stop=StopAfter(1), resume=step > 0)
    net = network(seed=99)
    assert run(net, tmp_path, resume=True) == whole[0]
    assert weights(net) == whole[1]


def test_a_run_stopped_between_epochs_and_within_validation_resumes_bit_for_bit(
    tmp_path: Path, whole: tuple[History, dict[str, bytes]]
) -> None:
    with pytest.raises(Interrupted) as stopped:
        run(network(), tmp_path, stop=StopAtEpoch())
    assert stopped.value.history is not None
    assert stopped.value.history.epochs == whole[0].epochs[:1]
    assert stopped.value.history.stopped == "interrupted"

    def stopping(net: torch.nn.Module, batch: TensorBatch, state: Carried, /) -> Loss:
        if not net.training:
            signal.raise_signal(signal.SIGINT)
        return objective(net, batch, state)

    with pytest.raises(Interrupted, match="8 of 12 steps"):
        fit(network(), TRAIN, VALID, stopping, PLAN, progress=SilentProgress(), checkpoint=tmp_path, resume=True)
    net = network(seed=99)
    assert run(net, tmp_path, resume=True) == whole[0]
    assert weights(net) == whole[1]


def test_an_interrupted_network_has_the_best_weights_so_far(tmp_path: Path) -> None:
    net, one_epoch = network(), network()
    training = plan(schedule="constant")
    with pytest.raises(Interrupted):
        run(net, tmp_path, training=training, stop=StopAfter(6))
    run(one_epoch, None, training=plan(schedule="constant", epochs=1))
    assert weights(net) == weights(one_epoch)


def test_checkpoints_do_not_change_the_run(tmp_path: Path, whole: tuple[History, dict[str, bytes]]) -> None:
    net = network()
    assert run(net, tmp_path / "new" / "folder") == whole[0]
    assert weights(net) == whole[1]


def test_a_finished_run_resumes_to_its_end_without_a_step(
    tmp_path: Path, whole: tuple[History, dict[str, bytes]]
) -> None:
    run(network(), tmp_path)
    net = network(seed=99)
    assert run(net, tmp_path, resume=True, stop=StopAfter(1)) == whole[0]
    assert weights(net) == whole[1]


def test_early_stopping_counts_on_where_it_was(tmp_path: Path) -> None:
    training = plan(epochs=30, patience=1, learning_rate=0.3)
    whole = run(network(), None, training=training)
    assert whole.stopped == "patience"
    for _ in whole.epochs:
        with pytest.raises(Interrupted):
            run(network(), tmp_path, training=training, stop=StopAtEpoch(), resume=any(tmp_path.iterdir()))
    assert run(network(), tmp_path, training=training, resume=True) == whole


def test_a_timed_run_resumes_with_the_steps_it_had_planned(tmp_path: Path, clock: Clock) -> None:
    clock.tick = 1e-3
    training = plan(epochs=100_000, max_seconds=0.3)
    with pytest.raises(Interrupted) as stopped:
        run(network(), tmp_path, training=training, stop=StopAfter(1))
    assert stopped.value.history is not None
    planned = stopped.value.history.num_steps
    resumed, replayed = network(seed=99), network()
    history = run(resumed, tmp_path, training=training, resume=True)
    assert history.num_steps == planned
    assert run(replayed, None, training=training, num_steps=planned) == history
    assert weights(resumed) == weights(replayed)


def test_a_run_killed_before_its_budget_was_planned_plans_it_when_resumed(tmp_path: Path) -> None:
    def stopping(net: torch.nn.Module, batch: TensorBatch, state: Carried, /) -> Loss:
        signal.raise_signal(signal.SIGTERM)
        return objective(net, batch, state)

    training = plan(max_seconds=3600.0)
    net = network()
    start = weights(net)
    with pytest.raises(Interrupted, match="SIGTERM") as stopped:
        fit(net, TRAIN, VALID, stopping, training, progress=SilentProgress(), checkpoint=tmp_path)
    assert stopped.value.exit_code == 143
    assert weights(net) == start  # the steps of a rehearsal are taken back
    assert run(network(), tmp_path, training=training, resume=True).num_steps == 12


def test_a_run_can_be_resumed_from_its_first_step_on(tmp_path: Path) -> None:
    seen = []

    class Look(SilentProgress):
        def start(self, num_steps: int, steps_taken: int) -> None:
            seen.append((tmp_path / "latest").read_text())

    run(network(), tmp_path, stop=Look())
    assert seen == ["step-00000000.safetensors\n"]


def test_the_two_newest_checkpoints_are_kept_and_latest_names_the_newest(tmp_path: Path) -> None:
    run(network(), tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["latest", "step-00000008.safetensors", "step-00000012.safetensors"]
    assert (tmp_path / "latest").read_text() == "step-00000012.safetensors\n"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 0.02}, "`learning_rate` is 0.02, but the checkpoint was trained with 0.01"),
        ({"epochs": 4}, "`epochs` is 4, but the checkpoint was trained with 3"),
        ({"seed": 8}, "`seed` is 8"),
    ],
)
def test_other_settings_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    run(network(), tmp_path)
    with pytest.raises(ModelFileError, match=message):
        run(network(), tmp_path, training=plan(**changes), resume=True)


def test_the_folder_may_move_and_be_named_otherwise(tmp_path: Path) -> None:
    run(network(), tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")
    run(network(), tmp_path / "b", training=plan(checkpoint=str(tmp_path / "b")), resume=True)


def test_other_data_and_other_networks_are_refused(tmp_path: Path) -> None:
    run(network(), tmp_path)
    with pytest.raises(ModelFileError, match="The data differs"):
        run(network(), tmp_path, train=Sums(noise=0.2), resume=True)
    with pytest.raises(ModelFileError, match="The data differs"):
        run(network(), tmp_path, train=Sums(num_batches=5), resume=True)
    with pytest.raises(ModelFileError, match="The network differs"):
        run(network().double(), tmp_path, resume=True)


def test_a_fresh_run_does_not_overwrite_an_unfinished_one(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run(network(), tmp_path, stop=StopAfter(5))
    with pytest.raises(ArgumentError, match="holds an unfinished run, at step 5 of 12"):
        run(network(), tmp_path)
    run(network(), tmp_path, resume=True)
    assert run(network(), tmp_path) == run(network(), None)  # over the finished one


def test_there_must_be_something_to_resume(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="holds no checkpoint to resume"):
        run(network(), tmp_path, resume=True)
    with pytest.raises(ArgumentError, match="`resume` needs the folder"):
        run(network(), None, resume=True)
    run(network(), tmp_path)
    with pytest.raises(ArgumentError, match="`num_steps` is 5, but the run that is resumed has 12"):
        run(network(), tmp_path, resume=True, num_steps=5)


def test_every_flipped_byte_and_every_truncation_is_noticed(tmp_path: Path) -> None:
    run(network(), tmp_path)
    path = tmp_path / "step-00000012.safetensors"
    good = path.read_bytes()
    for position in [*range(64), *range(64, len(good), 97), len(good) - 1]:
        path.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        with pytest.raises(ModelFileError, match=r"cannot be used.*Write 'step-00000008.safetensors' into 'latest'"):
            CheckpointFolder(tmp_path).load()
    for length in [0, 7, 8, 100, len(good) // 2, len(good) - 1]:
        path.write_bytes(good[:length])
        with pytest.raises(ModelFileError, match="cannot be used"):
            CheckpointFolder(tmp_path).load()


def test_the_advice_for_a_damaged_checkpoint_works(tmp_path: Path, whole: tuple[History, dict[str, bytes]]) -> None:
    run(network(), tmp_path)
    (tmp_path / "step-00000012.safetensors").unlink()
    with pytest.raises(ModelFileError, match="is not there"):
        run(network(), tmp_path, resume=True)
    (tmp_path / "latest").write_text("step-00000008.safetensors")
    assert run(network(), tmp_path, resume=True) == whole[0]


@pytest.mark.parametrize("name", ["", "../other/step-00000001.safetensors", "model.pkl", "\xff\x00"])
def test_latest_can_name_nothing_but_a_checkpoint_beside_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "latest").write_text(name, encoding="latin-1")
    with pytest.raises(ModelFileError, match="holds the name of a checkpoint"):
        CheckpointFolder(tmp_path).load()


def test_two_runs_never_share_a_folder(tmp_path: Path) -> None:
    """R1: the second is refused before it writes anything."""
    folder = CheckpointFolder(tmp_path / "runs")
    with (
        folder.held(),
        pytest.raises(ResourceError, match="in use by another run"),
        CheckpointFolder(folder.path).held(),
    ):
        pass
    with CheckpointFolder(folder.path).held():
        assert list(folder.path.iterdir()) == []
