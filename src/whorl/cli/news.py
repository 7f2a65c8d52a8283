"""What data have that training did not have, said beside what is made of them."""

from typing import TYPE_CHECKING

import click

from whorl.cli.output import is_quiet

if TYPE_CHECKING:
    from whorl.runtime.model import Model


def tell_news(model: "Model", source: object, *, tokens: bool = False) -> object:
    """Says on standard error what a source has that training did not have.

    Args:
        model: that answers it.
        source: of its answers.
        tokens: also counts the tokens of texts that are unknown; scores of texts tell their share by themselves.

    Returns:
        The source, read already where that would be done twice otherwise.
    """
    if is_quiet():
        return source
    source, said = model.reader.looked_at(source)
    for line in [*said, *(_unknown_tokens(model, source) if tokens else ())]:
        click.echo(line, err=True)
    return source


def _unknown_tokens(model: "Model", source: object) -> list[str]:
    from whorl.codecs.alphabet import RESERVED, UNKNOWN
    from whorl.data.corpus_reader import CorpusReader
    from whorl.data.pair_reader import PairReader
    from whorl.data.text_reader import TextReader

    reader = model.reader
    if not isinstance(reader, CorpusReader | TextReader | PairReader):
        return []
    codes = [(one.read_steps if isinstance(reader, PairReader) else one.past)[:, 0] for one in reader.read(source)]
    count = sum(int((own == UNKNOWN).sum()) for own in codes)
    known = sum(int((own >= RESERVED).sum()) for own in codes)  # begin and end are no tokens that came
    return [f"{count} of {count + known} tokens are none that the model knows: read as unknown."] if count else []
