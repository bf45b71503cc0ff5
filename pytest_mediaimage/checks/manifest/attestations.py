"""`manifest.attestations`: are an SBOM, provenance or a signature attached to the image that is deployed."""

from __future__ import annotations

from collections.abc import Iterator

from ...image.digest import Digest
from ...result import Finding, Severity
from ..context import Context
from ..registry import check
from .attached import KINDS, Attached, in_index, in_registry, strays
from .words import LISTED, LOCAL

_NAMES = {"sbom": "SBOM", "provenance": "provenance", "signature": "signature"}
_FIXES = {
    "sbom": "Build with --attest type=sbom (docker buildx), or attach one: cosign attest.",
    "provenance": "Build with --attest type=provenance,mode=max (docker buildx), or attach it: cosign attest.",
    "signature": "Sign the digest that was pushed: cosign sign NAME@sha256:...",
}


@check(
    "manifest.attestations",
    fails="an SBOM, provenance or signature of `image.attestations` that isn't attached to the image",
    why="What a deployment's gate or an auditor asks for is looked up by the image's digest, years later.",
)
def attestations(context: Context) -> Iterator[Finding]:
    offering = context.image.offering
    wanted = context.policy.image_attestations
    if offering is None or (not offering.is_index and offering.attachments is None):
        context.skip(f"this source keeps no attestations beside the image; name it in its registry, or {LOCAL}")
    image = context.image.digest
    found = list(in_index(offering, image))
    # Each subject costs four requests: they are made where somebody asks, and only while something is missing.
    for digest in _subjects(context) if wanted else ():
        if offering.attachments is not None and not set(wanted) <= {item.kind for item in found}:
            found += in_registry(offering.attachments, digest)
    context.measure(_told(found), budget=", ".join(wanted) or None)
    for kind in dict.fromkeys(wanted):
        if kind not in {item.kind for item in found}:
            yield context.finding(f"no {_NAMES[kind]} is attached to {image}", evidence=kind, fix=_FIXES[kind])
    for descriptor in list(strays(offering))[:LISTED]:
        subject = descriptor.annotations.get("vnd.docker.reference.digest") or "no image"
        yield context.finding(
            f"the index holds attestations for {subject[:80]}, which isn't among its images",
            severity=Severity.WARNING,
            evidence="attestations of another image",
            fix="Let buildx write the index in one build, or copy images with their attestations (--all).",
        )


def _subjects(context: Context) -> tuple[Digest, ...]:
    """What signers name: the platform's manifest, and the index that it stands in."""
    index = context.image.index_digest
    return (context.image.digest, *([index] if index else []))


def _told(found: list[Attached]) -> str:
    parts = []
    for kind in (*KINDS, "other"):
        ways = list(dict.fromkeys(item.way for item in found if item.kind == kind))
        if ways:
            parts.append(f"{_NAMES.get(kind, kind)} {' and '.join(ways)}")
    return ", ".join(parts) or "none"
