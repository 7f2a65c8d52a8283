"""The fits of a comparison: one after the other or side by side, each written down when it is done."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from collections.abc import Sequence as List
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from whorl.comparison.matching import Match
from whorl.comparison.parts import Parts, divide
from whorl.comparison.scoring import Scored, score
from whorl.errors import ResourceError, TrainingError
from whorl.plans.networks import Network, from_plain, to_plain
from whorl.runtime import files
from whorl.runtime.artifact import as_plain, write_bytes
from whorl.tasks import settings
from whorl.tasks.learning import learn
from whorl.tasks.side_by_side import side_by_side
from whorl.tasks.telling import Watcher

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

# A change of what fits or scores mean makes older ones foreign.
_FORMAT = 3


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is known of one fit.

    Args:
        network: name of the network in its comparison.
        seed: of the training plan.
        learning_rate: of the training plan.
        parameters: weights and biases, those of a frozen core among them.
        seconds: of training, its validation included.
        epochs: that were trained.
        stopped: what ended the training.
        losses: of the validation part after each epoch.
        chosen_by: metrics of the validation part.
        test: metrics of the test part.
        rivals: those of the naive rivals.
        answers: that were scored.
        failed: why there is no model; None where there is one.
    """

    network: str
    seed: int
    learning_rate: float | None
    parameters: int = 0
    seconds: float = 0.0
    epochs: int = 0
    stopped: str = ""
    losses: list[float] = []
    chosen_by: dict[str, float] = {}
    test: Scored | None = None
    rivals: dict[str, Scored] = {}
    answers: int = 0
    failed: str | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """One fit that is to be done.

    Args:
        network: name of the network in its comparison.
        estimator: the task with this network and seed.
        key: what the fit depends on, as a hash.
    """

    network: str
    estimator: "Estimator"
    key: str

    @property
    def stem(self) -> str:
        """Of its files."""
        return f"{self.network}-{self.estimator.training.seed}-{self.key[:10]}"


@dataclass(frozen=True, kw_only=True)
class Course:
    """What all fits of a comparison share.

    Args:
        folder: where records and models go.
        estimator: the task, complete for the data.
        data: what is learned from.
        test: what is scored; None takes a part of the data.
        identity: hash of the encoded data.
    """

    folder: Path
    estimator: "Estimator"
    data: object
    test: object
    identity: str

    def job(self, network: str, recipe: Network, seed: int, changes: dict[str, object]) -> Job:
        """A fit of a network from a seed, with some changes of the training plan."""
        training = replace(self.estimator.training, **{"seed": seed, **changes})  # type: ignore[arg-type]
        estimator = replace(self.estimator, network=recipe, training=replace(training, checkpoint=None))
        told = settings.describe(estimator) | {"network": to_plain(recipe, as_plain)}
        digest = hashlib.sha256(msgspec.json.encode([_FORMAT, self.identity, told], order="deterministic"))
        return Job(network=network, estimator=estimator, key=digest.hexdigest())

    def record(self, job: Job) -> Record | None:
        """What was written down of a fit; None where it was not done, or not to its end."""
        try:
            found = msgspec.json.decode(self._path(job, "fits", "json").read_bytes(), type=Record)
        except (OSError, msgspec.MsgspecError):
            return None
        return found if found.failed is not None or self.model(job).exists() else None

    def write(self, job: Job, record: Record) -> None:
        """Writes down what is known of a fit."""
        write_bytes(self._path(job, "fits", "json"), msgspec.json.format(msgspec.json.encode(record)))

    def model(self, job: Job) -> Path:
        """Where the model of a fit is."""
        return self._path(job, "models", "whorl")

    def checkpoint(self, job: Job) -> Path:
        """Where a fit saves what it has so far."""
        return self.folder / "checkpoints" / job.stem

    def sized(self, chosen: Mapping[str, Network], match: Match) -> dict[str, Network] | None:
        """The recipes that were made as long a step before: times differ from one measurement to the next."""
        if match != "latency":
            return None
        try:
            known = msgspec.json.decode(self._sizes(chosen).read_bytes(), type=dict[str, dict[str, object]])
            return {name: from_plain(recipe) for name, recipe in known.items()}
        except (OSError, msgspec.MsgspecError):
            return None

    def keep_sizes(self, chosen: Mapping[str, Network], match: Match, recipes: Mapping[str, Network]) -> None:
        """Writes down recipes that were made as long a step."""
        if match == "latency":
            plain = {name: to_plain(recipe, as_plain) for name, recipe in recipes.items()}
            write_bytes(self._sizes(chosen), msgspec.json.encode(plain))

    def _sizes(self, chosen: Mapping[str, Network]) -> Path:
        asked = {name: to_plain(recipe, as_plain) for name, recipe in chosen.items()}
        told = [self.identity, settings.describe(self.estimator), asked]
        return self.folder / f"sizes-{hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:10]}.json"

    def _path(self, job: Job, kind: str, ending: str) -> Path:
        return self.folder / kind / f"{job.stem}.{ending}"


