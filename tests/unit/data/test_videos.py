"""Videos: which frames are read, cropped and sized, and how hostile files end."""

import struct
import time

import numpy as np
import pytest

import whorl
from whorl.codecs.video import VideoCodec
from whorl.data.media import mediums
from whorl.data.videos import load
from whorl.errors import ArgumentError, DataError, ModelFileError, StreamingError
from whorl.plans.media import Video

HEIGHT, WIDTH, COUNT = 48, 64, 12


def frames(count=COUNT, height=HEIGHT, width=WIDTH):
    """Grey levels that grow from frame to frame, and a bright square on the right."""
    made = np.zeros((count, height, width, 3), np.uint8)
    made += (20 + 8 * (np.arange(count) % 24)).astype(np.uint8).reshape(-1, 1, 1, 1)
    made[:, 8:24, 40:56] = 250
    return made


def written(path, codec="mpeg4", rate=25, **options):
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        made = frames(**options)
        stream.height, stream.width = made.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 2_000_000
        for levels in made:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(levels, format="rgb24")))
        container.mux(stream.encode())
    return path


def trimmed(path, source, frames_before, rate=25):
    """The same packets a little earlier: those before 0 stay in the file, and its header, at the front, hides them."""
    import av

    options = {"avoid_negative_ts": "disabled", "movflags": "faststart"}
    with av.open(str(source)) as given, av.open(str(path), "w", options=options) as made:
        stream = given.streams.video[0]
        copied = made.add_stream_from_template(stream)
        for packet in given.demux(stream):
            if packet.dts is not None:
                earlier = round(frames_before / rate / stream.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - earlier, packet.dts - earlier, copied
                made.mux(packet)
    return path


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return written(tmp_path_factory.mktemp("videos") / "a.mp4")


def test_all_frames_are_read_in_order(video):
    levels = load(video, Video())
    assert levels.shape == (COUNT, HEIGHT, WIDTH, 3)
    assert levels.dtype == np.uint8
    assert np.abs(levels.astype(int) - frames()).mean() < 4  # the codec loses that much


def test_frames_wait_for_no_threads(tmp_path):
    """Threads that share the work on a small frame wait for each other several times a frame."""
    resource = pytest.importorskip("resource")
    path = written(tmp_path / "long.mp4", count=24 * COUNT)
    load(path, Video(mode="grey"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
    for mode in ("grey", "colour"):
        assert len(load(path, Video(mode=mode))) == 24 * COUNT
    assert resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before < 24 * COUNT


@pytest.mark.parametrize("ending", [".avi", ".mkv", ".mov", ".mpg"])
def test_the_usual_formats_are_read(tmp_path, ending):
    made = written(tmp_path / f"a{ending}", codec="mpeg2video" if ending == ".mpg" else "mpeg4")
    assert np.abs(load(made, Video(mode="grey")).astype(int) - frames()[..., :1]).mean() < 6


def test_no_more_of_a_frame_is_kept_than_the_part_that_is_read(video, monkeypatch):
    kept, stack = [], np.stack
    monkeypatch.setattr(np, "stack", lambda parts: kept.extend(parts) or stack(parts))
    assert load(video, Video(crop=(8, 8, 4, 6))).shape == (COUNT, 6, 4, 3)
    assert len(kept) == COUNT
    assert all(part.base is None for part in kept)  # a view would keep the frame that it is of


def test_the_crop_is_read_and_brought_to_the_size(video):
    levels = load(video, Video(crop=(40, 8, 16, 16), height=4, width=4, mode="grey"))
    assert levels.shape == (COUNT, 4, 4, 1)
    assert levels.min() > 225
    assert load(video, Video(crop=(0, 24, 16, 16))).max() < 130
    with pytest.raises(DataError, match=r"`crop` is \(60, 0, 5, 5\), which goes beyond the 64 x 48 pixels"):
        load(video, Video(crop=(60, 0, 5, 5)))


@pytest.mark.parametrize("shape", [(8, 16), (8, 16, 3), (2, 8, 16, 3)])
def test_the_crop_of_frames_in_memory_is_that_of_files(shape):
    medium, levels = mediums.get("video"), np.arange(np.prod(shape)).reshape(shape).astype(np.uint8)
    wanted = levels[..., 2:6, 3:12] if len(shape) == 2 else levels[..., 2:6, 3:12, :]
    assert np.array_equal(medium.open(levels, Video(crop=(3, 2, 9, 4))), wanted)
    plan = medium.completed(Video(crop=(3, 2, 9, 4)), [levels])
    assert (plan.height, plan.width) == (4, 9)
    with pytest.raises(
        DataError, match=r"is \(3, 5, 9, 4\), which goes beyond the 16 x 8 pixels of the frames\. Change"
    ):
        medium.open(levels, Video(crop=(3, 5, 9, 4)))


def test_frames_of_arrays_and_of_streams_are_cropped_as_those_of_files(tmp_path):
    rng = np.random.default_rng(0)
    whole = [rng.integers(0, 255, (3, 16, 16, 1)).astype(np.uint8) for _ in range(8)]
    plan, small = Video(crop=(4, 2, 6, 5), mode="grey"), whorl.Training(epochs=1, seed=0)
    network = whorl.Recurrent("gru", hidden_size=4)
    labels, texts = ["a", "b"] * 4, ["a b", "b a"] * 4
    for model, answers in (
        (whorl.Classifier(tokens=plan, network=network, training=small), labels),
        (whorl.Captioner(media=plan, network=network, training=small), texts),
        (whorl.Transcriber(media=plan, network=network, training=small), ["a", "b"] * 4),
    ):
        model.fit((whole, answers))
        assert (model.model_.reader.plan.height, model.model_.reader.plan.width) == (5, 6)
        edged = whole[0].copy()
        edged[:, :2], edged[:, 7:] = 0, 0  # nothing of it is read
        wanted = model.predict([whole[0]])
        assert str(model.predict([edged])) == str(wanted)
        stream = model.stream()
        answers = [answer for frame in edged for answer in stream.push(frame)]
        assert (stream.flush() or answers)[-1].value == wanted.value
        with pytest.raises(DataError, match="goes beyond the 8 x 16 pixels"):
            model.stream().push(whole[0][:, :, :8])


@pytest.mark.parametrize(("rate", "wanted"), [(12.5, [0, 2, 4, 6, 8, 10, 11]), (50.0, None), (None, range(COUNT))])
def test_a_frame_rate_takes_the_frame_that_is_shown_then(video, rate, wanted):
    levels = load(video, Video(frame_rate_hz=rate, mode="grey"))[:, 30:, :30].mean(axis=(1, 2, 3))
    found = np.rint((levels - 20) / 8).astype(int).tolist()
    if wanted is None:
        assert found[:6] == [0, 0, 1, 1, 2, 2] or found[:5] == [0, 1, 1, 2, 2]
        assert len(found) > 1.8 * COUNT
    else:
        assert found == list(wanted)


@pytest.mark.parametrize("rate", [24, 30, 60])
def test_the_rate_of_a_video_takes_each_of_its_frames_once_though_its_times_are_whole_milliseconds(tmp_path, rate):
    made = written(tmp_path / "a.mkv", rate=rate)
    whole, rated = load(made, Video(mode="grey")), load(made, Video(mode="grey", frame_rate_hz=float(rate)))
    assert rated.tobytes() == whole.tobytes()


@pytest.mark.parametrize("gone", [0, 5])
def test_a_trimmed_video_is_read_from_where_it_begins_and_one_that_is_cut_off_is_refused(video, tmp_path, gone):
    path = trimmed(tmp_path / "a.mp4", video, gone)
    assert load(path, Video(mode="grey")).tobytes() == load(video, Video(mode="grey"))[gone:].tobytes()
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 4])
    with pytest.raises(DataError, match=f"cut off: its header tells of {COUNT - gone} frames, but"):
        load(path, Video())


@pytest.mark.parametrize(("ending", "codec"), [(".mkv", "mpeg4"), (".webm", "libvpx")])
def test_a_matroska_file_that_is_cut_off_is_refused(tmp_path, ending, codec):
    path = written(tmp_path / f"a{ending}", codec=codec, count=75)
    assert len(load(path, Video(mode="grey"))) == 75
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=r"is cut off: its header tells of 3 seconds, but 1\.\d+ are there"):
        load(path, Video(mode="grey"))


