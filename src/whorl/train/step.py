"""One step of learning and one batch of validation."""

import math

import torch
from torch import Tensor

from whorl.errors import TrainingError
from whorl.train.device import seed_batch
from whorl.train.history import kept_epoch
from whorl.train.objective import Carried, TensorBatch, detached, to_tensors
from whorl.train.optim import clip, gradient_norm, learning_rate
from whorl.train.run import Run

# The place of the epoch in the seeds of validation batches, where no training batch can be.
VALIDATION = -1
SMALLEST_WEIGHT = 1e-12


def take_step(run: Run, epoch: int, index: int) -> float:
    """Learns from one batch; returns its mean loss."""
    training, record, optimizer = run.training, run.record, run.optimizer
    seed_batch(run.device, training.seed, epoch, index)
    batch = to_tensors(run.train.batch(index, seed=training.seed, epoch=epoch), run.device)
    rate = learning_rate(record.step, record.num_steps, training)
    for group in optimizer.param_groups:
        group["lr"] = rate

    optimizer.zero_grad(set_to_none=True)
    with run.autocast:
        total, weight, state = run.objective(run.network, batch, run.state if batch.carries else None)
    # A batch without a known target has total 0 and weight 0; its mean is 0 then, and not 0 / 0.
    mean = total / (weight.clamp(min=SMALLEST_WEIGHT) if isinstance(weight, Tensor) else max(weight, SMALLEST_WEIGHT))
    mean.backward()  # type: ignore[no-untyped-call]
    norm = gradient_norm(run.parameters)

    # Read together and late: on a GPU the first of them waits for the whole step.
    loss, norm_value, total_value, weight_value = mean.item(), norm.item(), total.item(), float(weight)
    if not (math.isfinite(loss) and math.isfinite(norm_value)):
        what = f"gradient norm is {norm_value}" if math.isfinite(loss) else f"loss is {loss}"
        raise _not_a_number(run, f"The {what} in epoch {epoch + 1}, batch {index + 1} of {len(run.train)}", batch)
    clipped = training.clip_norm is not None and norm_value > training.clip_norm
    if clipped and training.clip_norm is not None:
        clip(run.parameters, norm, training.clip_norm)
    optimizer.step()

    run.state = detached(state)
    run.record.meter.add(loss=total_value, weight=weight_value, gradient_norm=norm_value, clipped=clipped)
    return loss


def validate_batch(run: Run, index: int, state: Carried) -> tuple[float, float, Carried]:
    """Returns the sum of the losses of a validation batch, the sum of its weights, and what it leaves in memory."""
    assert run.valid is not None
    # Epoch 0 throughout: every epoch is judged by the same examples and the same random numbers.
    seed_batch(run.device, run.training.seed, VALIDATION, index)
    batch = to_tensors(run.valid.batch(index, seed=run.training.seed, epoch=0), run.device)
    with torch.inference_mode(), run.autocast:
        total, weight, state = run.objective(run.network, batch, state if batch.carries else None)
        loss = total.item()
    if not math.isfinite(loss):
        epoch = len(run.record.epochs) + 1
        raise _not_a_number(
            run,
            f"The validation loss is {loss} in epoch {epoch}, validation batch {index + 1} of {len(run.valid)}",
            batch,
        )
    return loss, float(weight), state


def _not_a_number(run: Run, finding: str, batch: TensorBatch) -> TrainingError:
    kept = kept_epoch(run.record.epochs, run.training)
    which = "the last whole one" if run.training.patience is None else "the best so far"
    weights = f"those of epoch {kept}, {which}" if kept else "those it began with"
    source = f" ({batch.description})" if batch.description else ""
    return TrainingError(
        f"{finding}{source}; training needs finite numbers and stopped before it could harm the weights, which are "
        f"{weights}. Look for extreme values in this batch, or lower `learning_rate` "
        f"({run.training.learning_rate:g}) or `clip_norm` ({run.training.clip_norm})."
    )
