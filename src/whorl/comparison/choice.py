"""What the rules of a task choose: settings, why, what to beware of, and what else to try."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from whorl.plans.networks import Network


@dataclass(frozen=True, kw_only=True)
class Other:
    """Another choice that is worth a fit.

    Args:
        reason: when it is the better one.
        settings: fields of the task that differ from those of the first choice.
    """

    reason: str
    settings: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Settings of a task for data with some traits.

    Args:
        network: recipe of the core.
        reasons: one sentence for each setting, with the trait and the number that led to it.
        settings: other fields of the task.
        cautions: what may make any network a poor answer, and what to do instead.
        others: other choices, the most promising one first.
    """

    network: Network
    reasons: tuple[str, ...]
    settings: Mapping[str, object] = field(default_factory=dict)
    cautions: tuple[str, ...] = ()
    others: tuple[Other, ...] = ()
