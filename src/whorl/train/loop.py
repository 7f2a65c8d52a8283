"""The training loop: the same for every network and every task."""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from torch import nn

from whorl.data.batches import Batches
from whorl.errors import ArgumentError, DataError, ModelFileError, TrainingError
from whorl.plans.training import Training
from whorl.train.budget import planned_steps
from whorl.train.checkpoint import Checkpoint, CheckpointFolder
from whorl.train.device import choose_device, placed, private_randomness
from whorl.train.history import History
from whorl.train.interrupt import Interrupted, Signals
from whorl.train.objective import Objective
from whorl.train.progress import Progress, TerminalProgress
from whorl.train.record import RunRecord
from whorl.train.run import Run
from whorl.train.step import take_step, validate_batch


def fit(
    network: nn.Module,
    train: Batches,
    valid: Batches | None,
    objective: Objective,
    training: Training,
    *,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    part: str = "",
    resume: bool = False,
    num_steps: int | None = None,
    num_epochs: int | None = None,
    task: str = "",
) -> History:
    """Trains a network and leaves it in eval mode with the weights of its best epoch; of its last without `patience`.

    One seed gives one history, bit for bit on a CPU, also when the run is interrupted and resumed anywhere. The
    caller's random numbers, signal handlers and threads are left alone.

    Args:
        network: an initialised network; it is trained in place, on the training device, and brought back.
        train: what is learned from.
        valid: what early stopping and the choice of the best epoch look at. None where nothing is held out; losses of
            training stand in its place in the history then.
        objective: how wrong the network is about a batch.
        training: the settings; `epochs`, `batch_size` and `learning_rate` must have been chosen.
        progress: who is told; None draws a bar if stderr is a terminal.
        checkpoint: folder for checkpoints, written at the start, after every epoch and on interruption.
        part: of a fit that has several runs, the folder of this one within `checkpoint`.
        resume: goes on from the checkpoint in that folder.
        num_steps: takes exactly so many steps (unless patience ends first) instead of timing `max_seconds`:
            `History.num_steps` of a timed run replays it.
        num_epochs: ends after so many epochs, of a schedule that spans all of them: `History.kept_epoch` of another
            run repeats it on other data.
        task: what else must be the same when the run is resumed, such as the wiring and the recipe.

    Raises:
        ArgumentError: a setting is missing, or a fresh run would overwrite an unfinished one.
        ModelFileError: the checkpoint is damaged or of another run.
        TrainingError: loss or gradient is not a number; the network has the weights kept so far.
        ResourceError: there is no such device, or the disk is full; the last checkpoint is intact.
        Interrupted: Ctrl-C or SIGTERM came, and the checkpoint is saved.
    """
    started = time.perf_counter()
    _check(train, valid, training, checkpoint, resume, num_steps)
    device = choose_device(training.device)
    folder = None if checkpoint is None else CheckpointFolder(checkpoint, part)
    progress = TerminalProgress() if progress is None else progress
    held = nullcontext() if folder is None else folder.held()
    with held, placed(network, device), private_randomness(device), Signals() as signals:
        run = Run(network, train, valid, objective, training, device, task, num_epochs)
        saved = _saved(folder, resume)
        if saved is not None:
            run.restore(saved)
        try:
            if run.record.num_steps == 0:
                run.record.num_steps = num_steps or planned_steps(
                    run, lambda: _save(run, folder), started, signals.check
                )
                _save(run, folder)
            elif num_steps not in (None, run.record.num_steps):
                raise ArgumentError(
                    f"`num_steps` is {num_steps}, but the run that is resumed has {run.record.num_steps}. Leave it out."
                )
            progress.start(run.last_step, run.record.step)
            _train(run, folder, progress, signals.check)
        except Interrupted as interrupt:
            raise _after_saving(run, folder, interrupt) from None
        except TrainingError:
            run.use_kept()
            raise
        finally:
            progress.done()
        run.use_kept()
        assert run.record.stopped is not None
        return run.history(run.record.stopped)


def forget(checkpoint: Path, *parts: str) -> None:
    """Removes the checkpoints of runs that are finished; raises ArgumentError, and removes none, where one is not."""
    folders = [CheckpointFolder(checkpoint, part) for part in parts]
    for folder in folders:
        _saved(folder, resume=False)
    for folder in folders:
        folder.clear()


