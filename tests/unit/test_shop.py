"""The synthetic shop."""

from whorl.datasets.shop import visits


def test_a_seed_makes_one_log_whose_customers_buy_nothing_twice():
    log = visits(40, seed=3)
    assert log == visits(40, seed=3)
    assert log != visits(40, seed=4)
    assert list(log) == ["customer", "product", "time"]
    assert log["time"] == sorted(log["time"])
    pairs = list(zip(log["customer"], log["product"], strict=True))
    assert len(set(pairs)) == len(pairs)
    assert len(set(log["customer"])) == 40
