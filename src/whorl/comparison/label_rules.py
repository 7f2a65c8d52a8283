"""Rules for tasks that answer labels: one or several for a sequence or a text, or one for each step."""

from dataclasses import replace

from whorl.comparison.choice import Choice, Other
from whorl.comparison.question import Question
from whorl.comparison.traits import Traits
from whorl.plans.networks import Recurrent
from whorl.plans.table import Table

# A label that is so frequent makes answering it alone look good; the finding of a fit speaks from there on, too.
MOST_FREQUENT = 0.8
# Examples of a class below which nobody should expect a network to tell it from the others.
FEWEST_OF_CLASS = 5
FEW_TEXTS, FEW_SENTENCES = 1000, 50


def classify_rules(traits: Traits, asked: Question) -> Choice:
    """A GRU behind convolutions, or behind vectors of words where texts are classified."""
    return _texts(traits) if traits.vocabulary is not None else _series(traits, asked)


def recording_rules(traits: Traits, asked: Question) -> Choice:
    """A GRU behind convolutions, and a word on speakers."""
    weights, why_weights = _balanced(traits)
    settings: dict[str, object] = {**weights}
    reasons = [
        f"{traits.examples:,} recordings of {traits.median_length} steps (median) to learn from: a GRU of 64 units "
        "behind three layers of convolutions. Of spoken digits of new speakers 0.845 were right, beside 0.629 by a "
        "support vector machine on the mean and the deviation of each number; of known ones 0.983 beside 0.980 "
        "(docs/quality.md)",
        *why_weights,
    ]
    if asked.stream:
        settings["augmentation"] = ("sound", "prefixes")
        reasons.append("a stream is answered before its end: some of the recordings of training end early")
    return Choice(
        network=Recurrent("gru", hidden_size=64),
        settings=settings,
        reasons=tuple(reasons),
        cautions=(
            *_few_of_class(traits, "the nearest training recording"),
            "a voice that training has is easier than a new one: where recordings have speakers, name them as `group` "
            "of whorl.Audio, so that none is on both sides",
        ),
    )


def picture_rules(traits: Traits, asked: Question) -> Choice:
    """A GRU behind convolutions over each picture, and a word on who is seen on several."""
    weights, why_weights = _balanced(traits)
    return Choice(
        network=Recurrent("gru", hidden_size=64),
        settings=weights,
        reasons=(
            f"{traits.examples:,} pictures to learn from: each is a step, and a small convolutional network makes a "
            "vector of it. Of 1,000 digits it had 98.3 % right after 8,000 others, and a support vector machine on "
            "their pixels 96.7 % (docs/quality.md)",
            *why_weights,
        ),
        cautions=(
            *_few_of_class(traits, "the nearest training picture"),
            "pictures of one person, place or film are alike: name what they belong to as `group` of whorl.Image, so "
            "that none is on both sides",
        ),
    )


def _series(traits: Traits, asked: Question) -> Choice:
    weights, why_weights = _balanced(traits)
    changes, why_changes = _augmentation(traits, asked)
    others = [
        Other(
            reason="five networks side by side are five times the work: accuracy rose by 0.1 to 1.3 points on four of "
            f"five sets of 40 to 500 sequences (docs/quality.md); this machine has {traits.cores} cores",
            settings={"network": Recurrent("gru", hidden_size=64, members=5)},
        )
    ]
    if not traits.irregular:
        others.append(
            Other(
                reason="a core whose weights stay as they were drawn leaves little to be learned by heart: of six sets "
                "of 40 to 500 sequences it was ahead of that GRU on three, by 1.0 to 1.1 points of accuracy, alike on "
                "one, and behind on two, by 2.7 and by 11 where patterns stand at any place (docs/quality.md)",
                settings={"network": Recurrent("rnn", frozen=True)},
            )
        )
    if not asked.stream:
        others.append(
            Other(
                reason="where whole sequences are there, a network may read them both ways; it cannot stream",
                settings={"network": Recurrent("gru", hidden_size=64, bidirectional=True)},
            )
        )
    if traits.irregular and asked.table == replace(asked.table, scaling="standard", clip=None):
        others.append(_clipped(asked.table))
    cautions = _few_of_class(traits, "the label of the nearest training sequence")
    if traits.irregular:
        cautions.append(
            "of records at irregular times boosted trees on summaries of each column answered better than a network: "
            "area under the curve 0.856 beside 0.846 after 48 hours of 4,000 stays (docs/quality.md, diagnosis). "
            "Compare"
        )
    return Choice(
        network=Recurrent("gru", hidden_size=64),
        settings={**changes, **weights},
        reasons=(
            f"{traits.examples:,} sequences of {traits.median_length} steps (median) to learn from: a GRU of 64 units "
            "behind three layers of convolutions. It was ahead of the nearest neighbour by dynamic time warping on six "
            "sets of 40 to 500 sequences, by 0.1 to 15 points of accuracy (docs/quality.md)",
            *why_changes,
            *why_weights,
        ),
        cautions=tuple(cautions),
        others=tuple(others),
    )


