"""One command in a container of its own: the clip goes in, exit code, words and output come out."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...media.hardware.proof import Attempt, words_of
from ...media.recipe import fill, values_of
from ...runtime.elf import FOLDER

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
    """Run the command on `source`, fetch its output to `folder`; with it the seconds that the command took.

    A command that fails is no error here. Raises CommandTimeout, EnvironmentFault.
    """
    inside = f"{FOLDER}/{secrets.token_hex(4)}"
    given, target = f"{inside}/input{source.suffix}", f"{inside}/output/{command.output}"
    container.copy_in(source, given)
    note = folder / ".made"
    note.write_bytes(b"")
    container.copy_in(note, f"{inside}/output/.made")  # makes the directory
    values = values_of(command.program, given, target)
    result = container.run([fill(word, values) for word in command.argv], timeout=command.timeout, env=env)
    fetched = folder / f"{secrets.token_hex(4)}-{command.output}"
    with suppress(OSError):
        container.copy_out(target, fetched)
    output = fetched if fetched.is_file() else None
    return Attempt(result.exit_code, words_of(f"{result.stderr}\n{result.stdout}"), output), result.duration
