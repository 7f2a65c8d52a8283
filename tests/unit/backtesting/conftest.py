"""Prices whose best forecast is known."""

import pytest

from .subjects import prices


@pytest.fixture(scope="session")
def echoes():
    return prices(240, echo=0.8)


@pytest.fixture(scope="session")
def chances():
    return prices(240, echo=0.0)
