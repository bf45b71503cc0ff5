"""`ffmpeg.*`: what the image's FFmpeg can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..result import Finding, Severity
from .context import Context
from .license.compare import codec_changes
from .registry import check
from .subject import FFmpegFailed

if TYPE_CHECKING:
    from ..ffmpeg.build import Build

Names = dict[str, frozenset[str] | None]


_KINDS = ("encoder", "decoder", "filter", "protocol")
_MOST_BESIDE = 3


@check(
    "ffmpeg.capabilities",
    fails="an ffmpeg that can't start, never ends, prints no tables, or lacks what the policy requires, read from its "
    "tables under `--media-static`; none at all, where the policy names a part of one, a required path, or this "
    "check in its `severity`, else that is a note; a warning where it prints something else than is read in its files",
    why="A missing encoder shows on the first job that needs it, and not before.",
)
def capabilities(context: Context) -> Iterator[Finding]:
    policy = context.policy
    names = (policy.ffmpeg_encoders, policy.ffmpeg_decoders, policy.ffmpeg_filters, policy.ffmpeg_protocols)
    required = dict(zip(_KINDS, names, strict=True))
    context.measure(None, budget=_budget(required))
    program = context.subject.ffmpeg_program()
    if program is None:
        yield Finding(
            "the image has no ffmpeg: none on its PATH, as its entry point, or anywhere by content",
            severity=None if _is_wanted(context) else Severity.NOTE,
            evidence="no ffmpeg",
            fix="Copy ffmpeg to a folder on the image's PATH; where it must be there, name what it must do: "
            "ffmpeg: {encoders: [libx264]}.",
        )
        return
    yield from codec_changes(context)
    build = context.subject.ffmpeg_build()
    read = _read(build)
    if context.subject.static:
        yield from _judge_read(context, program, build, read, required)
        return
    try:
        listed = context.subject.listings()
    except FFmpegFailed as error:
        yield Finding(
            f"ffmpeg can't say what it can do: {error.message}",
            file=program,
            evidence=error.evidence,
            fix=error.remedy,
        )
        return
    has: Names = dict(zip(_KINDS, (listed.encoders, listed.decoders, listed.filters, listed.protocols), strict=True))
    context.measure(_measured(listed.version, has), budget=_budget(required))
    yield from _lacking(program, required, has)
    yield from _differing(program, read, has)


def _read(build: Build | None) -> Names:
    """What the tables of a build list, by kind; None where a table isn't known."""
    if build is None:
        return dict.fromkeys(_KINDS)
    tables = (build.encoders, build.decoders, build.filters, build.protocols)
    return {kind: None if table is None else frozenset(table) for kind, table in zip(_KINDS, tables, strict=True)}


def _judge_read(
    context: Context, program: str, build: Build | None, read: Names, required: dict[str, tuple[str, ...]]
) -> Iterator[Finding]:
    """Without running it. Skips where nothing is known to be missing, and not all that is required is known."""
    if build is None:
        context.skip(f"{program} holds no FFmpeg that can be read{_beside(context, program)}")
    context.measure(_measured(build.version, read), budget=_budget(required))
    lacking = list(_lacking(program, required, read))
    yield from lacking
    unknown = [f"{kind}s" for kind in _KINDS if read[kind] is None and (required[kind] or not any(required.values()))]
    if unknown and not lacking:
        reason = build.damage or "it, or the libraries that it loads, hold no such table, or one of an unknown layout"
        context.skip(f"the {', '.join(unknown)} of {program} can't be read ({reason})")


def _beside(context: Context, program: str) -> str:
    """Why, and what else the image has that can be read."""
    why = ""
    if context.subject.ffmpeg_script():
        why = ": it is a script, and what a script runs shows only when it runs (nothing is, under --media-static)"
    others = [
        f"{found.path} ({found.build.version or 'of an unknown version'})"
        for found in context.subject.ffmpeg_files
        if found.visible and found.identity.kind == "tool" and found.path != program
    ]
    if others:
        why += f"; {', '.join(others[:_MOST_BESIDE])} could be read, but {program} is what is run"
    return why or ", and nothing is started under --media-static"


def _lacking(program: str, required: dict[str, tuple[str, ...]], has: Names) -> Iterator[Finding]:
    for kind, names in required.items():
        present = has[kind]
        for name in names:
            if present is not None and name not in present:
                yield Finding(
                    f"{program} lacks the {kind} {name}",
                    file=program,
                    evidence=f"{kind} {name}",
                    fix=f"Build FFmpeg with it (./configure --enable-...), or take {name} out of ffmpeg.{kind}s.",
                )


def _differing(program: str, read: Names, printed: Names) -> Iterator[Finding]:
    """Both come from the same tables: a difference means that other files are run than were read."""
    for kind in _KINDS:
        mine, its = read[kind], printed[kind]
        if mine is None or its is None or mine == its:
            continue
        only_read, only_printed = sorted(mine - its), sorted(its - mine)
        parts = [f"prints no {', '.join(only_read[:10])}"] if only_read else []
        parts += [f"prints {', '.join(only_printed[:10])} besides"] if only_printed else []
        yield Finding(
            f"{len(mine)} {kind}s are read in {program} and the libraries that it loads, and it prints {len(its)}: "
            f"it {', and '.join(parts)}",
            severity=Severity.WARNING,
            file=program,
            evidence=f"{kind}s read {', '.join(only_read[:10])}; printed {', '.join(only_printed[:10])}",
            fix="Look which libav* libraries are loaded (ldd, LD_LIBRARY_PATH, a wrapper script), and leave one set.",
        )


def _measured(version: str | None, has: Names) -> str:
    counts = (f"{kind}s unknown" if names is None else f"{len(names)} {kind}s" for kind, names in has.items())
    return f"{version or 'unknown version'}: {', '.join(counts)}"


def _is_wanted(context: Context) -> bool:
    """Packagers, GStreamer pipelines and workers on OpenCV or PyAV do without the program."""
    policy = context.policy
    named = policy.ffmpeg_encoders or policy.ffmpeg_decoders or policy.ffmpeg_filters or policy.ffmpeg_protocols
    return bool(named) or "required" in policy.transcode_paths.values() or "ffmpeg.capabilities" in policy.severity


def _budget(required: dict[str, tuple[str, ...]]) -> str | None:
    names = [name for group in required.values() for name in group]
    return ", ".join(names) or None


CHECKS = (capabilities,)
