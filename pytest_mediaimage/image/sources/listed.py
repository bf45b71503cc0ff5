"""What a layout holds beside its images: artifacts attached to them, by their subject or by a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

from ...errors import CorruptImage
from ..blobs import BlobStore, read_document
from ..digest import Digest
from ..manifest import Descriptor, Index, Manifest
from ..offering import referrers_tag
from .names import names_of, tag_of

# What `cosign save` writes (sigstore/cosign, pkg/oci/layout/write.go).
_KIND = "kind"
_COSIGN = "dev.cosignproject.cosign/"
_ENDINGS = {f"{_COSIGN}sigs": "sig", f"{_COSIGN}atts": "att"}


def is_cosigns(descriptor: Descriptor) -> bool:
    """Whether it is what `cosign save` put beside an image."""
    return descriptor.annotations.get(_KIND) in _ENDINGS


@dataclass(eq=False)
class Listed:
    """The attachments in a layout; `manifests` are those of its index.json.

    `oras` and others list an artifact there like an image; a registry's tags may have become names.
    """

    store: BlobStore
    manifests: Sequence[Descriptor]

    def referrers(self, digest: Digest) -> Sequence[Descriptor]:
        """Raises CorruptImage."""
        found = {item.digest: item for item in self._by_subject.get(digest, ())}
        for descriptor in self._named(referrers_tag(digest)):
            if descriptor.is_index:
                index = Index.from_bytes(read_document(self.store, descriptor), descriptor.digest)
                found |= {item.digest: item for item in index.manifests if item.digest not in found}
        return tuple(found.values())

    def tagged(self, tag: str) -> Manifest | None:
        """Raises CorruptImage."""
        saved = self._saved.get(tag)
        for descriptor in (*self._named(tag), *([saved] if saved else ())):
            if not descriptor.is_index:
                return Manifest.from_bytes(read_document(self.store, descriptor), descriptor.digest)
        return None

    def _named(self, tag: str) -> list[Descriptor]:
        return [item for item in self.manifests if any(tag_of(name) == tag for name in names_of(item))]

    @cached_property
    def _by_subject(self) -> Mapping[Digest, list[Descriptor]]:
        found: dict[Digest, list[Descriptor]] = {}
        for descriptor in self.manifests:
            if descriptor.is_index or descriptor.platform is not None:
                continue
            # The manifest of an image that is damaged is told when that image is read.
            with suppress(CorruptImage):
                manifest = Manifest.from_bytes(read_document(self.store, descriptor), descriptor.digest)
                if manifest.subject is not None:
                    kind = manifest.artifact_type or manifest.config.media_type
                    annotations = {**manifest.annotations, **descriptor.annotations}
                    known = replace(descriptor, artifact_type=kind, annotations=annotations)
                    found.setdefault(manifest.subject, []).append(known)
        return found

    @cached_property
    def _saved(self) -> Mapping[str, Descriptor]:
        """What `cosign save` wrote for its one image, by the tag that it has in a registry."""
        images = [
            item.digest
            for item in self.manifests
            if item.annotations.get(_KIND) in (f"{_COSIGN}image", f"{_COSIGN}imageIndex")
        ]
        if len(images) != 1:
            return {}
        kinds = ((item, _ENDINGS.get(item.annotations.get(_KIND, ""))) for item in self.manifests)
        return {f"{images[0].algorithm}-{images[0].hex}.{ending}": item for item, ending in kinds if ending}
