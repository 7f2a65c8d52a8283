"""Files of videos: which formats are read, and under which limits."""

import re
from collections.abc import Iterator
from collections.abc import Sequence as List
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from whorl.codecs.image import ImageCodec, levels_of
from whorl.codecs.video import VideoCodec
from whorl.data.media import Medium, mediums
from whorl.data.pictures import size_of, sized
from whorl.errors import DataError, MissingExtraError
from whorl.plans.media import Video

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream

SUFFIXES = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".mpg", ".mpeg")
# Formats that are read, by their first bytes: the library below would follow playlists to other files as well.
_MPEG, _MATROSKA = b"\x00\x00\x01", b"\x1a\x45\xdf\xa3"
# No camera takes so many frames a second; a clock that says so is damaged.
_MOST_HZ = 1000.0
# Some formats, as Matroska, tell times in whole milliseconds: a frame may come so much after the time it is meant for.
_CLOCK_S = 0.001
# How Matroska tells the end of a stream, and for how long its last frame may be shown.
_DURATION, _LAST_S = re.compile(r"(\d{2,4}):(\d\d):(\d\d(?:\.\d{1,9})?)"), 0.5
# Numbers of a video that are kept in memory.
_MOST_LEVELS = 1 << 30


def load(path: Path, plan: Video) -> np.ndarray:
    """Reads a video: levels (T, H, W, C) of its frames, cropped, in the size and the channels of the plan.

    Raises:
        DataError: it is damaged, of another format, or larger or longer than the plan allows, or `crop` does not fit.
        MissingExtraError: PyAV is not installed.
    """
    sized = None
    if plan.height is not None and plan.width is not None:
        sized = ImageCodec(height=plan.height, width=plan.width, mode=plan.mode, fit=plan.fit)
    frames: list[np.ndarray] = []
    for levels in _frames(path, plan):
        frames.append(levels if sized is None else sized.pictures(levels)[0])
        if len(frames) * frames[0].size > _MOST_LEVELS:
            raise DataError(f"`{path}` has more than {_MOST_LEVELS:,} numbers. Set `height` and `width`, or cut it.")
    if not frames:
        raise DataError(f"`{path}` has no frames. Leave it out, or record it again.")
    return np.stack(frames)


def _frames(path: Path, plan: Video) -> Iterator[np.ndarray]:
    """Cropped frames at the rate of the plan."""
    before, wanted, rate = None, 0, plan.frame_rate_hz
    for time, levels in _shown(path, plan):
        if rate is None:
            yield levels
            continue
        while before is not None and wanted / rate + min(_CLOCK_S, 0.5 / rate) < time:
            yield before
            wanted += 1
        before = levels
    if before is not None:
        yield before


def _shown(path: Path, plan: Video) -> Iterator[tuple[float, np.ndarray]]:
    """When each frame is shown, in seconds from the first one, and its levels."""
    try:
        import av
        from av.video.reformatter import VideoReformatter
    except ImportError:
        raise MissingExtraError("av", "video", "to read videos") from None
    # One for all frames: each would make one of its own, which costs more than decoding a small frame.
    shaper = VideoReformatter()
    with path.open("rb") as file, _opened(path, file) as container:
        stream = _stream(container, path, plan)
        first, last = None, -1.0
        told, count = _told(stream), 0
        try:
            for frame in container.decode(stream):
                shown: float | None = frame.time
                time = count / float(stream.average_rate or 25) if shown is None else shown
                first = time if first is None else first
                last = max(last, time - first)  # a frame that comes late is shown with the one before it
                count += 1
                if last > plan.longest_s or count > plan.longest_s * _MOST_HZ + 1:
                    raise DataError(
                        f"`longest_s` is {plan.longest_s:g}, but `{path}` is longer. Raise it, or cut the video."
                    )
                yield last, _cropped(frame, shaper, path, plan)
        except (av.FFmpegError, ValueError, MemoryError) as error:
            if isinstance(error, DataError):
                raise
            raise _damaged(path, error) from None
        if count < told:
            raise _cut_off(path, f"{told} frames, but {count}")
        end = last + (first or 0.0)
        if end + _slack_s(stream) < _told_s(stream):
            raise _cut_off(path, f"{_told_s(stream):.3g} seconds, but {end:.3g}")


def _opened(path: Path, file: BinaryIO) -> "InputContainer":
    import av

    kind = _format(file.read(16))
    file.seek(0)
    if kind is None:
        raise DataError(f"`{path}` is no MP4, MOV, WebM, Matroska, AVI or MPEG file: it begins otherwise. Convert it.")
    try:
        # Of an open file, and as one format, so that nothing in it can name another file or an address.
        return av.open(file, "r", format=kind, metadata_errors="replace")
    except (av.FFmpegError, ValueError, MemoryError) as error:
        raise _damaged(path, error) from None


