"""Rules for tasks that write: running text, other texts, summaries and replies."""

from whorl.comparison.choice import Choice, Other
from whorl.comparison.question import Question
from whorl.comparison.traits import Traits
from whorl.plans.music import Music
from whorl.plans.networks import Recurrent
from whorl.plans.text import Text

# Characters and pairs below which a word is said of rivals that need less; what was measured had many more.
FEW_CHARACTERS, FEW_PAIRS = 200_000, 2_000
# Tokens that are read before one is written, where a text is written as it comes (wait-k, Ma et al. 2019).
WAIT = 3


def generate_rules(traits: Traits, asked: Question) -> Choice:
    """A GRU of 512 units over characters; an LSTM of 256 over chords."""
    if traits.vocabulary is None:  # of music
        return _of_music(traits)
    cautions = []
    if traits.examples < FEW_CHARACTERS:
        cautions.append(
            f"{counted(traits.examples)} characters to learn from are few: with a million the network was 0.07 nats a "
            "character ahead of Kneser-Ney 8-grams (docs/quality.md), which need less text. Compare with "
            "`whorl.runtime.ngrams.KneserNey`"
        )
    return Choice(
        network=Recurrent("gru", hidden_size=512),
        reasons=(
            f"{counted(traits.examples)} characters to learn from, {traits.vocabulary} different ones: a GRU of 512 "
            "units. On a million characters of plays it was ahead of Kneser-Ney 8-grams, 1.452 nats a character beside "
            "1.519 (docs/quality.md)",
        ),
        cautions=tuple(cautions),
        others=(
            Other(
                reason="where time is short, or a small text is soon known by heart",
                settings={"network": Recurrent("gru", hidden_size=256)},
            ),
            Other(
                reason="byte pairs are fewer than characters, so that the same number of steps reaches further back; "
                "they need the tokenizers library",
                settings={"tokens": Text(unit="bpe", normalize=None, most=2000)},
            ),
        ),
    )


def _of_music(traits: Traits) -> Choice:
    """An LSTM of 256 units."""
    return Choice(
        network=Recurrent("lstm", hidden_size=256),
        reasons=(
            f"{counted(traits.examples)} steps of music to learn from: an LSTM of 256 units. With 13,807 chords of "
            "chorales to learn from the next one surprised it by 8.22 nats, beside 10.49 of who expects the last one "
            "again, with a rate for each note (docs/quality.md, music)",
        ),
        others=(
            Other(
                reason="what is played without a beat, and its loudness, are events and not chords",
                settings={"tokens": Music(steps="events")},
            ),
        ),
    )


def translate_rules(traits: Traits, asked: Question) -> Choice:
    """A GRU that reads both ways, and two layers that write."""
    of = f"{counted(traits.examples)} pairs to learn from, {counted(traits.vocabulary)} different words in sources"
    measured = "With 29,000 pairs it scored 36.2 BLEU, and the most similar pair 6.4 (docs/quality.md, translation)"
    waits = Other(reason="to answer while the text still comes, less well", settings={"wait": WAIT})
    whole = Other(reason="where the end of a text can be waited for, which writes better", settings={"wait": None})
    reasons = [f"{of}: a GRU of 256 units reads both ways, and two layers write. {measured}"]
    if asked.stream:
        reasons = [
            f"{of}: a GRU of 256 units reads, and two layers write",
            f"it is answered as it comes: after {WAIT} tokens one is written for each that is read (wait-k, Ma et al. "
            f"2019), for which the network reads one way. {measured} when it read both ways; `wait` was not measured",
        ]
    return Choice(
        network=Recurrent("gru", hidden_size=256),
        settings={"wait": WAIT} if asked.stream else {},
        reasons=tuple(reasons),
        cautions=_few(traits, "29,000 were learned from where this was measured"),
        others=(whole if asked.stream else waits,),
    )


def summarize_rules(traits: Traits, asked: Question) -> Choice:
    """The same, answering with what is there already where that is better."""
    cautions = _few(traits, "14,436 were learned from where this was measured")
    if asked.stream:
        cautions = (*cautions, "a summary needs all of a text: a stream answers at `flush`")
    return Choice(
        network=Recurrent("gru", hidden_size=256),
        settings={"recall": True},
        reasons=(
            f"{counted(traits.examples)} pairs to learn from, {counted(traits.vocabulary)} different words in long "
            "texts: a GRU of 256 units reads both ways, and two layers write",
            "`recall` answers with the short text of the most similar long one where that scored better on the "
            "validation part: ROUGE-L was 20.1 on subjects of 1,906 mails, beside 18.7 of always doing so "
            "(benchmarks/results/summaries.json)",
        ),
        cautions=cautions,
        others=(Other(reason="the model file then holds no pairs of training", settings={"recall": False}),),
    )


def chat_rules(traits: Traits, asked: Question) -> Choice:
    """A GRU that reads the last turns both ways, and two layers that write."""
    return Choice(
        network=Recurrent("gru", hidden_size=256),
        reasons=(
            f"{counted(traits.examples)} replies to learn from, {counted(traits.vocabulary)} different words: a GRU "
            "of 256 units reads the last 3 turns both ways, and two layers write. On dialogues about films perplexity "
            "was 47.7 beside 52.2 of Kneser-Ney 5-grams (docs/quality.md, dialogues); a stream answers each turn",
        ),
        cautions=_few(traits, "some 70,000 were learned from where this was measured"),
        others=(Other(reason="where earlier turns matter", settings={"context": 5}),),
    )


def counted(count: int | None) -> str:
    """A count for people; there may be none."""
    return f"{count or 0:,}"


def _few(traits: Traits, measured: str) -> tuple[str, ...]:
    if traits.examples >= FEW_PAIRS:
        return ()
    return (
        f"{counted(traits.examples)} pairs to learn from are few; {measured}. The answer to the most similar text, "
        "which the fit is scored beside, is hard to beat there",
    )
