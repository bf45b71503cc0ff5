"""`sbom.complete`: does the attached SBOM name what we found in the image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...result import Finding, Severity
from ..context import Context
from ..registry import check
from .found import readable

if TYPE_CHECKING:
    from ...sbom.comparing import Ours

_SHOWN = 10
_LONGEST = 2000  # of the evidence, in characters
_KINDS = {"deb": "Debian", "apk": "Alpine", "rpm": "RPM", "pypi": "Python", "npm": "npm", "golang": "Go", "gem": "Ruby"}


@check(
    "sbom.complete",
    fails="an FFmpeg, a library in it or a package that the attached SBOM doesn't name",
    why="Scanners and auditors believe the SBOM: what it doesn't name has no flaws and no licence for them.",
)
def complete(context: Context) -> Iterator[Finding]:
    from ...sbom.comparing import Theirs, ours

    theirs = Theirs.of(sbom.opened.document for sbom in readable(context) if sbom.opened is not None)
    own = context.subject.sbom()
    found = list(ours(own))
    missing = [one for one in found if not theirs.names(one)]
    known = "" if own.packages_missing is None else f" (packages not looked for: {own.packages_missing})"
    context.measure(f"{len(found) - len(missing)} of {len(found)} named{known}")
    for one in (*_of(missing, "ffmpeg"), *_of(missing, "library")):
        yield _media(context, one)
    for kind in sorted({one.kind for one in missing} - {"ffmpeg", "library"}):
        yield _packages(context, kind, _of(missing, kind))


def _of(missing: Sequence[Ours], kind: str) -> list[Ours]:
    return [one for one in missing if one.kind == kind]


def _media(context: Context, one: Ours) -> Finding:
    name = f"{one.package.name} {one.package.version or 'of an unknown version'}"
    what = "an FFmpeg" if one.kind == "ffmpeg" else "a library of the FFmpeg build"
    where = f" in {one.place}" if one.place else ""
    return context.finding(
        f"the attached SBOM doesn't name {name}, {what}{where}",
        file=one.place or None,
        evidence=f"{one.kind} {one.id or one.package.name} isn't named",
        fix="Attach what --media-report cyclonedx:FILE writes: oras attach, or cosign attest --type cyclonedx.",
    )


def _packages(context: Context, kind: str, missing: Sequence[Ours]) -> Finding:
    names = sorted({one.package.name for one in missing})
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    many = f"{len(names)} {_KINDS.get(kind, kind)} package{'s' if len(names) != 1 else ''}"
    # What a scanner tells by a program's content differs from release to release of the scanner.
    return context.finding(
        f"the attached SBOM doesn't name {many}: {', '.join(names[:_SHOWN])}{more}",
        severity=Severity.NOTE if kind == "generic" else None,
        evidence=f"{kind}: {', '.join(names)}"[:_LONGEST],
        fix="Make the SBOM from the finished image, in the same run that pushes it, and attach it anew.",
    )
