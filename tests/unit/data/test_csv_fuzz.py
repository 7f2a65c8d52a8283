"""D4: cut anywhere and mutated anyhow, a table is read or refused; and both readers agree on every one."""

import random
import string

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from whorl.codecs.frame import Frame
from whorl.data.csv_source import parse_csv
from whorl.data.schema import infer_schema
from whorl.data.series import read_series
from whorl.errors import DataError
from whorl.plans.table import Table

SMALL = (
    "time;shop;sales;note\n"
    + "".join(f'2016-07-{d:02d} 0{d % 10}:00:00;{"ab"[d % 2]};{d * 1.5e3};"x {d}"\n' for d in range(1, 20))
    + "2016-08-01T00:00:00Z;ü;1e308;NA\n"
).encode()
REPAIRED = Table(on_duplicate="mean", on_gap="fill", on_unsorted="sort", on_infinite="missing", on_text="missing")


def read_or_refuse(data: bytes) -> None:
    refusals = []
    for table in (Table(), REPAIRED):
        try:
            frame = parse_csv(data, "small.csv", table)
            schema = infer_schema(frame, series="shop" if "shop" in frame.columns else None, table=table)
            read_series(frame, schema, table)
        except DataError as error:
            refusals.append(str(error))
    assert all("small.csv" in message for message in refusals)


def test_every_cut_of_a_small_file_is_read_or_refused() -> None:
    for end in range(len(SMALL)):
        read_or_refuse(SMALL[:end])


def test_two_thousand_mutations_are_read_or_refused() -> None:
    rng = random.Random(4)
    for _ in range(2000):
        data = bytearray(SMALL)
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(data))
            match rng.randrange(4):
                case 0:
                    data[at] = rng.randrange(256)
                case 1:
                    del data[at : at + rng.randint(1, 30)]
                case 2:
                    data[at:at] = bytes(rng.choices(b'",;\n\r\t 0123456789eE+-.:TZ\x00\xff', k=rng.randint(1, 8)))
                case _:
                    data[at:at] = data[at : at + rng.randint(1, 60)]
        read_or_refuse(bytes(data))


def assert_same(one: Frame, other: Frame) -> None:
    assert list(one.columns) == list(other.columns)
    assert one.rows.tolist() == other.rows.tolist()
    for name in one.columns:
        assert one[name].dtype == other[name].dtype
        if one[name].dtype.kind == "f":
            assert one[name].tobytes() == other[name].tobytes()
        else:
            assert one[name].tolist() == other[name].tolist()


CELLS = st.one_of(
    st.floats().map(repr),
    st.integers().map(str),
    st.sampled_from(
        ["", " ", "NA", "-", "+1", "1.", ".5", "1e5", "1E+05", "inf", "-Infinity", "nan", "NaN", "1_0", "0x1"]
    ),
    st.text(string.ascii_letters + string.digits + " .+-eE_é\u00a0\u2003", max_size=8),
)


@settings(max_examples=100)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6), st.sampled_from([";", ",", "\t", "|"]))
def test_polars_and_the_standard_library_read_the_same_frame(rows: list[tuple[str, str]], delimiter: str) -> None:
    text = "\n".join(delimiter.join(row) for row in [("left", "right"), *rows]) + "\n"
    frames = []
    for reader in ("stdlib", "polars"):
        try:
            frames.append(parse_csv(text.encode(), "t.csv", Table(delimiter=delimiter), reader))  # type: ignore[arg-type]
        except DataError as error:
            frames.append(str(error))  # type: ignore[arg-type]
    if isinstance(frames[0], str):
        assert frames[0] == frames[1]
    else:
        assert_same(*frames)


def test_a_large_file_is_read_alike_by_both_readers() -> None:
    values = np.random.default_rng(0).normal(size=(30_000, 3)) * [1.0, 1e-20, 1e20]
    text = "a,b,c,d\n" + "".join(f"{a!r},{b!r},{c!r},k{i % 7}\n" for i, (a, b, c) in enumerate(values.tolist()))
    one = parse_csv(text.encode(), "t.csv", Table(), "stdlib")
    assert one["b"].tolist() == values[:, 1].tolist()
    assert_same(one, parse_csv(text.encode(), "t.csv", Table()))
