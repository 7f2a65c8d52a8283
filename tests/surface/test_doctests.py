"""Every example in a docstring runs and says the truth."""

import doctest
import importlib
import pkgutil

import pytest

import whorl

MODULES = ["whorl", *sorted(found.name for found in pkgutil.walk_packages(whorl.__path__, "whorl."))]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an example may write files
    module = importlib.import_module(name)
    failed, _ = doctest.testmod(module, optionflags=OPTIONS)
    assert failed == 0
