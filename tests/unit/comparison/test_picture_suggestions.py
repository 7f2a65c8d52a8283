"""What is suggested for pictures."""

import numpy as np
import PIL.Image

import whorl

from .subjects import pictures


def test_a_folder_of_pictures_is_classified_and_what_belongs_together_is_spoken_of(tmp_path):
    for n in range(12):
        path = tmp_path / "shades" / ("dark", "light")[n % 2] / f"{n}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(np.full((4, 5), 60 + n + 100 * (n % 2), np.uint8)).save(path)
    suggestion = whorl.suggest(tmp_path / "shades")
    assert suggestion.task == "classify"
    assert "pictures to learn from" in suggestion.reasons[0]
    assert any("name what they belong to as `group` of whorl.Image" in caution for caution in suggestion.cautions)
    assert suggestion.command == f"whorl fit classify {tmp_path / 'shades'} --network gru --hidden-size 64"


def test_numbers_of_pictures_are_no_rows_of_engines(tmp_path):
    shown = pictures(tmp_path)
    rows = shown.read_text(encoding="utf-8").splitlines()[1:]
    shown.write_text("picture,level\n" + "".join(f"{row.split(',')[0]},{60.5 + n}\n" for n, row in enumerate(rows)))
    suggestion = whorl.suggest(shown, target="level")
    assert suggestion.task == "regress"
    assert "11 files of 1 step (median) to learn from" in suggestion.reasons[0]
    few, group = suggestion.cautions
    assert "11 files to learn from are few: see whether the network beats the mean" in few
    assert "name what they belong to as `group`" in group
    assert suggestion.command == f"whorl fit regress {shown} --target level --network gru --hidden-size 64"
