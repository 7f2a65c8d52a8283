"""The codecs of symbols, text and fields that the laws hold."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from tests.laws import sources
from tests.laws.codec_laws import CodecSubject
from tests.laws.codec_values import fields_return, music_returns, numbers_return, symbols_return, text_returns
from tests.laws.models_of_music import chords, events

import whorl
from whorl.codecs.array import ArrayCodec
from whorl.codecs.audio import AudioCodec
from whorl.codecs.features import FeaturesCodec
from whorl.codecs.fields import FieldsCodec
from whorl.codecs.image import ImageCodec
from whorl.codecs.music import MusicCodec
from whorl.codecs.symbols import SymbolsCodec
from whorl.codecs.text import TextCodec
from whorl.codecs.video import VideoCodec

WEATHER = ["fog", "Rain", "sun", "Ärger", "\ud800", "", None, float("nan")]
SYMBOLS: dict[str, list[Any]] = {
    "text": WEATHER,
    "integers": [3, -(2**60), 0, 12, None],
    "booleans": [True, False, None],
    "numbers": [0.5, -2.0, 3, 1e300, float("nan"), None],
}
UNSEEN: dict[str, list[Any]] = {"text": ["hail"], "integers": [7, 3.5], "booleans": [], "numbers": [0.25, 7]}

# Words that training has, and what may stand around them; between two of them stands white space or a mark.
WORDS = ["a", "no", "it's", "don't", "3.14", "1,000", "é", "e\u0301", "漢", "字", "😀", "Σ", "Straße", "\x00", "שלום"]
AROUND = [" ", " ", " ", "  ", "\n", "\r\n", "\t\n\n", ", ", ".", "-", '"', ' "', "(", ") ", "'", "...", "\u3000"]
# Characters that normal forms join, and what they may join to.
JOINING = ["e", "\u0301", "\u0323", "\u1100", "\u1161", "\u11a8", "カ", "\uff9e", "ﬁ", "İ", "J\u030c", "\ud83d", " "]


def text(rng: np.random.Generator, count: int, pieces: tuple[list[str], ...] = (WORDS, AROUND)) -> str:
    """Text of `count` characters."""
    made = "".join(pieces[n % len(pieces)][rng.integers(len(pieces[n % len(pieces)]))] for n in range(count))
    return made[:count]


def symbols(rng: np.random.Generator, count: int, of: list[Any]) -> list[Any]:
    return [of[n] for n in rng.integers(0, len(of), count)]


def symbols_codec(kind: str, unseen: bool = False, **options: Any) -> CodecSubject:
    known = SYMBOLS[kind]
    drawn = known + UNSEEN[kind] if unseen else known
    return CodecSubject(
        new=lambda: SymbolsCodec(**options),
        training=[list(known), known[:2]],
        value=functools.partial(symbols, of=drawn),
        returned=symbols_return,
    )


def text_codec(*pieces: list[str], **options: Any) -> CodecSubject:
    value = functools.partial(text, pieces=pieces or (WORDS, AROUND))
    rng = np.random.default_rng(4)
    # Every beginning of a word is known too: a text may be cut there.
    beginnings = [word[:stop] for word in WORDS for stop in range(1, len(word) + 1)]
    return CodecSubject(
        new=lambda: TextCodec(**options),
        training=[*beginnings, *(value(rng, 40) for _ in range(30))],
        value=value,
        returned=text_returns,
    )


def fields_codec() -> CodecSubject:
    """Numbers, a label and a letter a row, and two of them again, inside."""

    def value(rng: np.random.Generator, count: int) -> dict[str, Any]:
        inner = {"letter": text(rng, count, (["a", "B", "é"],)), "label": symbols(rng, count, SYMBOLS["integers"])}
        load = sources.array(rng, count, width=2, missing=0.2)
        return {"load": load, "label": symbols(rng, count, WEATHER), "inner": inner, "not read": load}

    letter, label = {"letter": text_returns}, {"label": symbols_return}
    rng = np.random.default_rng(4)
    return CodecSubject(
        new=lambda: FieldsCodec(
            {
                "load": ArrayCodec(),
                "label": SymbolsCodec(),
                "inner": FieldsCodec({"letter": TextCodec(unit="character"), "label": SymbolsCodec(most=2)}),
            }
        ),
        training=[value(rng, 17), value(rng, 5)],
        value=value,
        returned=fields_return(
            {"load": numbers_return, "label": symbols_return, "inner": fields_return(letter | label)}
        ),
    )


def fields_that_hold_back() -> CodecSubject:
    """The same text, characters of which come late in one field and later in the other."""

    def value(rng: np.random.Generator, count: int) -> dict[str, str]:
        made = text(rng, count, (["e", "\u0301", "x"],))
        return {"first": made, "second": made}

    rng = np.random.default_rng(4)
    return CodecSubject(
        new=lambda: FieldsCodec({name: TextCodec(unit="character", normalize="NFC") for name in ("first", "second")}),
        training=[value(rng, 40)],
        value=value,
        returned=fields_return({"first": text_returns, "second": text_returns}),
    )


def sound(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.uniform(-1, 1, count).astype(np.float32)


def sound_returns(codec: Any, value: np.ndarray, encoded: np.ndarray) -> None:
    """Features come back: as many as windows begin, the last one for what stands behind the last whole window."""
    behind = max(0, len(value) - codec.window)
    assert len(encoded) == (0 if not len(value) else 1 + -(-behind // codec.hop))
    decoded = codec.decode(encoded)
    assert decoded.shape == encoded.shape
    if codec.normalise != "running":
        np.testing.assert_allclose(decoded, codec.rows(value), rtol=1e-5, atol=1e-5)


def audio_codec(**options: Any) -> CodecSubject:
    rng = np.random.default_rng(4)
    return CodecSubject(
        new=lambda: AudioCodec(
            **{"sample_rate_hz": 1000, "features": "log_mel", "window_ms": 5, "hop_ms": 2, "num_bands": 4, **options}
        ),
        training=[sound(rng, 60), sound(rng, 5)],
        value=sound,
        returned=sound_returns,
    )


def music_codec(steps: str) -> CodecSubject:
    """Seven notes; of a roll some steps are silent."""
    plan = whorl.Music(steps=steps, lowest=60, highest=66, velocities=2, waits=3)
    value = chords if steps == "roll" else events
    return CodecSubject(new=lambda: MusicCodec(plan), training=[[]], value=value, returned=music_returns)


def frames(rng: np.random.Generator, count: int, *, channels: int, side: int = 0) -> np.ndarray:
    """Pictures, one after the other, of the size of the codec below, or of another one."""
    return rng.integers(0, 256, (count, 3 + side, 4 + 2 * side, channels)).astype(np.uint8)


def frames_return(codec: Any, value: np.ndarray, encoded: np.ndarray) -> None:
    """Levels come back exactly, of pictures that were neither scaled nor of other channels."""
    assert np.array_equal(codec.decode(encoded), codec.pictures(value))
    if value.shape[1:] == (codec.height, codec.width, codec.channels):
        assert np.array_equal(codec.decode(encoded), value)


def image_codec(*, drawn: int = 3, side: int = 0, **options: Any) -> CodecSubject:
    rng = np.random.default_rng(4)
    value = functools.partial(frames, channels=drawn, side=side)
    return CodecSubject(
        new=lambda: ImageCodec(height=3, width=4, **options),
        training=[value(rng, 5), value(rng, 1)],
        value=value,
        returned=frames_return,
    )


def features_codec() -> CodecSubject:
    """Three numbers a cell."""
    rng = np.random.default_rng(4)

    def value(rng: np.random.Generator, count: int) -> np.ndarray:
        return sources.array(rng, count, width=3)

    def returned(codec: FeaturesCodec, value: np.ndarray, encoded: np.ndarray) -> None:
        np.testing.assert_allclose(codec.decode(encoded), value, rtol=0, atol=1e-5)  # float32 of numbers around 20

    return CodecSubject(new=FeaturesCodec, training=[value(rng, 17), value(rng, 5)], value=value, returned=returned)


def video_codec(**options: Any) -> CodecSubject:
    rng = np.random.default_rng(4)
    value = functools.partial(frames, channels=1)

    def returned(codec: VideoCodec, value: np.ndarray, encoded: np.ndarray) -> None:
        """Levels come back exactly, or how far they were from the mean so far."""
        counts = np.arange(1, len(value) + 1).reshape(-1, 1, 1, 1)
        running = codec.background == "running"
        wanted = value - np.cumsum(value, axis=0, dtype=np.int64) / counts if running else value
        np.testing.assert_allclose(codec.decode(encoded), wanted, rtol=0, atol=1e-4 if running else 0)

    return CodecSubject(
        new=lambda: VideoCodec(height=3, width=4, mode="grey", **options),
        training=[value(rng, 5), value(rng, 1)],
        value=value,
        returned=returned,
    )


CODECS: dict[str, Callable[[], CodecSubject]] = {
    **{f"symbols, {kind}": functools.partial(symbols_codec, kind) for kind in SYMBOLS},
    **{f"symbols, {kind}, some unseen": functools.partial(symbols_codec, kind, True) for kind in SYMBOLS},
    "symbols, the most frequent": functools.partial(symbols_codec, "text", most=2),
    "symbols, that occur twice": functools.partial(symbols_codec, "integers", least_count=2),
    "text, words": text_codec,
    "text, lower-case words, NFKC, begin and end": functools.partial(
        text_codec, lowercase=True, normalize="NFKC", begin=True, end=True
    ),
    "text, frequent words": functools.partial(text_codec, most=9),
    "text, words of joining characters": functools.partial(text_codec, JOINING, normalize="NFC"),
    "text, characters": functools.partial(text_codec, unit="character"),
    "text, lower-case characters, begin and end": functools.partial(
        text_codec, unit="character", lowercase=True, begin=True, end=True, least_count=5
    ),
    "text, joining characters, NFC": functools.partial(text_codec, JOINING, unit="character", normalize="NFC"),
    "text, joining characters, lower case, NFKC": functools.partial(
        text_codec, JOINING, unit="character", lowercase=True, normalize="NFKC"
    ),
    "text, bytes": functools.partial(text_codec, WORDS, JOINING, unit="byte", end=True),
    "text, byte pairs": functools.partial(text_codec, unit="bpe", most=300),
    "text, byte pairs of joining characters": functools.partial(
        text_codec, JOINING, unit="bpe", normalize="NFC", begin=True
    ),
    "audio": audio_codec,
    "audio, mfcc": functools.partial(audio_codec, features="mfcc", num_coefficients=3, normalise="training"),
    "audio, windows side by side": functools.partial(audio_codec, hop_ms=5, normalise="none"),
    "music, a roll": functools.partial(music_codec, "roll"),
    "music, events": functools.partial(music_codec, "events"),
    "image": image_codec,
    "image, rows in grey": functools.partial(image_codec, mode="grey", steps="rows", drawn=1),
    "image, pixels": functools.partial(image_codec, steps="pixels"),
    "image, grey of colours, scaled": functools.partial(image_codec, mode="grey", side=2),
    "image, colours of grey, stretched": functools.partial(image_codec, fit="stretch", drawn=1, side=1),
    "features": features_codec,
    "video": video_codec,
    "video, without its background": functools.partial(video_codec, background="running"),
    "fields": fields_codec,
    "fields that hold back": fields_that_hold_back,
}
