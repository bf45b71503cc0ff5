"""The command whose behaviour is judged, and its start as process 1."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...result import Finding
from ...runtime.base import FOLDER, PLAIN, Resources
from ..context import Context
from ..last_words import last_words
from ..subject import UNUSABLE, FFmpegFailed
from ..transcode.watching import WroteTooMuch

if TYPE_CHECKING:
    from ...runtime.base import Process

_ENCODERS = ("libx264", "libopenh264", "mpeg4")
LONG = 60
"""How often the clip of five seconds is repeated for a command of the team's own."""


@dataclass(frozen=True, slots=True)
class Command:
    """`argv` has the placeholders of recipes; `is_ffmpeg` says that it takes ffmpeg's arguments."""

    argv: Sequence[str]
    is_ffmpeg: bool

    def endless(self) -> Command:
        """The same, at the speed of playing and without end, where it can be told."""
        if not self.is_ffmpeg:
            return self
        at = self.argv.index("-i")
        return Command((*self.argv[:at], "-stream_loop", "-1", "-re", *self.argv[at:]), True)


def command_of(context: Context) -> Command:
    """The policy's command, else the entry point where that is ffmpeg. Skips where there is neither."""
    named = context.policy.container_command or context.policy.fallback_command
    if named:
        return Command(named, False)
    entrypoint = [word for word in context.image.config.entrypoint if word]
    name = entrypoint[-1].rpartition("/")[2] if entrypoint else ""
    if name != "ffmpeg":
        what = f"the entry point is {' '.join(entrypoint)}" if entrypoint else "the image has no entry point"
        context.skip(f"{what}: name what encodes in the policy, as in container: {{command: [{_EXAMPLE}]}}")
    try:
        encoder = next((name for name in _ENCODERS if name in context.subject.listings().encoders), None)
    except FFmpegFailed:
        context.skip(UNUSABLE)
    if encoder is None:
        context.skip(f"ffmpeg has none of the encoders {', '.join(_ENCODERS)}: name a command in container.command")
    quick = ("-preset", "ultrafast") if encoder == "libx264" else ()
    options = ("-nostdin", "-hide_banner", "-y", "-i", "{input}", "-an", "-c:v", encoder, *quick, "{output}")
    return Command((*entrypoint, *options), True)


_EXAMPLE = '/app/encode, "{input}", "{output}"'


@dataclass(eq=False)
class Started:
    """A command that runs as process 1, and where its output lies."""

    process: Process
    output: str
    argv: Sequence[str] = field(default_factory=tuple)


def start(context: Context, command: Command, source: Path, note: Path, *, full_at: int | None = None) -> Started:
    """Start the command on `source`; with `full_at` its output's directory holds no more bytes. `note` is any file.

    Raises NotStarted, EnvironmentFault, UsageError.
    """
    from ...media.recipe import fill, values_of

    inside = f"{FOLDER}/{secrets.token_hex(4)}"
    given, output = f"{inside}/input{source.suffix}", f"{inside}/output/output.mp4"
    argv = [fill(word, values_of("ffmpeg", given, output)) for word in command.argv]
    files: Mapping[str, Path] = {given: source, f"{inside}/output/.made": note}
    resources = PLAIN
    if full_at is not None:
        files, resources = {given: source}, Resources(tmpfs={f"{inside}/output": full_at})
    return Started(context.subject.start_command(argv, files, resources), output, argv)


def endless(command: Command, error: WroteTooMuch) -> Finding:
    """What is said of a command that was ended for what it wrote."""
    return Finding(
        f"{command.argv[0]} wrote without end: {error.message}",
        file=command.argv[0],
        evidence="endless output",
        fix=f"Run it by hand: {' '.join(command.argv)}",
    )


def words_of(process: Process) -> str:
    """The last words of a command, for a message."""
    return last_words(process.output) or "it said nothing"
