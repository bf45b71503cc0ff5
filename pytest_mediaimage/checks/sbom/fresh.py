"""`sbom.fresh`: is the attached SBOM about this image, or about an earlier one."""

from __future__ import annotations

from collections.abc import Iterator

from ...result import Finding, Severity
from ..context import Context
from ..registry import check
from .found import AttachedSbom, own_digests, readable

_SHOWN = 5
_FIX = "Make the SBOM from the image that is pushed, in the same run, and attach it to that digest."


@check(
    "sbom.fresh",
    fails="an attached SBOM that is about another image, or lists other versions than the image has",
    why="An SBOM of last month's build answers every question wrongly, and nobody notices.",
)
def fresh(context: Context) -> Iterator[Finding]:
    from ...sbom.comparing import Theirs, differing, ours

    sboms = readable(context)
    found = list(ours(context.subject.sbom()))
    told = []
    for sbom in sboms:
        assert sbom.opened is not None
        other = list(differing(found, Theirs.of([sbom.opened.document])))
        told.append(f"{_about(context, sbom)}, {len(other) or 'no'} version{'s' if len(other) != 1 else ''} differ")
        yield from _subject(context, sbom, stale=bool(other))
        if other:
            examples = ", ".join(f"{one.name} {one.theirs} (image: {one.ours})" for one in other[:_SHOWN])
            more = f" and {len(other) - _SHOWN} more" if len(other) > _SHOWN else ""
            yield context.finding(
                f"{sbom.name} lists other versions than the image has: {examples}{more}",
                severity=Severity.WARNING,
                evidence=f"other versions of {', '.join(sorted(f'{one.kind} {one.name}' for one in other))}",
                fix=_FIX,
            )
    context.measure("; ".join(dict.fromkeys(told)))


def _about(context: Context, sbom: AttachedSbom) -> str:
    told = sbom.digests()
    if not told:
        return "names no image"
    return "about this image" if told & own_digests(context.image) else "about another image"


def _subject(context: Context, sbom: AttachedSbom, *, stale: bool) -> Iterator[Finding]:
    assert sbom.opened is not None
    told = sbom.digests()
    if told & own_digests(context.image):
        return
    if sbom.opened.stated:
        yield context.finding(
            f"{sbom.name} is about {', '.join(sorted(told)[:_SHOWN])}, not {sbom.attached.subject}, which it hangs on",
            evidence="the statement's subject is another image",
            fix=_FIX,
        )
    elif told:
        # A scanner that looked into an engine before the push, or into a layout, saw other digests of the same image.
        yield context.finding(
            f"{sbom.name} was made of {', '.join(sorted(told)[:_SHOWN])}, not of {sbom.attached.subject}",
            severity=Severity.WARNING if stale else Severity.NOTE,
            evidence="the document's subject is another image",
            fix=_FIX,
        )
