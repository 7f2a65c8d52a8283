"""Frames with a text to encoded sequences, whole or as they come: what is said in a recording, or shown in a video."""

import os
from collections import Counter
from collections.abc import Sequence as List
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple, Self

import msgspec
import numpy as np

from whorl.codecs.array import ArrayCodec
from whorl.codecs.audio import AudioCodec
from whorl.codecs.framed import FramedCodec
from whorl.codecs.text import TextCodec
from whorl.data.arrays import read_arrays
from whorl.data.media import Files, Medium, check_codec, files_of, medium_for, told_by_table
from whorl.data.media_guess import check_readable
from whorl.data.media_reader import MediaRows
from whorl.data.parts import configured, joined, media_of, split, table_of
from whorl.data.piece_rows import refuse_known
from whorl.data.reader import Inputs, Reader, Row, RowReader, readers
from whorl.data.sequences import Sequence
from whorl.data.text_files import text_lines
from whorl.data.text_outputs import TextOutputs
from whorl.errors import ArgumentError, DataError, ModelFileError
from whorl.plans.media import Media, Video, to_plain
from whorl.plans.table import Table

RIVALS = ("most frequent transcript", "most frequent words")


class Transcribed(NamedTuple):
    """Examples of a transcriber.

    Args:
        names: what each is called.
        cells: frames (T, D) of each, or where its recording is, or what stands in memory of it.
        texts: what is said in each, or None.
        origin: what messages call them.
        files: where they are files, these.
    """

    names: List[str]
    cells: List[object]
    texts: List[str] | None
    origin: str
    files: Files | None = None


