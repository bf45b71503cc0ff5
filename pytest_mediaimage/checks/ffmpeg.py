"""`ffmpeg.*`: what the image's FFmpeg can do."""

from __future__ import annotations

from collections.abc import Iterator

from ..result import Finding, Severity
from .context import Context
from .registry import check
from .subject import FFmpegFailed


@check(
    "ffmpeg.capabilities",
    fails="an ffmpeg that can't start, or lacks what the policy requires; none at all, where the policy names a part "
    "of one, a required path, or this check in its `severity`, else that is a note",
    why="A missing encoder shows on the first job that needs it, and not before.",
)
def capabilities(context: Context) -> Iterator[Finding]:
    required = {
        "encoder": context.policy.ffmpeg_encoders,
        "decoder": context.policy.ffmpeg_decoders,
        "filter": context.policy.ffmpeg_filters,
        "protocol": context.policy.ffmpeg_protocols,
    }
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
    if context.subject.static:
        context.skip("ffmpeg isn't asked under --media-static")
    try:
        listed = context.subject.listings()
    except FFmpegFailed as error:
        yield Finding(
            f"ffmpeg can't say what it can do: {error.message}",
            file=program,
            evidence="can't start",
            fix="Run it in a container by hand: a library, its loader or its permission to execute is missing.",
        )
        return
    has = {
        "encoder": listed.encoders,
        "decoder": listed.decoders,
        "filter": listed.filters,
        "protocol": listed.protocols,
    }
    counts = ", ".join(f"{len(names)} {kind}s" for kind, names in has.items())
    context.measure(f"{listed.version or 'unknown version'}: {counts}", budget=_budget(required))
    for kind, names in required.items():
        for name in names:
            if name not in has[kind]:
                yield Finding(
                    f"{program} lacks the {kind} {name}",
                    file=program,
                    evidence=f"{kind} {name}",
                    fix=f"Build FFmpeg with it (./configure --enable-...), or take {name} out of ffmpeg.{kind}s.",
                )


def _is_wanted(context: Context) -> bool:
    """Packagers, GStreamer pipelines and workers on OpenCV or PyAV do without the program."""
    policy = context.policy
    named = policy.ffmpeg_encoders or policy.ffmpeg_decoders or policy.ffmpeg_filters or policy.ffmpeg_protocols
    return bool(named) or "required" in policy.transcode_paths.values() or "ffmpeg.capabilities" in policy.severity


def _budget(required: dict[str, tuple[str, ...]]) -> str | None:
    names = [name for group in required.values() for name in group]
    return ", ".join(names) or None


CHECKS = (capabilities,)