def _format(begin: bytes) -> str | None:
    """The name of a format by how its files begin."""
    if begin[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mov"
    if begin.startswith(_MATROSKA):
        return "matroska"
    if begin.startswith(b"RIFF") and begin[8:12] == b"AVI ":
        return "avi"
    return ("mpeg" if begin[3:4] == b"\xba" else "mpegvideo") if begin.startswith(_MPEG) else None


def _stream(container: "InputContainer", path: Path, plan: Video) -> "VideoStream":
    """The first stream of frames, which are not too large."""
    if not container.streams.video:
        raise DataError(f"`{path}` has no pictures. Leave it out.")
    stream = container.streams.video[0]
    context: VideoCodecContext | None = stream.codec_context
    if context is None:
        raise _damaged(path, ValueError("its codec is not known"))
    if context.width * context.height > plan.most_pixels:
        raise DataError(
            f"`most_pixels` is {plan.most_pixels:,}, but the frames of `{path}` have {context.width:,} x "
            f"{context.height:,} pixels. Raise it, or make the video smaller."
        )
    context.thread_count = 1
    return stream


def _told(stream: "VideoStream") -> int:
    """How many frames are shown by what the header says, 0 where it does not; what was trimmed away is there too."""
    if stream.duration is None or not stream.time_base or not stream.average_rate:
        return stream.frames
    return min(stream.frames, int(stream.duration * stream.time_base * stream.average_rate))


def _told_s(stream: "VideoStream") -> float:
    """When the last frame ends by what writers of Matroska and WebM leave in the header, 0 where there is nothing."""
    told = _DURATION.fullmatch(stream.metadata.get("DURATION", ""))
    return 0.0 if told is None else int(told[1]) * 3600 + int(told[2]) * 60 + float(told[3])


def _slack_s(stream: "VideoStream") -> float:
    """How long before that the last frame may begin: frames may last, and those that end a video longer than others."""
    return _LAST_S + 2 / float(stream.average_rate or 25)


def _cut_off(path: Path, how: str) -> DataError:
    return DataError(f"`{path}` is cut off: its header tells of {how} are there. Copy it again.")


def _cropped(frame: "VideoFrame", shaper: "VideoReformatter", path: Path, plan: Video) -> np.ndarray:
    """Levels of the part of a frame that is read, as it is shown, (H, W, C)."""
    if frame.width * frame.height > plan.most_pixels:  # it may change on the way
        raise DataError(f"`most_pixels` is {plan.most_pixels:,}, but a frame of `{path}` has more. Raise it.")
    # Threads that wait for each other at every frame are slower than one where frames are small or the machine is busy.
    levels = shaper.reformat(frame, format="gray" if plan.mode == "grey" else "rgb24", threads=1).to_ndarray()
    levels = _turned(levels[..., None] if levels.ndim == 2 else levels, frame)
    # A view would keep all of the frame in memory, which no limit counts.
    return _part(levels, plan, f" of `{path}`").copy() if plan.crop else levels


def _part(levels: np.ndarray, plan: Video, whose: str) -> np.ndarray:
    """The part of a frame (H, W) or (H, W, C), or of several (T, H, W, C), that is read."""
    if not plan.crop:
        return levels
    left, top, width, height = plan.crop
    across = levels.ndim - 1 if levels.ndim == 2 else levels.ndim - 2
    if left + width > levels.shape[across] or top + height > levels.shape[across - 1]:
        raise DataError(
            f"`crop` is {plan.crop}, which goes beyond the {levels.shape[across]} x {levels.shape[across - 1]} pixels "
            f"of the frames{whose}. Change it, or bring larger frames."
        )
    rows, columns = slice(top, top + height), slice(left, left + width)
    return levels[:, rows, columns] if levels.ndim == 4 else levels[rows, columns]


def taken(given: object, plan: Video) -> object:
    """What is read of frames that stand in memory: as much of each as of those of files."""
    return _part(levels_of(given), plan, "") if plan.crop else given


def _turned(levels: np.ndarray, frame: "VideoFrame") -> np.ndarray:
    """Levels (H, W, C) as they are shown: a camera that was held upright keeps frames that lie, and says so."""
    from av.sidedata.sidedata import SideData

    turn = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(turn, SideData):  # there is none
        return levels
    # What stands at (x, y) is shown at (ax + cy, bx + dy), but for where that begins (ISO 14496-12, section 6.2.2).
    a, b, _, c, d, *_ = np.frombuffer(bytes(turn), np.int32).tolist()
    if abs(a) < abs(b):
        levels, a, d = levels.swapaxes(0, 1), c, b
    return levels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"`{path}` cannot be read as a video: {str(error)[:120].rstrip('.')}. Record or convert it again.")


def completed(plan: Video, cells: List[object]) -> Video:
    """A plan with a size: that of the first video, cropped; see `sized`."""
    if plan.height is not None and plan.width is not None:
        return plan
    if not cells:
        raise DataError("there is no video to take a size of. Bring some, or set `height` and `width`.")
    first = cells[0]
    if not isinstance(first, Path):
        return sized(plan, *size_of(taken(first, plan)))
    levels = next(_frames(first, plan), None)
    if levels is None:
        raise DataError(f"`{first}` has no frames. Leave it out, or set `height` and `width`.")
    return sized(plan, *levels.shape[:2])


def codec(plan: Video) -> VideoCodec:
    """The codec of a complete plan."""
    assert plan.height is not None
    assert plan.width is not None
    return VideoCodec(height=plan.height, width=plan.width, mode=plan.mode, fit=plan.fit, background=plan.background)


def apart(given: np.ndarray) -> list[np.ndarray]:
    """The videos of an array: (N, T, H, W, C), or (T, H, W, C) and a frame, which are one."""
    return list(given) if given.ndim > 4 else [given]


mediums.add("video")(
    Medium(
        plan=Video,
        plural="videos",
        suffixes=SUFFIXES,
        load=load,
        codec=codec,
        complete=completed,
        apart=apart,
        taken=taken,
    )
)
