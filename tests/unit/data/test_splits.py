"""What is held out: by chance, with every class on both sides, and groups never cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whorl.data.splits import folds, held_out
from whorl.errors import DataError

shares = st.floats(0.02, 0.9)


@given(st.integers(2, 60), shares, st.integers(0, 9))
def test_without_labels_and_groups_the_draw_is_a_permutation_of_the_seed(count: int, share: float, seed: int) -> None:
    wanted = max(1, round(share * count))
    if wanted >= count:
        with pytest.raises(DataError, match=f"`validation` holds out {wanted} of {count} sequences"):
            held_out(count, share, seed)
        return
    expected = set(np.random.default_rng([seed, 0]).permutation(count)[:wanted].tolist())
    for given_as in (share, wanted):
        held = held_out(count, given_as, seed)
        assert set(held.tolist()) == expected
        assert held.dtype == np.int64
        assert (np.diff(held) > 0).all()


@given(st.lists(st.sampled_from("aab🙂"), min_size=4, max_size=70), shares, st.integers(0, 9))
def test_every_class_of_two_is_on_both_sides_and_keeps_its_share(labels: list[str], share: float, seed: int) -> None:
    sizes = {label: labels.count(label) for label in labels}
    if set(sizes.values()) == {1} or round(share * len(labels)) >= len(labels):
        return
    held = held_out(len(labels), share, seed, labels=labels)
    counts = {label: sum(labels[n] == label for n in held) for label in sizes}
    for label, size in sizes.items():
        assert counts[label] == 0 if size == 1 else 0 < counts[label] < size
    roomy = all(size * share >= 2 and size * (1 - share) >= 2 for size in sizes.values())
    if roomy:
        assert len(held) == max(1, round(share * len(labels)))
        assert all(abs(counts[label] - share * size) < 1.5 for label, size in sizes.items())


def test_shares_are_kept_to_the_nearest_whole_number() -> None:
    labels = ["common"] * 70 + ["rare"] * 20 + ["rarest"] * 10 + ["once"]
    held = held_out(101, 0.3, 0, labels=labels)
    assert [sum(labels[n] == name for n in held) for name in ("common", "rare", "rarest", "once")] == [21, 6, 3, 0]
    assert held.tolist() == held_out(101, 0.3, 0, labels=np.array(labels)).tolist()
    assert held.tolist() == held_out(101, 0.3, 0, labels=np.array(labels, object)).tolist()
    assert held.tolist() != held_out(101, 0.3, 1, labels=labels).tolist()


def test_a_share_gives_way_to_the_classes_and_a_number_does_not() -> None:
    labels = [n % 5 for n in range(20)]
    assert len(held_out(20, 0.1, 0, labels=labels)) == 5
    assert len(held_out(20, 0.9, 0, labels=labels)) == 15
    with pytest.raises(DataError, match="holds out 3 sequences, but classes on both sides need 5 to 15 of 20"):
        held_out(20, 3, 0, labels=labels)
    with pytest.raises(DataError, match="holds out 16 sequences"):
        held_out(20, 16, 0, labels=labels)
    with pytest.raises(DataError, match="all 3 classes occur once"):
        held_out(3, 1, 0, labels=["a", "b", "c"])


def test_missing_labels_are_one_class() -> None:
    for missing in (None, float("nan"), np.nan):
        labels = np.array(["a", missing] * 10, object)
        held = held_out(20, 0.2, 0, labels=labels)
        assert sorted(n % 2 for n in held) == [0, 0, 1, 1]
    assert len(held_out(6, 2, 0, labels=np.array([1.0, np.nan, 1.0, np.nan, 1.0, np.nan]))) == 2


@given(st.lists(st.integers(0, 8), min_size=2, max_size=60), shares, st.integers(0, 5), st.booleans())
def test_no_group_is_on_both_sides_and_none_of_the_sides_is_empty(
    groups: list[int], share: float, seed: int, labelled: bool
) -> None:
    count = len(groups)
    labels = [n % 3 for n in range(count)] if labelled else None
    if len(set(groups)) < 2 or max(1, round(share * count)) >= count:
        return
    held = held_out(count, share, seed, groups=groups, labels=labels)
    inside, outside = {groups[n] for n in held}, {groups[n] for n in set(range(count)) - set(held.tolist())}
    assert inside
    assert outside
    assert not inside & outside
    assert held.tolist() == held_out(count, share, seed, groups=np.array(groups), labels=labels).tolist()


def test_groups_come_as_near_to_the_number_as_they_can() -> None:
    sizes = [50, 10, 10, 10, 10, 10, 3]
    groups = [f"patient {g}" for g, size in enumerate(sizes) for _ in range(size)]
    for seed in range(10):
        assert len(held_out(103, 30, seed, groups=groups)) == 30
        assert len(held_out(103, 33, seed, groups=groups)) == 33
    assert len({tuple(held_out(103, 30, seed, groups=groups)) for seed in range(10)}) > 3
    # What fits best is all but one group, never all of them.
    assert held_out(10, 9, 0, groups=[0] + [1] * 9).tolist() == list(range(1, 10))
    assert len(held_out(200, 0.1, 0, groups=[n // 100 for n in range(200)])) == 100


def test_groups_and_labels_together_spread_the_classes_over_whole_groups() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 60, 900)
    labels = np.where(groups % 10 == 0, "rare", np.where(rng.random(900) < 0.3, "b", "a"))
    for seed in range(5):
        held = held_out(900, 0.2, seed, groups=groups, labels=labels)
        assert not set(groups[held]) & set(np.delete(groups, held))
        assert abs(len(held) - 180) <= 5
        for name in ("rare", "a", "b"):
            wanted = 0.2 * (labels == name).sum()
            # Groups of the rare class have about 15 sequences, all of them rare.
            assert abs((labels[held] == name).sum() - wanted) <= (8 if name == "rare" else 5)


def test_a_class_of_two_groups_is_on_both_sides_though_chance_says_otherwise() -> None:
    groups = [n // 2 for n in range(40)]
    labels = ["rare" if group in (3, 17) else "common" for group in groups]
    for seed in range(20):
        held = held_out(40, 0.1, seed, groups=groups, labels=labels)
        assert sum(labels[n] == "rare" for n in held) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": ["a"] * 7}, "`groups` must be at least two.* all 7 sequences belong to one"),
        ({"groups": ["a"] * 6}, "`groups` has one entry for each sequence, but has 6 for 7 sequences"),
        ({"labels": ["a"] * 8}, "`labels` has one entry for each sequence, but has 8 for 7 sequences"),
        ({"labels": [["a"]] * 7}, "`labels` are text or numbers, but that of sequence 0 is a list"),
    ],
)
def test_what_cannot_be_split_is_refused(options: dict[str, list[object]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        held_out(7, 0.3, 0, **options)


@pytest.mark.parametrize("wanted", [0, -1, 7, 8, 0.99])
def test_both_sides_need_a_sequence(wanted: float) -> None:
    with pytest.raises(DataError, match="`validation` holds out"):
        held_out(7, wanted, 0)


def test_numbers_of_numpy_are_numbers_and_no_fractions() -> None:
    assert held_out(10, np.int64(3), 0).tolist() == held_out(10, 3, 0).tolist()  # type: ignore[arg-type]
    assert held_out(10, np.float32(0.3), 0).tolist() == held_out(10, 0.3, 0).tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize("wanted", [float("nan"), 1.0, 0.0, -0.5])
def test_what_is_no_fraction_is_refused(wanted: float) -> None:
    with pytest.raises(DataError, match="a fraction between 0 and 1"):
        held_out(10, wanted, 0)


@given(st.lists(st.sampled_from("aab🙂"), min_size=2, max_size=70), st.integers(2, 9), st.integers(0, 9))
def test_folds_have_as_many_of_each_class_but_for_one(labels, number, seed) -> None:
    if number > len(labels):
        with pytest.raises(DataError, match=f"`folds` is {number}, but there are only {len(labels)} sequences"):
            folds(len(labels), number, seed, labels=labels)
        return
    dealt = folds(len(labels), number, seed, labels=labels)
    assert (dealt.shape, dealt.dtype) == ((len(labels),), np.int64)
    for label in set(labels):
        sizes = np.bincount(dealt[np.array(labels) == label], minlength=number)
        assert len(sizes) == number
        assert sizes.max() - sizes.min() <= 1
    sizes = np.bincount(dealt, minlength=number)
    assert sizes.min() >= 1
    assert sizes.max() - sizes.min() <= len(set(labels))
    alike = folds(len(labels), number, seed)
    assert np.ptp(np.bincount(alike, minlength=number)) <= 1
    assert dealt.tolist() == folds(len(labels), number, seed, labels=labels).tolist()


@given(st.lists(st.integers(0, 7), min_size=8, max_size=90), st.integers(2, 4), st.integers(0, 9))
def test_no_group_is_in_two_folds_and_none_of_them_is_empty(groups, number, seed) -> None:
    if len(set(groups)) < number:
        with pytest.raises(DataError, match=f"there are only {len(set(groups))} group"):
            folds(len(groups), number, seed, groups=groups)
        return
    dealt = folds(len(groups), number, seed, groups=groups, labels=[n % 2 for n in range(len(groups))])
    for group in set(groups):
        assert len({fold for fold, own in zip(dealt.tolist(), groups, strict=True) if own == group}) == 1
    assert set(dealt.tolist()) == set(range(number))


def test_groups_of_one_class_each_are_spread_over_the_folds() -> None:
    groups = [n // 5 for n in range(60)]
    labels = ["sick" if group in (1, 4, 9) else "well" for group in groups]
    dealt = folds(60, 3, 0, groups=groups, labels=labels)
    assert [sum(labels[n] == "sick" for n in np.flatnonzero(dealt == fold)) for fold in range(3)] == [5, 5, 5]
    assert dealt.tolist() != folds(60, 3, 1, groups=groups, labels=labels).tolist()
