"""`license.*`: under which terms what is in the image may be shipped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..ffmpeg import combine, read_license, strictest
from ..ffmpeg import exceeds as is_stricter
from ..ffmpeg.license import Conflict
from ..result import Finding, Severity
from .context import Context
from .registry import check
from .subject import FoundFFmpeg

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
    if not context.subject.ffmpeg_files:
        context.skip("the image holds no FFmpeg that can be read")
    maximum, nonfree = context.policy.license_max, context.policy.license_nonfree
    builds = [
        (files, read_license(combine([found.identity for found in files])))
        for files in _builds(context.subject.ffmpeg_files)
    ]
    context.measure(
        strictest(lic.concluded for _, lic in builds) or "not stated",
        budget=maximum or ("not nonfree" if nonfree == "deny" else None),
    )
    for files, lic in builds:
        for conflict in lic.conflicts:
            if not (nonfree == "allow" and conflict.code.startswith("nonfree")):
                yield _conflict(context, files, conflict, lic.concluded or "that licence")
        if maximum is not None and lic.concluded is not None and is_stricter(lic.concluded, maximum):
            yield _finding(
                context,
                files,
                f"its licence is {lic.concluded}, and the policy allows {maximum} at most",
                evidence=f"{lic.concluded} exceeds {maximum}",
                fix="Configure FFmpeg without the parts that ask for the stricter licence, or raise license.max.",
            )


def _builds(files: Sequence[FoundFFmpeg]) -> list[list[FoundFFmpeg]]:
    """Files of one build together: a shared build has a dozen, and one word about it is enough."""
    groups: dict[str | None, list[FoundFFmpeg]] = {}
    for found in files:
        groups.setdefault(found.identity.configuration, []).append(found)
    return list(groups.values())


def _conflict(context: Context, files: Sequence[FoundFFmpeg], conflict: Conflict, concluded: str) -> Finding:
    fix = _FIX_NONFREE if conflict.code.startswith("nonfree") else _FIX_CONFLICT
    if conflict.code == "library-stricter-than-stated":
        fix = _FIX_STRICTER.format(concluded)
    return _finding(
        context, files, conflict.message, evidence=conflict.code, fix=fix, severity=_MILDER.get(conflict.code)
    )


def _finding(context: Context, files: Sequence[FoundFFmpeg], message: str, **fields: object) -> Finding:
    first = files[0]
    more = f" and {len(files) - 1} more files of this build" if len(files) > 1 else ""
    gone = "" if any(found.visible for found in files) else " (replaced or deleted by a later layer, but shipped)"
    return context.finding(f"{first.path}{more}: {message}{gone}", layer=first.layer, file=first.path, **fields)


CHECKS = (ffmpeg,)
