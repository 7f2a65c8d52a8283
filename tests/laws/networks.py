"""Networks of every kind, built as the tasks build them."""

from dataclasses import replace
from typing import Any

import msgspec
from tests.laws.network_laws import NetworkSubject

import whorl
from whorl.plans.networks import ConvLSTM, Convolution, Network, Perceptron, Recurrent, Transformer
from whorl.specs import Fields, Flags, Picture, Reals, Spec, Tokens

PLAIN = Fields({"numeric": Reals(1)})
TWO_TARGETS = Fields({"numeric": Reals(2)})
FLAGGED = Fields({"numeric": Reals(3), "missing": Flags(3), "shop": Tokens(4)})
RICH = Fields({"numeric": Reals(3), "missing": Flags(1), "shop": Tokens(4), "calendar": Reals(2)})
WORDS = Fields({"word": Tokens(5), "shape": Flags(2), "characters": Tokens(4, length=7)})
FRAMES = Picture(2, 5, 7)
SEEN = Fields({"numeric": Reals(2), "shop": Tokens(4), "camera": Picture(1, 6, 5)})
AHEAD = Fields({"numeric": Reals(1), "holiday": Tokens(3)})


# Layer norm of a product that hardly varies over its few units divides by as little as sqrt(eps), and so enlarges
# rounding: the engine was up to 6.7e-6 from torch, which itself was 4.8e-6 from torch in float64 (30 sequences each).
LAYER_NORM = 2e-5


# Layers that read pictures have one, over the 16 channels of a pixel: the engine was up to 6.3e-6 from torch.
PICTURED = 2e-5


def pictured(past: Spec) -> bool:
    """Whether a step has a picture."""
    parts = past.fields.values() if isinstance(past, Fields) else (past,)
    return any(isinstance(part, Picture) for part in parts)


# Convolutions are sums of up to 192 products each, three deep, and nothing bounds what they find: answers reach 3.2,
# sums of terms whose sizes add up to 12. Float32 resolves no more there: torch was up to 1.1e-6 from torch in float64,
# the engine 1.4e-6 from that and 1.3e-6 from torch (40 sequences). Folding norms into weights in float64 does not help:
# 1.6e-6 and 1.7e-6 (280 sequences).
CONVOLVED = 3e-6


# What does not recur is a chain of sums behind relu, which bounds nothing either: answers reach 77. In 40 sequences the
# engine was up to 2.8e-6 of an answer from torch, as near to torch in float64 (3.3e-6) as torch itself was (3.5e-6).
UNBOUNDED = 5e-6


def subject(recipe: Network, *, tolerance: float = 1e-6, relative: bool = False, **given: Any) -> NetworkSubject:
    if not isinstance(recipe, Recurrent):
        tolerance, relative = UNBOUNDED, True
    return NetworkSubject(recipe=recipe, tolerance=tolerance, relative=relative, **given)


# An LRU adds up what it reads over up to a thousand steps, and nothing bounds its state; answers reach 14 here. Engines
# were up to 7.4e-6 from torch after 1,000 steps, torch itself 7.0e-5 from torch in float64 (20 networks each).
LINEAR = 1.5e-5


def forecaster(
    recipe: Network,
    *,
    past: Spec = PLAIN,
    ahead: Spec | None = None,
    targets: int = 1,
    season: int | None = None,
    **settings: Any,
) -> NetworkSubject:
    wiring = whorl.Forecaster(**{"horizon": 3, "context": 7, "quantiles": (), **settings}).wiring()
    tolerance = LAYER_NORM if getattr(recipe, "layer_norm", False) else 1e-6
    tolerance = LINEAR if getattr(recipe, "cell", "") == "lru" else tolerance
    tolerance = PICTURED if pictured(past) else tolerance
    return subject(
        recipe, wiring=wiring, past=past, ahead=ahead, num_targets=targets, season=season, tolerance=tolerance
    )


