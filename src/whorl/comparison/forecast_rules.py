"""Rules for forecasts: how far back to read, by what memory, with which network."""

from collections.abc import Sequence

from whorl.comparison.choice import Choice, Other
from whorl.comparison.question import Question
from whorl.comparison.traits import Traits
from whorl.data.problems import plural
from whorl.errors import DataError
from whorl.plans.networks import Convolution, Recurrent
from whorl.tasks.estimator import check_whole

# The horizon and the context of a Forecaster, where the data say nothing else and have the rows.
HORIZON, CONTEXT = 24, 168
# Rows to learn from below which a carried state was ahead of a window, and below which any network is a gamble.
FEW_ROWS, TOO_FEW_ROWS = 600, 100
# Between these a course is hardly told from a random walk, whose best forecast is its last value.
RANDOM_WALK = (0.75, 1.3)
UNITS = 128

_GRU = Recurrent("gru", hidden_size=UNITS)
_CNN = Convolution(hidden_size=UNITS, num_layers=4)


def chosen_horizon(asked: Question, lengths: Sequence[int]) -> int:
    """The horizon that was asked for; else the task's own, or a tenth of the longest series where that is less.

    Raises:
        ArgumentError: it is no whole number from 1 on.
        DataError: a series has too few rows for it.
    """
    longest, shortest = max(lengths), min(lengths)
    horizon = max(1, min(HORIZON, longest // 10, shortest // 2)) if asked.horizon is None else asked.horizon
    check_whole("horizon", horizon, 1)
    if room(shortest, longest, horizon) < 1:
        raise DataError(
            f"`horizon` is {horizon}, but the longest series has {plural(longest, 'row')} and the shortest one "
            f"{shortest}: a forecast to learn from and one to score need {2 * horizon + 1} in one of them, and "
            f"{horizon + 1} in each. Lower it, drop short series, or bring more rows."
        )
    return horizon


def room(shortest: int, longest: int, horizon: int) -> int:
    """The longest context that every series has rows for, the longest one in its training part too."""
    validation = max(horizon, round(0.1 * longest))  # as `Training` holds out where nothing else is said
    return min(shortest - horizon, longest - validation - horizon)


def forecast_rules(traits: Traits, asked: Question) -> Choice:
    """A GRU that reads a window of a season and more, or all rows of a series where they are few."""
    horizon = asked.horizon
    assert horizon is not None
    context, why_context = _context(traits, horizon)
    few = traits.examples < FEW_ROWS
    reasons = [_why_memory(traits, few), why_context]
    if traits.sequences > 1:
        reasons.append(f"{traits.sequences:,} series are learned by one network, each in units of its own spread")
    return Choice(
        network=_GRU,
        settings={"context": context, "memory": "carried" if few else "window"},
        reasons=tuple(reasons),
        cautions=tuple(_cautions(traits, horizon)),
        others=_others(few),
    )


def _context(traits: Traits, horizon: int) -> tuple[int, str]:
    """A season, or the task's own context where that is more; no more than a third of the rows of a series."""
    season = traits.season
    # One season holds what was there a season before each row of the horizon; two of 336 rows did no better.
    wanted = max(season or 0, CONTEXT, horizon)
    bound = room(traits.shortest, traits.longest, horizon)
    context = min(wanted, bound, max(1, traits.median_length // 3))
    if season is None:
        seen = f"no season forecasts better than the last value: context={context}"
    else:
        held = "less than one" if context < season else "one" if context < 2 * season else str(context // season)
        seen = f"naive forecasts are best by a season of {plural(season, 'row')}: context={context} holds {held}"
    if context == wanted:
        return context, f"{seen}, the task's own" if context == CONTEXT else seen
    if context == bound:
        return context, f"{seen}; the shortest series has {plural(traits.shortest, 'row')}, {horizon} for the horizon"
    return context, f"{seen}; more than a third of {traits.median_length} rows (median) would leave few windows"


def _why_memory(traits: Traits, few: bool) -> str:
    rows = f"{traits.examples:,} rows to learn from"
    if few:
        return (
            f"{rows}, fewer than {FEW_ROWS}: a GRU of {UNITS} units whose state is carried through the whole series. "
            "On seven series of 108 to 375 rows its errors were 11 % below those of a window by the geometric mean, "
            "but 4 to 9 % larger on three (docs/how-to/choosing-a-network.md)"
        )
    return (
        f"{rows}: a GRU of {UNITS} units reads a window of them. On seven sets of 144 to 43,824 rows this was ahead of "
        "the best naive rival on six (docs/explanation/memory.md)"
    )


def _others(few: bool) -> tuple[Other, ...]:
    window = Other(
        reason="a window of the last rows, which alone decide an answer: on three of seven series of 108 to 375 rows "
        "errors of the carried state were 4 to 9 % larger (docs/how-to/choosing-a-network.md)",
        settings={"memory": "window"},
    )
    carried = Other(
        reason="where what matters lies further back than the context, the state is carried through the whole series: "
        "its errors were 5 % larger on average of six sets (docs/explanation/memory.md)",
        settings={"memory": "carried"},
    )
    convolved = Other(
        reason="a temporal convolutional network, another kind, which takes several times as long to fit",
        settings={"memory": "window", "network": _CNN},
    )
    return (window if few else carried), convolved


def _cautions(traits: Traits, horizon: int) -> list[str]:
    """What makes naive rivals hard to beat."""
    found = []
    if traits.examples < TOO_FEW_ROWS:
        found.append(
            f"{traits.examples} rows to learn from are too few to trust any network with: take the best naive rival, "
            "which the fit names, unless the model is clearly ahead of it"
        )
    elif traits.examples < FEW_ROWS:
        found.append(
            f"{traits.examples} rows to learn from are few: on two of seven series of 108 to 375 rows the best naive "
            "rival was ahead (docs/how-to/choosing-a-network.md). Believe the fit where it says so"
        )
    low, high = RANDOM_WALK
    if traits.wandering is not None and low <= traits.wandering <= high:
        found.append(
            f"changes over {max(2, horizon)} rows vary {traits.wandering:.2f} times as much as those of a random walk "
            "(Lo & MacKinlay 1988): the last value is hard to beat. On exchange rates, 0.83, it was ahead of both "
            "memories, 0.196 beside 0.199 and 0.203 (docs/explanation/memory.md)"
        )
    return found
