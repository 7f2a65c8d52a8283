"""Synthetic commands to an assistant whose dates, amounts, people and places are marked; nobody said them."""

import random
import re

Tagged = tuple[list[list[str]], list[list[str]]]

# Names of people that are names of places or of months too: only what stands around them tells.
_BOTH = ("Paris", "Jordan", "Austin", "Florence", "Victoria", "Lincoln", "Sydney", "Chester")
_MONTHS = ("January", "March", "April", "May", "June", "August", "October")
_DAYS = ("Monday", "Tuesday", "Friday", "Sunday", "tomorrow", "tonight")
_NUMBERS = ("two", "five", "twelve", "thirty", "three hundred", "four thousand")
_COINS = ("euros", "dollars", "pounds", "francs")
_SYLLABLES = ("ka", "lo", "min", "ra", "tes", "vo", "del", "ni", "sar", "bo", "lin", "que", "ra", "mor", "zi", "han")

_COMMANDS = (
    "remind {person} to pay {amount} {date}",
    "send {amount} to {person}",
    "send a taxi to {place}",
    "send the invoice of {amount} to {person} {date}",
    "book a flight from {place} to {place} {date}",
    "what is the weather in {place} {date}",
    "meet {person} in {place} at noon",
    "{person} owes me {amount}",
    "{place} is {amount} away by train",
    "is {place} sunny {date}",
    "is {person} free {date}",
    "move my lunch with {person} to {date}",
    "tell {person} that {place} is lovely",
    "may I leave for {place} {date}",
    "ask {person} for {amount} please",
    "march with {person} {date}",
    "find two hotels in {place}",
    "{date} is fine for {person}",
)


def commands(count: int, seed: int = 0) -> Tagged:
    """Makes commands and the label of each of their words: B-X begins an X, I-X goes on with it, O is neither.

    Half of the names are made up, so that most of those in another draw were never seen.

    Args:
        count: how many.
        seed: of the draw.

    Returns:
        The words of each command, and their labels.
    """
    draw = random.Random(seed)
    sentences, tags = [], []
    for _ in range(count):
        words: list[str] = []
        labels: list[str] = []
        for part in re.split(r" (?=\S)", draw.choice(_COMMANDS)):
            slot = re.fullmatch(r"\{(\w+)\}", part)
            said = _filled(slot[1], draw) if slot else [part]
            words += said
            # A word before a date, such as 'on', is part of no entity.
            labels += _marked(slot[1], said) if slot else ["O"]
        sentences.append(words)
        tags.append(labels)
    return sentences, tags


def _marked(kind: str, words: list[str]) -> list[str]:
    before = 1 if kind == "date" and words[0] == "on" else 0
    return ["O"] * before + [f"{'I' if n else 'B'}-{kind}" for n in range(len(words) - before)]


def _filled(kind: str, draw: random.Random) -> list[str]:
    match kind:
        case "person":
            first = draw.choice((*_BOTH, "May", "April", "June")) if draw.random() < 0.5 else _name(draw)
            return [first, _name(draw)] if draw.random() < 0.3 else [first]
        case "place":
            whole = draw.choice(_BOTH) if draw.random() < 0.5 else _name(draw)
            return ["New", whole] if draw.random() < 0.2 else [whole]
        case "amount":
            number = draw.choice(_NUMBERS) if draw.random() < 0.5 else str(draw.randint(2, 900))
            return [*number.split(), draw.choice(_COINS)]
        case _:
            month, day = draw.choice(_MONTHS), str(draw.randint(1, 28))
            ways = (["on", month, day], ["on", "the", f"{day}th", "of", month], ["next", month], [draw.choice(_DAYS)])
            return list(draw.choice(ways))


def _name(draw: random.Random) -> str:
    return "".join(draw.choice(_SYLLABLES) for _ in range(draw.randint(2, 3))).capitalize()