def regressor(recipe: Network, *, past: Spec = RICH, targets: int = 2, every_step: bool = False) -> NetworkSubject:
    wiring = whorl.Regressor(every_step=every_step).wiring()
    tolerance = PICTURED if pictured(past) else 1e-6
    return subject(recipe, wiring=wiring, past=past, num_targets=targets, tolerance=tolerance)


def classifier(recipe: Network, *, past: Spec = RICH, **settings: Any) -> NetworkSubject:
    wiring = whorl.Classifier(**settings).wiring()
    tolerance = CONVOLVED if settings.get("convolution") else 1e-6
    return subject(recipe, wiring=wiring, past=past, num_classes=3, tolerance=tolerance)


def tagger(recipe: Network, *, past: Spec = WORDS) -> NetworkSubject:
    wiring = whorl.Tagger(network=recipe).wiring()
    return subject(recipe, wiring=wiring, past=past, num_classes=3)


def transcriber(recipe: Network, *, past: Spec = RICH, **settings: Any) -> NetworkSubject:
    wiring = whorl.Transcriber(**settings).wiring()
    return subject(recipe, wiring=wiring, past=past, num_classes=3, tolerance=CONVOLVED)


def detector(
    recipe: Network, *, past: Spec, targets: int, context: int | None = None, **shape: object
) -> NetworkSubject:
    wiring = whorl.Detector(**shape).wiring()
    if context is not None:
        wiring = msgspec.structs.replace(wiring, shape=msgspec.structs.replace(wiring.shape, context=context))
    # Nats reach 9.3, where float32 has steps of 1e-6: the engine was up to 1.9e-6 from torch, but 6e-7 of an answer
    # (280 sequences), and torch itself 1.5e-6 from torch in float64.
    return subject(recipe, wiring=wiring, past=past, num_targets=targets, relative=True)


def recipe(cell: str, **options: Any) -> Recurrent:
    return Recurrent(cell, hidden_size=6, **options)


PERCEPTRON = Perceptron(hidden_size=6, num_layers=2, window=4)
CONVOLUTION = Convolution(hidden_size=6, num_layers=2)
CONVLSTM = ConvLSTM(hidden_size=3, side=4)
TRANSFORMER = Transformer(hidden_size=8, num_layers=2, num_heads=2, window=5)


