"""A synthetic log of a shop: what customers who follow plans put into their baskets; no such shop exists."""

import random
from datetime import datetime, timedelta

# What each plan needs, in about the order in which it is bought.
_PLANS = (
    "bowl whisk flour sugar eggs butter vanilla icing candles",
    "spade gloves soil seeds pots water-can compost fence lamp",
    "sandpaper tape primer roller paint brush varnish solvent",
    "tent mat sleeping-bag stove gas mug torch rope map",
    "cot blanket bottle nappies wipes cream romper rattle book",
    "helmet lock pump tube chain oil bell mudguard bag",
    "yarn needles pattern scissors buttons lining zip iron",
    "bowl-for-fish gravel filter heater plants snails food fish net",
    "canvas easel pencils palette oils turpentine frame hooks",
    "kettle beans grinder scale filter-paper cup syrup biscuits",
    "shoes socks shorts watch vest drink plasters number-belt",
    "strings tuner capo picks strap stand songbook amplifier cable",
)
_MAKES = ("plain", "organic", "fine")
_OFTEN = ("bread", "milk", "bananas", "batteries", "soap", "chocolate", "bin-bags", "newspaper")
# How often something is bought beside the plans, a step of a plan is skipped, and another make is taken than usual.
_BESIDE, _SKIPPED, _OTHER = 0.12, 0.1, 0.1


def visits(count: int, seed: int = 0) -> dict[str, list[str]]:
    """Makes the log of so many customers, as columns of a table: customer, product, time.

    A customer follows two or three plans at once, going from one to another, and mostly takes one make of everything.
    So what comes next depends on more than the last product: on how far each plan is, and on the make.

    Args:
        count: customers.
        seed: of the draw; the names of customers tell it.

    Returns:
        Name -> cells; rows are in order of time.
    """
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        at = datetime(2026, 1, 1) + timedelta(minutes=draw.randrange(60 * 24 * 90))
        for product in _basket(draw):
            rows.append((at, f"customer-{seed}-{number}", product))
            at += timedelta(seconds=draw.randint(20, 900))
    rows.sort(key=lambda row: row[0])
    return {
        "customer": [name for _, name, _ in rows],
        "product": [product for _, _, product in rows],
        "time": [f"{at:%Y-%m-%d %H:%M:%S}" for at, _, _ in rows],
    }


def _basket(draw: random.Random) -> list[str]:
    """What one customer buys, in order; nothing twice."""
    make = draw.choice(_MAKES)
    plans = [plan.split() for plan in draw.sample(_PLANS, draw.choice((2, 2, 3)))]
    basket: list[str] = []
    length = draw.randint(5, 16)
    while len(basket) < length and any(plans):
        if draw.random() < _BESIDE:
            product = draw.choices(_OFTEN, range(len(_OFTEN), 0, -1))[0]
        else:
            plan = draw.choice([plan for plan in plans if plan])
            if draw.random() < _SKIPPED:
                plan.pop(0)
            if not plan:
                continue
            product = f"{draw.choice(_MAKES) if draw.random() < _OTHER else make} {plan.pop(0)}"
        if product not in basket:
            basket.append(product)
    return basket
