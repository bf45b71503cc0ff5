"""Descriptor, Index and Manifest: the JSON documents of the OCI image specification, and Docker's twins of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import CorruptImage, InvalidReference
from .digest import Digest, Platform

# The distribution specification lets a registry refuse manifests over 4 MiB; nobody writes larger ones.
MAX_DOCUMENT = 4 * 1024 * 1024

INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


def parse_document(data: bytes, *, blob: str) -> dict[str, Any]:
    """A JSON object from untrusted bytes. Raises CorruptImage where it isn't one."""
    if len(data) > MAX_DOCUMENT:
        raise CorruptImage(f"the document is larger than {MAX_DOCUMENT} bytes", blob=blob)
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CorruptImage(f"no valid JSON: {error}", blob=blob) from error
    if not isinstance(document, dict):
        raise CorruptImage("the JSON document is no object", blob=blob)
    return document


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
            length = data["size"]
            if type(length) is not int or length < 0:
                raise ValueError(f"size is {length!r}")
            return cls(
                media_type=str(data.get("mediaType", "")),
                digest=Digest(data["digest"]),
                length=length,
                platform=_platform(data.get("platform")),
                annotations={str(k): str(v) for k, v in (data.get("annotations") or {}).items()},
                artifact_type=str(data.get("artifactType", "")),
            )
        except (KeyError, TypeError, ValueError, AttributeError, InvalidReference) as error:
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
    if not data or data.get("os") == "unknown":
        return None
    return Platform.of(data["os"], data["architecture"], data.get("variant") or "")


def _say(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)


@dataclass(frozen=True, slots=True)
class Manifest:
    """An image manifest: its configuration and its layers, lowest first."""

    digest: Digest
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str]

    @classmethod
    def from_bytes(cls, data: bytes, digest: Digest) -> Manifest:
        document = parse_document(data, blob=digest)
        if not isinstance(document.get("layers"), list) or "config" not in document:
            raise CorruptImage("an image manifest needs config and layers", blob=digest)
        annotations = document.get("annotations") or {}
        if not isinstance(annotations, dict):
            raise CorruptImage("the annotations of an image manifest are a mapping", blob=digest)
        return cls(
            digest=digest,
            media_type=str(document.get("mediaType", MANIFEST_TYPES[0])),
            config=Descriptor.from_json(document["config"], blob=digest),
            layers=tuple(Descriptor.from_json(layer, blob=digest) for layer in document["layers"]),
            annotations={key: str(value) for key, value in annotations.items()},
        )


@dataclass(frozen=True, slots=True)
class Index:
    """An image index: one manifest per platform, and what else hangs there."""

    manifests: tuple[Descriptor, ...]

    @classmethod
    def from_bytes(cls, data: bytes, blob: str) -> Index:
        document = parse_document(data, blob=blob)
        manifests = document.get("manifests")
        if not isinstance(manifests, list):
            raise CorruptImage("an image index needs manifests", blob=blob)
        return cls(tuple(Descriptor.from_json(item, blob=blob) for item in manifests))
