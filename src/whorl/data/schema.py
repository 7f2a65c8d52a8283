"""The roles of a table's columns: time, series, targets, covariates. Guessed where not named, and said."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Self

import msgspec

from whorl.codecs.frame import Frame
from whorl.data.columns import dismissal, guess_kind
from whorl.errors import ArgumentError, DataError, ModelFileError, did_you_mean
from whorl.plans.table import Kind, Table


@dataclass(frozen=True, kw_only=True)
class Schema:
    """What each column is for.

    Args:
        time: the time column; None counts rows.
        series: the column that names the entity of a row; None is one series.
        targets: what is forecast.
        past: covariates known up to now, numeric or categorical.
        known: covariates known ahead.
        static: covariates with one value in each series.
        kinds: the kind of every column above.
        ignored: columns that are not used, and why.
        guessed: the roles that were not named: 'time', 'targets', 'past'.
        label: column that says which rows are anomalies; it is never read as input, and may be missing.
        normal: what rows that are none are labelled with; None where labels are 0 and 1.
    """

    time: str | None = None
    series: str | None = None
    targets: tuple[str, ...]
    past: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    ignored: Mapping[str, str] = field(default_factory=dict)
    guessed: tuple[str, ...] = ()
    label: str | None = None
    normal: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that a series holds, but the one that names it: time, targets, past, known, static."""
        return (*((self.time,) if self.time else ()), *self.targets, *self.past, *self.known, *self.static)

    def of_kind(self, kind: Kind, names: Sequence[str]) -> tuple[str, ...]:
        """Returns those names that are of that kind."""
        return tuple(name for name in names if self.kinds[name] == kind)

    def named(self, table: Table) -> Table:
        """Returns the options with the kinds of the categories, whose cells are read as names wherever they stand."""
        return replace(
            table, kinds={**dict.fromkeys(self.of_kind("category", tuple(self.kinds)), "category"), **table.kinds}
        )

    def describe(self) -> list[str]:
        """Returns one line for each role: what was chosen, whether guessed, and the option that overrides it."""
        guess = {role: " (guessed; name it with --time)" for role in self.guessed if role == "time"}
        lines = [f"time: {self.time or 'none found, rows are steps in order'}{guess.get('time', '')}"]
        if self.series:
            lines.append(f"series: {self.series}")
        said = " (guessed: every numeric column; choose with --target)" if "targets" in self.guessed else ""
        lines.append(f"target: {', '.join(self.targets)}{said}")
        for role, names in (("past", self.past), ("known", self.known), ("static", self.static)):
            if names:
                kinds = ", ".join(f"{name} ({self.kinds[name]})" for name in names)
                hint = "; leave one out with --kinds NAME=ignore" if role in self.guessed else ""
                lines.append(f"{role} covariates: {kinds}{hint}")
        if self.label:
            lines.append(f"label: {self.label}, which says which rows are anomalies; nothing is learned from these")
        for name, reason in self.ignored.items():
            lines.append(f"ignored: {name}, {reason}")
        return lines

    def to_config(self) -> dict[str, object]:
        """Returns a JSON description; `from_config` is the way back."""
        config = asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in config.items()}

    @classmethod
    def from_config(cls, config: Mapping[str, object]) -> Self:
        """Builds the schema that `to_config` described; raises ModelFileError on any mismatch."""
        if set(config) != set(cls.__dataclass_fields__):
            raise ModelFileError(f"The schema of the model file is damaged: its fields are {sorted(config)}.")
        try:
            schema = msgspec.convert(config, cls)
        except msgspec.ValidationError as error:
            raise ModelFileError(f"The schema of the model file is damaged: {error}.") from None
        if set(schema.columns) != set(schema.kinds) or len(set(schema.columns)) != len(schema.columns):
            raise ModelFileError("The schema of the model file is damaged: its columns and their kinds differ.")
        return schema


