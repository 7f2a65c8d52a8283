"""polars, pandas and pyarrow tables and Parquet files to frames. Neither library is needed before one is met."""

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from whorl.codecs.frame import Frame
from whorl.data.cells import as_objects, clean
from whorl.data.values import ArrowStream, column_of, frame_of_columns
from whorl.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


def is_pandas(source: object) -> bool:
    """Whether this is a pandas frame; there can be none where pandas was never imported."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(source, pandas.DataFrame)


def frame_of_pandas(source: "pandas.DataFrame", missing: frozenset[str], names: frozenset[str] = frozenset()) -> Frame:
    """Returns the frame of a pandas frame; an index of timestamps, or one with a name, becomes a column.

    Here as below `names` are columns that hold names: whole numbers keep all of their digits, and True is 'True'.
    """
    import pandas as pd

    origin = "pandas frame"
    if isinstance(source.index, pd.DatetimeIndex) or any(name is not None for name in source.index.names):
        source = source.reset_index()
    called = [str(name) for name in source.columns]
    for name in called:
        if called.count(name) > 1:
            raise _twice(name, origin)
    columns = {}
    for i, name in enumerate(called):
        column = source.iloc[:, i]
        # Whole numbers with missing ones among them would come as floats.
        whole = name in names and pd.api.types.is_integer_dtype(column.dtype)
        columns[name] = column.to_numpy(object) if whole else column.to_numpy()
    return frame_of_columns(columns, origin, missing, names)


def frame_of_arrow(source: ArrowStream, missing: frozenset[str], names: frozenset[str] = frozenset()) -> Frame:
    """Returns the frame of a polars, pyarrow, duckdb or other Arrow table."""
    origin = f"{type(source).__module__.split('.')[0]} frame"
    try:
        if importlib.util.find_spec("polars"):
            import polars as pl

            return _of_polars(pl.DataFrame(source), origin, missing, names)
        if importlib.util.find_spec("pyarrow"):
            import pyarrow as pa

            return _of_pyarrow(pa.table(source), origin, missing, names)
    except DataError:
        raise
    except Exception as error:  # each library has its own tree of errors; a user of whorl sees one
        raise DataError(f"{origin}: its columns cannot be read ({_first_line(error)}). Give a plain table.") from error
    raise MissingExtraError("polars", "train", "to read Arrow tables")


def read_parquet(path: Path, missing: frozenset[str], names: frozenset[str] = frozenset()) -> Frame:
    """Reads a Parquet file with polars or pyarrow."""
    try:
        with path.open("rb"):  # the libraries' own words for a missing or forbidden file differ
            pass
        if importlib.util.find_spec("polars"):
            import polars as pl

            return _of_polars(pl.read_parquet(path), path.name, missing, names)
        if importlib.util.find_spec("pyarrow"):
            import pyarrow.parquet as pq

            return _of_pyarrow(pq.read_table(path), path.name, missing, names)
    except FileNotFoundError:
        raise DataError(f"`{path}` is not there. Give the path of a file or a folder of tables.") from None
    except (DataError, MissingExtraError, PermissionError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # polars panics on some damaged files, and its panic is no Exception
        raise DataError(
            f"{path.name} is not a readable Parquet file ({_first_line(error)}). Write it again, or convert it to CSV."
        ) from None
    raise MissingExtraError("polars", "train", "to read Parquet files")


def _of_polars(table: "polars.DataFrame", origin: str, missing: frozenset[str], names: frozenset[str]) -> Frame:
    import polars as pl

    columns = {}
    for series in table.get_columns():
        kind = series.dtype
        if kind.is_integer() and series.name in names:
            columns[series.name] = as_objects(series.cast(pl.String).to_list())
        elif kind == pl.Boolean and series.name in names:
            columns[series.name] = column_of(series.to_list(), series.name, origin, missing, names=True)
        elif kind.is_numeric() or kind == pl.Boolean or kind == pl.Null:
            columns[series.name] = series.cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64)
        elif isinstance(kind, pl.Datetime):
            naive = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if kind.time_zone else series
            columns[series.name] = naive.dt.cast_time_unit("us").to_numpy().astype("datetime64[us]")
        elif kind == pl.Date:
            columns[series.name] = series.to_numpy().astype("datetime64[us]")
        elif isinstance(kind, pl.String | pl.Categorical | pl.Enum):
            cells = series.cast(pl.String).fill_null("").to_list()
            columns[series.name] = as_objects(clean(cells, missing))
        else:
            raise _unreadable(series.name, str(kind), origin)
    return Frame(columns, origin)


def _of_pyarrow(table: "pyarrow.Table", origin: str, missing: frozenset[str], names: frozenset[str]) -> Frame:
    import pyarrow as pa

    columns: dict[str, object] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type
        if name in columns:
            raise _twice(name, origin)
        if pa.types.is_nested(kind) or pa.types.is_duration(kind) or pa.types.is_time(kind) or pa.types.is_binary(kind):
            raise _unreadable(name, str(kind), origin)
        plain = pa.types.is_floating(kind) or (pa.types.is_integer(kind) and name not in names)
        columns[name] = column.to_numpy() if plain else _pylist(column)
    return frame_of_columns(columns, origin, missing, names)


def _pylist(column: "pyarrow.ChunkedArray") -> object:
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):  # Python's datetime has no nanoseconds; the zone is UTC inside
        return column.cast(pa.timestamp("us", column.type.tz), safe=False).to_numpy().astype("datetime64[us]")
    return column.to_pylist()


def _twice(name: str, origin: str) -> DataError:
    return DataError(f"{origin}: column names are unique, but '{name}' names two columns. Rename one of them.")


def _unreadable(name: str, kind: str, origin: str) -> DataError:
    return DataError(
        f"{origin}: column '{name}' has the type {kind}; columns are numbers, text, timestamps or booleans. "
        "Convert or drop the column."
    )


def _first_line(error: BaseException) -> str:
    return (str(error).split("\n")[0] or type(error).__name__)[:160]
