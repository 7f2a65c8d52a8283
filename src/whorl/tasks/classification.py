"""Classification: one of several labels for a sequence, or several at once."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, Self, get_args

from whorl.data.indicators import num_labels
from whorl.errors import ArgumentError, did_you_mean
from whorl.plans.changes import Augmentation, Change, Forgetting, SoundChange, Views
from whorl.plans.heads import Bernoulli, Categorical, Head
from whorl.plans.media import Audio, Image, Media, Video, word_of
from whorl.plans.names import names
from whorl.plans.networks import Network, Recurrent, from_key
from whorl.plans.sizes import MOST_KERNEL
from whorl.plans.table import Table
from whorl.plans.text import Text
from whorl.plans.training import Training
from whorl.plans.wiring import Convolution, ManyToOne, Pooling, Sequences, Wiring
from whorl.tasks.columns import Columns
from whorl.tasks.estimator import Estimator, check_whole, estimators, is_frozen, name_of
from whorl.tasks.media import CHANNELS, GROWTH, check_tokens, plan_for, targets_of_pair

# Of the vectors of tokens, and before the last layer: a text has many words that tell nothing beyond it.
TEXT_DROPOUT = 0.5
# Before the last layer.
SOUND_DROPOUT = 0.5
FROZEN_DROPOUT = 0.5
# Numbers of the vector of a token, and units.
TEXT_SIZE = 128
AUGMENTATIONS = ("auto", "none", "series", "sound", "tokens", "views", "prefixes")
# What is done to one kind of examples alone.
_CHANGES = {"series", "sound", "tokens", "views"}
# Of the training sequences that end early.
PREFIXES = 0.3


@estimators.add("classify")
@dataclass(kw_only=True, eq=False)
class Classifier(Estimator):
    """Answers a sequence with one of several labels, and how probable each is.

    Data are arrays, `(X, y)` with X (N, T, D) or a list of (T_i, D) and y (N,) of texts or whole numbers; a long table
    whose `series` column names the sequence of a row, with the label of a sequence in its last row; a table with a
    sequence in each row, whose columns but the target are numbered (t0, t1, ...); or a file of the UCR archive (`.tsv`,
    the label first) or of the UEA archive (`.ts`). With `text` each row of a table is an example:
    a text, columns beside it and a label; a pair of lists, `(texts, labels)`, is one too. Recordings and pictures are a
    folder whose subfolders are labels, a table with a column of paths, or `(paths, labels)`. While an example is
    streamed, each push gives the answer so far.

    With several targets an example may have any of these labels, some of them or none: each is a column of 1 and 0. Of
    arrays and lists y is (N, C), and the targets name its columns; without a target they are y0, y1, ...
    `Prediction.value` then has a tuple of the labels that are answered for each example, those whose calibrated
    probability reaches `Prediction.thresholds`.

    Args:
        target: column of the label, unused with arrays; or the columns of several labels that may come together.
        time: column of timestamps; None looks for one.
        series: column that names the sequence of a row.
        static: columns with one value for each sequence.
        text: column of text; lists of texts have no columns, so that any name does.
        tokens: how a text, a recording or a picture is cut into steps: `whorl.Text(...)`, `whorl.Audio(...)` or
            `whorl.Image(...)`. Files of these are seen in the data where nothing is said of them; arrays are not.
        pooling: how the outputs of the core over time become one: 'last', 'mean', 'max' and 'attention', side by side.
            The vectors of tokens, and what convolutions find, are pooled beside them, but for 'last'.
        convolution: steps that each of three layers of convolutions before the core reads. Of series the first reads
            steps side by side, the second every fourth and the third every sixteenth, or nearer ones where sequences
            are short. 0 has none; 'auto' is 7, or fewer down to 3 where series have less than 56 steps, and 0 for
            text, for steps that are whole pictures, and before a core that is frozen.
        class_weight: 'balanced' lets each class count the same in training, whatever its number of examples.
        coverage: each answer also has a set of labels, `Prediction.sets`, which holds the true one with at least this
            probability, calibrated on the validation part (Sadinle et al. 2019); None has no sets.
        augmentation: how training sequences are changed, each time anew. 'series' warps series in time, scales them and
            makes them noisy a little, which may harm where a step has a meaning of its own, as the hours of a day have;
            'sound' makes recordings faster or slower, noisy, and as another microphone would, masks spans of time, and
            where bands are read also moves and masks these; 'tokens' reads some of the tokens of texts, rare ones above
            all, as unknown; 'views' mirrors pictures and videos and shifts them a little, which is wrong where left and
            right tell classes apart, as of digits and letters, and so is done only where it is asked for; 'prefixes'
            lets some of the sequences end early, so that answers while they are streamed are learned, too; it goes
            together with any of the others. 'auto' is 'series', 'sound' or 'tokens', by what examples are, and nothing
            for pictures; 'none' is none of them.
        table: kinds, scaling and allowed repairs.
        network: recipe of the core, or its name.
        training: how it is trained.

    Example:
        model = whorl.Classifier().fit((X, y))
        model.predict(X_new).probabilities
    """

    task: ClassVar[str] = "classify"

    target: str | tuple[str, ...] | None = None
    time: str | None = None
    series: str | None = None
    static: tuple[str, ...] = ()
    text: str | None = None
    tokens: Text | Media = field(default_factory=Text)
    pooling: tuple[Pooling, ...] = ("last", "mean", "max")
    convolution: int | Literal["auto"] = "auto"
    class_weight: Literal["none", "balanced"] = "none"
    coverage: float | None = None
    augmentation: str | tuple[str, ...] = "auto"
    table: Table = field(default_factory=Table)
    network: Network | str = "gru"
    training: Training = field(default_factory=Training)

    def __post_init__(self) -> None:
        if self.convolution != "auto":
            check_whole("convolution", self.convolution, 0, MOST_KERNEL)
        value: object = self.coverage
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1):
            raise ArgumentError(f"`coverage` is a share within (0, 1), or None, but is {value!r}. Use 0.9, say.")
        check_tokens(self, self.tokens)
        self._check_targets()
        self._check_text()
        ways = get_args(Pooling)
        if not self.pooling or len(set(self.pooling)) != len(self.pooling) or set(self.pooling) - set(ways):
            wrong = next((way for way in self.pooling if way not in ways), "")
            raise ArgumentError(
                f"`pooling` is some of {', '.join(ways)}, each once, but is {tuple(self.pooling)!r}."
                f"{did_you_mean(str(wrong), ways)}"
            )
        known = ("none", "balanced")
        if self.class_weight not in known:
            raise ArgumentError(
                f"`class_weight` must be one of {', '.join(known)}, but is {self.class_weight!r}."
                f"{did_you_mean(str(self.class_weight), known)}"
            )
        super().__post_init__()

    def _check_targets(self) -> None:
        """Several labels are different ones, and settings that are of one label are refused beside them."""
        given = () if self.target is None else names(self.target)
        if len(set(given)) != len(given) or (self.target is not None and not given):
            raise ArgumentError(
                f"`target` names the column of the label, or those of several, each once, but is {self.target!r}."
            )
        if len(given) > 1 and self.coverage is not None:
            raise ArgumentError(
                "`coverage` is of sets among which one label is true, but with several targets any of them may be. "
                "Leave it out: the labels that are answered are a set already."
            )
        if len(given) > 1 and self.class_weight != "none":
            raise ArgumentError(
                "`class_weight` weighs examples by their one label, but with several targets an example may have any "
                "of them. Leave it out: each label has a threshold of its own."
            )

    def _check_text(self) -> None:
        """Settings of series and of texts are refused where they would do nothing."""
        self._check_augmentation()
        if self.text is None:
            return
        if self.target is not None and self.text in names(self.target):
            raise ArgumentError(
                f"`text` and `target` are both {self.text!r}. Name the column of the label as `target`."
            )
        for name in ("time", "series"):
            if getattr(self, name) is not None:
                raise ArgumentError(
                    f"`{name}` is of rows in time, but with `text` each row is an example. Leave it out."
                )

    def _changes(self) -> tuple[str, ...]:
        """The words of `augmentation`; a lone one may stand without a list around it."""
        return (self.augmentation,) if isinstance(self.augmentation, str) else tuple(self.augmentation)

    def _check_augmentation(self) -> None:
        value: object = self.augmentation
        given = self._changes() if isinstance(value, str | Sequence) else (value,)
        for word in given:
            if word not in AUGMENTATIONS:
                raise ArgumentError(
                    f"`augmentation` must be one of {', '.join(AUGMENTATIONS)}, or several of them, but is {value!r}."
                    f"{did_you_mean(str(word), AUGMENTATIONS)}"
                )
        if not given or len(set(given)) != len(given) or (len(given) > 1 and {"auto", "none"} & set(given)):
            raise ArgumentError(
                f"`augmentation` is 'auto' or 'none' alone, or some of the others, each once, but is {value!r}."
            )
        if {"series", "views"} <= set(given):
            raise ArgumentError(
                "`augmentation` has 'series' and 'views', but an example is changed in one way alone. "
                "Leave one of them out."
            )
        # Whether they are recordings or pictures is often seen in the data alone.
        self._check_change({"series", "tokens"} if self.text is None and self.series is None else _CHANGES)

    def _check_change(self, others: Set[str]) -> None:
        are, own = self._own_changes()
        for other in sorted((others & set(self._changes())) - set(own)):
            raise ArgumentError(f"`augmentation` has {other!r}, but examples are {are}. Leave it out.")

    def _own_changes(self) -> tuple[str, tuple[str, ...]]:
        """What examples are, and the words of `augmentation` that are of these, what 'auto' is first."""
        match self.tokens:
            case Audio():
                return "recordings", ("sound",)
            case Image(steps="picture"):
                return "pictures", ("series", "views")
            case Image():
                return "pictures whose steps are no whole pictures", ("series",)
            case Video():
                return "videos", ("series", "views")
            case _:
                return ("series", ("series",)) if self.text is None else ("texts", ("tokens",))

    def for_data(self, data: object) -> Self:
        """Sees whether data are files, and names several labels y0, y1, ... where they come as (N, C) without names."""
        if self.text is None and self.series is None and isinstance(self.tokens, Text):
            plan = plan_for(data, self.table)
            if plan is not None:
                made = replace(self, tokens=plan, target=self.target or targets_of_pair(data))
                made._check_change(_CHANGES)
                return made
        self._check_change(_CHANGES)
        if isinstance(self.tokens, Media):
            return replace(self, target=self.target or targets_of_pair(data))
        count = num_labels(data) if self.target is None else None
        return self if count is None else replace(self, target=tuple(f"y{k}" for k in range(count)))

    def stack(self) -> dict[str, Self]:
        """This task with a core that learns and with one that stays as it was drawn, with changed examples and without.

        None of them is best on all series: what is told by a course as a whole, by patterns at any place, by the hour.

        Raises:
            ArgumentError: examples are no series, or have several labels at once.
        """
        are, words = self._own_changes()
        if self.text is not None or words != ("series",) or isinstance(self.columns().target, tuple):
            what = "examples have several labels" if isinstance(self.columns().target, tuple) else f"examples are {are}"
            raise ArgumentError(
                f"`stacked` is of series with one label each, but {what}. Leave it out; folds=5 alone has five "
                "networks of one kind."
            )
        recipe = from_key(self.network)
        other = Recurrent("gru") if is_frozen(recipe) else Recurrent("rnn", frozen=True)
        networks = {name_of(one): one for one in (recipe, replace(other, members=recipe.members))}
        changes = set(self._changes())
        ways = {"": self.augmentation}
        if changes & {"auto", "series"}:
            ways[" unaugmented"] = tuple(sorted(changes - {"auto", "series"})) or "none"
        return {
            f"{name}{told}": replace(self, network=network, augmentation=way)
            for name, network in networks.items()
            for told, way in ways.items()
        }

    def wiring(self) -> Wiring:
        # A picture is read by convolutions over itself: what is one step has no patterns in time.
        usual = not self.text and not self._pictured and not is_frozen(self.network)
        convolved = usual if self.convolution == "auto" else self.convolution != 0
        size = None if self.convolution == "auto" else int(self.convolution)
        # Patterns of a series are of all lengths; words tell most by those beside them.
        growth = 1 if self.text else GROWTH
        layers = Convolution(channels=CHANNELS, kernel_size=size, num_layers=3, growth=growth) if convolved else None
        several = isinstance(self.columns().target, tuple)
        coverage = None if self.coverage is None else float(self.coverage)
        head: Head = Bernoulli() if several else Categorical(smoothing=0.1, coverage=coverage)
        return Wiring(
            pairing=Sequences(),
            inputs=word_of(self.tokens) if isinstance(self.tokens, Media) else "text" if self.text else "table",
            shape=ManyToOne(
                pooling=tuple(self.pooling),
                convolution=layers,
                # Single words tell much, and need not go through the memory.
                beside=layers is not None or self.text is not None,
                input_dropout=TEXT_DROPOUT if self.text else 0.0,
                embedding_size=TEXT_SIZE if self.text else None,
            ),
            outputs="table" if several else "symbols",
            head=head,
            readout="bernoulli" if several else "categorical",
            dropout=self._dropout(),
            augmentation=self._change(),
            prefixes=PREFIXES if "prefixes" in self._changes() else 0.0,
        )

    @property
    def _pictured(self) -> bool:
        return isinstance(self.tokens, Image) and self.tokens.steps == "picture"

    def _change(self) -> Change | None:
        """How examples of training are changed."""
        chosen, (own, *_) = set(self._changes()), self._own_changes()[1]
        if "views" in chosen:
            return Views()
        if self._pictured or not {"auto", own} & chosen:
            return None
        match own:
            case "sound":
                assert isinstance(self.tokens, Audio)
                return SoundChange(bands=self.tokens.features == "log_mel")
            case "tokens":
                return Forgetting(least=0.1)
            case _:
                return Augmentation()

    def _dropout(self) -> float:
        """Before the last layer: few voices are soon known by heart, as words are."""
        if isinstance(self.tokens, Audio):
            return SOUND_DROPOUT
        if is_frozen(self.network):
            return FROZEN_DROPOUT
        return TEXT_DROPOUT if self.text else 0.3

    def columns(self) -> Columns:
        given = () if self.target is None else names(self.target)
        return Columns(
            target=given if len(given) > 1 else next(iter(given), None),
            time=self.time,
            series=self.series,
            static=names(self.static),
            table=self.table,
            calendar=self.table.calendar == "on",
            text=self.text,
            tokens=self.tokens if isinstance(self.tokens, Text) else Text(),
            media=self.tokens if isinstance(self.tokens, Media) else None,
        )

    def resolved(self, num_examples: int, num_targets: int) -> tuple[Network, Training]:
        recipe = from_key(self.network)
        plan = self.training.completed(batch_size=32, learning_rate=2e-3, weight_decay=1e-3, patience=None)
        # Texts tell by single words, and are soon known by heart.
        epochs = max(10 if self.text else 20, round(1000 / plan.num_batches(num_examples)))
        return recipe.completed(hidden_size=TEXT_SIZE if self.text else 64), plan.completed(epochs=epochs)
