"""From seconds to a number of steps."""

import time
from collections.abc import Callable

from whorl.train.run import Run
from whorl.train.step import take_step, validate_batch

# A rehearsal may take this share of the budget, for steps and for validation each.
REHEARSAL_SHARE = 0.03
REHEARSAL_MOST = 400
# Allowances that the first call may take for another one to be tried.
FIRST_MOST = 4.0
# What the clock has shown is promised with this margin: later steps meet other work on the machine.
MARGIN = 0.95


def planned_steps(run: Run, save: Callable[[], None], started: float, check: Callable[[], None]) -> int:
    """Returns the number of steps of all epochs, or those that `max_seconds` allows.

    Args:
        run: a run before its first step; it is rehearsed and left as it was.
        save: writes the checkpoint, whose time counts too.
        started: when the clock of `max_seconds` began, in the terms of `time.perf_counter`.
        check: called between batches; may raise.
    """
    training, steps_per_epoch = run.training, len(run.train)
    assert training.epochs is not None
    most = training.epochs * steps_per_epoch
    if training.max_seconds is None:
        return most

    def step(index: int) -> None:
        take_step(run, 0, index)
        check()

    def validate(index: int) -> None:
        validate_batch(run, index, None)
        check()

    allowance = training.max_seconds * REHEARSAL_SHARE
    with run.rehearsal():
        run.record.num_steps = most
        run.network.train()
        step_s = seconds_each(step, steps_per_epoch, allowance)
        run.network.eval()
        count = 0 if run.valid is None else len(run.valid)
        validation_s = seconds_each(validate, count, allowance) * count if count else 0.0
    saving = time.perf_counter()
    save()
    now = time.perf_counter()
    left = training.max_seconds - (now - started)
    epoch_end_s = validation_s + (now - saving)
    steps = affordable_steps(left, step_s=step_s, epoch_end_s=epoch_end_s, steps_per_epoch=steps_per_epoch)
    return min(most, steps)


def seconds_each(task: Callable[[int], object], count: int, allowance: float) -> float:
    """Returns the mean seconds of `task(index)` for index < count, tried on as many as the allowance covers.

    The first call also pays for memory and lazily loaded code, so it says enough only where another would cost far more
    than the allowance.
    """
    started = time.perf_counter()
    task(0)
    first = time.perf_counter() - started
    if first > FIRST_MOST * allowance:
        return first
    least = 3 if first <= allowance else 1
    started = time.perf_counter()
    spent, tried = 0.0, 0
    while tried < min(count, REHEARSAL_MOST) and (tried < least or spent < allowance):
        task(tried)
        tried += 1
        spent = time.perf_counter() - started
    return spent / tried


def affordable_steps(seconds: float, *, step_s: float, epoch_end_s: float, steps_per_epoch: int) -> int:
    """Returns how many steps fit into the time when every epoch, whole or begun, has an end; at least 1.

    Args:
        seconds: what is left.
        step_s: time of one step.
        epoch_end_s: time of what closes an epoch: validation and the checkpoint.
        steps_per_epoch: steps between two such ends.
    """
    left = seconds * MARGIN
    epoch_s = steps_per_epoch * step_s + epoch_end_s
    whole = max(0, int(left / epoch_s))
    begun = min(steps_per_epoch, int((left - whole * epoch_s - epoch_end_s) / step_s))
    return max(1, whole * steps_per_epoch + max(0, begun))
