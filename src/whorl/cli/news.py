"""What data have that training did not have, said beside what is made of them."""

from typing import TYPE_CHECKING

import click

from whorl.cli.output import is_quiet

if TYPE_CHECKING:
    from whorl.runtime.model import Model


def tell_news(model: "Model", source: object) -> object:
    """Says on standard error what a source has that training did not have.

    Returns:
        The source, read already where that would be done twice otherwise.
    """
    if is_quiet():
        return source
    source, said = model.reader.looked_at(source)
    for line in said:
        click.echo(line, err=True)
    return source
