"""Inputs that can't be read to their end: the command must say so, by its exit code and in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..case import Problem
from ..made import Made

# SIGILL, SIGABRT, SIGBUS, SIGFPE and SIGSEGV as a shell's exit code, or negative.
_CRASHES = {128 + number: number for number in (4, 6, 7, 8, 11)} | {-number: number for number in (4, 6, 7, 8, 11)}


@dataclass(frozen=True, slots=True)
class Refused:
    """The command ends with an error: not with 0, not by a crash, and not without a word.

    Which error doesn't matter: FFmpeg 5.1 mostly ends with 1, later ones with many numbers. `words` is a regular
    expression for the reason, found in what is printed, in upper or lower case. `because` says why it must fail, and
    `fix` how it can be made to.
    """

    words: str
    because: str = "its input can't be read to the end"
    fix: str = "Run ffmpeg with -xerror, and pass its exit code on: no `|| true`, no pipe without pipefail."

    def __post_init__(self) -> None:
        re.compile(self.words)  # raises re.error before anything is run

    def judge(self, made: Made) -> Iterator[Problem]:
        made.metrics["exit_code"] = made.exit_code
        if made.exit_code == 0:
            yield Problem(f"the command ended with exit code 0, though {self.because}", "exit code 0", self.fix)
        elif made.exit_code in _CRASHES:
            yield Problem(
                f"the command crashed: signal {_CRASHES[made.exit_code]}",
                "crash",
                "Update FFmpeg or the decoder's library: a broken file must not be able to do this.",
            )
        elif not re.search(self.words, made.log, re.IGNORECASE):
            yield Problem(
                f"the command failed with exit code {made.exit_code} for another reason: {made.log.strip()[-200:]!r}",
                "other failure",
                "Run it by hand; keep ffmpeg's messages on stderr.",
            )


@dataclass(frozen=True, slots=True)
class Reported:
    """Damage is reported: `words`, a regular expression, is found in what is printed, in upper or lower case."""

    words: str

    def __post_init__(self) -> None:
        re.compile(self.words)

    def judge(self, made: Made) -> Iterator[Problem]:
        if not re.search(self.words, made.log, re.IGNORECASE):
            yield Problem(
                "the input is damaged, and nothing that is printed says so",
                "damage unreported",
                "Keep ffmpeg's log level at error or above, and its stderr.",
            )
