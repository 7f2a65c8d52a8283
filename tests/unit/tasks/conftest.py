"""Classifiers of texts and of waves and a recommender, fitted once."""

import dataclasses

import numpy as np
import pytest
from tests.unit.tasks.reviews import ONE, QUICK, classifier, reviews, table
from tests.unit.tasks.sessions import recommender, turns
from tests.unit.tasks.waves import classifier as classifier_of_waves
from tests.unit.tasks.waves import waves

import whorl


@pytest.fixture(scope="session")
def reviewer():
    # Half of what a network so small reads is dropped: it needs more passes than the tests that only look at forms.
    return classifier(
        network=whorl.Recurrent("gru", hidden_size=16), training=dataclasses.replace(QUICK, epochs=80)
    ).fit(reviews())


@pytest.fixture(scope="session")
def priced():
    """A model of texts with a number and a category beside them."""
    return classifier(target="verdict", training=ONE).fit(table())


@pytest.fixture(scope="session")
def slow_or_fast():
    """A classifier of waves whose labels are words."""
    x, y = waves()
    return classifier_of_waves().fit((x, np.array(["slow", "fast"], object)[y]))


@pytest.fixture(scope="session")
def round_trip():
    """A recommender of sessions that go round the letters."""
    return recommender().fit(turns(60), verbose=False)
