"""`ffmpeg.*`: what the image's FFmpeg can do."""

from __future__ import annotations

from collections.abc import Iterator

from ..result import Finding
from .context import Context
from .registry import check
from .subject import FFmpegFailed


@check(
    "ffmpeg.capabilities",
    fails="an ffmpeg that is missing, can't start, or lacks what the policy requires",
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
            evidence="no ffmpeg",
            fix="Copy ffmpeg to a folder on the image's PATH; for an image that is meant to have none, "
            "set severity: {ffmpeg.capabilities: note}.",
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


def _budget(required: dict[str, tuple[str, ...]]) -> str | None:
    names = [name for group in required.values() for name in group]
    return ", ".join(names) or None


CHECKS = (capabilities,)
