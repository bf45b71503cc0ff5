"""What a command that failed said at the end."""

from __future__ import annotations

import re

from ..errors import without_progress

# What ffmpeg and ffprobe say of themselves before anything else (fftools/opt_common.c).
_BANNER = re.compile(
    r"ff\w+ version |  built with |  configuration:|  lib(?:av|sw|postproc)\w* +\d+\. *\d+\. *\d+ +/ +\d+\. *\d+\."
)
_LINES = 3


def last_words(text: str, longest: int = 400) -> str:
    """The last lines in one, ffmpeg's banner and progress left out; "" where there is nothing else."""
    lines = [line for line in without_progress(text.splitlines()) if line.strip() and not _BANNER.match(line)]
    return " ".join(line.rstrip() for line in lines[-_LINES:])[-longest:].strip()
