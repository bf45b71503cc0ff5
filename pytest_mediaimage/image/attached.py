"""What is attached to an image: SBOMs, provenance and signatures, found by what their descriptors say.

Three ways are in use. BuildKit keeps manifests beside the platforms' in the index (moby/buildkit,
docs/attestations/attestation-storage.md); artifacts of OCI 1.1 name the image as their subject, and the registry
lists them (distribution specification, "Listing Referrers"); cosign keeps manifests under tags made of the digest
(sigstore/cosign, specs/SIGNATURE_SPEC.md, ATTESTATION_SPEC.md and SBOM_SPEC.md), and later its bundles as referrers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..errors import CorruptImage
from .blobs import read_document
from .digest import Digest
from .limits import MAX_ATTACHED_LENGTH, MAX_REFERRERS
from .manifest import Descriptor, Manifest
from .offering import Attachments, Offering

SBOM, PROVENANCE, SIGNATURE, OTHER = KINDS = ("sbom", "provenance", "signature", "other")
# https://github.com/in-toto/attestation/tree/main/spec/predicates, and what syft calls its own.
_PREDICATES = {
    "https://spdx.dev/": SBOM,
    "https://cyclonedx.org/": SBOM,
    "https://syft.dev/": SBOM,
    "https://slsa.dev/provenance/": PROVENANCE,
    "https://in-toto.io/Provenance/": PROVENANCE,
}
# In BuildKit's layers, cosign's layers, and cosign's bundles (its BUNDLE_SPEC.md) in turn.
_PREDICATE_KEYS = ("in-toto.io/predicate-type", "predicateType", "dev.sigstore.bundle.predicateType")
_BUNDLE_CONTENT = "dev.sigstore.bundle.content"
_MEDIA_TYPES = {
    "spdx": SBOM,
    "cyclonedx": SBOM,
    "vnd.syft": SBOM,
    "sbom": SBOM,
    "cosign.artifact.sig": SIGNATURE,
    "cosign.simplesigning": SIGNATURE,
    "notary.signature": SIGNATURE,
}
IN_INDEX, AS_REFERRER, BY_TAG = "in the index", "as a referrer", "by cosign's tag"
_COSIGN_TAGS = ("sig", "att", "sbom")
_LONGEST_TAG = 128
_SUBJECT = "vnd.docker.reference.digest"


@dataclass(frozen=True, slots=True)
class Attached:
    """Something attached to `subject`, a manifest or an index.

    `kind` is one of KINDS, `way` one of IN_INDEX, AS_REFERRER and BY_TAG. `artifact` is the manifest that brings it,
    `layer` the part of it that this is, None where it is all of it.
    """

    kind: str
    way: str
    subject: Digest
    artifact: Descriptor
    layer: Descriptor | None = None


def in_index(offering: Offering, image: Digest) -> Iterator[Attached]:
    """What BuildKit keeps for this image. Raises CorruptImage or EnvironmentFault."""
    for descriptor in offering.attestations:
        if descriptor.annotations.get(_SUBJECT) == image:
            manifest = offering.manifest(descriptor)
            yield from _layers(manifest, IN_INDEX, image, descriptor) if manifest else ()


def strays(offering: Offering) -> Iterator[Descriptor]:
    """BuildKit's attestations for images that the index doesn't hold."""
    images = {descriptor.digest for _, descriptor in offering.images}
    for descriptor in offering.attestations:
        if descriptor.annotations.get(_SUBJECT) not in images:
            yield descriptor


def beside(offering: Offering, digest: Digest) -> Iterator[Attached]:
    """What names this manifest or index, in a registry or a layout; nothing where the source has no such thing.

    A registry is asked four or five times, and once more for each artifact that its list doesn't tell the kind of.
    Raises RegistryUnavailable or CorruptImage.
    """
    if offering.attachments is None:
        return
    listed = offering.attachments.referrers(digest)
    if len(listed) > MAX_REFERRERS:
        raise CorruptImage(f"{len(listed)} artifacts are attached, more than {MAX_REFERRERS}", blob=digest)
    for artifact in listed:
        yield Attached(_kind_of_artifact(offering, artifact), AS_REFERRER, digest, artifact)
    yield from _tagged(offering.attachments, digest)


def _tagged(attachments: Attachments, digest: Digest) -> Iterator[Attached]:
    for ending in _COSIGN_TAGS:
        tag = f"{digest.algorithm}-{digest.hex}.{ending}"
        manifest = attachments.tagged(tag) if len(tag) <= _LONGEST_TAG else None
        if manifest is not None:
            artifact = Descriptor(manifest.media_type, manifest.digest, 0)
            yield from _layers(manifest, BY_TAG, digest, artifact, ending)


def _layers(
    manifest: Manifest, way: str, subject: Digest, artifact: Descriptor, ending: str = ""
) -> Iterator[Attached]:
    for layer in manifest.layers:
        yield Attached(kind_of(layer.media_type, layer.annotations, ending), way, subject, artifact, layer)


def _kind_of_artifact(offering: Offering, artifact: Descriptor) -> str:
    """By the list, or else by the artifact's manifest: cosign's list under a tag tells nothing of its bundles, and
    some push an SBOM under an artifact type of their own."""
    kind = kind_of(artifact.artifact_type or artifact.media_type, artifact.annotations)
    if kind != OTHER or any(key in artifact.annotations for key in _PREDICATE_KEYS):
        return kind
    try:
        manifest = offering.manifest(artifact)
    except CorruptImage:
        return OTHER
    if manifest is None:
        return OTHER
    kinds = [kind_of(manifest.artifact_type or manifest.config.media_type, manifest.annotations)]
    kinds += (kind_of(layer.media_type, layer.annotations) for layer in manifest.layers)
    return next((kind for kind in kinds if kind != OTHER), OTHER)


def kind_of(media_type: str, annotations: Mapping[str, str], tag: str = "") -> str:
    """One of KINDS. `tag` is the ending of cosign's tag, where there is one."""
    predicate = next((annotations[key] for key in _PREDICATE_KEYS if key in annotations), "")
    for beginning, kind in _PREDICATES.items():
        if predicate.startswith(beginning):
            return kind
    if predicate:
        return OTHER  # a VEX document, a test report
    if annotations.get(_BUNDLE_CONTENT) == "message-signature":
        return SIGNATURE
    for word, kind in _MEDIA_TYPES.items():
        if word in media_type.lower():
            return kind
    return {"sig": SIGNATURE, "sbom": SBOM}.get(tag, OTHER)


def parts(offering: Offering, attached: Attached) -> Sequence[Descriptor]:
    """The blobs of something attached: of several, those that say that they are of its kind.

    Raises CorruptImage, also where the artifact isn't attached to what it was listed for; or EnvironmentFault.
    """
    if attached.layer is not None:
        return (attached.layer,)
    manifest = offering.manifest(attached.artifact)
    if manifest is None:
        raise CorruptImage("the artifact is listed, but isn't here", blob=attached.artifact.digest)
    if manifest.subject != attached.subject:
        raise CorruptImage(
            f"the artifact is listed for {attached.subject}, but attached to {manifest.subject or 'nothing'}",
            blob=attached.artifact.digest,
        )
    told = [layer for layer in manifest.layers if kind_of(layer.media_type, layer.annotations) == attached.kind]
    return tuple(told or manifest.layers)


def content(offering: Offering, part: Descriptor) -> bytes:
    """One of `parts`, checked. Raises CorruptImage where it isn't what its descriptor says, or longer than
    MAX_ATTACHED_LENGTH bytes; or EnvironmentFault."""
    return read_document(offering.store, part, MAX_ATTACHED_LENGTH)