TURNED = {
    "to the right": ((0, 1, -1, 0), lambda whole: np.rot90(whole, -1, axes=(1, 2))),
    "to the left": ((0, -1, 1, 0), lambda whole: np.rot90(whole, 1, axes=(1, 2))),
    "upside down": ((-1, 0, 0, -1), lambda whole: np.rot90(whole, 2, axes=(1, 2))),
    "mirrored": ((-1, 0, 0, 1), lambda whole: whole[:, :, ::-1]),
    "along its diagonal": ((0, 1, 1, 0), lambda whole: whole.swapaxes(1, 2)),
    "to nothing": ((0, 0, 0, 0), lambda whole: whole),
}


@pytest.mark.parametrize("how", TURNED)
def test_frames_are_read_as_they_are_shown_however_the_camera_was_held(video, tmp_path, how):
    def matrix(a, b, c, d):
        return struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)

    turn, by_hand = TURNED[how]
    path, (before, found, after) = tmp_path / "a.mp4", video.read_bytes().rpartition(matrix(1, 0, 0, 1))
    assert found
    path.write_bytes(before + matrix(*turn) + after)
    shown = by_hand(load(video, Video(mode="grey")))
    assert np.array_equal(load(path, Video(mode="grey")), shown)
    assert np.array_equal(load(path, Video(mode="grey", crop=(3, 5, 20, 30))), shown[:, 5:35, 3:23])
    plan = mediums.get("video").completed(Video(), [path])
    assert (plan.height > plan.width) == (shown.shape[1] > shown.shape[2])