def is_begun(checkpoint: Path, part: str) -> bool:
    """Whether a folder holds a checkpoint."""
    return CheckpointFolder(checkpoint, part).latest() is not None


def _train(run: Run, folder: CheckpointFolder | None, progress: Progress, check: Callable[[], None]) -> None:
    record = run.record
    while record.stopped is None:
        epoch = len(record.epochs)
        run.network.train()
        for index in run.indices_left():
            started = time.perf_counter()
            loss = take_step(run, epoch, index)
            record.step += 1
            record.meter.seconds += time.perf_counter() - started
            progress.step(loss)
            check()
        started = time.perf_counter()
        valid_loss = _validate(run, check)
        record.meter.seconds += time.perf_counter() - started
        finished = run.finish_epoch(valid_loss)
        progress.epoch(epoch + 1, finished, min(each.valid_loss for each in record.epochs))
        _save(run, folder)
        check()


def _validate(run: Run, check: Callable[[], None]) -> float:
    """Returns the mean loss of the validation part; that of training where there is none."""
    if run.valid is None:
        meter = run.record.meter
        return meter.loss / meter.weight if meter.weight > 0 else math.nan
    run.network.eval()
    loss, weight, state = 0.0, 0.0, None
    for index in range(len(run.valid)):
        batch_loss, batch_weight, state = validate_batch(run, index, state)
        loss += batch_loss
        weight += batch_weight
        check()
    if weight <= 0:
        raise DataError(
            "The validation part has no example with a known target and a weight. Hold out more by `validation`, or "
            "bring examples whose targets are known."
        )
    return loss / weight


def _save(run: Run, folder: CheckpointFolder | None) -> None:
    if folder is not None:
        folder.save(run.record.step, run.capture())


def _saved(folder: CheckpointFolder | None, resume: bool) -> Checkpoint | None:
    """Returns what a resumed run starts from; a fresh one must not destroy hours of work."""
    saved = None if folder is None else folder.load()
    if folder is None or (saved is None and not resume):
        return None
    if saved is None:
        raise ModelFileError(
            f"`checkpoint` folder '{folder.given}' holds no checkpoint to resume. Train without resume."
        )
    if resume:
        return saved
    record = RunRecord.from_json(saved.text)
    if record.stopped is None and record.step > 0:
        raise ArgumentError(
            f"`checkpoint` folder '{folder.given}' holds an unfinished run, at step {record.step} of "
            f"{record.num_steps}. Resume it with resume=True (--resume), give another folder, or delete this one."
        )
    return None


def _after_saving(run: Run, folder: CheckpointFolder | None, interrupt: Interrupted) -> Interrupted:
    _save(run, folder)
    record = run.record
    where = f"{interrupt} {record.step} of {run.last_step} steps were taken. "
    if folder is None:
        advice = "Nothing was saved, because there is no `checkpoint` folder."
    else:
        advice = f"Resume from the checkpoint in '{folder.given}' with resume=True (--resume)."
    if record.epochs:
        run.use_kept()
    history = run.history("interrupted")
    return Interrupted(where + advice, signal_number=interrupt.signal_number, history=history)


def _check(
    train: Batches,
    valid: Batches | None,
    training: Training,
    checkpoint: Path | None,
    resume: bool,
    num_steps: int | None,
) -> None:
    for name in ("epochs", "batch_size", "learning_rate"):
        if getattr(training, name) is None:
            raise ArgumentError(f"`{name}` must be chosen before training, but is None. Give a number.")
    for part, batches in (("training", train), ("validation", valid)):
        if batches is not None and len(batches) == 0:
            raise DataError(f"The {part} part has no examples, but needs at least one. Give more data.")
    assert training.epochs is not None
    most = training.epochs * len(train)
    if num_steps is not None and not 1 <= num_steps <= most:
        raise ArgumentError(
            f"`num_steps` lies between 1 and the {most} steps of {training.epochs} epochs, but is {num_steps}. "
            "Raise `epochs`."
        )
    if resume and checkpoint is None:
        raise ArgumentError("`resume` needs the folder of the run to go on with, but `checkpoint` is None. Give it.")
