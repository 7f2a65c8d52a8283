"""`whorl demo caption`: sentences written about silent videos of a mouth that says them."""

import io
import itertools
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from whorl.cli.demos.stage import Stage
from whorl.cli.output import tell
from whorl.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from av.packet import Packet
    from av.video.stream import VideoStream

    from whorl.tasks.captioning import Captioner

# A fixed number of steps, so that everybody with as many threads sees the same scores.
NAME, EPOCHS = "lips", 15

_TRAIN, _TEST, _SHOWN = 440, 60, 6
# What the six words of a sentence are.
_PLACES = ("verb", "colour", "preposition", "letter", "digit", "adverb")


def run(stage: Stage) -> None:
    """The last videos are the test part; one of them is streamed, frame by frame."""
    import whorl

    paths, texts = _unpacked(stage.home / "videos", _TRAIN + _TEST)
    columns = {"video": [path.relative_to(stage.home).as_posix() for path in paths], "caption": texts}
    train = stage.write("train.csv", columns, 0, _TRAIN)
    test = stage.write("test.csv", columns, _TRAIN, len(texts))
    tell(
        f"{len(texts)} silent videos of a man's mouth, 3 s each, and the six words that he says (GRID, Cooke, Barker, "
        "Cunningham and Shao, CC BY 4.0).",
        f"{train} has the first {_TRAIN}; the others are the test part, in {test}.",
        f"Training, {stage.passes}:",
        "",
    )
    model = whorl.Captioner(
        media=whorl.Video(height=16, width=24, mode="grey", background="running"),
        tokens=whorl.Text(),
        augmentation="none",
        embedding_size=64,
        dropout=0.3,
        network=whorl.Recurrent("gru", hidden_size=64),
        training=whorl.Training(epochs=stage.epochs, batch_size=8, learning_rate=4e-3, patience=None, seed=0),
    )
    model.fit(train, verbose=stage.is_verbose)
    found = stage.score(model, test)
    written = model.predict(paths[_TRAIN:]).value
    _compare(written, texts)
    _stream(model, paths[-1], texts[-1])
    stage.finish(model, found, test, stream=f"ls {stage.home / 'videos'}/*.mp4 | whorl stream {stage.model}")


def _unpacked(folder: Path, count: int) -> tuple[list[Path], list[str]]:
    """Writes the first sentences as MP4 files, their frames as they are shipped; their paths and texts."""
    from whorl import datasets

    try:
        import av
    except ImportError:
        raise MissingExtraError("av", "video", "to read videos") from None
    folder.mkdir(exist_ok=True)
    with np.load(datasets.path("grid_lips"), allow_pickle=False) as data:
        whole, lengths = io.BytesIO(data["video"].tobytes()), data["frames"][:count].tolist()
        names, texts = data["names"][:count].tolist(), data["texts"][:count].tolist()
    paths = [folder / f"{name}.mp4" for name in names]
    with av.open(whole, "r") as source:
        (stream,) = source.streams.video
        packets = (packet for packet in source.demux(stream) if packet.size)
        for path, length in zip(paths, lengths, strict=True):
            with av.open(str(path), "w", format="mp4") as container:
                own = container.add_stream_from_template(stream)
                for packet in _moved(packets, length):
                    packet.stream = own
                    container.mux(packet)
    return paths, texts


def _moved(packets: "Iterator[Packet[VideoStream]]", count: int) -> "Iterator[Packet[VideoStream]]":
    """The next packets, in time from zero on. Each sentence begins with a frame that needs no other one."""
    first = None
    for packet in itertools.islice(packets, count):
        assert packet.pts is not None
        assert packet.dts is not None
        first = packet.pts if first is None else first
        packet.pts, packet.dts = packet.pts - first, packet.dts - first
        yield packet


def _compare(written: "Sequence[str]", texts: "Sequence[str]") -> None:
    """Some sentences of the test part beside what was said, and how many words are right at each place."""
    learned, said = ([text.split() for text in part] for part in (texts[:_TRAIN], texts[_TRAIN:]))
    tell("", "What it reads from the lips in some videos of the test part, and what was said:")
    for own, true in zip(written[:_SHOWN], texts[_TRAIN:], strict=False):
        tell(f"  {own:34}{true}")
    tell("", "Words that are right at their place, and how many the most frequent word of training would get right:")
    ahead = 0
    for n, place in enumerate(_PLACES):
        ((word, _),) = Counter(words[n] for words in learned).most_common(1)
        usual = sum(true[n] == word for true in said)
        right = sum(own.split()[n : n + 1] == true[n : n + 1] for own, true in zip(written, said, strict=True))
        ahead += right > usual
        tell(f"  {place:12}{right / len(said):>5.0%}{usual / len(said):>7.0%}")
    tell(
        f"It is ahead at {ahead} of {len(_PLACES)} places. {len(learned)} videos are few to learn to read lips from, "
        f"and of {len(said)} that are scored a share may be off by ten points.",
    )


def _stream(model: "Captioner", path: Path, text: str) -> None:
    """One video, frame by frame: the sentence is written at its end."""
    from whorl.data.videos import load
    from whorl.plans.media import Video

    stream = model.stream()
    frames = load(path, Video(mode="grey"))
    for frame in frames:
        stream.push(frame)
    (answer,) = stream.flush()
    tell("", f"One video live, {len(frames)} frames, answered at its end:")
    tell(f"  written  {answer.value[0]}", f"  true     {text}")
