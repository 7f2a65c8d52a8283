"""Estimators of music, and the pieces that each is fitted on."""

from typing import Any

import numpy as np
from tests.laws.model_data import of_short
from tests.laws.model_subject import ModelSubject

import whorl
from whorl.plans.networks import Network

EVENTS = ("on 60", "off 60", "on 63", "off 63", "velocity 0", "velocity 1", "wait 1", "wait 3")


def chords(rng: np.random.Generator, length: int) -> list[Any]:
    """Of 7 notes about two sound at a step; of some steps none does."""
    return [[60 + note for note in np.flatnonzero(rng.random(7) < 0.3).tolist()] for _ in range(length)]


def events(rng: np.random.Generator, length: int) -> list[Any]:
    return [EVENTS[n] for n in rng.integers(0, len(EVENTS), length)]


def composer(network: Network, steps: str, **settings: Any) -> ModelSubject:
    """A model of 7 notes, which are moved while it learns."""
    plan = whorl.Music(steps=steps, lowest=60, highest=66, transpose=(-2, 2), velocities=2, waits=3)
    roll = steps == "roll"
    return of_short(
        whorl.Generator,
        network,
        chords if roll else events,
        listed=True,
        text=not roll,
        settings={"tokens": plan, **settings},
        asked={"decoding": whorl.Greedy(max_length=9) if roll else whorl.Beam(width=3, max_length=9)},
    )
