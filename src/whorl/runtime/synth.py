"""Music as sound that a person can listen to: a few sines a note, which begin softly and fade. No extra is needed."""

import io
import wave

import numpy as np

from whorl.codecs.piece import Piece, gridded
from whorl.errors import ArgumentError

SAMPLE_RATE_HZ = 22_050
_LONGEST_S = 1200.0
# Parts of the fundamental, the first of them itself: a soft string that is plucked.
_PARTIALS = (1.0, 0.45, 0.25, 0.12, 0.06, 0.03)
_ATTACK_S, _RELEASE_S, _DECAY_S = 0.012, 0.12, 1.1
_HELD = 0.25  # of its first loudness that a note keeps while it is held


def wav_bytes(piece: Piece) -> bytes:
    """A piece as a file of sound: 16 bits, mono.

    Raises:
        ArgumentError: it is longer than 20 minutes.
    """
    samples = np.round(render(piece) * 32_767.0).astype("<i2")
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(samples.tobytes())
    return made.getvalue()


def render(piece: Piece) -> np.ndarray:
    """Samples (n,) within -1 and 1, at SAMPLE_RATE_HZ.

    A note of pitch p has 440 * 2 ** ((p - 69) / 12) Hz, twelve equal steps an octave with an A of 440 Hz.
    """
    if not piece.seconds <= _LONGEST_S:
        raise ArgumentError(
            f"a piece of {piece.seconds:,.0f} seconds is too long for a file of sound, which has at most "
            f"{_LONGEST_S:,.0f}. Write it as .mid, or shorten it."
        )
    notes = gridded(piece)
    step = piece.step_seconds
    last = max([piece.length, *(note.end for note in notes)]) * step + _RELEASE_S
    samples = np.zeros(int(last * SAMPLE_RATE_HZ) + 1, np.float32)
    for note in notes:
        start, seconds = int(note.start * step * SAMPLE_RATE_HZ), (note.end - note.start) * step
        sound = _tone(note.pitch, seconds) * (note.velocity / 127.0)
        samples[start : start + len(sound)] += sound[: len(samples) - start]
    loudest = float(np.abs(samples).max(initial=0.0))
    return samples * np.float32(0.9 / loudest) if loudest > 0 else samples


def _tone(pitch: int, seconds: float) -> np.ndarray:
    """Samples of one note, with the time in which it fades."""
    hz = 440.0 * 2.0 ** ((pitch - 69) / 12)
    time = np.arange(int((seconds + _RELEASE_S) * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    sound = np.zeros(len(time))
    for number, part in enumerate(_PARTIALS, start=1):
        if number * hz < SAMPLE_RATE_HZ / 2:  # above it a sine is another one
            sound += part * np.sin(2.0 * np.pi * number * hz * time)
    loudness = _HELD + (1.0 - _HELD) * np.exp(-time / _DECAY_S)
    loudness *= np.minimum(1.0, time / _ATTACK_S) * np.clip((seconds + _RELEASE_S - time) / _RELEASE_S, 0.0, 1.0)
    return (sound * loudness).astype(np.float32)
