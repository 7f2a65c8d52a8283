"""What is known of each metric: what it means, which way is better, and how it is shown."""

from typing import Literal, NamedTuple


class Metric(NamedTuple):
    """One metric.

    Args:
        meaning: in a few words.
        best: which of several values is best; None where neither end is.
        form: format of its numbers on a terminal; empty where it is not told there.
        is_share: a share of one, shown in percent on a page.
    """

    meaning: str
    best: Literal["least", "most"] | None = None
    form: str = ""
    is_share: bool = False


def _share(meaning: str, best: Literal["least", "most"] | None = "most", form: str = "") -> Metric:
    return Metric(meaning, best, form, is_share=True)


# In the order in which they are shown.
METRICS: dict[str, Metric] = {
    "mae": Metric("mean absolute error", "least", ".5g"),
    "rmse": Metric("root of the mean squared error", "least", ".5g"),
    "mase": Metric("mae over that of the seasonal naive forecast in training", "least", ".3f"),
    "phm08": Metric("sum of exp(late / 10) - 1 and exp(early / 13) - 1 over the answers", "least", ".5g"),
    "bleu": Metric("shared runs of one to four words, of whole corpora, 0 to 100", "most", ".2f"),
    "cider": Metric("agreement with all captions of a source in telling runs of words, 0 to 10", "most", ".3f"),
    "chrf": Metric("shared runs of one to six characters, of whole corpora, 0 to 100", "most", ".2f"),
    "rouge_l": Metric(
        "harmonic mean of precision and recall of the longest common run of words with gaps", "most", ".2f"
    ),
    "rouge_1": Metric("the same of single words, 0 to 100", "most", ".2f"),
    "rouge_2": Metric("the same of pairs of words, 0 to 100", "most", ".2f"),
    "wer": _share("words put in, left out or replaced, over those of the truths", "least", ".4f"),
    "cer": _share("the same of characters", "least", ".4f"),
    "word_f1": _share("harmonic mean of precision and recall of words, the mean over replies", form=".4f"),
    "distinct_1": _share("different words over all words of the replies", None, ".4f"),
    "distinct_2": _share("the same of pairs of neighbouring words", None),
    "hr@10": _share("share of sessions whose next item is among the first 10 of the whole catalogue", form=".4f"),
    "ndcg@10": Metric("mean of 1 / log2(1 + rank) of next items among the first 10, 0 for others", "most", ".4f"),
    "mrr@10": Metric("mean of 1 / rank of next items among the first 10, 0 for others", "most", ".4f"),
    "mrr": Metric("mean of 1 / rank of next items, whatever the rank", "most"),
    "unseen": _share("share of truths that training does not have, which count as wrong", None),
    "seen": _share("share of next items that are left out, as they were there before, which count as missed", None),
    "until_nll": Metric(
        "nats by which the bin of the time until the next event surprises the model, on average", "least", ".4f"
    ),
    "until_mae": Metric("mean absolute error of the median time until the next event", "least", ".5g"),
    "until_coverage": _share(
        "share of times until the next event inside the interval, which promises 80 %", None, ".4f"
    ),
    "until_below": _share("share of times until the next event below their median", None),
    "accuracy": _share("share of answers that are right", form=".4f"),
    "frame_accuracy": _share("share of the notes that sounded or were expected, which did both", form=".4f"),
    "entity_f1": _share(
        "harmonic mean of precision and recall of entities, right only with kind, begin and end", form=".4f"
    ),
    "balanced_accuracy": _share("share of right answers, the mean over classes"),
    "surprise": Metric("mean surprise of a channel in a row, in nats"),
    "alarm_rate": _share("share of answers above the threshold", None, ".4f"),
    "precision": _share("share of alarms that are right", None),
    "recall": _share("share of anomalies with an alarm", None),
    "f1": _share("harmonic mean of precision and recall, the mean over classes", form=".4f"),
    "false_alarm_rate": _share("share of normal answers with an alarm", None, ".4f"),
    "missing_alarm_rate": _share("share of anomalies without an alarm", None),
    "event_recall": _share("share of runs of anomalies with an alarm", None),
    "event_precision": _share("share of runs of alarms that meet an anomaly", None),
    "f1_micro": _share("harmonic mean of precision and recall of all labels together", form=".4f"),
    "f1_macro": _share("the mean over labels of the same of each", form=".4f"),
    "subset_accuracy": _share("share of examples all of whose labels are right", form=".4f"),
    "auroc": _share("share of pairs of a class and another that its probability or score puts in order", form=".4f"),
    "average_precision": _share(
        "mean precision over the anomalies, or the examples with a label, whatever the threshold", form=".4f"
    ),
    "vus_roc": _share("volume under the surface of receiver operating characteristics, over buffers around anomalies"),
    "vus_pr": _share("volume under the surface of precision and recall, over buffers around anomalies", form=".4f"),
    "nll": Metric("nats by which the truth surprises the model, on average", "least", ".4f"),
    "perplexity": Metric("exponential of nll: among so many tokens the model is undecided, on average", "least", ".4g"),
    "unknown": _share("share of the tokens that came which the model does not know; one costs little", None, ".4f"),
    "nats_per_step": Metric("nll by the step of the grid, whatever the events are", "least", ".4f"),
    "nats_per_character": Metric("nll by the character, whatever the tokens are", "least", ".4f"),
    "bits_per_character": Metric("the same in bits", "least"),
    "coverage": _share("share of truths inside the interval, or the set", None),
    "width": Metric("mean width of the interval"),
    "set_size": Metric("mean number of labels in a set"),
}

# By the first of these that a model has, it is compared with its rivals.
JUDGES = ("ndcg@10", "wer", "bleu", "rouge_l", "vus_pr", "average_precision", "nll", "accuracy", "mae")
