"""Fitted models without training: readers fitted on small tables, programs whose weights are drawn by a seed."""

import numpy as np

from whorl.codecs.array import ArrayCodec
from whorl.data.array_reader import ArrayReader
from whorl.data.schema import infer_schema
from whorl.data.series import read_series
from whorl.data.sources import read_table
from whorl.data.table_fitting import fit_table
from whorl.plans.heads import Point, Quantiles
from whorl.plans.table import Table
from whorl.plans.wiring import ManyToMany, ManyToOne, Sequences, Strips, Windows, Wiring
from whorl.runtime import operations as ops
from whorl.runtime.model import Model
from whorl.runtime.native import NativeEngine
from whorl.runtime.program import Program
from whorl.runtime.readouts import PointReadout, QuantileReadout
from whorl.tasks import baselines

LEVELS = (0.1, 0.5, 0.9)
MEMORIES = ("carried", "window")
START = np.datetime64("2024-02-28T21:00", "us")


def rows(count, series="", start=0, seed=0, step=1):
    """Hourly records with a target, a numeric and a categorical covariate, and a missing value now and then."""
    draw = np.random.default_rng([seed, len(series), start])
    made = []
    for n in range(start, start + count):
        load = float(5.0 + 3.0 * np.sin(n / 24 * 6.28) + draw.normal(0.0, 0.4))
        made.append(
            {
                "time": str(START + np.timedelta64(n * step, "h")).replace("T", " ")[:19],
                "load": None if n % 13 == 7 else round(load, 3),
                "heat": round(float(draw.normal(20.0, 0.4)), 3),
                "shop": ("open", "closed", "sale")[n % 3],
            }
        )
        if series:
            made[-1]["building"] = series
    return made


def weights(program, draw, name, *shape):
    return program.tensor(name, draw.normal(0.0, 0.6, shape).astype(np.float32))


def carried_program(width, ahead, horizon, num_outputs, cell="gru", hidden=5):
    """Running statistics, a window, a recurrence and an affine answer: one operation with state of each kind."""
    draw, program = np.random.default_rng(7), Program()
    gates = {"gru": 3, "lstm": 4, "rnn_tanh": 1}[cell]
    row = program.add(ops.Input(out="past", shape=(width,)))
    target = program.add(ops.Slice(x=row, axis=0, start=0, stop=1))
    running = program.add(ops.Reshape(x=program.add(ops.Running(x=target, decay=0.9, floor=0.01)), shape=(2,)))
    window = program.add(ops.Reshape(x=program.add(ops.Window(x=target, length=3)), shape=(3,)))
    read = program.add(ops.Concat(parts=(row, running, window), axis=0))
    h = program.add(
        ops.Recurrent(
            x=read,
            cell=cell,
            over="stream",
            weight_ih=weights(program, draw, "w", gates * hidden, width + 5),
            weight_hh=weights(program, draw, "u", gates * hidden, hidden),
            bias_ih=weights(program, draw, "b", gates * hidden),
        )
    )
    size = horizon * num_outputs
    out = program.add(ops.Affine(x=h, weight=weights(program, draw, "v", size, hidden)))
    if ahead:
        future = program.add(ops.Input(out="future", shape=(horizon, ahead)))
        known = program.add(ops.Affine(x=future, weight=weights(program, draw, "k", num_outputs, ahead)))
        known = program.add(ops.Reshape(x=known, shape=(size,)))
        out = program.add(ops.Combine(a=out, b=known, function="add"))
    program.output = program.add(ops.Reshape(x=out, shape=(horizon, 1, num_outputs)))
    return program


def window_program(width, context, horizon, num_outputs, hidden=4):
    """A window that an LSTM reads from a zero state at every step."""
    draw, program = np.random.default_rng(11), Program()
    row = program.add(ops.Input(out="past", shape=(width,)))
    window = program.add(ops.Window(x=row, length=context))
    program.add(
        ops.Recurrent(
            x=window,
            cell="lstm",
            over="value",
            weight_ih=weights(program, draw, "w", 4 * hidden, width),
            weight_hh=weights(program, draw, "u", 4 * hidden, hidden),
            final="state",
        )
    )
    out = program.add(ops.Affine(x="state", weight=weights(program, draw, "v", horizon * num_outputs, 2 * hidden)))
    program.output = program.add(ops.Reshape(x=out, shape=(horizon, 1, num_outputs)))
    return program


def forecaster(
    *,
    memory="carried",
    context=4,
    horizon=3,
    levels=LEVELS,
    known=(),
    static=(),
    time="time",
    series=None,
    table=None,
    count=60,
    data=None,
    calendar=False,
    **rest,
):
    """A forecaster of `load`; `known` covariates are read ahead."""
    table = table or Table()
    if data is None:
        data = rows(count, **({} if series is None else {"series": "north"}), **rest)
    frame = read_table(data, table)
    schema = infer_schema(frame, target="load", time=time, series=series, known=known, static=static, table=table)
    parts = read_series(frame, schema, table)
    reader = fit_table(
        parts,
        [len(part.frame) for part in parts],
        schema=schema,
        table=table,
        horizon=horizon,
        per_sequence=False,
        calendar=calendar,
    )
    width, ahead = reader.past.spec.width, 0 if reader.ahead is None else reader.ahead.spec.width
    num_outputs = 1 + len(levels)
    head, readout = (Quantiles(levels), QuantileReadout(levels)) if levels else (Point("mae"), PointReadout())
    if memory == "carried":
        pairing, shape = Strips(context, horizon), ManyToMany()
        program = carried_program(width, ahead, horizon, num_outputs)
    else:
        pairing, shape = Windows(context, horizon), ManyToOne()
        program = window_program(width, context, horizon, num_outputs)
    wiring = Wiring(
        pairing=pairing,
        inputs="table",
        shape=shape,
        outputs="table",
        head=head,
        readout="quantile" if levels else "point",
    )
    return Model(
        task="forecast",
        settings={"horizon": horizon},
        wiring=wiring,
        reader=reader,
        engine=NativeEngine(program),
        readout=readout,
        baselines=baselines.forecasts(width, 1, context, horizon, 2),
        naive_mae=np.array([1.5]),
        card={"note": "made by hand"},
    )


def accumulator(num_features=2):
    """A regressor on arrays whose answer at each step is the exact sum of its first feature so far."""
    program = Program()
    row = program.add(ops.Input(out="past", shape=(num_features,)))
    first = np.zeros((1, num_features), np.float32)
    first[0, 0] = 1.0
    total = program.add(
        ops.Recurrent(
            x=row,
            cell="rnn_relu",
            over="stream",
            weight_ih=program.tensor("w", first),
            weight_hh=program.tensor("u", np.ones((1, 1), np.float32)),
        )
    )
    program.output = program.add(ops.Reshape(x=total, shape=(1, 1)))
    rows_of = [np.arange(2.0 * num_features).reshape(2, num_features)]
    reader = ArrayReader(
        past=ArrayCodec(scaling="none").fit(rows_of),
        outputs=ArrayCodec(scaling="none", missing="keep").fit([np.ones((2, 1))]),
        num_targets=1,
    )
    wiring = Wiring(
        pairing=Sequences(), inputs="table", shape=ManyToOne(), outputs="table", head=Point("mse"), readout="point"
    )
    return Model(
        task="regress",
        settings={},
        wiring=wiring,
        reader=reader,
        engine=NativeEngine(program),
        readout=PointReadout(),
        baselines={"mean": baselines.mean_answer(num_features, 1)},
    )
