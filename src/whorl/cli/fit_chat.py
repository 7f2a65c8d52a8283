"""`whorl fit chat DATA`."""

from whorl.cli import fitting, pieces
from whorl.tasks.conversation import Chatbot

_OWN = {
    "context": "Dialogues",
    "attention": "Dialogues",
    "sampling": "Dialogues",
    "embedding_size": "Dialogues",
    "longest": "Dialogues",
    "smoothing": "Dialogues",
}

WORDS = fitting.Words(Chatbot, _OWN, plans=["tokens"], parts=pieces.given_dropout)


def fit_chat(data: str, out: str | None, report: str | None, refit: bool, resume: bool, **_: object) -> None:
    """Train a Chatbot on DATA and save it.

    DATA is a text file with a turn on each line and a blank line between dialogues; a file of JSON lines with a
    dialogue on each, a list of turns or an object with that list under "turns", where a turn is text or an object with
    "text" and "speaker"; or a folder of either. Some of the dialogues are held out: they choose the epoch, and score
    the model beside the frequencies of tokens, the most frequent reply and the replies to similar turns.
    """
    fitting.run(WORDS, data, out, report, refit=refit, resume=resume)


command = pieces.command(
    "chat",
    fit_chat,
    Chatbot,
    _OWN,
    table=("encoding",),
    epilog="Example: whorl fit chat dialogues.txt --context 3 --out chat.whorl",
)
