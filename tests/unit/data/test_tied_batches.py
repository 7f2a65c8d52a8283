"""Sessions whose events of one time change places."""

from dataclasses import replace

import numpy as np

from whorl.data.sequences import Sequence
from whorl.data.tied_batches import TiedBatches


def session(codes, times, elapsed=None):
    codes = np.array(codes, np.float32)[:, None]
    targets = np.full_like(codes, np.nan)
    targets[:-1] = codes[1:] - 1
    past = codes if elapsed is None else np.concatenate([codes, np.array(elapsed, np.float32)[:, None]], axis=1)
    return Sequence(key="u", past=past, time=np.array(times, np.int64), targets=targets)


def orders(one, epochs=40):
    batches = TiedBatches([one], 1)
    return [batches.batch(0, seed=3, epoch=epoch) for epoch in range(epochs)]


def test_items_of_one_time_come_in_every_order_and_others_stay():
    made = orders(session([1, 2, 3, 4, 5], [0, 1, 1, 1, 2]))
    found = {tuple(one.inputs["past"][0, :, 0].astype(int).tolist()) for one in made}
    assert {codes[0] for codes in found} == {1}
    assert {codes[-1] for codes in found} == {5}
    assert {codes[1:4] for codes in found} == {(2, 3, 4), (2, 4, 3), (3, 2, 4), (3, 4, 2), (4, 2, 3), (4, 3, 2)}


def test_the_truth_of_an_event_is_the_item_after_it_and_that_of_the_last_one_stays_unknown():
    for one in orders(session([1, 2, 3, 0, 5], [0, 1, 1, 1, 1])):
        codes, truths = one.inputs["past"][0, :, 0], one.targets[0, :, 0]
        assert truths[:-1].tolist() == (codes[1:] - 1).tolist()
        assert np.isnan(truths[-1])


def test_what_stands_beside_an_item_belongs_to_its_place():
    for one in orders(session([1, 2, 3], [0, 7, 7], elapsed=[0.0, 1.5, -0.5])):
        assert one.inputs["past"][0, :, 1].tolist() == [0.0, 1.5, -0.5]


def test_a_batch_is_a_function_of_its_arguments_and_the_sessions_stay_as_they_are():
    one = session([1, 2, 3, 4], [1, 1, 1, 1])
    before = one.past.copy()
    batches, again = TiedBatches([one], 1), TiedBatches([one], 1)
    wanted = [batches.batch(0, seed=1, epoch=epoch).inputs["past"].tolist() for epoch in range(4)]
    found = [again.batch(0, seed=1, epoch=epoch).inputs["past"].tolist() for epoch in (3, 1, 0, 2)]
    assert [wanted[epoch] for epoch in (3, 1, 0, 2)] == found
    assert len({str(past) for past in wanted}) > 1
    assert one.past.tolist() == before.tolist()


def test_how_long_after_an_event_the_next_one_came_belongs_to_its_place_too():
    one = session([1, 2, 3, 4], [0, 7, 7, 9])
    apart = np.array([[7.0, 1.0], [0.0, 0.0], [2.0, 2.0], [np.nan, np.nan]], np.float32)
    one = replace(one, targets=np.concatenate([one.row_targets, apart], axis=1))
    for made in orders(one):
        np.testing.assert_array_equal(made.targets[0, :, 1:], apart)
        assert made.targets[0, :-1, 0].tolist() == (made.inputs["past"][0, 1:, 0] - 1).tolist()