@readers.add("transcript")
class TranscriptReader(Reader):
    """Reads sequences of frames, and texts that belong to them.

    Args:
        past: makes steps of frames.
        outputs: encodes and decodes texts; their codes are from 1 on, since 0 is no symbol.
        target: column of the text.
        plan: how files of recordings or videos are read, complete; None where frames come as arrays.
        rivals: what naive rivals answer, in the order of `RIVALS`.
        table: how tables are read.
    """

    outputs: TextOutputs

    def __init__(
        self,
        *,
        past: FramedCodec,
        outputs: TextOutputs,
        target: str,
        plan: Media | None,
        rivals: tuple[str, str],
        table: Table,
    ) -> None:
        self.past, self.outputs, self.plan, self.table = past, outputs, plan, table
        self.horizon = 0
        self.names, self.streams = (target,), past.streams != "never"
        self.constants = rivals

    @property
    def medium(self) -> Medium | None:
        """What the files are, where frames are not given as arrays."""
        return None if self.plan is None else medium_for(self.plan)

    @property
    def step_time(self) -> float:
        """What a step lasts, in the unit of times."""
        return self.past.stride * (self._frame_s or 1.0)

    @property
    def time_unit(self) -> str:
        """What times are told in: seconds, where these are known."""
        if self._frame_s is not None:
            return "seconds"
        return "rows" if self.plan is None else "frames"

    @property
    def _frame_s(self) -> float | None:
        """Seconds of a frame, where these are known."""
        if isinstance(self.past.codec, AudioCodec):
            return self.past.codec.hop / self.past.codec.sample_rate_hz
        rate = self.plan.frame_rate_hz if isinstance(self.plan, Video) else None
        return None if rate is None else 1 / rate

    @property
    def classes(self) -> np.ndarray:
        """The symbols that a step may say; the first one stands for none."""
        return self.outputs.classes

    def read(self, source: object, *, known: object = None, targets: bool = False) -> list[Sequence]:
        refuse_known(known)
        if targets and self.medium is not None:
            source = told_by_table(source, self.medium, self.table)
        found = examples_of(source, self.plan, self.names[0], self.table)
        if targets and found.texts is None:
            raise DataError(
                f"{found.origin} has no texts, and transcripts are scored by them. Give a table with the column "
                f"'{self.names[0]}', a file of text beside each recording, or (recordings, texts)."
            )
        return self.encode(found)

    def encode(self, examples: Transcribed) -> list[Sequence]:
        """Encodes sequences. The first rows of a sequence's targets are the codes of its text, as far as they fit."""
        medium, plan, made = self.medium, self.plan, []
        for n, (name, cell) in enumerate(zip(examples.names, examples.cells, strict=True)):
            # One that is shorter than a step has none, and nothing is said in it.
            past = self.past.encode(cell if medium is None or plan is None else medium.open(cell, plan))
            text = None if examples.texts is None else examples.texts[n]
            num_steps = self.past.num_steps(past)
            made.append(
                Sequence(
                    key=name,
                    past=past,
                    time=np.arange(len(past), dtype=np.int64),
                    targets=None if text is None else self._targets_of(text, len(past), num_steps),
                    texts=() if text is None else ("", text),
                )
            )
        return made

    def _targets_of(self, text: str, length: int, num_steps: int) -> np.ndarray:
        """Codes of a text as far as there are steps, NaN after them, (length, 1), without what training never had."""
        codes = self.codes_of(text)[:num_steps]
        targets = np.full((length, 1), np.nan, np.float32)
        targets[: len(codes), 0] = codes
        return targets

    def codes_of(self, text: str) -> np.ndarray:
        """The symbols of a text that training had, (L,)."""
        codes = self.outputs.text.encode(text)[:, 0]
        return codes[codes > 0].astype(np.int64)

    def text_of(self, codes: List[int]) -> str:
        """The text of symbols."""
        return self.outputs.text.decode(np.array(codes, np.int64)).strip()

    def rivals(self, count: int) -> dict[str, list[str]]:
        """What naive rivals answer to so many sequences: always the same."""
        return {name: [text] * count for name, text in zip(RIVALS, self.constants, strict=True)}

    def open(self, key: str | None, *, fills_gaps: bool = False) -> RowReader:
        if self.medium is None or self.plan is None:
            return _FrameRows(self.past)
        return MediaRows(self.past, partial(self.medium.open, plan=self.plan))

    def times_after(self, times: np.ndarray) -> np.ndarray | None:
        return None

    def config(self) -> dict[str, object]:
        return {
            "plan": None if self.plan is None else to_plain(self.plan),
            "past": self.past.config(),
            "outputs": self.outputs.config(),
            "target": self.names[0],
            "rivals": list(self.constants),
            "table": asdict(self.table),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        return joined({"past": self.past, "outputs": self.outputs})

    @classmethod
    def restore(cls, config: dict[str, object], arrays: dict[str, np.ndarray]) -> Self:
        plain = configured(config, _Config)
        parts = split(arrays, ("past", "outputs"))
        text = TextCodec.restore(plain.outputs, parts["outputs"])
        past = FramedCodec.restore(plain.past, parts["past"])
        plan = None if plain.plan is None else media_of(plain.plan)
        if plan is not None:
            check_codec(past.codec, plan)
        if text.begin or text.end or (plan is None and not isinstance(past.codec, ArrayCodec)):
            raise ModelFileError("the reader of the model file is damaged: its texts or its frames are of others.")
        return cls(
            past=past,
            outputs=TextOutputs(text),
            target=plain.target,
            plan=plan,
            rivals=plain.rivals,
            table=table_of(plain.table),
        )


class _Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    plan: dict[str, object] | None
    past: dict[str, object]
    outputs: dict[str, object]
    target: Annotated[str, msgspec.Meta(min_length=1)]
    rivals: tuple[str, str]
    table: dict[str, object]


class _FrameRows(MediaRows):
    """Reads frames that come one by one, (D,), or several at once, (T, D)."""

    def push(self, row: Row, known: object = None) -> list[Inputs]:
        try:
            frames = np.asarray(row, np.float64)
        except (TypeError, ValueError):
            frames = np.empty(())
        if frames.ndim not in (1, 2):
            raise DataError(f"a row of this model is a frame of numbers (D,), or several (T, D), but {row!r:.80} came.")
        return super().push(frames[None] if frames.ndim == 1 else frames, known)


def examples_of(source: object, plan: Media | None, target: str, table: Table) -> Transcribed:
    """What a source holds: frames in arrays, or files of a medium, with their texts where there are some.

    Args:
        source: X or (X, texts), X (N, T, D) or a list of (T, D); or what `files_of` reads, of which a folder has the
            text of a file beside it, under the same name that ends in .txt.
        plan: how files are read; None reads arrays.
        target: column of the text.
        table: how tables are read.
    """
    if plan is None:
        return _of_arrays(source, table)
    # Texts are taken at their word: '007' and 'NA', too.
    words = replace(table, kinds={target: "category", **table.kinds}, missing=())
    files = files_of(source, medium_for(plan), column=plan.column, targets=(target,), table=words)
    if isinstance(source, str | os.PathLike) and Path(source).is_dir() and files.column is None:
        return Transcribed(files.names, files.cells, _texts_beside(files, table), files.frame.origin, files)
    texts = None
    if target in files.frame.columns:
        cells = files.frame[target].tolist()
        texts = ["" if cell is None else str(cell).strip() for cell in cells]
    return Transcribed(files.names, files.cells, texts, files.frame.origin, files)


def _texts_beside(files: Files, table: Table) -> List[str] | None:
    """The texts that lie beside files, each one under the same name; None where there is none."""
    beside = [Path(str(cell)).with_suffix(".txt") for cell in files.cells]
    there = [path.is_file() for path in beside]
    if not any(there):
        return None
    if not all(there):
        raise DataError(
            f"`{beside[there.index(False)]}` is no file, but other recordings have their text beside them. Add it, or "
            "take the recording out."
        )
    return [" ".join(" ".join(text_lines(path, table.encoding or "utf-8")).split()) for path in beside]


def _of_arrays(source: object, table: Table) -> Transcribed:
    x, texts = source if isinstance(source, tuple) and len(source) == 2 and _are_texts(source[1]) else (source, None)
    arrays = read_arrays(x)
    if arrays is None:
        check_readable(x, table)
        raise DataError(
            "frames are arrays: X as (N, T, D) or a list of (T, D), and a list of texts beside it, (X, texts), but a "
            f"{type(x).__name__} came. Convert it, or say with `media` what files are."
        )
    if texts is None and arrays.y is not None and _are_texts(arrays.y):
        texts = arrays.y
    if texts is not None and len(texts) != len(arrays):
        raise DataError(f"there are {len(arrays)} sequences, but {len(texts)} texts. Give one for each.")
    names = [str(n) for n in range(len(arrays))]
    cells = [np.asarray(one) for one in arrays.x]
    return Transcribed(names, cells, None if texts is None else [str(text).strip() for text in texts], arrays.origin)


def _are_texts(given: object) -> bool:
    if not isinstance(given, list | tuple | np.ndarray) or not len(given):
        return False
    return all(isinstance(one, str) for one in (given.tolist() if isinstance(given, np.ndarray) else given))


def symbols_of(reader: TranscriptReader, words: str) -> tuple[int, ...]:
    """The symbols of words that may be said; raises ArgumentError for what training never had."""
    codes = tuple(reader.outputs.text.encode(words)[:, 0].astype(np.int64).tolist())
    if words and not all(codes):
        raise ArgumentError(
            f"`grammar` has '{words}', but no text of training has all of its symbols, so that nothing was learned of "
            "them. Leave the word out; a space between two words is a symbol, too."
        )
    return codes


def words_of(reader: TranscriptReader, codes: List[int], steps: List[int]) -> tuple[np.ndarray, np.ndarray]:
    """The words of a text, (W,) object, and when the first and the last symbol of each were said, (W, 2).

    Words are what stands between white space; of texts that are cut into words each symbol is one. Times are those
    at which a step ends, since before its end nobody can have heard it.
    """
    words: list[tuple[list[int], int, int]] = []
    open_word = False
    whole = reader.outputs.text.unit == "word"
    pieces = {code: reader.outputs.text.decode(np.array([code])) for code in set(codes)}
    for code, step in zip(codes, steps, strict=True):
        piece = pieces[code]
        if whole or piece[:1].isspace() or not words:
            open_word = False
        if piece.strip():
            if open_word:
                words[-1] = ([*words[-1][0], code], words[-1][1], step)
            else:
                words.append(([code], step, step))
            open_word = not piece[-1:].isspace()
    names, times = np.empty(len(words), object), np.empty((len(words), 2))
    for n, (own, first, last) in enumerate(words):
        names[n] = reader.text_of(own)
        times[n] = (first + 1) * reader.step_time, (last + 1) * reader.step_time
    return names, times


def constant_answers(texts: List[str]) -> tuple[str, str]:
    """What naive rivals learn from training texts: the most frequent one, and the most frequent word of each place.

    Of the latter there are as many as a text has in the middle of all; the first one in alphabetical order where
    several are equally frequent.
    """

    def most_frequent(found: List[str]) -> str:
        return min(Counter(found).items(), key=lambda item: (-item[1], item[0]))[0] if found else ""

    words = [text.split() for text in texts]
    length = int(np.median([len(own) for own in words])) if words else 0
    places = [[own[n] for own in words if len(own) > n] for n in range(length)]
    return most_frequent(list(texts)), " ".join(most_frequent(place) for place in places)
