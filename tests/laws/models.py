"""Every model that is held to the laws."""

from dataclasses import replace

from tests.laws import (  # noqa: F401  the laws of models are known once they are imported
    model_laws,
    model_stream_laws,
)
from tests.laws.models_of_items import recommender
from tests.laws.models_of_labels import (
    classifier_on_a_table,
    classifier_on_arrays,
    classifier_on_texts,
    patients,
    several_on_a_table,
    several_on_arrays,
    several_on_texts,
    tagger_on_a_table,
    tagger_on_arrays,
    tagger_on_words,
)
from tests.laws.models_of_media import on_features, on_pictures, on_sounds
from tests.laws.models_of_music import composer
from tests.laws.models_of_numbers import (
    array_model,
    countdown_on_a_table,
    countdown_on_arrays,
    detector_on_a_table,
    detector_on_arrays,
    every_row_of_a_table,
    rich,
    sequence_table_model,
    table_model,
)
from tests.laws.models_of_texts import captioner, chatbot, generator, transcriber, translator
from tests.laws.networks import CONVOLUTION, PERCEPTRON, TRANSFORMER, recipe

import whorl

MODELS = {
    "window forecaster": lambda: table_model(recipe("gru")),
    "window forecaster, everything": lambda: rich(recipe("lstm"), "window"),
    "window forecaster, rows without time": lambda: table_model(
        recipe("rnn"), settings={"time": None, "quantiles": ()}, columns={"timed": False}
    ),
    "carried forecaster": lambda: table_model(recipe("gru"), settings={"memory": "carried"}),
    "carried forecaster, everything": lambda: rich(recipe("lstm", num_layers=2), "carried"),
    "carried forecaster, gaps filled": lambda: table_model(
        recipe("gru"),
        settings={"memory": "carried", "table": whorl.Table(on_gap="fill")},
        columns={"gaps": 0.2},
        gaps=True,
    ),
    "regressor on arrays": lambda: array_model(recipe("lstm")),
    "regressor on arrays, every step": lambda: array_model(recipe("gru", layer_norm=True), every_step=True),
    "regressor on arrays, both ways": lambda: array_model(recipe("gru", bidirectional=True)),
    "regressor on a table": sequence_table_model,
    "regressor on a table, every row": every_row_of_a_table,
    "remaining life of arrays": countdown_on_arrays,
    "remaining life of a table": countdown_on_a_table,
    "remaining life of a table, irregular": lambda: countdown_on_a_table(irregular=True),
    "classifier of irregular rows": lambda: patients(recipe("gru"), dated=True),
    "classifier of irregular rows, minutes": lambda: patients(recipe("lstm"), dated=False),
    "classifier on arrays": lambda: classifier_on_arrays(recipe("gru")),
    "classifier on arrays, attention, both ways": lambda: classifier_on_arrays(
        recipe("lstm", bidirectional=True), pooling=("attention",), convolution=0, augmentation="none"
    ),
    "classifier on arrays, frozen": lambda: classifier_on_arrays(recipe("rnn", frozen=True)),
    "window forecaster, frozen": lambda: rich(recipe("lstm", frozen=True), "window"),
    "classifier on arrays, sets": lambda: classifier_on_arrays(recipe("gru"), coverage=0.7),
    "classifier on a table": classifier_on_a_table,
    "classifier on sounds": lambda: on_sounds(whorl.Classifier, recipe("gru")),
    "classifier on pictures": lambda: on_pictures(whorl.Classifier, whorl.ConvLSTM(hidden_size=3), "picture"),
    "classifier on rows of pictures": lambda: on_pictures(whorl.Classifier, recipe("gru"), "rows"),
    "classifier on features": lambda: on_features(whorl.Classifier, recipe("gru")),
    "regressor on sounds, quantiles": lambda: on_sounds(whorl.Regressor, recipe("gru"), quantiles=(0.1, 0.9)),
    "regressor on pictures": lambda: on_pictures(whorl.Regressor, recipe("lstm"), "picture"),
    "classifier on texts": lambda: classifier_on_texts(recipe("gru")),
    "several labels of arrays": lambda: several_on_arrays(recipe("gru")),
    "several labels of arrays, both ways": lambda: several_on_arrays(
        recipe("lstm", bidirectional=True), pooling=("attention",), convolution=0, augmentation="none"
    ),
    "several labels of texts": several_on_texts,
    "several labels of a table": several_on_a_table,
    "tagger on arrays": lambda: tagger_on_arrays(recipe("gru"), lookahead=2),
    "tagger on arrays, at once": lambda: tagger_on_arrays(recipe("lstm"), lookahead=0),
    "tagger on words": lambda: tagger_on_words(recipe("lstm"), lookahead=1),
    "tagger on words, both ways": lambda: tagger_on_words(recipe("gru", bidirectional=True)),
    "tagger on words, chained": lambda: tagger_on_words(recipe("gru"), lookahead=1, crf=True),
    "tagger on a table": lambda: tagger_on_a_table(lookahead=3),
    "generator of characters": lambda: generator(recipe("gru"), "character"),
    "generator of words": lambda: generator(recipe("lstm", num_layers=2, dropout=0.1), "word", embedding_size=7),
    "generator of bytes, tied": lambda: generator(recipe("rnn"), "byte", tied=True),
    "composer of chords": lambda: composer(recipe("lstm"), "roll"),
    "composer of chords, convolution": lambda: composer(CONVOLUTION, "roll"),
    "composer of chords, side by side": lambda: composer(recipe("gru", members=2), "roll"),
    "composer of events": lambda: composer(recipe("gru"), "events"),
    "detector on a table": lambda: detector_on_a_table(recipe("gru"), alarm=whorl.Alarm(smooth=3), lag=2),
    "detector on a table, reconstructing": lambda: detector_on_a_table(
        recipe("lstm"), method="reconstruction", context=5, code=2
    ),
    "detector on arrays": lambda: detector_on_arrays(recipe("rnn"), code=3),
    "detector on arrays, predicting": lambda: detector_on_arrays(recipe("gru"), method="surprise"),
    "translator": lambda: translator(recipe("gru")),
    "translator, input feeding": lambda: translator(recipe("gru"), input_feeding=True),
    "translator that waits": lambda: translator(recipe("gru", num_layers=2), wait=2),
    "translator that waits, input feeding": lambda: translator(
        recipe("lstm"), wait=3, input_feeding=True, attention="additive"
    ),
    "summarizer": lambda: translator(recipe("rnn"), task=whorl.Summarizer),
    "captioner of cells": lambda: captioner(recipe("gru")),
    "captioner of frames, additive": lambda: captioner(
        recipe("lstm"), media=whorl.Features(ordered=True), attention="additive"
    ),
    "captioner of cells, side by side": lambda: captioner(recipe("gru", members=2)),
    "window forecaster, side by side": lambda: table_model(recipe("gru", members=2)),
    "carried forecaster, side by side": lambda: table_model(recipe("lstm", members=2), settings={"memory": "carried"}),
    "classifier on arrays, side by side": lambda: classifier_on_arrays(recipe("gru", members=3)),
    "classifier on arrays, stacked": lambda: replace(
        classifier_on_arrays(recipe("gru")), options={"stacked": True, "folds": 2}
    ),
    "regressor on a table, folds": lambda: replace(sequence_table_model(), options={"folds": 3}),
    "tagger on words, chained, folds": lambda: replace(
        tagger_on_words(recipe("gru"), lookahead=1, crf=True), options={"folds": 2}
    ),
    "tagger on words, chained, side by side": lambda: tagger_on_words(recipe("gru", members=2), lookahead=1, crf=True),
    "generator of words, side by side": lambda: generator(recipe("gru", members=2), "word"),
    "detector on a table, side by side": lambda: detector_on_a_table(recipe("gru", members=2)),
    "translator, side by side": lambda: translator(recipe("lstm", members=2)),
    "translator that waits, input feeding, side by side": lambda: translator(
        recipe("gru", members=2), wait=2, input_feeding=True, attention="additive"
    ),
    "summarizer that recalls": lambda: translator(recipe("gru"), task=whorl.Summarizer, recall=True),
    "recommender": lambda: recommender(recipe("gru")),
    "recommender, times": lambda: recommender(recipe("lstm"), times="read"),
    "recommender that says when": lambda: recommender(recipe("gru"), times="answer"),
    "recommender, seen items kept, untied": lambda: recommender(recipe("gru"), seen="keep", tied=False),
    "recommender, some negatives": lambda: recommender(recipe("rnn"), negatives=3),
    "recommender, side by side": lambda: recommender(recipe("gru", members=2)),
    "recommender, transformer": lambda: recommender(TRANSFORMER),
    "transcriber": lambda: transcriber(recipe("gru")),
    "transcriber, late": lambda: transcriber(recipe("gru"), lookahead=2),
    "transcriber, n-grams": lambda: transcriber(recipe("lstm", num_layers=2), language_model=3, convolution=0),
    "transcriber, both ways": lambda: transcriber(recipe("gru", bidirectional=True)),
    "chatbot": lambda: chatbot(recipe("gru")),
    "window forecaster, minlstm": lambda: rich(recipe("minlstm"), "window"),
    "carried forecaster, mingru": lambda: table_model(recipe("mingru"), settings={"memory": "carried"}),
    "classifier on arrays, lru": lambda: classifier_on_arrays(recipe("lru")),
    "generator of words, mingru": lambda: generator(recipe("mingru", num_layers=2, dropout=0.1), "word"),
    "detector on arrays, lru": lambda: detector_on_arrays(recipe("lru"), code=3),
    "translator, minlstm": lambda: translator(recipe("minlstm")),
    "translator that waits, lru": lambda: translator(recipe("lru"), wait=2, input_feeding=True),
    "chatbot, one turn, additive": lambda: chatbot(recipe("lstm"), context=1, attention="additive"),
    "translator, additive, two layers": lambda: translator(
        recipe("lstm", num_layers=2), attention="additive", sampling=0.3
    ),
    "carried forecaster, perceptron": lambda: rich(PERCEPTRON, "carried"),
    "carried forecaster, convolution": lambda: table_model(CONVOLUTION, settings={"memory": "carried"}),
    "regressor on arrays, perceptron": lambda: array_model(PERCEPTRON),
    "regressor on arrays, every step, convolution": lambda: array_model(CONVOLUTION, every_step=True),
    "classifier on arrays, convolution": lambda: classifier_on_arrays(CONVOLUTION),
    "tagger on words, convolution": lambda: tagger_on_words(CONVOLUTION, lookahead=1),
    "generator of words, perceptron": lambda: generator(PERCEPTRON, "word"),
    "generator of characters, convolution": lambda: generator(CONVOLUTION, "character"),
    "detector on a table, convolution": lambda: detector_on_a_table(CONVOLUTION, lag=2),
    "detector on arrays, perceptron, predicting": lambda: detector_on_arrays(PERCEPTRON, method="surprise"),
    "carried forecaster, transformer": lambda: rich(TRANSFORMER, "carried"),
    "regressor on arrays, transformer": lambda: array_model(TRANSFORMER),
    "classifier on texts, transformer": lambda: classifier_on_texts(TRANSFORMER),
    "tagger on words, transformer": lambda: tagger_on_words(TRANSFORMER, lookahead=1),
    "generator of characters, transformer": lambda: generator(TRANSFORMER, "character"),
    "detector on a table, transformer": lambda: detector_on_a_table(TRANSFORMER, lag=2),
    "window forecaster, perceptron": lambda: table_model(PERCEPTRON),
    "window forecaster, convolution": lambda: table_model(CONVOLUTION),
    "window forecaster, everything, transformer": lambda: rich(TRANSFORMER, "window"),
}
