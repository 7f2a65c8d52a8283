"""What is asked of data: the roles of columns as far as they are named, and what an answer must do."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from whorl.errors import ArgumentError, did_you_mean
from whorl.plans.names import names
from whorl.plans.table import Table
from whorl.tasks.columns import check_names

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

# Where each task lives: they register themselves when they are imported, and none is imported before it is asked for.
_WHERE = {
    "forecast": "forecasting",
    "classify": "classification",
    "regress": "regression",
    "tag": "labelling",
    "detect": "detection",
    "generate": "generation",
    "translate": "translation",
    "summarize": "summarization",
    "chat": "conversation",
    "recommend": "recommendation",
    "transcribe": "transcription",
    "caption": "captioning",
}
TASKS = tuple(_WHERE)


@dataclass(frozen=True, kw_only=True)
class Question:
    """Roles of columns, each None or empty where it was not named, and demands.

    Args:
        target: column or columns that are answered.
        time: column of timestamps.
        series: column that names the series or sequence of a row.
        known: columns that are known ahead.
        static: columns with one value for each series.
        group: column that says which sequences belong together, and are kept on one side of a split.
        text: column of text.
        source: column of the text that is read where another one is written, or ending of its files.
        label: column that says which rows are anomalies.
        normal: label of rows that are no anomalies, where labels are others than 0 and 1.
        horizon: rows ahead that are forecast.
        stream: True where each row is answered as it comes, False where whole sequences are there; None does not say.
        table: kinds, scaling and allowed repairs.
    """

    target: str | tuple[str, ...] | None = None
    time: str | None = None
    series: str | None = None
    known: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    group: str | None = None
    text: str | None = None
    source: str | None = None
    label: str | None = None
    normal: str | None = None
    horizon: int | None = None
    stream: bool | None = None
    table: Table = field(default_factory=Table)

    def __post_init__(self) -> None:
        check_names(self)
        if not (self.stream is None or isinstance(self.stream, bool)):
            raise ArgumentError(f"`stream` is True, False or None, but is {self.stream!r}. Choose one.")
        if not isinstance(self.table, Table):
            raise ArgumentError(f"`table` is a whorl.Table(...), but is a {type(self.table).__name__}. Make it one.")

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns that are answered; none where none is named."""
        return () if self.target is None else names(self.target)

    def roles(self) -> dict[str, object]:
        """The fields of a task that were named."""
        given = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "stream"}
        return {name: value for name, value in given.items() if value is not None and value != ()}


def task_named(task: str) -> "type[Estimator]":
    """The class of a task.

    Raises:
        ArgumentError: there is no such task.
    """
    if task not in _WHERE:
        raise ArgumentError(
            f"`task` must be one of {', '.join(TASKS)}, but is {task!r}.{did_you_mean(str(task), TASKS)}"
        )
    importlib.import_module(f"whorl.tasks.{_WHERE[task]}")
    from whorl.tasks.estimator import estimators

    return estimators.get(task)


def made(task: str, given: Mapping[str, object]) -> "Estimator":
    """A task with these fields.

    Raises:
        ArgumentError: the task has no such field, or it cannot be what is given.
    """
    kind = task_named(task)
    known = [one.name for one in fields(kind)]
    asked = [one.name for one in fields(Question) if one.name in known]
    for name in given:
        if name not in known:
            raise ArgumentError(
                f"`{name}` says nothing to the task {task}, which is asked for {', '.join(asked)}, but it is "
                f"{given[name]!r}. Leave it out, or name another task with `task`."
            )
    build: Callable[..., Estimator] = kind
    return build(**given)
