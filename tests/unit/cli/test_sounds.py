"""`whorl` on recordings: fitting on a folder, and hearing a file and a pipe."""

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

import whorl
from whorl.cli.app import app
from whorl.cli.streams import describe

from .conftest import classifier, lines_of, run

RATE = 4000


def tone(n):
    random = np.random.default_rng(n)
    wave = np.sin(2 * np.pi * (250, 1200)[n % 2] * np.arange(1200 + 7 * n) / RATE)
    return np.round((0.3 * wave + 0.02 * random.standard_normal(len(wave))) * 32767).astype("<i2")


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sounds")
    for n in range(12):
        path = folder / "tones" / ("low", "high")[n % 2] / f"{'ab'[n // 2 % 2]}_{n}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, tone(n), RATE)
    return classifier(
        folder,
        folder / "tones",
        "--group",
        "([ab])_",
        "--num-bands",
        "20",
        "--features",
        "log_mel",
        "--validation",
        "0.5",
    )


def test_fit_says_what_it_found_and_how_to_listen(tones):
    assert "12 recordings; a step is 20 numbers" in tones.fitted.stdout
    assert "--input RECORDING" in tones.fitted.stdout
    assert "linear" in tones.fitted.stdout
    loaded = whorl.load(tones.model)
    assert loaded.tokens == whorl.Audio(group="([ab])_", num_bands=20, features="log_mel")


def test_a_recording_and_the_samples_of_a_pipe_get_the_answers_of_predict(tones):
    path = tones.data / "low" / "a_0.wav"
    wanted = describe(whorl.runtime.load(tones.model).predict([path]))
    whole = lines_of(run("stream", tones.model, "--input", path, "--every", "0.1"))
    assert len(whole) == 4
    assert whole[-1] == {**wanted[0], "series": ""}
    piped = CliRunner().invoke(app, ["stream", str(tones.model)], input=tone(0).tobytes())
    assert lines_of(piped)[-1] == whole[-1]


def test_a_stream_goes_on_from_a_state(tones, tmp_path):
    samples, state, parts = tone(0).tobytes(), tmp_path / "live.state", []
    for part in (samples[:1400], samples[1400:]):
        result = CliRunner().invoke(
            app, ["stream", str(tones.model), "--state", str(state), "--every", "0.01"], input=part
        )
        parts += lines_of(result)
    whole = CliRunner().invoke(app, ["stream", str(tones.model), "--every", "0.01"], input=samples)
    by_step = {answer["origin"]: answer for answer in lines_of(whole)}
    assert len(parts) > 20
    assert all(answer == by_step[answer["origin"]] for answer in parts)


@pytest.mark.parametrize(
    ("stdin", "message"), [(b"RIFF1234WAVE", "begin with the header of a WAV file"), (b"\0" * 5, "half of one")]
)
def test_samples_that_are_none_are_told(tones, stdin, message):
    result = CliRunner().invoke(app, ["stream", str(tones.model)], input=stdin)
    assert result.exit_code == 3
    assert message in result.stderr
