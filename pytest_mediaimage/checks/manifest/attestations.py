"""`manifest.attestations`: are an SBOM, provenance or a signature attached to the image that is deployed."""

from __future__ import annotations

from collections.abc import Iterator

from ...image.attached import KINDS, Attached, beside, in_index, strays
from ...image.digest import Digest
from ...result import Finding, Severity
from ..context import Context
from ..registry import check
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
    found = [] if offering is None else list(in_index(offering, context.image.digest))
    # Each subject costs four requests: they are made where somebody asks, and only while something is missing.
    for digest in _subjects(context) if wanted else ():
        if offering is not None and not set(wanted) <= {item.kind for item in found}:
            found += beside(offering, digest)
    # What hangs on an image in its registry seldom travels into a layout: there its absence says nothing.
    if offering is None or not (found or offering.is_index or offering.complete):
        context.skip(f"this source keeps no attestations beside the image; name it in its registry, or {LOCAL}")
    image = context.image.digest
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
    for kind in KINDS:
        ways = list(dict.fromkeys(item.way for item in found if item.kind == kind))
        if ways:
            parts.append(f"{_NAMES.get(kind, kind)} {' and '.join(ways)}")
    return ", ".join(parts) or "none"
