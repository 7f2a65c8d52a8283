"""`whorl demo translate`: numbers, dates and times in English words into German ones, synthetic."""

from typing import TYPE_CHECKING

import numpy as np

from whorl.cli.demos.stage import Stage
from whorl.cli.output import tell

if TYPE_CHECKING:
    from whorl.tasks.translation import Translator

# A fixed number of steps, so that everybody sees the same scores; so few that two busy cores take half a minute.
NAME, EPOCHS = "words", 8

_TRAIN, _TEST = 2400, 200

_SMALL = (
    ("zero", "null"), ("one", "eins"), ("two", "zwei"), ("three", "drei"), ("four", "vier"), ("five", "fünf"),
    ("six", "sechs"), ("seven", "sieben"), ("eight", "acht"), ("nine", "neun"), ("ten", "zehn"), ("eleven", "elf"),
    ("twelve", "zwölf"), ("thirteen", "dreizehn"), ("fourteen", "vierzehn"), ("fifteen", "fünfzehn"),
    ("sixteen", "sechzehn"), ("seventeen", "siebzehn"), ("eighteen", "achtzehn"), ("nineteen", "neunzehn"),
)  # fmt: skip
_TENS = (
    ("twenty", "zwanzig"), ("thirty", "dreißig"), ("forty", "vierzig"), ("fifty", "fünfzig"), ("sixty", "sechzig"),
    ("seventy", "siebzig"), ("eighty", "achtzig"), ("ninety", "neunzig"),
)  # fmt: skip
_DAYS = (
    ("Monday", "Montag"), ("Tuesday", "Dienstag"), ("Wednesday", "Mittwoch"), ("Thursday", "Donnerstag"),
    ("Friday", "Freitag"), ("Saturday", "Samstag"), ("Sunday", "Sonntag"),
)  # fmt: skip
_MONTHS = (
    ("January", "Januar"), ("February", "Februar"), ("March", "März"), ("April", "April"), ("May", "Mai"),
    ("June", "Juni"), ("July", "Juli"), ("August", "August"), ("September", "September"), ("October", "Oktober"),
    ("November", "November"), ("December", "Dezember"),
)  # fmt: skip


def run(stage: Stage) -> None:
    """Pairs are made by rules; those of the test part occur nowhere in training."""
    import whorl

    english, german = pairs(_TRAIN + _TEST, seed=0)
    columns = {"english": english, "german": german}
    train = stage.write("train.csv", columns, 0, _TRAIN)
    test = stage.write("test.csv", columns, _TRAIN, _TRAIN + _TEST)
    tell(
        f"{_TRAIN + _TEST} synthetic pairs: numbers, dates and times in English words and in German ones, which say "
        "the units before the tens.",
        f"{train} has the first {_TRAIN}; the others, none of which occurs there, are the test part, in {test}.",
        f"Training, {stage.passes}:",
        "",
    )
    model = whorl.Translator(
        source="english",
        target="german",
        tokens=whorl.Text(unit="word"),
        longest=24,
        dropout=0.1,
        network=whorl.Recurrent("gru", hidden_size=64),
        training=whorl.Training(epochs=stage.epochs, batch_size=32, learning_rate=5e-3, seed=0, device="cpu"),
    )
    model.fit(train, verbose=stage.is_verbose)
    found = stage.score(model, test)
    _stream(model, english[-1], german[-1])
    stage.finish(model, found, test)


def _stream(model: "Translator", english: str, german: str) -> None:
    """A text word by word; what is written comes when it ends, since its end may stand first in German."""
    tell("", "A text live, word by word; the answer comes when it ends:")
    stream = model.stream()
    for word in english.split():
        stream.push(f"{word} ")
    (answer,) = stream.flush()
    tell(f"  read     {english}", f"  written  {answer.value[0]}", f"  true     {german}")


def pairs(count: int, seed: int) -> tuple[list[str], list[str]]:
    """Different texts in English and in German, drawn by a seed."""
    draw, found = np.random.default_rng(seed), dict[str, str]()
    while len(found) < count:
        english, german = (_time, _date, _amount)[int(draw.integers(3))](draw)
        found.setdefault(english, german)
    return list(found), list(found.values())


def _time(draw: np.random.Generator) -> tuple[str, str]:
    (hour, stunde), (minute, minuten) = _number(int(draw.integers(24))), _number(int(draw.integers(1, 60)))
    day, tag = _DAYS[int(draw.integers(7))]
    return f"at {hour} {minute} on {day}", f"am {tag} um {_before(stunde)} Uhr {minuten}"


def _date(draw: np.random.Generator) -> tuple[str, str]:
    (day, tag), (month, monat) = _DAYS[int(draw.integers(7))], _MONTHS[int(draw.integers(12))]
    year, jahr = _number(int(draw.integers(21, 100)))
    return f"a {day} in {month} nineteen {year}", f"ein {tag} im {monat} neunzehnhundert {jahr}"


def _amount(draw: np.random.Generator) -> tuple[str, str]:
    (many, viele), (few, wenige) = _number(int(draw.integers(21, 100))), _number(int(draw.integers(2, 20)))
    return f"{many} books and {few} cups, please", f"bitte {viele} Bücher und {wenige} Tassen"


def _number(value: int) -> tuple[str, str]:
    """A number below a hundred: 'forty two', and 'zwei und vierzig'."""
    if value < len(_SMALL):
        return _SMALL[value]
    (tens, zehner), unit = _TENS[value // 10 - 2], value % 10
    if not unit:
        return tens, zehner
    return f"{tens} {_SMALL[unit][0]}", f"{_before(_SMALL[unit][1])} und {zehner}"


def _before(word: str) -> str:
    """Before another word 'eins' loses its end."""
    return "ein" if word == "eins" else word