def _augmentation(traits: Traits, asked: Question) -> tuple[dict[str, object], list[str]]:
    """How training sequences are changed, and why."""
    settings: dict[str, object] = {}
    reasons = []
    if traits.irregular:
        settings["augmentation"] = "prefixes" if asked.stream else "none"
        reasons.append(
            "rows come at irregular times, which are read beside them: training sequences are not warped in time "
            "(docs/how-to/irregular-records.md)"
        )
    elif asked.stream:
        settings["augmentation"] = ("series", "prefixes")
    if asked.stream:
        reasons.append(
            "a stream is answered before its end: some training sequences end early, which raised the area under the "
            "curve after 6 of 48 hours from 0.691 to 0.738 and cost 0.002 at the end (docs/quality.md, diagnosis)"
        )
    return settings, reasons


def _clipped(table: Table) -> Other:
    return Other(
        reason="where people typed the numbers in, robust scaling and a clip at 3 interquartile ranges keep mistakes "
        "from hiding the rest (docs/how-to/irregular-records.md)",
        settings={"table": replace(table, scaling="robust", clip=3.0)},
    )


def _texts(traits: Traits) -> Choice:
    weights, why_weights = _balanced(traits)
    cautions = _few_of_class(traits, "counts of words and pairs with logistic regression")
    if traits.examples < FEW_TEXTS:
        cautions.append(
            f"{traits.examples:,} texts are few for vectors of words that are learned from them alone: counts of words "
            "and pairs with a linear model are strong there (Wang & Manning 2012). Compare"
        )
    return Choice(
        network=Recurrent("gru", hidden_size=128),
        settings=weights,
        reasons=(
            f"{traits.examples:,} texts of {traits.median_length} tokens (median) to learn from, {traits.vocabulary:,} "
            "tokens are known: a GRU of 128 units behind vectors of words. It was ahead of counts of words and pairs "
            "with logistic regression on 7,792 texts of 2 classes, 0.814 beside 0.800, and on 18,000 of 150, 0.927 "
            "beside 0.908 (docs/quality.md)",
            *why_weights,
        ),
        cautions=tuple(cautions),
        others=(
            Other(
                reason="five networks side by side are five times the work: accuracy rose from 0.814 to 0.824 on 7,792 "
                f"texts (docs/quality.md); this machine has {traits.cores} cores",
                settings={"network": Recurrent("gru", hidden_size=128, members=5)},
            ),
        ),
    )


def _balanced(traits: Traits) -> tuple[dict[str, object], list[str]]:
    """Weighs classes alike where one of them is nearly all, and says so."""
    if traits.largest_class < MOST_FREQUENT or len(traits.classes) < 2:
        return {}, []
    label = max(traits.classes, key=lambda name: traits.classes[name])
    reason = (
        f"{traits.largest_class:.0%} of the labels are '{label}': classes count alike in training, so that the others "
        "are learned too. Look at balanced accuracy, which always answering that label does not raise"
    )
    return {"class_weight": "balanced"}, [reason]


def _few_of_class(traits: Traits, instead: str) -> list[str]:
    rare = [label for label, count in traits.classes.items() if count < FEWEST_OF_CLASS]
    if not rare:
        return []
    shown = ", ".join(map(repr, rare[:3])) + (f" and {len(rare) - 3} more" if len(rare) > 3 else "")
    return [
        f"fewer than {FEWEST_OF_CLASS} examples of {shown}: too few to learn what tells a class. Bring more, join "
        f"classes, or answer with {instead}"
    ]


def tag_rules(traits: Traits, asked: Question) -> Choice:
    """An LSTM that reads both ways where the whole sequence is there, and waits for two steps where it is not."""
    both = Recurrent("lstm", hidden_size=128, bidirectional=True)
    forward = Recurrent("lstm", hidden_size=128)
    whole = asked.stream is False
    how = "reads both ways" if whole else "answers two steps late, so that it streams"
    others = []
    if whole:
        others.append(Other(reason="to answer steps as they come, two of them late", settings={"network": forward}))
    elif asked.stream is None:
        others.append(
            Other(
                reason="where whole sequences are there (--no-stream), reading both ways was right more often",
                settings={"network": both},
            )
        )
    if not asked.stream and any(label.startswith("I-") for label in traits.classes):
        others.append(
            Other(
                reason="labels B-X and I-X follow each other by rules, which `crf` learns; it cannot stream",
                settings={"crf": True, "network": both},
            )
        )
    cautions = []
    if traits.vocabulary is not None and traits.sequences < FEW_SENTENCES:
        cautions.append(
            f"{traits.sequences} sentences are few: most words of new ones will be unknown. The most frequent label of "
            "each word, which the fit is scored beside, is hard to beat there"
        )
    return Choice(
        network=both if whole else forward,
        reasons=(
            f"{traits.sequences:,} sequences of {traits.median_length} steps (median): an LSTM of 128 units {how}. Of "
            "parts of speech 0.958 were right when it read both ways, 0.949 when it waited for two words, and 0.878 by "
            "the most frequent of each word (docs/quality.md)",
        ),
        cautions=tuple(cautions),
        others=tuple(others),
    )
