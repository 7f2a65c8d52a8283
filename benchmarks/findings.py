"""What the rules of the report say of healthy fits: five shipped sets, four networks each. They should say nothing.

    python -m benchmarks.findings [--sets beijing_air ...]

Prints a line for each fit: its score beside the best naive rival, and every finding.
"""

import argparse
import itertools
import time
from collections.abc import Callable

import whorl
from whorl import datasets
from whorl.report import card, findings, memory
from whorl.tasks.estimator import Estimator

Network = whorl.Recurrent
NETWORKS = {
    "gru": whorl.Recurrent("gru", hidden_size=32),
    "lstm": whorl.Recurrent("lstm", hidden_size=32),
    "rnn": whorl.Recurrent("rnn", hidden_size=32),
    "gru, two layers": whorl.Recurrent("gru", hidden_size=24, num_layers=2),
}


def _rows(name: str, count: int) -> dict[str, list[str]]:
    return {column: cells[:count] for column, cells in datasets.load(name).items()}


def beijing_air(network: Network) -> Estimator:
    training = whorl.Training(epochs=3, batch_size=64, seed=0)
    model = whorl.Forecaster(
        target="pm2.5", time="time", horizon=12, context=96, stride=3, network=network, training=training
    )
    return model.fit(_rows("beijing_air", 15_000), verbose=False)


def nyc_taxi(network: Network) -> Estimator:
    training = whorl.Training(epochs=25, seed=0)
    (target,) = (name for name in datasets.load("nyc_taxi") if name not in ("time", "anomaly"))
    model = whorl.Forecaster(
        target=target, time="time", horizon=8, context=96, memory="carried", network=network, training=training
    )
    return model.fit({k: v for k, v in _rows("nyc_taxi", 6_000).items() if k != "anomaly"}, verbose=False)


def japanese_vowels(network: Network) -> Estimator:
    columns = datasets.load("japanese_vowels")
    names = list(columns)
    model = whorl.Classifier(
        target="speaker" if "speaker" in names else names[-1],
        series="utterance" if "utterance" in names else names[0],
        network=network,
        training=whorl.Training(epochs=25, seed=0, validation=0.2),
    )
    return model.fit(columns, verbose=False)


def turbofan(network: Network) -> Estimator:
    model = whorl.Regressor(
        remaining=True,
        cap=125,
        series="engine",
        time="cycle",
        network=network,
        training=whorl.Training(epochs=20, batch_size=8, seed=0, validation=0.2),
    )
    return model.fit(datasets.load("turbofan"), verbose=False)


def shakespeare(network: Network) -> Estimator:
    training = whorl.Training(epochs=6, batch_size=16, tbptt_steps=48, learning_rate=6e-3, seed=0)
    return whorl.Generator(network=network, training=training).fit(datasets.path("shakespeare"), verbose=False)


SETS: dict[str, Callable[[Network], Estimator]] = {
    one.__name__: one for one in (beijing_air, nyc_taxi, japanese_vowels, turbofan, shakespeare)
}


def main() -> None:
    """Prints a line for each fit, and how many findings there were in all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    total = 0
    for name, (called, network) in itertools.product(parser.parse_args().sets, NETWORKS.items()):
        started = time.perf_counter()
        estimator = SETS[name](network)
        model, held_out = estimator.model_, estimator.held_out_
        facts = card.read(model.card)
        probes = memory.measured(model, held_out)
        found = findings.findings(findings.measure(model, facts, probes, held_out))
        total += len(found)
        seconds = time.perf_counter() - started
        print(f"{name}, {called}: {seconds:.0f} s, {facts.scores.metrics if facts.scores else None}", flush=True)
        for one in found:
            print(f"    {one.severity}: {one.rule}: {one.evidence}. {one.advice}", flush=True)
    print(f"{total} findings")


if __name__ == "__main__":
    main()
