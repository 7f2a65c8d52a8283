"""Which networks are compared, and how they are made alike."""

from collections.abc import Mapping
from collections.abc import Sequence as List
from dataclasses import replace
from typing import TYPE_CHECKING

from whorl.comparison.matching import Match, completed, matched
from whorl.errors import ArgumentError
from whorl.plans.networks import Network, from_key, recurrent
from whorl.tasks.estimator import FROZEN, name_of
from whorl.tasks.preparation import Prepared

if TYPE_CHECKING:
    from whorl.tasks.estimator import Estimator

# What is compared where nobody says, as far as a task takes it.
NETWORKS = ("rnn", "lstm", "gru", "transformer", "cnn", "mlp")


def chosen(
    estimator: "Estimator", networks: List[Network | str] | Mapping[str, Network | str] | None
) -> tuple[dict[str, Network], list[str]]:
    """Name -> recipe, and what should be said of those that were left out."""
    if networks is None:
        able = {key: from_key(key) for key in NETWORKS if _takes(estimator, from_key(key)) is None}
        left = [key for key in NETWORKS if key not in able]
        own = from_key(estimator.network)
        # The model's own network has its own settings, and is compared whatever the others are.
        able = {**able, name_of(own): own}
        return able, [f"this task takes no {', '.join(left)}"] if left else []
    if isinstance(networks, str | Network):
        networks = [networks]
    own = from_key(estimator.network)
    if isinstance(networks, Mapping):
        recipes = {name: from_key(one) for name, one in networks.items()}
    else:
        recipes = _named([_of(one, own) for one in networks])
    if len(recipes) < 2:
        raise ArgumentError(f"`networks` must be at least two, but are {', '.join(recipes) or 'none'}. Add one.")
    for name, recipe in recipes.items():
        if not str(name).replace("-", "").replace("_", "").isalnum():
            raise ArgumentError(
                f"a name in `networks` has letters, digits, '-' and '_', but one is {name!r}. Change it."
            )
        refused = _takes(estimator, recipe)
        if refused is not None:
            raise refused
    return recipes, []


def _named(recipes: List[Network]) -> dict[str, Network]:
    """Names of recipes, with a number where several have the same."""
    made: dict[str, Network] = {}
    for recipe in recipes:
        key = name_of(recipe)
        name, n = key, 2
        while name in made:
            name, n = f"{key}-{n}", n + 1
        made[name] = recipe
    return made


def _of(one: Network | str, own: Network) -> Network:
    """The recipe that a word or a recipe means; the name of the model's own network means that."""
    if one == name_of(own):
        return own
    if isinstance(one, str) and one.endswith(FROZEN):
        return replace(recurrent(one.removesuffix(FROZEN), "only a core that recurs can be frozen"), frozen=True)
    return from_key(one)


def _takes(estimator: "Estimator", recipe: Network) -> ArgumentError | None:
    """Why a task refuses a network; None where it takes it."""
    try:
        replace(estimator, network=recipe)
    except ArgumentError as error:
        return error
    return None


def made_alike(
    estimator: "Estimator", recipes: Mapping[str, Network], prepared: Prepared, match: Match
) -> dict[str, Network]:
    """Complete recipes, made like the task's own network in what is matched."""
    reference = completed(estimator, prepared)
    if match == "parameters" or match == "latency":
        return {name: matched(estimator, reference, recipe, prepared, match) for name, recipe in recipes.items()}
    return {name: completed(replace(estimator, network=recipe), prepared) for name, recipe in recipes.items()}
