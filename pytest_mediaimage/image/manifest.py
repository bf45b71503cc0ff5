"""Descriptor, Index and Manifest: the JSON documents of the OCI image specification, and Docker's twins of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import CorruptImage, InvalidReference
from .digest import Digest, Platform
from .document import array, fields, mapping, parse_document, string
from .limits import MAX_DESCRIPTORS, MAX_DOCUMENT, MAX_LAYERS

__all__ = ["INDEX_TYPES", "MANIFEST_TYPES", "MAX_DOCUMENT", "Descriptor", "Index", "Manifest", "parse_document"]

INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_MANIFEST = (
    *("mediaType", "config", "layers", "annotations", "subject", "artifactType"),
    *("manifests", "fsLayers"),  # of other documents
)
_MALFORMED = (KeyError, TypeError, ValueError, InvalidReference)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What points to a blob: its media type, digest and length in bytes."""

    media_type: str
    digest: Digest
    length: int
    platform: Platform | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    artifact_type: str = ""

    @classmethod
    def from_json(cls, data: Any, *, blob: str) -> Descriptor:
        """`blob` names the document that holds the descriptor, for the error."""
        try:
            own = fields(data, "mediaType", "digest", "size", "platform", "annotations", "artifactType")
            length = own["size"]
            if type(length) is not int or not 0 <= length < 1 << 63:
                raise ValueError(f"size is {length!r}")
            return cls(
                media_type=string(own.get("mediaType")),
                digest=Digest(own["digest"]),
                length=length,
                platform=_platform(own.get("platform")),
                annotations=mapping(own.get("annotations")),
                artifact_type=string(own.get("artifactType")),
            )
        except _MALFORMED as error:
            raise CorruptImage(f"a descriptor is malformed ({_say(error)})", blob=blob) from error

    @property
    def is_index(self) -> bool:
        return self.media_type in INDEX_TYPES

    @property
    def is_attestation(self) -> bool:
        """BuildKit keeps SBOM and provenance in manifests beside the platforms'."""
        return self.annotations.get("vnd.docker.reference.type") == "attestation-manifest" or (
            self.platform is None and "vnd.docker.reference.digest" in self.annotations
        )


def _platform(data: Any) -> Platform | None:
    own = fields(data, "os", "architecture", "variant")
    os, architecture = string(own.get("os")), string(own.get("architecture"))
    if (not os and not architecture) or "unknown" in (os, architecture):
        return None
    return Platform.of(os, architecture, string(own.get("variant")))


def _subject(data: Any, blob: Digest) -> Digest | None:
    return None if data is None else Descriptor.from_json(data, blob=blob).digest


def _say(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)


@dataclass(frozen=True, slots=True)
class Manifest:
    """An image manifest: its configuration and its layers, lowest first.

    `subject` is the manifest or index that this one is attached to, `artifact_type` what it is then.
    """

    digest: Digest
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str]
    subject: Digest | None = None
    artifact_type: str = ""

    @classmethod
    def from_bytes(cls, data: bytes, digest: Digest) -> Manifest:
        """Raises CorruptImage, also for a document that another reader could take for an index."""
        document = parse_document(data, blob=digest)
        try:
            own = fields(document, *_MANIFEST)
            media_type = string(own.get("mediaType")) or MANIFEST_TYPES[0]
            # As containerd since CVE-2021-41190: what a document is must not depend on who reads it.
            if "manifests" in own or media_type in INDEX_TYPES:
                raise ValueError("an index in place of an image manifest")
            if "fsLayers" in own:
                raise ValueError("a manifest of schema 1, which engines no longer read; push the image again")
            if "config" not in own or "layers" not in own:
                raise ValueError("an image manifest needs config and layers")
            layers = array(own["layers"])
            if len(layers) > MAX_LAYERS:
                raise ValueError(f"{len(layers)} layers, more than {MAX_LAYERS}")
            return cls(
                digest=digest,
                media_type=media_type,
                config=Descriptor.from_json(own["config"], blob=digest),
                layers=tuple(Descriptor.from_json(layer, blob=digest) for layer in layers),
                annotations=mapping(own.get("annotations")),
                subject=_subject(own.get("subject"), digest),
                artifact_type=string(own.get("artifactType")),
            )
        except _MALFORMED as error:
            raise CorruptImage(f"the image manifest is malformed: {_say(error)}", blob=digest) from error


@dataclass(frozen=True, slots=True)
class Index:
    """An image index: one manifest per platform, and what else hangs there."""

    manifests: tuple[Descriptor, ...]

    @classmethod
    def from_bytes(cls, data: bytes, blob: str) -> Index:
        """Raises CorruptImage, also for a document that another reader could take for an image manifest."""
        document = parse_document(data, blob=blob)
        try:
            own = fields(document, "mediaType", "manifests", "config", "layers")
            if "config" in own or "layers" in own or string(own.get("mediaType")) in MANIFEST_TYPES:
                raise ValueError("an image manifest in place of an index")
            if "manifests" not in own:
                raise ValueError("an image index needs manifests")
            manifests = array(own["manifests"])
            if len(manifests) > MAX_DESCRIPTORS:
                raise ValueError(f"{len(manifests)} manifests, more than {MAX_DESCRIPTORS}")
            return cls(tuple(Descriptor.from_json(item, blob=blob) for item in manifests))
        except _MALFORMED as error:
            raise CorruptImage(f"the image index is malformed: {_say(error)}", blob=blob) from error
