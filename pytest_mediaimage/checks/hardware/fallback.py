"""`hardware.fallback`: where the hardware isn't there, or is broken, the image's program encodes in software."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import CommandTimeout, JudgeError
from ...result import Finding, Severity
from ...runtime.base import PLAIN, Devices, DevicesRefused, Resources
from ..context import Context
from ..last_words import last_words
from ..registry import check
from ..subject import FFmpegFailed

if TYPE_CHECKING:
    from ...media.hardware.fallback import Seen
    from ...media.hardware.proof import Attempt

_INITS = ("tini", "tini-static", "dumb-init", "catatonit", "docker-init")
_TOOLS = ("ffmpeg", "ffprobe")
_SECONDS = 60.0
_NOT_THERE = 127


@dataclass(frozen=True, slots=True)
class _Scenario:
    """A way in which the hardware can be missing. `words` complete "with ..."."""

    words: str
    env: Mapping[str, str] = field(default_factory=dict)
    resources: Resources = PLAIN


@dataclass(frozen=True, slots=True)
class _Bench:
    context: Context
    argv: Sequence[str]
    guessed: bool
    clip: Path
    nonce: int
    folder: Path


@check(
    "hardware.fallback",
    fails="a program that fails, or gives other pictures, where its device or driver isn't there",
    why="A node without a GPU, or with a broken driver, must encode slower and not at all wrongly.",
)
def fallback(context: Context) -> Iterator[Finding]:
    context.measure(None, budget="software, same frames")
    command, guessed = _command(context)
    if context.subject.static:
        context.skip("nothing is started under --media-static")
    from ...media.clip import fresh_clip

    with tempfile.TemporaryDirectory(dir=context.subject.bench.work, prefix="fallback-") as folder:
        clip = Path(folder) / "fresh.mp4"
        nonce = fresh_clip(clip)
        yield from _scenarios(_Bench(context, command, guessed, clip, nonce, Path(folder)))


def _command(context: Context) -> tuple[Sequence[str], bool]:
    """The command, and whether it is only guessed how the entry point is called."""
    if context.policy.fallback_command:
        return context.policy.fallback_command, False
    promised = [path for path in context.policy.transcode_paths if path != "cpu"]
    if not promised and not context.subject.bench.hardware:
        context.skip("no hardware path is promised (transcode.paths), and no fallback.command is named")
    entrypoint = [word for word in context.image.config.entrypoint if word]
    program = _program(entrypoint)
    name = program.rpartition("/")[2]
    if not program or name in _TOOLS:
        what = f"the entry point is {name}" if program else "the image has no entry point"
        context.skip(
            f"{what}, and ffmpeg never falls back from an encoder or -hwaccel that it was told to use; "
            "name your own program in fallback.command"
        )
    return [*entrypoint, "{input}", "{output}"], True


def _program(entrypoint: Sequence[str]) -> str:
    """What an init such as tini starts, or the first word."""
    words = list(entrypoint)
    if words and words[0].rpartition("/")[2] in _INITS:
        words = words[words.index("--") + 1 :] if "--" in words else [w for w in words[1:] if not w.startswith("-")]
    return words[0] if words else ""


def _plan() -> Iterator[_Scenario]:
    """Without a device first. What breaks a driver is tried on the device where there is one, and else shows nothing
    but that the program survives it."""
    from ...media.hardware import devices

    host = devices.discover()
    first = host.render[:1]
    render = Resources(Devices(nodes=tuple(node.path for node in first), groups=devices.groups_of(first)))
    nvidia = Resources(Devices(nvidia=("compute", "utility"))) if host.nvidia else PLAIN
    yield _Scenario("no device")
    yield _Scenario("LIBVA_DRIVER_NAME=bogus", {"LIBVA_DRIVER_NAME": "bogus"}, render)
    yield _Scenario(
        "NVIDIA_DRIVER_CAPABILITIES without video",
        {"NVIDIA_DRIVER_CAPABILITIES": "compute,utility"},
        nvidia,
    )


def _scenarios(bench: _Bench) -> Iterator[Finding]:
    from ...media.hardware import fallback as judge
    from .attempt import Command, attempt

    context = bench.context
    software = _software_seconds(bench)
    command = Command(bench.argv, context.subject.ffmpeg_program() or "ffmpeg", timeout=_SECONDS)
    base: Seen | None = None
    measured = []
    for scenario in _plan():
        try:
            container = context.subject.new_container(scenario.resources)
        except DevicesRefused:
            container = context.subject.new_container()
        try:
            made, seconds = attempt(container, command, bench.clip, bench.folder, scenario.env)
        except CommandTimeout as error:
            if bench.guessed and base is None:
                context.skip(_unknown(bench, error.message))
            yield _finding(scenario, "it hung", f"did not end within {_SECONDS:g} s", "Bound the driver's start.")
            continue
        finally:
            container.close()
        if made.exit_code or made.output is None:
            if bench.guessed and base is None:
                context.skip(_unknown(bench, _ended(made)))
            # So the runtimes say it; a script that lacks a tool says its own name or the shell's first.
            if made.exit_code == _NOT_THERE and made.log.startswith("exec"):
                yield Finding(
                    f"{bench.argv[0]}, which fallback.command names, isn't in the image, or what it is run by isn't",
                    evidence="no such command",
                    fix="Name the program's path in the image in fallback.command, or COPY it there.",
                )
                return
            yield _finding(scenario, "failed", _ended(made), "Catch the failure, and encode with libx264 or the like.")
            continue
        try:
            seen = judge.look(bench.clip, made.output, bench.nonce)
        except JudgeError as error:
            yield _finding(scenario, "unreadable", f"the output can't be read: {error.message}", "Look at its log.")
            continue
        for problem in judge.problems(seen, base):
            yield _finding(scenario, problem.evidence, problem.message, problem.fix)
        base = base or seen
        measured.append(f"{scenario.words}: {seen.comparison.output_frames} frames in {seconds:.1f} s")
        context.measure("; ".join(measured), budget="software, same frames")
        yield from _beside(scenario, made, seconds, software)


def _beside(scenario: _Scenario, made: Attempt, seconds: float, software: float | None) -> Iterator[Finding]:
    """What doesn't make a fallback wrong, but bad."""
    from ...media.hardware.fallback import MOST_DELAY, tells_reason

    if software is not None and seconds > software + MOST_DELAY:
        yield Finding(
            f"with {scenario.words} it took {seconds:.1f} s, software alone {software:.1f} s"
            f", more than {MOST_DELAY:g} s less",
            severity=Severity.WARNING,
            evidence=f"slow with {scenario.words}",
            fix="Look for a device before the job (stat its node), and bound the time that a driver may take.",
        )
    if not tells_reason(made):
        yield Finding(
            f"with {scenario.words} it says nothing of why hardware isn't used",
            severity=Severity.NOTE,
            evidence=f"silent with {scenario.words}",
            fix="Print the reason for a fallback on stderr, so that a slow fleet can be explained.",
        )


