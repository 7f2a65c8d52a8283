"""Classifiers of texts, fitted once."""

import pytest
from tests.unit.tasks.reviews import ONE, classifier, reviews, table


@pytest.fixture(scope="session")
def reviewer():
    return classifier().fit(reviews())


@pytest.fixture(scope="session")
def priced():
    """A model of texts with a number and a category beside them."""
    return classifier(target="verdict", training=ONE).fit(table())