NETWORKS = {
    "window": lambda: forecaster(recipe("gru")),
    "window, season": lambda: forecaster(recipe("gru"), past=TWO_TARGETS, targets=2, season=2, series="shop"),
    "window, season, side by side": lambda: forecaster(recipe("lstm", members=2), past=RICH, ahead=AHEAD, season=7),
    "window, covariates": lambda: forecaster(recipe("lstm"), past=RICH),
    "window, future": lambda: forecaster(recipe("gru"), past=RICH, ahead=AHEAD, quantiles=(0.1, 0.5, 0.9)),
    "window, rescaled, two targets": lambda: forecaster(
        recipe("rnn", num_layers=2), past=TWO_TARGETS, targets=2, series="shop"
    ),
    "window, padded segments": lambda: forecaster(
        recipe("gru", layer_norm=True, num_layers=2), past=RICH, ahead=AHEAD, segment_length=3, horizon=5, series="shop"
    ),
    "window, lstm with layer norm": lambda: forecaster(
        recipe("lstm", layer_norm=True, num_layers=2), segment_length=2, horizon=1, context=6
    ),
    "carried": lambda: forecaster(recipe("gru"), memory="carried"),
    "carried, season": lambda: forecaster(
        recipe("gru"), past=TWO_TARGETS, targets=2, season=2, memory="carried", series="shop"
    ),
    "carried, season, side by side": lambda: forecaster(
        recipe("lstm", members=2), past=RICH, ahead=AHEAD, season=7, memory="carried"
    ),
    "carried, covariates": lambda: forecaster(recipe("lstm", num_layers=2), past=RICH, memory="carried"),
    "carried, future": lambda: forecaster(
        recipe("gru", zoneout=0.1), past=RICH, ahead=AHEAD, memory="carried", quantiles=(0.1, 0.9), series="shop"
    ),
    "carried, two targets": lambda: forecaster(
        recipe("rnn", nonlinearity="relu"), past=TWO_TARGETS, targets=2, memory="carried"
    ),
    "surprise": lambda: detector(recipe("gru"), past=TWO_TARGETS, targets=2, alarm=whorl.Alarm(smooth=1)),
    "surprise, smoothed, flags": lambda: detector(recipe("lstm", num_layers=2), past=FLAGGED, targets=3, lag=4),
    "reconstruction": lambda: detector(
        recipe("gru"), past=FLAGGED, targets=2, method="reconstruction", context=5, code=2
    ),
    "reconstruction, whole": lambda: detector(recipe("rnn"), past=RICH, targets=2, per="sequence", code=3, context=7),
    "sequence": lambda: regressor(recipe("lstm")),
    "sequence, both ways": lambda: regressor(recipe("gru", bidirectional=True, num_layers=2)),
    "sequence, pooled": lambda: classifier(recipe("gru"), pooling=("mean", "attention", "last", "max"), convolution=0),
    "sequence, convolved": lambda: classifier(recipe("lstm"), pooling=("max",), convolution=3),
    "sequence, convolved, pooled, both ways": lambda: classifier(
        recipe("rnn", bidirectional=True), pooling=("last", "mean", "max", "attention"), convolution=2
    ),
    "sequence, convolved on both sides of the core": lambda: transcriber(recipe("gru"), convolution=2, lookahead=2),
    "sequence, pictures, every step": lambda: regressor(recipe("lstm"), past=FRAMES, every_step=True),
    "sequence, convlstm, every step": lambda: regressor(CONVLSTM, past=FRAMES, every_step=True),
    "window, pictures beside numbers": lambda: forecaster(
        recipe("gru"), past=SEEN, targets=2, quantiles=(0.1, 0.5, 0.9)
    ),
    "carried, pictures beside numbers": lambda: forecaster(recipe("lstm"), past=SEEN, targets=2, memory="carried"),
    "sequence, frozen, pooled": lambda: classifier(recipe("rnn", frozen=True), convolution=0),
    "sequence, frozen, every step": lambda: regressor(recipe("lru", frozen=True), every_step=True),
    "sequence, frozen behind convolutions": lambda: classifier(recipe("lstm", frozen=True), convolution=3),
    "window, frozen": lambda: forecaster(recipe("gru", frozen=True), past=RICH, ahead=AHEAD),
    "sequence, words": lambda: tagger(recipe("lstm")),
    "sequence, words, both ways": lambda: tagger(recipe("gru", bidirectional=True)),
    "window, side by side": lambda: forecaster(recipe("gru", members=2), past=RICH, ahead=AHEAD, series="shop"),
    "carried, side by side": lambda: forecaster(recipe("lstm", members=3), memory="carried"),
    "surprise, side by side": lambda: detector(recipe("gru", members=2), past=FLAGGED, targets=3, lag=4),
    "reconstruction, side by side": lambda: detector(
        recipe("rnn", members=2), past=RICH, targets=2, per="sequence", code=3, context=7
    ),
    "sequence, side by side": lambda: classifier(
        recipe("lstm", members=3), pooling=("mean", "attention", "last", "max"), convolution=0
    ),
    "sequence, words, both ways, side by side": lambda: tagger(recipe("gru", bidirectional=True, members=2)),
    "window, mingru": lambda: forecaster(recipe("mingru", num_layers=2), past=RICH, ahead=AHEAD, series="shop"),
    "window, minlstm": lambda: forecaster(recipe("minlstm"), past=TWO_TARGETS, targets=2, segment_length=3),
    "window, lru": lambda: forecaster(recipe("lru", num_layers=2), past=TWO_TARGETS, targets=2),
    "carried, mingru": lambda: forecaster(recipe("mingru", num_layers=2), past=RICH, memory="carried"),
    "carried, minlstm": lambda: forecaster(recipe("minlstm"), past=RICH, ahead=AHEAD, memory="carried"),
    "carried, lru": lambda: forecaster(recipe("lru"), past=TWO_TARGETS, targets=2, memory="carried"),
    "surprise, mingru": lambda: detector(recipe("mingru"), past=FLAGGED, targets=3, lag=4),
    "reconstruction, lru": lambda: detector(recipe("lru"), past=RICH, targets=2, per="sequence", code=3, context=7),
    "sequence, minlstm": lambda: regressor(recipe("minlstm", num_layers=2)),
    "sequence, lru, pooled": lambda: classifier(
        recipe("lru"), pooling=("mean", "attention", "last", "max"), convolution=0
    ),
    "sequence, lru, both ways": lambda: regressor(recipe("lru", bidirectional=True, num_layers=2)),
    "sequence, mingru, every step": lambda: regressor(recipe("mingru"), every_step=True),
    "sequence, every step": lambda: regressor(recipe("gru"), every_step=True),
    "sequence, every step, both ways": lambda: regressor(recipe("rnn", bidirectional=True), every_step=True),
    "carried, perceptron": lambda: forecaster(PERCEPTRON, past=RICH, ahead=AHEAD, memory="carried", series="shop"),
    "carried, convolution": lambda: forecaster(CONVOLUTION, past=TWO_TARGETS, targets=2, memory="carried"),
    "surprise, perceptron": lambda: detector(PERCEPTRON, past=FLAGGED, targets=3, lag=4),
    "surprise, convolution": lambda: detector(CONVOLUTION, past=TWO_TARGETS, targets=2, alarm=whorl.Alarm(smooth=1)),
    "sequence, perceptron": lambda: regressor(PERCEPTRON),
    "sequence, convolution": lambda: regressor(CONVOLUTION),
    "sequence, convolution, pooled": lambda: classifier(
        CONVOLUTION, pooling=("mean", "attention", "last", "max"), convolution=0
    ),
    "sequence, perceptron, every step": lambda: regressor(PERCEPTRON, every_step=True),
    "sequence, convolution, words": lambda: tagger(CONVOLUTION),
    "sequence, perceptron, side by side": lambda: classifier(replace(PERCEPTRON, members=2), pooling=("last",)),
    "carried, transformer": lambda: forecaster(TRANSFORMER, past=RICH, ahead=AHEAD, memory="carried", series="shop"),
    "surprise, transformer": lambda: detector(TRANSFORMER, past=FLAGGED, targets=3, lag=4),
    "sequence, transformer": lambda: regressor(TRANSFORMER),
    "sequence, transformer, pooled": lambda: classifier(
        TRANSFORMER, pooling=("mean", "attention", "last", "max"), convolution=2
    ),
    "sequence, transformer, every step": lambda: regressor(TRANSFORMER, every_step=True),
    "sequence, transformer, side by side": lambda: classifier(replace(TRANSFORMER, members=2), pooling=("last",)),
    "window, perceptron": lambda: forecaster(PERCEPTRON, past=RICH, ahead=AHEAD, quantiles=(0.1, 0.5, 0.9), horizon=5),
    "window, convolution, rescaled, two targets": lambda: forecaster(
        CONVOLUTION, past=TWO_TARGETS, targets=2, series="shop", segment_length=3
    ),
    "window, transformer": lambda: forecaster(TRANSFORMER, past=RICH, ahead=AHEAD, segment_length=1, series="shop"),
    "window, convolution, side by side": lambda: forecaster(replace(CONVOLUTION, members=2), past=RICH),
}