def identity(parts: Parts) -> str:
    """Hash of encoded data, of what they mean to their reader, and of how they are cut."""
    prepared, tested = parts.fitted, parts.test
    reader = prepared.reader
    plain = json.dumps([prepared.cuts, reader.config()], sort_keys=True, default=as_plain)
    digest = hashlib.sha256(plain.encode())
    for name, array in sorted(reader.arrays().items()):
        _add(digest, name, array)
    for one in (*prepared.sequences, *tested.sequences):
        for field in fields(one):
            _add(digest, field.name, getattr(one, field.name))
    for steps in tested.steps:
        _add(digest, "steps", steps)
    return digest.hexdigest()


def _add(digest: "hashlib._Hash", name: str, value: object) -> None:
    """Adds a value with its name, so that none is taken for another."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        digest.update(f"{name}{value.dtype}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).view(np.uint8).data if value.size else b"")
    else:
        told = value.tolist() if isinstance(value, np.ndarray) else value
        digest.update(f"{name}{told!r}".encode())


def run(course: Course, job: Job, parts: Parts, *, watched: bool = False) -> Record:
    """Does one fit, or goes on with one that was interrupted; writes down what came out, and returns it.

    Args:
        course: what all fits share.
        job: the fit.
        parts: the data.
        watched: show how far training is.
    """
    folder = course.checkpoint(job)
    # A checkpoint costs time, which those that are trained as long would pay by the epoch.
    saves = job.estimator.training.max_seconds is None
    plan = replace(job.estimator.training, checkpoint=str(folder) if saves else None)
    estimator = replace(job.estimator, training=plan)
    fresh = replace(parts.fitted, facts=dict(parts.fitted.facts), notes=[])
    try:
        fitted = learn(
            estimator, estimator.wiring(), fresh, Watcher(watched), resume=saves and (folder / "latest").exists()
        )
    except TrainingError as error:
        record = Record(network=job.network, seed=plan.seed, learning_rate=plan.learning_rate, failed=str(error))
        course.write(job, record)
        return record
    plain = msgspec.to_builtins(replace(fitted.training, checkpoint=None))
    card = {**fitted.model.card, "training": plain}
    model = replace(fitted.model, settings=settings.describe(job.estimator), card=card)
    files.save(model, course.model(job))
    own, rivals, answers = score(model, parts.test.sequences, parts.test.steps, parts.groups)
    known = card["scores"]
    assert isinstance(known, dict)
    record = Record(
        network=job.network,
        seed=plan.seed,
        learning_rate=fitted.training.learning_rate,
        parameters=sum(weight.numel() for weight in fitted.network.parameters()),
        seconds=sum(epoch.seconds for epoch in fitted.history.epochs),
        epochs=len(fitted.history.epochs),
        stopped=fitted.history.stopped,
        losses=[epoch.valid_loss for epoch in fitted.history.epochs],
        chosen_by=known["metrics"],
        test=own,
        rivals=rivals,
        answers=answers,
    )
    course.write(job, record)
    _forget(folder)
    return record


def _forget(folder: Path) -> None:
    """Takes the checkpoints of a finished fit away."""
    if folder.is_dir():
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def each(
    course: Course, jobs: List[Job], parts: Parts, workers: int, *, watched: bool = False
) -> Iterator[tuple[Job, Record]]:
    """Does fits and yields each when it is done, in any order; how far one is can be `watched` where it runs alone."""
    try:
        for name in ("fits", "models", "checkpoints"):
            (course.folder / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResourceError(
            f"`folder` is `{course.folder}`, where nothing can be written ({error.strerror or error}). Give another "
            "one."
        ) from None
    workers = min(workers, len(jobs))
    if workers <= 1:
        for job in jobs:
            yield job, run(course, job, parts, watched=watched)
        return
    yield from _side_by_side(course, jobs, workers)


def _side_by_side(course: Course, jobs: List[Job], workers: int) -> Iterator[tuple[Job, Record]]:
    advice = (
        f"What is done is in `{course.folder}`: compare again with fewer `workers`, and the comparison goes on from "
        "there."
    )
    for n, record in side_by_side(_apart, [(course, job) for job in jobs], workers, advice):
        yield jobs[n], record


_KNOWN: dict[str, Parts] = {}


def _apart(course: Course, job: Job) -> Record:
    """A fit in a process of its own, which reads the data once."""
    if course.identity not in _KNOWN:
        _KNOWN.clear()
        _KNOWN[course.identity] = divide(course.estimator, course.data, course.test)
    return run(course, job, _KNOWN[course.identity])
