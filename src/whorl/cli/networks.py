"""Options of the network: those of the recipe that a task has by default, and what other recipes have beside them."""

from dataclasses import fields, replace
from functools import partial

import click

from whorl.cli.kinds import Choice
from whorl.cli.options import build, options_of, was_given
from whorl.errors import ArgumentError
from whorl.plans.networks import (
    ALL_KEYS,
    CELLS,
    LOOKING_BACK,
    OF_PICTURES,
    Network,
    Recurrent,
    from_key,
    key_of,
)

# The cell of a recurrent recipe, and the key of any other, are given as the option --network.
_RENAMED = {"cell": "network"}
_OTHERS = {**LOOKING_BACK, **OF_PICTURES}


def network_options(plan: Network, section: str) -> list[click.Parameter]:
    """An option for each field of each recipe; one that several share stands there once.

    Args:
        plan: the recipe of the task; defaults are those of its fields.
        section: heading of the help page.
    """
    own = {option.name: option for option in options_of(type(plan), section, rename=_RENAMED, plan=plan)}
    options = dict(own)
    for key, kind in _OTHERS.items():
        for option in options_of(kind, section):
            if option.name in own or not isinstance(option, click.Option):
                continue
            first = options.setdefault(option.name, option)
            assert isinstance(first, click.Option)
            text = f"{key}: {option.help}"
            first.help = text if first is option else f"{first.help} {text}"
    chosen = options["network"]
    assert isinstance(chosen, click.Option)
    chosen.type = Choice(ALL_KEYS)
    *some, last = (f"{key} ({kind.__name__})" for key, kind in _OTHERS.items())
    others = f"{', '.join(some)} or {last}, for which other options and defaults hold"
    chosen.help = f"{', '.join(CELLS)}: recurrent cells; or {others}. [default: {key_of(plan)}]"
    return list(options.values())


def network_of(plan: Network) -> Network:
    """The recipe that the command line describes.

    Raises:
        ArgumentError: an option that the chosen recipe does not have.
    """
    key = str(click.get_current_context().params["network"]) if was_given("network") else key_of(plan)
    if key_of(plan) != key:
        plan = replace(plan, cell=key) if isinstance(plan, Recurrent) and key in CELLS else from_key(key)
    own = [field.name for field in fields(plan)]
    for kind in (Recurrent, *_OTHERS.values()):
        for name in (field.name for field in fields(kind)):
            if name not in own and name not in _RENAMED and was_given(name):
                raise ArgumentError(
                    f"`--{name.replace('_', '-')}` is no option of the network {key}. Leave it out, or choose another "
                    "with --network."
                )
    return build(partial(replace, plan), [name for name in own if name not in _RENAMED])
