"""What a reference offers besides the image for one platform: the other platforms, attestations, what is attached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from ..errors import CorruptImage, MediaImageError
from .blobs import BlobStore, candidates, load_image, read_document
from .config import Config
from .digest import Digest, Platform
from .limits import MAX_INDEX_DEPTH
from .manifest import Descriptor, Index, Manifest

_LONGEST_TAG = 128


def referrers_tag(digest: Digest) -> str:
    """Where clients keep the list of referrers in a registry that keeps none.

    https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
    """
    return f"{digest.algorithm}-{digest.hex}"[:_LONGEST_TAG]


class Attachments(Protocol):
    """What a registry or a layout keeps beside an image. Each answer may cost a request."""

    def referrers(self, digest: Digest) -> Sequence[Descriptor]:
        """The artifacts that name this manifest or index as their subject. Raises RegistryUnavailable, CorruptImage."""

    def tagged(self, tag: str) -> Manifest | None:
        """The manifest with this tag, None where there is none. Raises RegistryUnavailable, CorruptImage."""


@dataclass(eq=False)
class Offering:
    """Everything below `roots`, read from documents alone, each when it is first asked for.

    `complete` says that the source has to hold everything that the documents name, as a registry has; an archive or
    an engine may hold some platforms of an index only. `attachments` is None where the source has no such thing; a
    layout has one, though what is attached to an image seldom travels with it.
    """

    store: BlobStore
    roots: Sequence[Descriptor]
    complete: bool = False
    attachments: Attachments | None = None

    @property
    def is_index(self) -> bool:
        """Whether an image was chosen from several, or could have been."""
        return len(self.roots) > 1 or self.roots[0].is_index

    @cached_property
    def images(self) -> Sequence[tuple[Platform, Descriptor]]:
        """Every image, once, in the order of the index, with the platform that its descriptor promises."""
        return tuple(candidates(self.store, self.roots))

    @cached_property
    def attestations(self) -> Sequence[Descriptor]:
        """The manifests that BuildKit keeps beside the platforms'; for which image, says their annotation."""
        return tuple(_attestations(self.store, self.roots, 0, set()))

    def documents(self, descriptor: Descriptor) -> tuple[Manifest, Config] | None:
        """Manifest and configuration of one of `images`, None where this source doesn't hold them.

        Raises CorruptImage or EnvironmentFault.
        """
        try:
            return load_image(self.store, descriptor)
        except MediaImageError:
            if self.complete:
                raise
            return None

    def manifest(self, descriptor: Descriptor) -> Manifest | None:
        """The manifest of one of `attestations`, or of what is attached otherwise; as `documents`."""
        try:
            return Manifest.from_bytes(read_document(self.store, descriptor), descriptor.digest)
        except MediaImageError:
            if self.complete:
                raise
            return None


def _attestations(
    store: BlobStore, descriptors: Sequence[Descriptor], depth: int, seen: set[Digest]
) -> Iterator[Descriptor]:
    for descriptor in descriptors:
        if descriptor.digest in seen:
            continue
        seen.add(descriptor.digest)
        if descriptor.is_attestation:
            yield descriptor
        elif descriptor.is_index:
            if depth >= MAX_INDEX_DEPTH:
                raise CorruptImage(f"indexes nested more than {MAX_INDEX_DEPTH} deep", blob=descriptor.digest)
            index = Index.from_bytes(read_document(store, descriptor), descriptor.digest)
            yield from _attestations(store, index.manifests, depth + 1, seen)
