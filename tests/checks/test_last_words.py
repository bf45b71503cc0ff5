"""What is told of a command that failed."""

from __future__ import annotations

from pytest_mediaimage.checks.last_words import last_words

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
