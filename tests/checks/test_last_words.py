"""What is told of a command that failed."""

from __future__ import annotations

from pytest_mediaimage.checks.last_words import last_words
from pytest_mediaimage.errors import CommandTimeout

BANNER = """ffmpeg version n8.1.2 Copyright (c) 2000-2026 the FFmpeg developers
  built with gcc 13 (Ubuntu 13.3.0)
  configuration: --enable-gpl
  libavutil      60. 26.102 / 60. 26.102
  libswscale      9.  5.102 /  9.  5.102
  libswresample   6.  3.102 /  6.  3.102
  libpostproc    58.  3.100 / 58.  3.100
"""


def test_the_banner_is_no_last_word():
    said = BANNER + "Unrecognized option 'nosuch'.\nError splitting the argument list: Option not found\n"
    assert last_words(said) == "Unrecognized option 'nosuch'. Error splitting the argument list: Option not found"
    assert last_words(BANNER) == ""


def test_a_message_that_names_a_library_stays():
    said = "[libx264 @ 0x1] broken ffmpeg version 3\nlibswresample 6. 3.102 / 7. 3.102: versions differ"
    assert last_words(said) == said.replace("\n", " ")


def test_the_last_three_lines_of_many_and_no_more_than_asked_for():
    assert last_words("\n".join("abcde")) == "c d e"
    assert last_words("x" * 500, 10) == "x" * 10


PROGRESS = "frame=   25 fps= 12 q=-1.0 size=       0KiB time=00:00:01.00 bitrate=   0.4kbits/s speed=0.5x    \r"
SOUND = "size=     256KiB time=00:00:10.00 bitrate= 209.7kbits/s speed=20x    \r"


def test_progress_is_no_last_word():
    assert last_words(f"it is stuck\n{PROGRESS * 5}{SOUND * 5}") == "it is stuck"
    stuck = CommandTimeout(["ffmpeg"], 3, stderr_tail=f"{PROGRESS[10:]}it is stuck\n{PROGRESS * 5}")
    assert stuck.message.endswith("killed; its last words: it is stuck")
    assert CommandTimeout(["ffmpeg"], 3, stderr_tail=PROGRESS * 5).message.endswith("was killed")
