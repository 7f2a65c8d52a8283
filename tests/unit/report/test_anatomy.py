"""The sizes of networks whose cells are linear in their state, read off their programs."""

import pytest
from tests.laws.networks import NETWORKS

from whorl.report.anatomy import dissect, last_layer


def sizes(name):
    found = dissect(NETWORKS[name]().program())
    assert found is not None
    return found


def test_a_windowed_network_reads_its_segments_and_decodes_the_horizon():
    found, network = sizes("window, mingru"), NETWORKS["window, mingru"]().network()
    assert (found.cell, found.num_layers, found.hidden_size, found.bidirectional) == ("minGRU", 2, 6, False)
    assert (found.window, found.segment, found.num_read, found.num_decoded) == (7, 2, 4, 2)
    assert found.input_size == network.core.input_size > 2
    assert found.num_parameters > found.recurrent_parameters > 0


@pytest.mark.parametrize(("name", "window"), [("reconstruction", 5), ("reconstruction, whole", 7)])
def test_a_window_that_is_read_row_by_row_has_segments_of_one(name, window):
    found = sizes(name)
    assert (found.window, found.segment, found.num_read) == (window, 1, window)
    assert found.input_size > 1  # which is no number of rows


def test_a_complex_unit_counts_once():
    found = sizes("window, lru")
    assert (found.cell, found.num_layers, found.hidden_size, found.num_decoded) == ("LRU", 2, 6, 2)
    assert found.input_size == 2


def test_the_parameters_of_the_layers_are_those_of_the_core():
    subject = NETWORKS["carried, minlstm"]()
    network = subject.network()
    found = dissect(subject.program(network))
    assert found.cell == "minLSTM"
    assert found.recurrent_parameters == sum(parameter.numel() for parameter in network.core.parameters())
    assert found.num_read is None
    assert found.num_decoded == 0


@pytest.mark.parametrize("name", ["sequence, lru, both ways", "sequence, minlstm"])
def test_directions_are_told_apart(name):
    subject = NETWORKS[name]()
    found = dissect(subject.program())
    assert found.bidirectional == ("both ways" in name)
    assert found.num_layers == 2
    assert not last_layer(subject.program()).reverse
