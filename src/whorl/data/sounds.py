"""Recordings: WAV, FLAC, OGG and MP3 files, read in blocks under a cap."""

from collections import Counter
from collections.abc import Sequence as List
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from whorl.codecs.audio import AudioCodec
from whorl.codecs.sound import MOST_CHANNELS, Sound, mono
from whorl.data.media import Medium, mediums
from whorl.errors import ArgumentError, DataError, MissingExtraError
from whorl.plans.media import LEAST_HZ, MOST_HZ, Audio

if TYPE_CHECKING:
    from soundfile import SoundFile

SUFFIXES = (".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff")
# How files of these formats begin; the library below would read many more, few of which anyone has.
_BEGINNINGS = (b"RIFF", b"RF64", b"fLaC", b"OggS", b"FORM", b"ID3")
# Formats whose header says how many samples there are.
_COUNTED = ("WAV", "WAVEX", "RF64", "FLAC", "AIFF")
# Samples of four frames of an MP3.
_MP3_SLACK = 4 * 1152
# Numbers of a block.
_BLOCK = 1 << 16


def load(path: Path, plan: Audio) -> Sound:
    """Reads a recording; its channels are mixed.

    Raises:
        DataError: it is damaged, of another format, longer than the plan allows, or has no samples.
        MissingExtraError: soundfile is not installed.
    """
    with _opened(path) as file:
        most = int(plan.longest_s * file.samplerate)
        if file.frames > most and file.frames < 1 << 62:
            raise _too_long(path, file.frames / file.samplerate, plan)
        parts, count = [], 0
        while len(block := _block(file, path)):
            count += len(block)
            if count > most:
                raise _too_long(path, count / file.samplerate, plan)
            parts.append(_mixed(block, path))
        if not count:
            raise DataError(f"`{path}` has no samples. Leave it out, or record it again.")
        counted = file.format in _COUNTED or (file.format == "MP3" and _counts_frames(path))
        # The encoder of an MP3 may count a frame that its decoder leaves out.
        if counted and count + (_MP3_SLACK if file.format == "MP3" else 0) < file.frames < 1 << 62:
            raise _cut_off(path, f"its header tells of {file.frames} samples, but {count} are there")
        return Sound(np.concatenate(parts), file.samplerate)


def _counts_frames(path: Path) -> bool:
    """Whether the first frame of an MP3, after a tag, says how many there are; else their number is a guess."""
    with path.open("rb") as file:
        tag = file.read(10)
        if tag.startswith(b"ID3"):  # its length in four bytes of seven bits (ID3 2.4, section 3.1)
            file.seek(10 + sum((byte & 0x7F) << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=False)))
        else:
            file.seek(0)
        beginning = file.read(64)
    return any(word in beginning for word in (b"Xing", b"Info", b"VBRI"))


def _opened(path: Path) -> "SoundFile":
    try:
        import soundfile
    except ImportError:
        raise MissingExtraError("soundfile", "audio", "to read recordings") from None
    with path.open("rb") as file:
        beginning = file.read(12)
    # MP3 without a tag begins with the eleven ones of a frame.
    is_mp3 = len(beginning) > 1 and beginning[0] == 0xFF and beginning[1] & 0xE0 == 0xE0
    if not beginning.startswith(_BEGINNINGS) and not is_mp3:
        raise DataError(f"`{path}` is no WAV, FLAC, OGG, MP3 or AIFF file: it begins otherwise. Convert it.")
    if beginning.startswith(b"RIFF"):
        told, found = int.from_bytes(beginning[4:8], "little") + 8, path.stat().st_size
        # A recorder that writes to a pipe leaves the size open.
        if told > found + 1 and told not in (8, (1 << 32) + 7):
            raise _cut_off(path, f"its header tells of {told} bytes, but {found} are there")
    try:
        file = soundfile.SoundFile(str(path))
    except (RuntimeError, ValueError, TypeError) as error:
        raise _damaged(path, error) from None
    if not LEAST_HZ <= file.samplerate <= MOST_HZ or not 1 <= file.channels <= MOST_CHANNELS:
        told_of = f"{file.samplerate} samples a second in {file.channels} channels"
        file.close()
        raise DataError(
            f"`{path}` has {told_of}, but {LEAST_HZ} to {MOST_HZ} in at most {MOST_CHANNELS} are read. Convert it."
        )
    return file


def _block(file: "SoundFile", path: Path) -> np.ndarray:
    try:
        block: np.ndarray = file.read(_BLOCK // file.channels, dtype="float32", always_2d=True)
    except (RuntimeError, ValueError, TypeError) as error:
        raise _damaged(path, error) from None
    return block


def _mixed(block: np.ndarray, path: Path) -> np.ndarray:
    try:
        return mono(block)
    except DataError as error:
        raise DataError(f"`{path}`: {error}") from None


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"`{path}` cannot be read as sound: {str(error).rstrip('.')}. Record or convert it again.")


def _cut_off(path: Path, how: str) -> DataError:
    return DataError(f"`{path}` is cut off: {how}. Copy it again, or convert what there is.")


def _too_long(path: Path, seconds: float, plan: Audio) -> DataError:
    return DataError(
        f"`longest_s` is {plan.longest_s:g}, but `{path}` lasts {seconds:g} seconds. Raise it, or cut the recording."
    )


def completed(plan: Audio, cells: List[object]) -> Audio:
    """A plan with the most frequent rate of recordings, the higher one where two are as frequent."""
    if plan.sample_rate_hz is not None:
        return plan
    rates: Counter[int] = Counter()
    for cell in cells:
        if isinstance(cell, Sound):
            rates[int(cell.rate_hz)] += 1
        elif isinstance(cell, Path):
            with _opened(cell) as file:
                rates[file.samplerate] += 1
    if not rates:
        raise ArgumentError(
            "`sample_rate_hz` must be given where sounds are arrays of samples, as nothing says their rate. Set "
            "tokens=whorl.Audio(sample_rate_hz=16000), say."
        )
    return replace(plan, sample_rate_hz=max(rates, key=lambda rate: (rates[rate], rate)))


def codec(plan: Audio) -> AudioCodec:
    """The codec of a complete plan."""
    assert plan.sample_rate_hz is not None
    return AudioCodec(
        sample_rate_hz=plan.sample_rate_hz,
        features=plan.features,
        num_bands=plan.num_bands,
        num_coefficients=plan.num_coefficients,
        window_ms=plan.window_ms,
        hop_ms=plan.hop_ms,
        normalise=plan.normalise,
    )


def apart(given: np.ndarray) -> list[np.ndarray]:
    """The recordings of an array: (N, T) or (N, T, C), or (T, C) of as few channels as one may have."""
    alone = given.ndim == 2 and given.shape[1] <= MOST_CHANNELS
    return [given] if alone else list(given)


mediums.add("audio")(
    Medium(
        plan=Audio,
        plural="recordings",
        suffixes=SUFFIXES,
        load=load,
        codec=codec,
        complete=completed,
        value=(Sound, np.ndarray),
        apart=apart,
    )
)
