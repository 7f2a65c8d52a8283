"""Rules for tasks that answer numbers for whole sequences, and for rows or sequences that are judged."""

from dataclasses import replace

from whorl.comparison.choice import Choice, Other
from whorl.comparison.question import Question
from whorl.comparison.traits import Traits
from whorl.data.problems import plural
from whorl.plans.alarm import Alarm
from whorl.plans.networks import Recurrent

# Sequences below which summaries and trees are the safer answer, and rows below which little is said of what is normal.
FEW_SEQUENCES, FEW_ROWS = 50, 500
# Of a life: 125 cycles is the usual cap of engines that run 199 cycles (median of C-MAPSS FD001).
CAP = 125 / 199
# Rows that scores are averaged over in another choice; anomalies there were of 121 and 207 rows (median).
SMOOTH = 60


def regress_rules(traits: Traits, asked: Question) -> Choice:
    """A GRU."""
    return Choice(
        network=Recurrent("gru", hidden_size=64),
        reasons=(
            f"{traits.examples:,} sequences of {traits.median_length} steps (median) to learn from, "
            f"{plural(traits.numeric + traits.categories, 'column')} of which are read: a GRU of 64 units, the task's "
            "own choice. No comparison on public data stands behind it",
        ),
        cautions=_few(traits),
        others=(
            Other(reason="where a few truths are far off, absolute errors forgive them", settings={"loss": "mae"}),
            Other(
                reason="five networks side by side are five times the work; labels they got right more often "
                f"(docs/quality.md); this machine has {traits.cores} cores",
                settings={"network": Recurrent("gru", hidden_size=64, members=5)},
            ),
        ),
    )


def file_rules(traits: Traits, asked: Question) -> Choice:
    """The same for files of sound, pictures or videos, and a word on what they belong to."""
    few = (
        f"{plural(traits.examples, 'file')} to learn from are few: see whether the network beats the mean, which the "
        "fit is scored beside",
    )
    return replace(
        regress_rules(traits, asked),
        reasons=(
            f"{plural(traits.examples, 'file')} of {plural(traits.median_length, 'step')} (median) to learn from: a "
            "GRU of 64 units, the task's own choice. No comparison on public data stands behind it",
        ),
        cautions=(
            *(few if traits.examples < FEW_SEQUENCES else ()),
            "files of one person, place or film are alike: name what they belong to as `group`, so that none is on "
            "both sides",
        ),
    )


def remaining_rules(traits: Traits, asked: Question) -> Choice:
    """Two layers of a GRU, for sequences that end in failure."""
    cap = max(10, round(CAP * traits.median_length))
    return Choice(
        network=Recurrent("gru", hidden_size=96, num_layers=2),
        reasons=(
            "no target is named, so that what is answered is how many rows are left of each sequence (`remaining`)",
            f"{traits.examples:,} sequences of {traits.median_length} rows (median) to learn from, to their failure: "
            "two layers of a GRU of 96 units. Their error was 11.40 cycles beside 11.84 of boosted trees and 37.00 of "
            "the mean life less the age (docs/quality.md, remaining life)",
        ),
        cautions=_few(traits),
        others=(
            Other(
                reason="before there is wear nothing tells how much is left, so that larger truths count as a cap. "
                f"Choose the time over which wear is seen; {cap} rows are the share of a median life here that the "
                "usual 125 cycles are of an engine's (docs/how-to/remaining-life.md)",
                settings={"cap": cap},
            ),
        ),
    )


def _few(traits: Traits) -> tuple[str, ...]:
    if traits.examples >= FEW_SEQUENCES:
        return ()
    return (
        f"{plural(traits.examples, 'sequence')} to learn from are few: boosted trees on summaries of the last rows "
        "need less, and were hardly worse where a network learned from 90 engines, 11.84 cycles beside 11.40 "
        "(docs/quality.md, remaining life). Compare",
    )


def detect_rules(traits: Traits, asked: Question) -> Choice:
    """Rows by how they surprise a GRU."""
    cautions = [
        "principal components and an isolation forest were as good where odd rows were to be found: on 34 runs of a "
        "pump VUS-PR was 0.837 with the network, 0.863 and 0.852 with these (docs/quality.md, SKAB). Compare, if there "
        "are labels"
    ]
    if traits.examples < FEW_ROWS:
        cautions.insert(
            0,
            f"{plural(traits.examples, 'row')} to learn from are few to say what is normal, and the threshold is set "
            "on a ninth as many: bring more normal rows, or watch each column's distance from its mean",
        )
    return Choice(
        network=Recurrent("gru", hidden_size=64),
        reasons=(
            f"{traits.examples:,} rows of {plural(traits.targets, 'column')} to learn from: a GRU of 64 units tells "
            "how much each row surprises it, and streams. It is the task's own choice, measured on SKAB, MSL and NAB "
            "(docs/quality.md)",
        ),
        cautions=tuple(cautions),
        others=(
            Other(
                reason="where anomalies last for a hundred rows and more, scores are averaged over more rows: VUS-PR "
                "rose from 0.345 to 0.367 on MSL and from 0.265 to 0.323 on NAB (docs/quality.md)",
                settings={"alarm": Alarm(smooth=SMOOTH)},
            ),
        ),
    )


def judge_rules(traits: Traits, asked: Question) -> Choice:
    """Whole sequences by what cannot be built again from a code."""
    few = traits.examples < FEW_SEQUENCES
    return Choice(
        network=Recurrent("gru", hidden_size=24),
        reasons=(
            f"{traits.examples:,} sequences of {traits.median_length} steps (median), each judged as a whole: a GRU of "
            "24 units builds them again from a code of 16 numbers. On heartbeats (ECG5000) the area under the ROC "
            "curve was 0.981 beside 0.978 of principal components (docs/quality.md)",
        ),
        cautions=(
            f"{plural(traits.examples, 'sequence')} to learn from are few to say what is normal. Bring more of them",
        )
        if few
        else (),
        others=(
            Other(
                reason="half of the numbers for the code, which was worse by 0.006 on heartbeats (docs/quality.md), "
                "where normal sequences differ little",
                settings={"code": 8},
            ),
        ),
    )
