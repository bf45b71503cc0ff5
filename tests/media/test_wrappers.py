"""Wrappers around ffmpeg that put words before the last argument, as one does who takes it for the output."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from delivery_helpers import made_in, messages

from pytest_mediaimage.media import samples
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.recipe import argv_of

_WRAPPER = """\
#!/bin/bash
exec {program} "${{@:1:$#-1}}" {words} "${{@: -1}}"
"""


@pytest.mark.parametrize("name", CASES)
def test_a_packaged_recipe_ends_with_an_output(name: str) -> None:
    assert CASES[name].recipe.argv[-1].startswith(("{output}", "{folder}/"))


@pytest.mark.parametrize(
    ("name", "words", "told"),
    [
        ("h264-aac", "", ""),
        ("h264-aac", "-an", "the output has no audio stream"),
        ("h264-aac", "-vf eq=saturation=1.15", "mean PSNR-U is"),
        ("h264-ladder", "", ""),
        ("h264-ladder", "-an", "low.mp4: the output has no audio stream"),
        ("h264-ladder", "-vf eq=saturation=1.15", "exit code"),  # FFmpeg takes no -vf beside -filter_complex
    ],
)
def test_words_of_a_wrapper_are_found(any_ffmpeg: str, tmp_path: Path, name: str, words: str, told: str) -> None:
    case, folder = CASES[name], tmp_path / "out"
    folder.mkdir()
    wrapper = tmp_path / "ffmpeg"
    wrapper.write_text(_WRAPPER.format(program=any_ffmpeg, words=words))
    wrapper.chmod(0o755)
    argv = argv_of(case.recipe, str(wrapper), samples.sample(case.sample), folder / case.outputs[0])
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    found = f"exit code {done.returncode}" if done.returncode else messages(case, made_in(folder, case.outputs))
    assert told in found if told else not found
