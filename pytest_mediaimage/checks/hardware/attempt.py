"""One command that may fail: the clip goes in, exit code, words and output come out."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...media.hardware.proof import Attempt, words_of
from ..transcode.running import Job, TranscodeFailed, transcode

if TYPE_CHECKING:
    from ...runtime.base import Container


@dataclass(frozen=True, slots=True)
class Command:
    """`argv` has the placeholders of recipes; `program` is the image's ffmpeg; `output` the name that is written."""

    argv: Sequence[str]
    program: str
    output: str = "output.mp4"
    timeout: float = 60.0


def attempt(
    container: Container, command: Command, source: Path, folder: Path, env: Mapping[str, str] | None = None
) -> tuple[Attempt, float]:
    """Run the command on `source`, fetch its output to a place of its own in `folder`; with it the seconds it took.

    A command that fails is no error here. Raises CommandTimeout, EnvironmentFault.
    """
    into = folder / secrets.token_hex(4)
    into.mkdir()
    job = Job(command.argv, source, (command.output,), timeout=command.timeout, fails=True, env=env or {})
    output = None
    try:
        made = transcode(container, command.program, job, into)
        ran, output = made.command, made.made.outputs.get(command.output)
    except TranscodeFailed as error:
        ran = error.command
    return Attempt(ran.exit_code, words_of(f"{ran.stderr}\n{ran.stdout}"), output), ran.duration