def _software_seconds(bench: _Bench) -> float | None:
    """How long the image's own ffmpeg takes to encode the clip in software; None where it can't."""
    from .attempt import Command, attempt

    program = bench.context.subject.ffmpeg_program()
    if program is None:
        return None
    try:
        listed = bench.context.subject.listings().encoders
    except FFmpegFailed:
        return None
    encoder = next((name for name in ("libx264", "libopenh264", "mpeg4") if name in listed), None)
    if encoder is None:
        return None
    argv = ("{ffmpeg}", "-nostdin", "-v", "error", "-y", "-i", "{input}", "-c:v", encoder, "{output}")
    try:
        made, seconds = attempt(bench.context.subject.container(), Command(argv, program), bench.clip, bench.folder)
    except CommandTimeout:
        return None
    return None if made.exit_code else seconds


def _ended(made: Attempt) -> str:
    words = last_words(made.log, 300)
    what = f"exit code {made.exit_code}" if made.exit_code else "exit code 0, but no output"
    return f"{what}: {words or 'it said nothing'}"


def _unknown(bench: _Bench, words: str) -> str:
    return (
        f"the entry point, called as `{' '.join(bench.argv)}`, gave no output ({words}); "
        'name the call in fallback.command: [/app/encode, "{input}", "{output}"]'
    )


def _finding(scenario: _Scenario, evidence: str, words: str, fix: str) -> Finding:
    return Finding(f"with {scenario.words}: {words}", evidence=f"{scenario.words}: {evidence}", fix=fix)
