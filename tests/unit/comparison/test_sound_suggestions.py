"""What is suggested for recordings."""

import numpy as np
import soundfile

import whorl


def test_a_folder_of_recordings_is_classified_and_speakers_are_spoken_of(tmp_path):
    for n in range(12):
        path = tmp_path / "tones" / ("low", "high")[n % 2] / f"{n}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.3 * np.sin((0.2, 0.9)[n % 2] * np.arange(1000 + n)), 4000)
    suggestion = whorl.suggest(tmp_path / "tones", stream=True)
    assert suggestion.task == "classify"
    assert "recordings" in suggestion.reasons[0]
    assert suggestion.settings["augmentation"] == ("sound", "prefixes")
    assert any("name them as `group`" in caution for caution in suggestion.cautions)
    assert suggestion.command == (
        f"whorl fit classify {tmp_path / 'tones'} --augmentation sound,prefixes --network gru --hidden-size 64"
    )
