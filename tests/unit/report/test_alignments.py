"""What a translator looks back at, as a report shows it."""

import numpy as np
from tests.unit.live.tiny_translator import SOURCES, TARGETS, translator

from whorl.report.alignments import alignment, pictures


def test_each_token_that_is_written_looks_at_those_that_were_read():
    for attention in ("dot", "additive"):
        model = translator(attention)
        (one,) = model.reader.encode(["three, one"], ["eins drei"])
        shares = alignment(model, one.source, one.targets[:-1, 0])
        assert shares.shape == (len(one.targets), len(one.source))
        np.testing.assert_allclose(shares.sum(axis=1), 1.0)
        assert (shares > 0).all()


def test_a_few_pairs_are_drawn_with_their_texts_beside_the_truth():
    model = translator()
    (first, *_, last) = made = pictures(model, model.reader.encode(SOURCES, TARGETS))
    assert [one.title for one in made] == SOURCES
    assert first.says.startswith("Read: one two. Written: ")
    assert "True: zwei eins." in first.says
    assert "eins drei" in last.says
    assert all(one.source.startswith("data:image/svg") for one in made)


def test_nothing_is_drawn_without_truths():
    model = translator()
    assert pictures(model, None) == []
    assert pictures(model, []) == []
    assert pictures(model, model.reader.encode(SOURCES)) == []
