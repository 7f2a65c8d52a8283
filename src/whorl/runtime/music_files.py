"""Pieces of music to files: MIDI, or sound."""

from collections.abc import Sequence as List
from pathlib import Path

from whorl.codecs.piece import Piece
from whorl.data.midi import MIDI_SUFFIXES, midi_bytes
from whorl.runtime.artifact import write_bytes
from whorl.runtime.synth import wav_bytes

MUSIC_FILES = (*MIDI_SUFFIXES, ".wav")


def write_music(path: Path, pieces: List[Piece]) -> list[Path]:
    """Writes pieces, each complete under its name or not at all, and answers the names.

    One piece has the path; of several the n-th one, from 1 on, has '-n' before the ending.
    """
    make = wav_bytes if path.suffix.lower() == ".wav" else midi_bytes
    alone = len(pieces) == 1
    paths = [path if alone else path.with_stem(f"{path.stem}-{n}") for n in range(1, len(pieces) + 1)]
    for own, piece in zip(paths, pieces, strict=True):
        write_bytes(own, make(piece))
    return paths
