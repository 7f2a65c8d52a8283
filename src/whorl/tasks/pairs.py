"""What tasks share whose examples are a text that is read and one that is written."""

from typing import Protocol, get_args

from whorl.data.writing_reader import MOST_STEPS
from whorl.errors import ArgumentError, did_you_mean
from whorl.plans.heads import Categorical
from whorl.plans.networks import WRITES, Network, recurrent
from whorl.plans.sizes import MOST_WIDTH, check_flag, check_probability
from whorl.plans.table import Table
from whorl.plans.text import Text
from whorl.plans.training import Training
from whorl.plans.wiring import Attention, EncoderDecoder, Sequences, Wiring
from whorl.tasks.columns import Columns
from whorl.tasks.estimator import check_whole


class Writing(Protocol):
    """The fields of a task that reads a text and writes another one."""

    tokens: Text
    attention: Attention
    sampling: float
    embedding_size: int
    longest: int
    smoothing: float
    dropout: float
    table: Table
    network: Network | str
    training: Training


class Pairs(Writing, Protocol):
    """The same where the two texts are pairs."""

    source: str
    target: str


def check(task: Pairs, *, input_feeding: bool = False, wait: int | None = None, recall: bool = False) -> None:
    """Raises ArgumentError for settings that cannot be."""
    for name, value in (("input_feeding", input_feeding), ("recall", recall)):
        check_flag(name, value)
    if task.source == task.target:
        raise ArgumentError(f"`source` and `target` are both {task.source!r}. Name two columns, or two endings.")
    check_writing(task)
    if wait is not None:
        check_whole("wait", wait, 1)
        if wait >= task.longest:
            raise ArgumentError(f"`wait` is {wait}, but {task.longest} tokens are read at most. Lower it, or use None.")
        if recurrent(task.network, WRITES).bidirectional:
            raise ArgumentError(
                "`network` reads both ways, and so has to read all of a text, but `wait` has it written before its "
                "end. Use bidirectional=False, or wait=None."
            )


def check_writing(task: Writing) -> None:
    """The same of settings that have nothing to do with where the texts are."""
    recurrent(task.network, WRITES)
    if not isinstance(task.tokens, Text):
        raise ArgumentError(f"`tokens` is a whorl.Text(...), but is a {type(task.tokens).__name__}. Make it one.")
    known = get_args(Attention)
    if task.attention not in known:
        raise ArgumentError(
            f"`attention` must be one of {', '.join(known)}, but is {task.attention!r}."
            f"{did_you_mean(str(task.attention), known)}"
        )
    for name in ("sampling", "smoothing", "dropout"):
        check_probability(name, getattr(task, name))
    check_whole("embedding_size", task.embedding_size, 1, MOST_WIDTH)
    check_whole("longest", task.longest, 2)
    if task.longest > MOST_STEPS:
        raise ArgumentError(f"`longest` is at most {MOST_STEPS} tokens, but is {task.longest}. Lower it.")


def wiring(
    task: Writing,
    readout: str,
    *,
    turns: int | None = None,
    input_feeding: bool = False,
    wait: int | None = None,
    recall: bool = False,
    inputs: str = "text",
    ordered: bool = True,
) -> Wiring:
    """The task as data; `readout` says how what is written is scored, `turns` how many of a dialogue are read."""
    shape = EncoderDecoder(
        attention=task.attention,
        longest=int(task.longest),
        embedding_size=int(task.embedding_size),
        sampling=float(task.sampling),
        input_feeding=input_feeding,
        wait=None if wait is None else int(wait),
        recall=recall,
        ordered=ordered,
    )
    return Wiring(
        pairing=Sequences(every_step=True, turns=turns),
        inputs=inputs,
        shape=shape,
        outputs="text",
        head=Categorical(smoothing=float(task.smoothing)),
        readout=readout,
        dropout=float(task.dropout),
    )


def columns(task: Pairs) -> Columns:
    """Which column is read, and which is written."""
    return Columns(target=task.target, time=None, series=None, table=task.table, text=task.source, tokens=task.tokens)


def resolved(task: Writing, num_examples: int, *, both_ways: bool = True) -> tuple[Network, Training]:
    """256 units, batches of 32, and 20 epochs, or more where there are few pairs."""
    # Twice the rate is ahead for one epoch, and behind from the second one on.
    recipe, plan = recurrent(task.network, WRITES), task.training.completed(batch_size=32, learning_rate=1e-3)
    epochs = max(20, round(2000 / plan.num_batches(num_examples)))
    return (
        recipe.completed(hidden_size=256, bidirectional=both_ways),
        plan.completed(epochs=epochs),
    )
