"""A first choice of network for data, with the reasons, before anything is trained."""

import contextlib
import importlib.util
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from whorl.comparison.described_rules import caption_rules, transcribe_rules
from whorl.comparison.event_rules import recommend_rules
from whorl.comparison.forecast_rules import chosen_horizon, forecast_rules
from whorl.comparison.guess import Guess
from whorl.comparison.guessing import guess_task
from whorl.comparison.label_rules import classify_rules, picture_rules, recording_rules, tag_rules
from whorl.comparison.number_rules import detect_rules, file_rules, judge_rules, regress_rules, remaining_rules
from whorl.comparison.question import Question, made, task_named
from whorl.comparison.spelling import command, differences, python
from whorl.comparison.text_rules import chat_rules, generate_rules, summarize_rules, translate_rules
from whorl.comparison.traits import Traits, traits_of
from whorl.data.media_guess import medium_of
from whorl.data.ts_files import is_ts
from whorl.data.ucr import is_ucr
from whorl.plans.networks import Network, from_key, to_plain
from whorl.plans.table import Table
from whorl.plans.text import Text
from whorl.tasks.settings import describe

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

_RULES = {
    "forecast": forecast_rules,
    "classify": classify_rules,
    "recordings": recording_rules,
    "pictures": picture_rules,
    "regress": regress_rules,
    "remaining": remaining_rules,
    "tag": tag_rules,
    "detect": detect_rules,
    "judge": judge_rules,
    "files": file_rules,
    "generate": generate_rules,
    "translate": translate_rules,
    "summarize": summarize_rules,
    "chat": chat_rules,
    "recommend": recommend_rules,
    "transcribe": transcribe_rules,
    "caption": caption_rules,
}
# Rules of examples that are files, by the word of their medium.
_OF_MEDIA = {"audio": "recordings", "image": "pictures"}
# Settings under which data are read to be measured: no context decides which rows count, answers are not late, and no
# vocabulary of byte pairs has to be learned.
_MEASURED: dict[str, Mapping[str, object]] = {
    "forecast": {"context": 1, "horizon": 1},
    "tag": {"lookahead": 0},
    "translate": {"tokens": Text()},
    "summarize": {"tokens": Text()},
    "chat": {"tokens": Text()},
}


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """Another choice that is worth a fit.

    Args:
        reason: when it is the better one.
        model: the task, ready to fit.
        command: the line that fits it; None where the data are no path.
    """

    reason: str
    model: "Estimator"
    command: str | None


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A first choice for data.

    Args:
        task: its word on the command line.
        model: the task with every choice made, ready to fit.
        reasons: one sentence for each choice: the trait that led to it, and what was measured.
        cautions: what may make any network a poor answer here, and what to do instead.
        alternatives: what else to try, the most promising one first.
        traits: the data in numbers.
        notes: how the data were read, as `fit` tells it.
        command: the line that fits it; None where the data are no path.
        python: the same as lines of Python.
    """

    task: str
    model: "Estimator"
    reasons: tuple[str, ...]
    cautions: tuple[str, ...]
    alternatives: tuple[Alternative, ...]
    traits: Traits
    notes: tuple[str, ...]
    command: str | None
    python: str

    @property
    def network(self) -> Network:
        """The recipe of the core."""
        return from_key(self.model.network)

    @property
    def settings(self) -> dict[str, object]:
        """The other fields of the task that are not at their defaults."""
        return _settings(self.model)

    def describe(self) -> dict[str, object]:
        """All of it as JSON values."""
        return {
            "task": self.task,
            "network": to_plain(self.network),
            "settings": self.settings,
            "reasons": list(self.reasons),
            "cautions": list(self.cautions),
            "alternatives": [
                {
                    "reason": one.reason,
                    "network": to_plain(from_key(one.model.network)),
                    "settings": _settings(one.model),
                    "command": one.command,
                }
                for one in self.alternatives
            ],
            "traits": asdict(self.traits),
            "notes": list(self.notes),
            "command": self.command,
            "python": self.python,
        }


def suggest(
    data: object,
    *,
    task: str | None = None,
    target: str | tuple[str, ...] | None = None,
    time: str | None = None,
    series: str | None = None,
    known: tuple[str, ...] = (),
    static: tuple[str, ...] = (),
    group: str | None = None,
    text: str | None = None,
    source: str | None = None,
    label: str | None = None,
    normal: str | None = None,
    horizon: int | None = None,
    stream: bool | None = None,
    table: Table | None = None,
) -> Suggestion:
    """Chooses a network and its settings by what can be seen of data, and says why. Nothing is trained.

    The rules rest on what was measured with whorl, and on papers where nothing was; each reason says which. A choice is
    where to begin, not where to end: fit it, and an alternative or two.

    Args:
        data: what `fit` of the task takes.
        task: 'forecast', 'classify', 'regress', 'tag', 'detect', 'generate', 'translate', 'summarize', 'chat',
            'recommend', 'transcribe' or 'caption'; None tells it by the data.
        target: column or columns that are answered; a regression of a table without one counts the rows that are left.
        time: column of timestamps; None looks for one.
        series: column that names the series or sequence of a row.
        known: columns that are known ahead.
        static: columns with one value for each series.
        group: column that says which sequences belong together, such as those of a patient; of a regression.
        text: column of text.
        source: column of the text that is read where another one is written, or ending of its files.
        label: column that says which rows are anomalies.
        normal: label of rows that are no anomalies, where labels are others than 0 and 1.
        horizon: rows ahead that are forecast; None takes 24, or fewer where there are few rows.
        stream: whether each row is answered as it comes (True), or sequences are there as a whole (False). None keeps
            what streams.
        table: kinds, scaling and allowed repairs.

    Raises:
        DataError: the data break a rule of the task, as in `fit`; the message names file, row and column.
        ArgumentError: there is no such task, or it has no such column.

    Example:
        found = whorl.suggest("load.csv", target="load", horizon=24)
        print(found.reasons, found.command)
        found.model.fit("load.csv")
    """
    asked = Question(
        target=target,
        time=time,
        series=series,
        known=known,
        static=static,
        group=group,
        text=text,
        source=source,
        label=label,
        normal=normal,
        horizon=horizon,
        stream=stream,
        table=Table() if table is None else table,
    )
    guess = _guess(data, asked, task)
    roles = {**asked.roles(), **guess.roles}
    read, traits, notes = _measured(data, guess.task, asked, roles)
    roles = {**roles, **read}
    rules = _RULES[_kind(guess.task, read, data, asked)]
    choice = rules(traits, replace(asked, horizon=read.get("horizon", horizon)))  # type: ignore[arg-type]
    first = {**roles, **choice.settings, "network": choice.network}
    model = made(guess.task, first)
    others = [(other.reason, made(guess.task, {**first, **other.settings})) for other in choice.others]
    told = f"task: {guess.task}, as {guess.because} (guessed; name it with --task)"
    return Suggestion(
        task=guess.task,
        model=model,
        reasons=choice.reasons,
        cautions=(*choice.cautions, *_missing()),
        alternatives=tuple(
            Alternative(reason=reason, model=other, command=command(other, data, first)) for reason, other in others
        ),
        traits=traits,
        notes=(*([told] if task is None else []), *notes),
        command=command(model, data, first),
        python=python(model, data, first),
    )


def _guess(data: object, asked: Question, task: str | None) -> Guess:
    """The task, and roles that the data tell; of a task that is named only where these may be needed."""
    if task is None:
        return guess_task(data, asked)
    task_named(task)
    if task in ("classify", "regress", "generate", "recommend", "transcribe", "caption"):
        found = guess_task(data, asked)
        if found.task == task:
            return found
    return Guess(task=task, because="")


def _measured(
    data: object, task: str, asked: Question, roles: Mapping[str, object]
) -> tuple[dict[str, object], Traits, tuple[str, ...]]:
    """Fields that follow from the data, their traits, and notes on how they were read."""
    from whorl.tasks.preparation import prepare

    read: dict[str, object] = {}
    # A pair is (X, y), and files of arrays and archives have their truths beside them.
    if task == "regress" and roles.get("target") is None and not isinstance(data, tuple) and not _is_of_arrays(data):
        read["remaining"] = True
    if task == "detect" and asked.label is None and _is_of_arrays(data):
        read["per"] = "sequence"
    task_of_data = made(task, {**roles, **read, **_MEASURED.get(task, {})}).for_data(data)
    prepared, horizon = prepare(task_of_data, data), 0
    if task == "forecast":
        read["horizon"] = horizon = chosen_horizon(asked, [len(one) for one in prepared.sequences])
    traits = traits_of(task_of_data, prepared, horizon)
    return read, traits, tuple(prepared.notes)


def _is_of_arrays(data: object) -> bool:
    """Whether a file holds whole sequences: each line or case is one."""
    if not isinstance(data, str | os.PathLike):
        return False
    path = Path(data)
    return is_ts(path) or is_ucr(path) or path.suffix.lower() == ".npz"


def _kind(task: str, read: Mapping[str, object], data: object, asked: Question) -> str:
    """Which rules are those of a task: some tasks are several."""
    if task == "classify":
        return _OF_MEDIA.get(medium_of(data, asked.table) or "", task)
    if task == "regress" and read.get("remaining"):
        return "remaining"
    if task == "regress" and asked.series is None and medium_of(data, asked.table) is not None:
        return "files"
    return "judge" if task == "detect" and read.get("per") == "sequence" else task


def _settings(model: "Estimator") -> dict[str, object]:
    plain = describe(model)
    return {name: plain[name] for name, _ in differences(model) if name != "network"}


def _missing() -> tuple[str, ...]:
    with contextlib.suppress(ModuleNotFoundError):  # what stands in for an import may refuse to look
        if importlib.util.find_spec("torch") is not None:
            return ()
    return ('torch is not installed, and no network is fitted without it. Run: pip install "whorl[train]"',)
