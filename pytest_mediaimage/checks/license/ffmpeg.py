"""`license.ffmpeg`: the licence of each FFmpeg build."""

from __future__ import annotations

from collections.abc import Iterator

from ...ffmpeg import exceeds as is_stricter
from ...ffmpeg import strictest
from ...ffmpeg.license import Conflict
from ...result import Finding, Severity
from ..context import Context
from ..registry import check
from ..subject import FoundFFmpeg
from .builds import ImageBuild, image_builds

_MILDER = {
    # The flag alone brands a build: it is an error of its own, and this only says that it needn't be.
    "nonfree-flag-unneeded": Severity.WARNING,
    # Debian's own FFmpeg states GPL-2 and holds libcdio-paranoia under GPL-3: lawful, and not the image's doing.
    "library-stricter-than-stated": Severity.NOTE,
}
_FIX_NONFREE = "Configure FFmpeg without --enable-nonfree and the parts that ask for it; or allow it for an image "
_FIX_NONFREE += "that leaves nobody's house: license: {nonfree: allow}."
_FIX_CONFLICT = "Build FFmpeg with the flags that its parts ask for, from an unchanged configure."
_FIX_STRICTER = "Hand the image on under {}, or build FFmpeg without that library."


@check(
    "license.ffmpeg",
    fails="an FFmpeg that is nonfree, says one licence and holds another, or exceeds license.max",
    why="A nonfree build may be shipped to nobody, and a wrong licence text is the packager's to answer for.",
)
def ffmpeg(context: Context) -> Iterator[Finding]:
    builds = image_builds(context.subject.ffmpeg_files)
    if not builds:
        context.skip("the image holds no FFmpeg that can be read")
    maximum, nonfree = context.policy.license_max, context.policy.license_nonfree
    context.measure(
        strictest(build.license.concluded for build in builds) or "not stated",
        budget=maximum or ("not nonfree" if nonfree == "deny" else None),
    )
    for build in builds:
        for found, conflict in build.conflicts():
            if not (nonfree == "allow" and conflict.code.startswith("nonfree")):
                yield _conflict(context, build, found, conflict)
        concluded = build.license.concluded
        if maximum is not None and concluded is not None and is_stricter(concluded, maximum):
            yield _exceeds(context, build, concluded, maximum)


def _conflict(context: Context, build: ImageBuild, found: FoundFFmpeg, conflict: Conflict) -> Finding:
    fix = _FIX_NONFREE if conflict.code.startswith("nonfree") else _FIX_CONFLICT
    if conflict.code == "library-stricter-than-stated":
        fix = _FIX_STRICTER.format(build.license.concluded)
    names = ", ".join(sorted(one.name for one in conflict.components))
    return build.finding(
        context,
        conflict.message,
        at=found,
        evidence=f"{conflict.code}: {names}" if names else conflict.code,
        fix=fix,
        severity=_MILDER.get(conflict.code),
    )


def _exceeds(context: Context, build: ImageBuild, concluded: str, maximum: str) -> Finding:
    """What is concluded, and the libraries by which it is more than what the build states."""
    stated = build.license.stated or "nothing"
    because = build.told()
    holds = f"; it holds {because}" if because and concluded != build.license.stated else ""
    return build.finding(
        context,
        f"its licence is {concluded}, and the policy allows {maximum} at most (stated: {stated}{holds})",
        evidence=f"{concluded} exceeds {maximum}",
        fix="Configure FFmpeg without the parts that ask for the stricter licence, or raise license.max.",
    )
