"""`registry:NAME`: an image in a registry, its layers read as they come over the network."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, cast

from ...errors import CorruptImage
from ..blobs import BlobStore
from ..digest import Digest, Platform
from ..image import Image
from ..limits import MAX_ATTACHED_LENGTH
from ..manifest import INDEX_TYPES, MANIFEST_TYPES, MAX_DOCUMENT, Descriptor, Index, Manifest, parse_document
from ..offering import Offering, referrers_tag
from ..reference import Reference
from ..registry.blob_cache import BlobCache
from ..registry.client import Missing, RegistryClient
from ..registry.download import Download
from ..registry.repository import Repository
from ..registry.stream import ReadStream
from .base import NotHere, Opening
from .layout import BlobSource

_IMAGE_ID = re.compile(r"[0-9a-f]{64}")
_LAYER = re.compile(r"\btar\b")


class RegistrySource(BlobSource):
    """Reads images from a registry. Raises UsageError, too, for files of credentials that can't be read."""

    transport = "registry"

    def open(self, reference: Reference, platform: Platform, opening: Opening) -> Image:
        return self.image(reference, *_look_up(reference, opening), platform, opening)

    def platforms(self, reference: Reference, opening: Opening) -> Sequence[Platform]:
        return self.platforms_in(*_look_up(reference, opening))

    def offering(self, store: BlobStore, roots: Sequence[Descriptor]) -> Offering:
        assert isinstance(store, RegistryBlobs)
        return Offering(store, roots, complete=True, attachments=store)


def _look_up(reference: Reference, opening: Opening) -> tuple[BlobStore, list[Descriptor]]:
    if _IMAGE_ID.fullmatch(reference.location):
        raise NotHere("64 hexadecimal digits are the ID of an image in an engine, and no repository's name")
    cache = BlobCache(opening.cache / "blobs")
    blobs = RegistryBlobs(RegistryClient(Repository.of(reference)), cache, keep=opening.keep_blobs)
    return blobs, [blobs.root(reference)]


