"""What is attached to an image: SBOMs, provenance and signatures, by what their descriptors say.

Three ways are in use. BuildKit keeps manifests beside the platforms' in the index (moby/buildkit,
docs/attestations/attestation-storage.md); artifacts of OCI 1.1 name the image as their subject, and the registry
lists them (distribution specification, "Listing Referrers"); cosign keeps manifests under tags made of the digest
(sigstore/cosign, specs/SIGNATURE_SPEC.md, ATTESTATION_SPEC.md and SBOM_SPEC.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...image.digest import Digest
from ...image.manifest import Descriptor
from ...image.offering import Attachments, Offering

KINDS = ("sbom", "provenance", "signature")
_OTHER = "other"
# https://github.com/in-toto/attestation/tree/main/spec/predicates, and what syft calls its own.
_PREDICATES = {
    "https://spdx.dev/": "sbom",
    "https://cyclonedx.org/": "sbom",
    "https://syft.dev/": "sbom",
    "https://slsa.dev/provenance/": "provenance",
    "https://in-toto.io/Provenance/": "provenance",
}
# In BuildKit's layers, cosign's layers, and cosign's bundles (its BUNDLE_SPEC.md) in turn.
_PREDICATE_KEYS = ("in-toto.io/predicate-type", "predicateType", "dev.sigstore.bundle.predicateType")
_BUNDLE_CONTENT = "dev.sigstore.bundle.content"
_MEDIA_TYPES = {
    "spdx": "sbom",
    "cyclonedx": "sbom",
    "vnd.syft": "sbom",
    "cosign.artifact.sbom": "sbom",
    "cosign.artifact.sig": "signature",
    "cosign.simplesigning": "signature",
    "notary.signature": "signature",
}
_COSIGN_TAGS = ("sig", "att", "sbom")
_SUBJECT = "vnd.docker.reference.digest"


@dataclass(frozen=True, slots=True)
class Attached:
    """`kind` is one of KINDS or `other`; `way` says where it was found."""

    kind: str
    way: str


def in_index(offering: Offering, image: Digest) -> Iterator[Attached]:
    """What BuildKit keeps for this image. Raises CorruptImage or EnvironmentFault."""
    for descriptor in offering.attestations:
        if descriptor.annotations.get(_SUBJECT) != image:
            continue
        manifest = offering.manifest(descriptor)
        for layer in manifest.layers if manifest else ():
            yield Attached(kind_of(layer.media_type, layer.annotations), "in the index")


def strays(offering: Offering) -> Iterator[Descriptor]:
    """BuildKit's attestations for images that the index doesn't hold."""
    images = {descriptor.digest for _, descriptor in offering.images}
    for descriptor in offering.attestations:
        if descriptor.annotations.get(_SUBJECT) not in images:
            yield descriptor


def in_registry(attachments: Attachments, digest: Digest) -> Iterator[Attached]:
    """What names this manifest or index, four or five requests. Raises RegistryUnavailable or CorruptImage."""
    for artifact in attachments.referrers(digest):
        yield Attached(kind_of(artifact.artifact_type or artifact.media_type, artifact.annotations), "as a referrer")
    for ending in _COSIGN_TAGS:
        manifest = attachments.tagged(f"{digest.algorithm}-{digest.hex}.{ending}")
        for layer in manifest.layers if manifest else ():
            yield Attached(kind_of(layer.media_type, layer.annotations, ending), "by cosign's tag")


def kind_of(media_type: str, annotations: Mapping[str, str], tag: str = "") -> str:
    """`sbom`, `provenance`, `signature` or `other`. `tag` is the ending of cosign's tag, where there is one."""
    predicate = next((annotations[key] for key in _PREDICATE_KEYS if key in annotations), "")
    for beginning, kind in _PREDICATES.items():
        if predicate.startswith(beginning):
            return kind
    if predicate:
        return _OTHER  # a VEX document, a test report
    if annotations.get(_BUNDLE_CONTENT) == "message-signature":
        return "signature"
    for word, kind in _MEDIA_TYPES.items():
        if word in media_type.lower():
            return kind
    return {"sig": "signature", "sbom": "sbom"}.get(tag, _OTHER)
