"""A law that no broken object turns red says nothing: every law fails on its twins."""

import pytest
from tests.laws.broken import (  # noqa: F401  each lists its twins
    batches,
    codecs,
    cores,
    engines,
    models,
    networks,
    readouts,
)
from tests.laws.broken.twins import TWINS
from tests.laws.table import TABLE, check


@pytest.mark.parametrize(("name", "kind", "which"), TWINS, ids=["-".join(filter(None, one)) for one in TWINS])
def test_the_law_turns_red_for_its_broken_twin(name: str, kind: str, which: str) -> None:
    subject = TWINS[name, kind, which]()
    with pytest.raises(AssertionError):
        check(name, kind, subject, shrink=False)


def test_every_law_has_a_twin_of_every_kind_that_it_applies_to() -> None:
    assert {(name, kind) for name, kind, _ in TWINS} == {
        (name, kind) for name, kinds in TABLE.items() for kind in kinds
    }