def infer_schema(
    frame: Frame,
    *,
    target: str | Sequence[str] | None = None,
    time: str | None = None,
    series: str | None = None,
    known: Sequence[str] = (),
    static: Sequence[str] = (),
    table: Table | None = None,
    labels: bool = False,
    label: str | None = None,
    normal: str | None = None,
) -> Schema:
    """Gives every column a role.

    Args:
        frame: from `read_table`.
        target: what to forecast; None takes every numeric column.
        time: the time column; None takes the first that holds timestamps.
        series: the column that names the entity of a row.
        known: covariates known ahead.
        static: covariates with one value in each series.
        table: `kinds` overrides what a column is.
        labels: the target is one column of labels, which must be named.
        label: the column that says which rows are anomalies.
        normal: the label of rows that are none.

    Raises:
        DataError: for a name that is no column, or a target that is not numeric.
        ArgumentError: for a column in two roles.
    """
    table = table or Table()
    targets = (target,) if isinstance(target, str) else tuple(target or ())
    marking = (label,) if label in frame.columns else ()  # rows that are only read need nobody to label them
    roles_of: dict[str, Sequence[str | None]] = {"known": known, "static": static, "label": marking}
    _check_roles(frame, {"target": targets, "time": (time,), "series": (series,), **roles_of})
    for name in table.kinds:
        if name not in frame.columns:
            raise ArgumentError(
                f"`kinds` names columns of the table, but '{name}' is not one.{did_you_mean(name, frame.columns)}"
            )
    kinds = {name: table.kinds.get(name) or guess_kind(frame[name]) for name in frame.columns}
    guessed = []
    if time is None:
        time = next((name for name, kind in kinds.items() if kind == "time"), None)
        guessed += ["time"] if time else []
    elif kinds[time] != "time":
        kinds[time] = "time"
    roles = {*targets, *known, *static, time, series, label}
    free = [name for name in frame.columns if name not in roles]
    ignored = {}
    for name in free:
        if reason := dismissal(frame, name, kinds[name], named=name in table.kinds):
            ignored[name] = reason
    past = [name for name in free if name not in ignored]
    if labels and len(targets) != 1:
        raise ArgumentError(
            f"`target` names the one column of labels, but {len(targets)} were named; the columns are "
            f"{', '.join(map(repr, frame.columns))}. Give one of them with --target."
        )
    if not targets:
        numeric = [name for name in past if kinds[name] == "numeric"]
        # A lone ramp is a series to forecast, not a row counter.
        targets = tuple(numeric or [name for name in free if name not in table.kinds and kinds[name] == "numeric"])
        past = [name for name in past if name not in targets]
        ignored = {name: reason for name, reason in ignored.items() if name not in targets}
        guessed.append("targets")
    _check_targets(frame, targets, kinds, labels)
    guessed += ["past"] if past else []
    chosen = [*([time] if time else []), *targets, *past, *known, *static]
    return Schema(
        time=time,
        series=series,
        targets=targets,
        past=tuple(past),
        known=tuple(known),
        static=tuple(static),
        kinds={name: _covariate_kind(kinds[name], name, time) for name in chosen},
        ignored=ignored,
        guessed=tuple(guessed),
        label=label,
        normal=normal,
    )


def _covariate_kind(kind: Kind, name: str, time: str | None) -> Kind:
    # A covariate that was named is used, as a category if it is no number.
    return kind if kind == "numeric" or name == time else "category"


def _check_roles(frame: Frame, roles: Mapping[str, Sequence[str | None]]) -> None:
    taken: dict[str, str] = {}
    for role, names in roles.items():
        if isinstance(names, str):
            raise ArgumentError(f"`{role}` is a list of columns, but is the text {names!r}. Write [{names!r}].")
        for name in names:
            if name is None:
                continue
            frame[name]
            if name in taken:
                raise ArgumentError(
                    f"`{role}` names column '{name}', which is `{taken[name]}` already; a column has one role. "
                    "Take it out of one of them."
                )
            taken[name] = role


def _check_targets(frame: Frame, targets: Sequence[str], kinds: Mapping[str, Kind], labels: bool) -> None:
    if not targets:
        raise DataError(
            f"{frame.origin} has no numeric column to forecast; its columns are {', '.join(map(repr, frame.columns))}. "
            "Give a table with numbers, or name one with --target."
        )
    for name in targets:
        column = frame[name]
        if labels and kinds[name] == "time":
            raise DataError(
                f"{frame.origin}: column '{name}' is the target, but it holds times, which are no labels. Choose "
                f"another column, or read it as labels with --kinds {name}=category."
            )
        if kinds[name] != "numeric" and not labels:
            sample = next((str(cell) for cell in column.tolist() if cell is not None), "")
            raise DataError(
                f"{frame.origin}: column '{name}' is the target, which must be numeric, but it is read as "
                f"{kinds[name]}, with values like {sample[:40]!r}. Choose a numeric column, or read it as one with "
                f"--kinds {name}=numeric."
            )
        if all(cell is None or cell != cell for cell in column.tolist()):
            raise DataError(
                f"{frame.origin}: column '{name}' is the target, but all its {len(column)} values are missing. "
                "Choose another column."
            )
