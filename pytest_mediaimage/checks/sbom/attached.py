"""`sbom.attached`: is an SBOM attached to the image, and can it be read."""

from __future__ import annotations

from collections.abc import Iterator

from ...result import Finding, Severity
from ..context import Context
from ..registry import check
from .found import AttachedSbom, AttachedSboms, required

_ATTACH = "Build with --attest type=sbom (docker buildx), or attach one: oras attach, cosign attest."
_NAMES = {"cyclonedx": "CycloneDX", "spdx": "SPDX"}


@check(
    "sbom.attached",
    fails="an image without an attached SBOM, one that can't be read, or none in a format of `sbom.formats`",
    why="Who has the image and a question about a library in it looks for the SBOM by the image's digest.",
)
def attached(context: Context) -> Iterator[Finding]:
    found = required(context)
    formats = context.policy.sbom_formats
    context.measure(_told(found), budget=" or ".join(_NAMES[name] for name in formats) or None)
    for sbom in found.sboms:
        if sbom.opened is None:
            yield context.finding(
                f"{sbom.name} can't be read: {sbom.problem}",
                evidence=f"unreadable {sbom.part.media_type}: {sbom.problem}",
                fix="Attach it again, as CycloneDX JSON or SPDX JSON, and take this one away.",
            )
    asked = bool(context.policy.sbom_attached or formats)
    if not found.sboms and (asked or context.policy.sbom_attached is None):
        yield context.finding(
            f"no SBOM is attached to {context.image.digest}",
            severity=None if asked else Severity.NOTE,
            evidence="no SBOM",
            fix=_ATTACH,
        )
    held = {_format(sbom) for sbom in found.readable}
    if formats and held and not held & set(formats):
        yield context.finding(
            f"the attached SBOM is {_joined(held)}, where {_joined(formats)} is asked for",
            evidence=f"formats {', '.join(sorted(held))}",
            fix=f"Attach one in {_joined(formats)} JSON beside it (syft scan -o {formats[0]}-json, oras attach).",
        )


def _format(sbom: AttachedSbom) -> str:
    assert sbom.opened is not None
    return sbom.opened.document.format.lower()


def _joined(formats: set[str] | tuple[str, ...]) -> str:
    return " or ".join(_NAMES.get(name, name) for name in sorted(formats))


def _told(found: AttachedSboms) -> str:
    parts = []
    for sbom in found.sboms:
        if sbom.opened is None:
            parts.append(f"unreadable {sbom.attached.way}")
        else:
            document = sbom.opened.document
            packages = f"{len(document.packages)} package{'s' if len(document.packages) != 1 else ''}"
            parts.append(f"{document.format} {document.spec_version} {sbom.attached.way} ({packages})")
    if found.left_out:
        parts.append(f"{found.left_out} more that weren't opened")
    return ", ".join(parts) or "none"
