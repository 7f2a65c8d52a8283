"""Rules for files with texts: what is said in a recording, and what a picture or a video shows."""

from whorl.comparison.choice import Choice, Other
from whorl.comparison.question import Question
from whorl.comparison.traits import Traits
from whorl.plans.networks import Recurrent

# Examples below which a word is said of what can be learned from so few.
_FEW_RECORDINGS, _FEW_CAPTIONS = 1_000, 2_000
_ORDER = 4


def transcribe_rules(traits: Traits, asked: Question) -> Choice:
    """A GRU that says at each step a character, or none; both ways where nothing has to stream."""
    both = asked.stream is False
    others = [
        Other(
            reason="where sentences are alike, n-grams of the texts of training help the search for a transcript",
            settings={"language_model": _ORDER},
        )
    ]
    if asked.stream is None:
        others.append(
            Other(
                reason="where whole recordings are there, a network may read them both ways, which tells sounds by "
                "what follows them; it cannot stream",
                settings={"network": Recurrent("gru", bidirectional=True)},
            )
        )
    cautions = []
    if traits.examples < _FEW_RECORDINGS:
        cautions.append(
            f"{traits.examples:,} recordings to learn from teach a few words that come again and again, as those of "
            "docs/how-to/transcription.md do; speech that is not limited needs many hours"
        )
    return Choice(
        network=Recurrent("gru", bidirectional=both),
        reasons=(
            f"{traits.examples:,} recordings with their texts, of {traits.median_length} steps (median): each step "
            "says a character or none, so nobody has to say when something was said (Graves et al. 2006); characters "
            "spell words that training does not have",
            "both ways, as whole recordings are there" if both else "one way, so that it answers while somebody speaks",
        ),
        cautions=tuple(cautions),
        others=tuple(others),
    )


def caption_rules(traits: Traits, asked: Question) -> Choice:
    """A GRU of 256 units that looks back at the cells of a picture, or at frames."""
    cautions = []
    if traits.examples < _FEW_CAPTIONS:
        cautions.append(
            f"{traits.examples:,} texts to learn from teach which words captions have, and little of what pictures "
            "show: see whether it beats its rivals, the most frequent text and that of what looks most alike"
        )
    # Frames are read both ways by default, cells of a picture by no core; a stream reads one way.
    network = Recurrent("gru", hidden_size=256, bidirectional=False if asked.stream else None)
    return Choice(
        network=network,
        reasons=(
            f"{traits.examples:,} texts to learn from, {traits.vocabulary or 0:,} tokens: a GRU of 256 units writes, "
            "and looks at each step back at what was read (Xu et al. 2015)",
        ),
        cautions=tuple(cautions),
        others=(
            Other(
                reason="where time is short, or there are few texts",
                settings={"network": Recurrent("gru", hidden_size=128, bidirectional=network.bidirectional)},
            ),
            Other(
                reason="features of a network that has seen many pictures tell more than pixels: make them elsewhere, "
                "and name files of .npy; until then, looking back by an additive score is worth a fit",
                settings={"attention": "additive"},
            ),
        ),
    )
