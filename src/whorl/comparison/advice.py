"""Which network to use, and why, in a sentence: the cheapest of those that are as good as the best."""

from collections.abc import Callable
from collections.abc import Sequence as List

from whorl.comparison.result import Contestant
from whorl.report.scores import left_out, number, probability

# A difference that is as probable as this by chance is none.
CHANCE = 0.05
# So many times as cheap is worth telling, of a step and of training, which is paid once.
_STEP, _TRAINING = 1.2, 2.0


def advice(networks: List[Contestant], rivals: List[Contestant], metric: str, *, lower: bool) -> str:
    """A sentence of advice.

    Args:
        networks: those with scores, best first.
        rivals: naive ones, best first.
        metric: the one that judges.
        lower: whether less of it is better.
    """
    if not networks:
        return "No network could be fitted: see why above."
    best = networks[0]
    beaten = _beaten(best, rivals, metric, lower=lower)
    if beaten is not None:
        seen = best.scores.get("seen")
        return beaten + ("" if seen is None else left_out(seen.mean))
    equal = [one for one in networks if one is best or one.p is None or one.p >= CHANCE]
    cost, what, least = _cost(equal)
    chosen = min(equal, key=cost)
    times = cost(best) / max(cost(chosen), 1e-12)
    others = [one for one in networks if one not in equal]
    if times >= least:
        return (
            f"Use the {chosen.name}: {_near([chosen], best)} the {best.name} ({metric} {_score(chosen, metric)} "
            f"against {_score(best, metric)}{_chance(chosen)}), and {_times(times)} {what}."
        )
    if len(equal) > 1:
        near = _named([one.name for one in equal if one is not best])
        tail = (
            ""
            if not others
            else f"; {_named([one.name for one in others])} {'is' if len(others) == 1 else 'are'} worse"
        )
        return (
            f"Use the {best.name}: it has the best {metric} ({_score(best, metric)}), and none of those "
            f"{_near(equal, best)} it ({near}) is {least:g}x {what}{tail}."
        )
    if others:
        next_ = others[0]
        return (
            f"Use the {best.name}: its {metric} of {_score(best, metric)} is better than that of the next, the "
            f"{next_.name} ({_score(next_, metric)}{_chance(next_)}), by more than chance explains."
        )
    return f"Use the {best.name}: its {metric} is {_score(best, metric)}, and no other network was fitted."


def _beaten(best: Contestant, rivals: List[Contestant], metric: str, *, lower: bool) -> str | None:
    """What to say where no network is better than the best naive rival."""
    if not rivals:
        return None
    rival, own = rivals[0], best.scores[metric].mean
    other = rival.scores[metric].mean
    if own == other or (own > other) == lower:
        return (
            f"None of these networks beats {rival.name} here ({metric} {_score(best, metric)} against "
            f"{_score(rival, metric)}): use that, or bring more data."
        )
    if rival.p is None:
        return (
            f"Whether any network is better than {rival.name} cannot be told: the {best.name} is ahead ({metric} "
            f"{_score(best, metric)} against {_score(rival, metric)}), but no difference could be tested, so that this "
            "may be chance. Bring more data, or hold out more."
        )
    if rival.p >= CHANCE:
        return (
            f"No network is better than {rival.name} by more than chance explains ({metric} {_score(best, metric)} of "
            f"the {best.name} against {_score(rival, metric)}{_chance(rival)}): use {rival.name}, or bring more data."
        )
    return None


def _near(equal: List[Contestant], best: Contestant) -> str:
    """What those are called that are as good as the best: tested, or not told apart for want of a test."""
    return "not told apart from" if any(one.p is None for one in equal if one is not best) else "within noise of"


def _cost(equal: List[Contestant]) -> tuple[Callable[[Contestant], float], str, float]:
    """What is paid for an answer, what less of it is called, and how many times less is worth telling."""
    if all(one.latency is not None for one in equal):
        return _step, "cheaper a step", _STEP
    # Where some have no steps, what streams and what does not are not alike.
    return (lambda one: one.seconds), "quicker to train", _TRAINING


def _step(one: Contestant) -> float:
    assert one.latency is not None
    return one.latency.p50_s


def _times(times: float) -> str:
    return f"{times:.0f}x" if times >= 9.5 else f"{times:.1f}x"


def _score(one: Contestant, metric: str) -> str:
    return number(one.scores[metric].mean)


def _chance(one: Contestant) -> str:
    return "" if one.p is None else f", p {probability(one.p).replace('< ', '<')}"


def _named(names: List[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