class RegistryBlobs:
    """The blobs of one repository. Those that the cache holds are read from there, and never over the network.

    Documents are always kept in the cache, and what is attached; layers where `keep` says so. Safe among threads.
    """

    def __init__(self, client: RegistryClient, cache: BlobCache, *, keep: bool) -> None:
        self._client = client
        self._cache = cache
        self._keep = keep
        # What the documents read so far say: manifests live at an address of their own, lengths are checked early.
        self._manifests: set[Digest] = set()
        self._configs: set[Digest] = set()
        self._lengths: dict[Digest, int] = {}
        self._parts: set[Digest] = set()
        """What artifacts hold, which the next run reads again."""

    def root(self, reference: Reference) -> Descriptor:
        """What the reference means: the digest where it has one, else the tag. Raises NotHere."""
        digest = Digest(reference.digest) if reference.digest else None
        tag = reference.tag or "latest"
        try:
            # Registries that count pulls count no HEAD; the document itself may be known from the last run.
            known = digest or self._client.digest_of(tag)
            data = self._cached(known) if known else None
            if data is None or known is None:
                document = self._client.document(digest or tag)
                known, data = document.digest, document.data
                self._cache.store(known, data)
        except Missing as reason:
            raise NotHere(str(reason)) from None
        self._manifests.add(known)
        return describe(data, known)

    @contextmanager
    def open(self, digest: Digest) -> Iterator[IO[bytes]]:
        """Raises CorruptImage, RegistryUnavailable."""
        if digest in self._manifests or digest in self._configs:
            yield io.BytesIO(self._document(digest))
            return
        file = self._open_cached(digest)
        with closing(file if file is not None else self._download(digest)) as stream:
            yield cast(IO[bytes], stream)

    def file(self, digest: Digest) -> Path | None:
        return self._cache.find(digest)

    def referrers(self, digest: Digest) -> Sequence[Descriptor]:
        """The artifacts that name this manifest or index as their subject. Raises RegistryUnavailable, CorruptImage.

        Where the registry has no such list, that which clients keep under a tag instead:
        https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
        """
        pages = self._client.referrers(digest)
        if pages is None:
            try:
                pages = [self._client.document(referrers_tag(digest)).data]
            except Missing:
                return ()
            if not describe(pages[0], digest).is_index:
                return ()  # cosign's signatures once had a tag of that kind
        found = [item for page in pages for item in Index.from_bytes(page, f"referrers of {digest}").manifests]
        self._manifests.update(item.digest for item in found)
        return found

    def tagged(self, tag: str) -> Manifest | None:
        """The manifest with this tag, None where there is none. Raises RegistryUnavailable, CorruptImage."""
        try:
            document = self._client.document(tag)
        except Missing:
            return None
        self._manifests.add(document.digest)
        self._learn(document.data, document.digest)
        return Manifest.from_bytes(document.data, document.digest)

    def _open_cached(self, digest: Digest) -> IO[bytes] | None:
        path = self._cache.find(digest)
        try:
            return path.open("rb") if path is not None else None
        except OSError:  # another run may have pruned it
            return None

    def _cached(self, digest: Digest) -> bytes | None:
        file = self._open_cached(digest)
        if file is None:
            return None
        with file:
            return file.read(MAX_DOCUMENT + 1)

    def _download(self, digest: Digest) -> ReadStream:
        length = self._lengths.get(digest)
        download = Download(self._client, digest, length)
        return self._cache.keeping(download, digest, length) if self._keep or digest in self._parts else download

    def _document(self, digest: Digest) -> bytes:
        data = self._cached(digest)
        if data is None:
            data = self._fetch_document(digest)
        if digest in self._manifests:
            self._learn(data, digest)
        return data

    def _fetch_document(self, digest: Digest) -> bytes:
        if digest in self._manifests:
            try:
                data = self._client.document(digest).data
            except Missing as reason:
                raise CorruptImage(str(reason), blob=digest, remedy="Push the image again.") from None
        else:
            with closing(Download(self._client, digest, self._lengths.get(digest))) as stream:
                pieces = io.BytesIO()
                while pieces.tell() <= MAX_DOCUMENT and (piece := stream.read(MAX_DOCUMENT)):
                    pieces.write(piece)
                data = pieces.getvalue()
        if hashlib.new(digest.algorithm, data).hexdigest() == digest.hex:
            self._cache.store(digest, data)
        return data

    def _learn(self, data: bytes, digest: Digest) -> None:
        """What a manifest or an index points to. Raises CorruptImage."""
        if describe(data, digest).is_index:
            children = Index.from_bytes(data, digest).manifests
            self._manifests.update(child.digest for child in children)
        else:
            manifest = Manifest.from_bytes(data, digest)
            self._configs.add(manifest.config.digest)
            children = (manifest.config, *manifest.layers)
            self._parts.update(
                part.digest
                for part in manifest.layers
                if not _LAYER.search(part.media_type) and part.length <= MAX_ATTACHED_LENGTH
            )
        self._lengths.update((child.digest, child.length) for child in children)


def describe(data: bytes, digest: Digest) -> Descriptor:
    """The descriptor of a manifest or index. Raises CorruptImage for what is neither, or both."""
    document = parse_document(data, blob=digest)
    if document.get("schemaVersion") == 1:
        raise CorruptImage(
            "a manifest of Docker's schema 1, which is no longer read",
            blob=digest,
            remedy="Push the image again with a current builder, or convert it with `skopeo copy`.",
        )
    media_type = str(document.get("mediaType") or "")
    is_index, is_manifest = "manifests" in document, "layers" in document
    if (
        is_index == is_manifest
        or (media_type in INDEX_TYPES and is_manifest)
        or (media_type in MANIFEST_TYPES and is_index)
    ):
        # https://github.com/opencontainers/distribution-spec/security/advisories/GHSA-mc8v-mgrf-8f4m
        kind = f"a document of type {media_type[:100]!r}" if media_type else "a document"
        what = "both an index and a manifest" if is_index or is_manifest else "neither an index nor a manifest"
        raise CorruptImage(f"{kind} that is {what} of an image", blob=digest)
    return Descriptor(
        media_type=media_type or (INDEX_TYPES if is_index else MANIFEST_TYPES)[0],
        digest=digest,
        length=len(data),
        artifact_type=str(document.get("artifactType") or ""),
    )