def test_longer_and_larger_videos_than_allowed_are_refused_before_they_are_kept(video):
    """D3: seconds and pixels of videos are bounded."""
    with pytest.raises(DataError, match=r"`longest_s` is 0\.1"):
        load(video, Video(longest_s=0.1))
    with pytest.raises(DataError, match="`most_pixels` is 3,071"):
        load(video, Video(most_pixels=HEIGHT * WIDTH - 1))


@pytest.mark.parametrize("damage", ["empty", "text", "playlist", "cut", "zeros", "header", "no pictures"])
def test_hostile_files_end_in_a_data_error_soon(video, tmp_path, damage):
    """D3, D4: what is no video is refused, whatever it claims."""
    good, path = video.read_bytes(), tmp_path / "x.mp4"
    made = {
        "empty": b"",
        "text": b"not a video at all, but long enough to be read",
        "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n",
        "cut": good[: len(good) // 2],
        "zeros": good[:60] + bytes(len(good) - 60),
        "header": good[:4] + b"ftyp" + b"\xff" * 400,
        "no pictures": b"RIFF\x24\x00\x00\x00AVI LIST",
    }
    path.write_bytes(made[damage])
    begun = time.perf_counter()
    with pytest.raises(DataError, match=r"x\.mp4"):
        load(path, Video())
    assert time.perf_counter() - begun < 5


def test_mutated_files_are_read_or_end_in_a_data_error(video, tmp_path):
    """D4: videos that are changed anywhere are read or refused."""
    good, rng, refused = video.read_bytes(), np.random.default_rng(0), 0
    for n in range(40):
        damaged = bytearray(good)
        for place in rng.integers(0, len(good), 1 + n):
            damaged[place] = rng.integers(256)
        path = tmp_path / f"{n}.mp4"
        path.write_bytes(damaged)
        try:
            load(path, Video(longest_s=5))
        except DataError:
            refused += 1
    assert refused > 3


def test_what_moves_is_what_is_left_of_a_background(video):
    levels = load(video, Video(mode="grey"))
    codec = VideoCodec(height=HEIGHT, width=WIDTH, mode="grey", background="file").fit([levels])
    moved = codec.decode(codec.encode(levels))
    np.testing.assert_allclose(moved, levels - levels.mean(axis=0), atol=1e-3)
    running = VideoCodec(height=HEIGHT, width=WIDTH, mode="grey", background="running").fit([levels])
    first, *_, last = running.decode(running.encode(levels))
    assert np.abs(first).max() == 0
    np.testing.assert_allclose(last, levels[-1] - levels.mean(axis=0), atol=1e-3)
    with pytest.raises(StreamingError, match="background='running'"):
        codec.chunks()


@pytest.mark.parametrize("change", [{"height": 0}, {"background": "none"}, {"code": 1}, {"mode": "infrared"}])
def test_a_damaged_description_of_the_codec_is_refused(change):
    codec = VideoCodec(height=3, width=4).fit([frames(2, 3, 60)[:, :, :4]])
    assert VideoCodec.restore(codec.config(), codec.arrays()).config() == codec.config()
    with pytest.raises(ModelFileError):
        VideoCodec.restore({**codec.config(), **change}, codec.arrays())
    with pytest.raises(ModelFileError):
        VideoCodec.restore(codec.config(), {**codec.arrays(), "scale": np.zeros(3)})


def test_the_size_of_videos_in_memory_is_that_of_their_frames():
    medium = mediums.get("video")
    for one in (frames(2, 3, 60), frames(2, 3, 60)[0], frames(2, 3, 60)[0, :, :, 0], frames(2, 3, 60)[:0]):
        plan = medium.completed(Video(), [one])
        assert (plan.height, plan.width) == frames(2, 3, 60).shape[1:3]


def test_the_size_is_that_of_the_first_video_in_at_most_64_pixels(video, tmp_path):
    medium = mediums.get("video")
    assert medium.completed(Video(), [video]).height == 48
    large = written(tmp_path / "b.mp4", count=2, height=96, width=160)
    plan = medium.completed(Video(), [large])
    assert (plan.height, plan.width) == (38, 64)
    assert medium.completed(Video(crop=(0, 0, 30, 10), width=15), [large]).height == 5


@pytest.mark.parametrize(
    "settings",
    [{"crop": (1, 2, 3)}, {"crop": (-1, 0, 2, 2)}, {"crop": (0, 0, 0, 2)}, {"frame_rate_hz": 0}, {"background": "off"},
     {"height": 0}, {"longest_s": -1}],
)  # fmt: skip
def test_plans_that_cannot_be_are_refused(settings):
    with pytest.raises(ArgumentError, match=f"`{next(iter(settings))}`"):
        Video(**settings)


def test_a_classifier_reads_videos(tmp_path):
    for label, codec in (("slow", 2), ("fast", 9)):
        (tmp_path / label).mkdir()
        for n in range(8):
            made = frames(6) + np.uint8(n)
            made[:, :, : 8 * codec] = 255
            import av

            with av.open(str(tmp_path / label / f"{n}.mp4"), "w") as container:
                stream = container.add_stream("mpeg4", rate=25)
                stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv420p"
                for levels in made:
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(levels, format="rgb24")))
                container.mux(stream.encode())
    model = whorl.Classifier(
        tokens=whorl.Video(height=8, width=8, mode="grey"),
        network=whorl.Recurrent("gru", hidden_size=8),
        training=whorl.Training(epochs=12, batch_size=4, learning_rate=1e-2),
    ).fit(tmp_path)
    assert model.evaluate(tmp_path).metrics["accuracy"] == 1.0
    path = tmp_path / "slow" / "0.mp4"
    stream = model.stream()
    for levels in load(path, model.model_.reader.plan):
        (*_, answer) = stream.push(levels)
    assert answer.probabilities.tolist() == model.predict([path]).probabilities.tolist()
    assert whorl.Classifier().for_data(tmp_path).tokens == whorl.Video()
