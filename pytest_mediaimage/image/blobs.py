"""Blob stores, and how the image for one platform is found in them."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from ..errors import CorruptImage, PlatformNotFound
from .config import Config
from .digest import Digest, Platform
from .layer import Layer
from .layer_stream import LayerStream
from .limits import MAX_INDEX_DEPTH
from .manifest import MAX_DOCUMENT, Descriptor, Index, Manifest, parse_document

_STATEMENT = "application/vnd.in-toto+json"


class BlobStore(Protocol):
    """Content by digest."""

    def open(self, digest: Digest) -> AbstractContextManager[IO[bytes]]:
        """Raises CorruptImage where there is no such blob."""

    def file(self, digest: Digest) -> Path | None:
        """The file that holds just this blob, or None where there is none."""


def read_document(
    store: BlobStore, descriptor: Descriptor, limit: int = MAX_DOCUMENT, *, what: str = "the document", remedy: str = ""
) -> bytes:
    """A small blob, checked. Raises CorruptImage where it isn't what its descriptor says, or is longer than `limit`.

    `what` names it for that, and `remedy` tells what makes it shorter.
    """
    if descriptor.length > limit:
        raise CorruptImage(
            f"{what} has {descriptor.length} bytes, where at most {limit} are read",
            blob=descriptor.digest,
            remedy=remedy,
        )
    pieces = io.BytesIO()
    with store.open(descriptor.digest) as file:
        while (left := descriptor.length + 1 - pieces.tell()) and (piece := file.read(left)):
            pieces.write(piece)
    data = pieces.getvalue()
    if len(data) != descriptor.length:
        raise CorruptImage(f"its length isn't {descriptor.length} bytes as its descriptor says", blob=descriptor.digest)
    actual = f"{descriptor.digest.algorithm}:{hashlib.new(descriptor.digest.algorithm, data).hexdigest()}"
    if actual != descriptor.digest:
        raise CorruptImage(
            f"the blob is damaged: its content has the digest {actual}",
            blob=descriptor.digest,
            remedy="Build or copy the image again.",
        )
    return data


@dataclass(frozen=True, slots=True)
class BlobContent:
    """Layers that lie in a blob store, each of them compressed as it travels."""

    store: BlobStore

    @contextmanager
    def open_layer(self, layer: Layer) -> Iterator[LayerStream]:
        assert layer.descriptor is not None
        digest = layer.descriptor.digest
        check_readable(layer.descriptor)
        with (
            self._open(layer.descriptor) as file,
            LayerStream(
                file,
                where=f"layer {layer.index + 1} ({digest[:19]})",
                compressed=(digest, layer.descriptor.length),
                diff_id=layer.diff_id,
            ) as stream,
        ):
            yield stream

    def _open(self, descriptor: Descriptor) -> AbstractContextManager[IO[bytes]]:
        try:
            return self.store.open(descriptor.digest)
        except CorruptImage as error:
            if not _FOREIGN.search(descriptor.media_type):
                raise
            raise CorruptImage(
                f"a layer that may not be distributed, and isn't here: {error.message}",
                remedy="Copy the image with it, or fetch it from where its descriptor says.",
            ) from error


# Windows' base layers, which only their maker hands out (media-types of Docker, and of OCI up to 1.1).
_FOREIGN = re.compile(r"\.(?:foreign|nondistributable)\.")


def check_readable(descriptor: Descriptor) -> None:
    """Raises CorruptImage for a layer of which its descriptor says that it is no tar, or a secret one."""
    if "nydus" in descriptor.media_type or any("/nydus-" in key for key in descriptor.annotations):
        raise CorruptImage(
            "a nydus layer is no tar and can't be read",
            blob=descriptor.digest,
            remedy="Test the image that it was converted from.",
        )
    if descriptor.media_type.endswith("+encrypted"):
        raise CorruptImage(
            "the layer is encrypted",
            blob=descriptor.digest,
            remedy="Test the image before it is encrypted, or decrypt it with skopeo copy --decryption-key.",
        )


@dataclass(frozen=True, slots=True)
class Resolved:
    """The image for one platform. `index` is the digest of the index it was chosen from, where there was one."""

    manifest: Manifest
    config: Config
    index: Digest | None


def candidates(store: BlobStore, roots: Sequence[Descriptor]) -> Iterator[tuple[Platform, Descriptor]]:
    """Every image below `roots`, once, with its platform: indexes are opened, attestations left out."""
    return _candidates(store, roots, 0, set())


def _candidates(
    store: BlobStore, roots: Sequence[Descriptor], depth: int, seen: set[tuple[Digest, Platform | None]]
) -> Iterator[tuple[Platform, Descriptor]]:
    # What hangs beside images, such as an index for lazy pulls, is no image to choose.
    for descriptor in [root for root in roots if not root.artifact_type] or roots:
        # Indexes that name each other's children over and over would never end.
        known = (descriptor.digest, None if descriptor.is_index else descriptor.platform)
        if descriptor.is_attestation or known in seen:
            continue
        seen.add(known)
        if descriptor.is_index:
            if depth >= MAX_INDEX_DEPTH:
                raise CorruptImage(f"indexes nested more than {MAX_INDEX_DEPTH} deep", blob=descriptor.digest)
            index = Index.from_bytes(read_document(store, descriptor), descriptor.digest)
            yield from _candidates(store, index.manifests, depth + 1, seen)
        elif descriptor.platform is not None:
            yield descriptor.platform, descriptor
        else:
            yield load_image(store, descriptor)[1].platform, descriptor


def resolve(store: BlobStore, roots: Sequence[Descriptor], reference: str, platform: Platform) -> Resolved:
    """The image for `platform`: of several for just that one the first, as containerd chooses.

    Raises PlatformNotFound, never guesses another; CorruptImage where a document can't be read.
    """
    found = list(candidates(store, roots))
    for offered, descriptor in found:
        if offered == platform:
            manifest, config = load_image(store, descriptor)
            index = roots[0].digest if len(roots) == 1 and roots[0].is_index else None
            return Resolved(manifest, config, index)
    raise PlatformNotFound(reference, platform, sorted({str(offered) for offered, _ in found}))


def load_image(store: BlobStore, descriptor: Descriptor) -> tuple[Manifest, Config]:
    """The documents of an image. Raises CorruptImage, also for an artifact that is no container image."""
    manifest = Manifest.from_bytes(read_document(store, descriptor), descriptor.digest)
    data = read_document(
        store,
        manifest.config,
        what="the image configuration",
        remedy="Put less into labels, variables and instructions; engines read no longer one.",
    )
    # BuildKit's attestations have a configuration like an image's.
    statements = bool(manifest.layers) and all(layer.media_type == _STATEMENT for layer in manifest.layers)
    if statements or "rootfs" not in parse_document(data, blob=manifest.config.digest):
        kind = descriptor.artifact_type or manifest.artifact_type
        kind = kind or (_STATEMENT if statements else manifest.config.media_type)
        raise CorruptImage(
            f"an artifact of type {kind}, not a container image",
            blob=descriptor.digest,
            remedy="Name a container image: what was pushed beside one, a chart or an SBOM, can't be tested.",
        )
    config = Config.from_bytes(data, manifest.config.digest)
    if len(config.diff_ids) != len(manifest.layers):
        raise CorruptImage(
            f"the manifest has {len(manifest.layers)} layers, the configuration {len(config.diff_ids)} diffIDs",
            blob=descriptor.digest,
        )
    return manifest, config
