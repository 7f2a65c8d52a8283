"""whorl: recurrent neural networks from raw sequences to a live stream, with the same numbers.

Names are loaded when they are first used, so that `import whorl` needs neither torch nor a dataframe library.
"""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_WHERE = {
    "Captioner": "whorl.tasks.captioning",
    "Chatbot": "whorl.tasks.conversation",
    "Classifier": "whorl.tasks.classification",
    "Detector": "whorl.tasks.detection",
    "Forecaster": "whorl.tasks.forecasting",
    "Generator": "whorl.tasks.generation",
    "Recommender": "whorl.tasks.recommendation",
    "Regressor": "whorl.tasks.regression",
    "Summarizer": "whorl.tasks.summarization",
    "Tagger": "whorl.tasks.labelling",
    "Transcriber": "whorl.tasks.transcription",
    "Translator": "whorl.tasks.translation",
    "Estimator": "whorl.tasks.estimator",
    "load": "whorl.tasks.estimator",
    "Recurrent": "whorl.plans.networks",
    "Transformer": "whorl.plans.networks",
    "Convolution": "whorl.plans.networks",
    "ConvLSTM": "whorl.plans.networks",
    "Perceptron": "whorl.plans.networks",
    "Greedy": "whorl.plans.decoding",
    "Sample": "whorl.plans.decoding",
    "Beam": "whorl.plans.decoding",
    "Training": "whorl.plans.training",
    "Table": "whorl.plans.table",
    "Text": "whorl.plans.text",
    "Audio": "whorl.plans.media",
    "Image": "whorl.plans.media",
    "Video": "whorl.plans.media",
    "Sound": "whorl.codecs.sound",
    "Music": "whorl.plans.music",
    "Features": "whorl.plans.media",
    "Alarm": "whorl.plans.alarm",
    "Prediction": "whorl.runtime.prediction",
    "Evaluation": "whorl.runtime.evaluation",
    "Stream": "whorl.runtime.stream",
    "State": "whorl.runtime.state",
    "push_many": "whorl.runtime.stream",
    "Signal": "whorl.plans.trading",
    "Trading": "whorl.plans.trading",
    "Refits": "whorl.plans.trading",
    "check": "whorl.data.check",
    "backtest": "whorl.backtesting.backtest",
    "Backtest": "whorl.backtesting.result",
    "compare": "whorl.comparison.compare",
    "Comparison": "whorl.comparison.result",
    "suggest": "whorl.comparison.suggestion",
    "Suggestion": "whorl.comparison.suggestion",
    "WhorlError": "whorl.errors",
    "ArgumentError": "whorl.errors",
    "DataError": "whorl.errors",
    "ModelFileError": "whorl.errors",
    "StreamingError": "whorl.errors",
    "TrainingError": "whorl.errors",
    "ResourceError": "whorl.errors",
}
_MODULES = ("nn", "runtime", "datasets", "errors", "plans", "codecs")

__all__ = [*_WHERE, "__version__"]  # pyright: ignore[reportUnsupportedDunderAll]

if TYPE_CHECKING:
    from whorl.backtesting.backtest import backtest as backtest
    from whorl.backtesting.result import Backtest as Backtest
    from whorl.codecs.sound import Sound as Sound
    from whorl.comparison.compare import compare as compare
    from whorl.comparison.result import Comparison as Comparison
    from whorl.comparison.suggestion import Suggestion as Suggestion
    from whorl.comparison.suggestion import suggest as suggest
    from whorl.data.check import check as check
    from whorl.errors import ArgumentError as ArgumentError
    from whorl.errors import DataError as DataError
    from whorl.errors import ModelFileError as ModelFileError
    from whorl.errors import ResourceError as ResourceError
    from whorl.errors import StreamingError as StreamingError
    from whorl.errors import TrainingError as TrainingError
    from whorl.errors import WhorlError as WhorlError
    from whorl.plans.alarm import Alarm as Alarm
    from whorl.plans.decoding import Beam as Beam
    from whorl.plans.decoding import Greedy as Greedy
    from whorl.plans.decoding import Sample as Sample
    from whorl.plans.media import Audio as Audio
    from whorl.plans.media import Features as Features
    from whorl.plans.media import Image as Image
    from whorl.plans.media import Video as Video
    from whorl.plans.music import Music as Music
    from whorl.plans.networks import ConvLSTM as ConvLSTM
    from whorl.plans.networks import Convolution as Convolution
    from whorl.plans.networks import Perceptron as Perceptron
    from whorl.plans.networks import Recurrent as Recurrent
    from whorl.plans.networks import Transformer as Transformer
    from whorl.plans.table import Table as Table
    from whorl.plans.text import Text as Text
    from whorl.plans.trading import Refits as Refits
    from whorl.plans.trading import Signal as Signal
    from whorl.plans.trading import Trading as Trading
    from whorl.plans.training import Training as Training
    from whorl.runtime.evaluation import Evaluation as Evaluation
    from whorl.runtime.prediction import Prediction as Prediction
    from whorl.runtime.state import State as State
    from whorl.runtime.stream import Stream as Stream
    from whorl.runtime.stream import push_many as push_many
    from whorl.tasks.captioning import Captioner as Captioner
    from whorl.tasks.classification import Classifier as Classifier
    from whorl.tasks.conversation import Chatbot as Chatbot
    from whorl.tasks.detection import Detector as Detector
    from whorl.tasks.estimator import Estimator as Estimator
    from whorl.tasks.estimator import load as load
    from whorl.tasks.forecasting import Forecaster as Forecaster
    from whorl.tasks.generation import Generator as Generator
    from whorl.tasks.labelling import Tagger as Tagger
    from whorl.tasks.recommendation import Recommender as Recommender
    from whorl.tasks.regression import Regressor as Regressor
    from whorl.tasks.summarization import Summarizer as Summarizer
    from whorl.tasks.transcription import Transcriber as Transcriber
    from whorl.tasks.translation import Translator as Translator


def __getattr__(name: str) -> object:
    if name in _WHERE:
        value = getattr(importlib.import_module(_WHERE[name]), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return importlib.import_module(f"whorl.{name}")
    from whorl.errors import did_you_mean

    raise AttributeError(f"whorl has no name `{name}`.{did_you_mean(name, [*_WHERE, *_MODULES])}")


def __dir__() -> list[str]:
    return sorted([*_WHERE, *_MODULES, "__version__"])
