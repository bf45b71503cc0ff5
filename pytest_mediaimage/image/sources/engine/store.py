"""Images in a Docker Engine that keeps them in containerd: whole, with their indexes, manifests and compressed layers.

There the image ID is the digest of the index or the manifest. The documents are read from containerd's directory where
this process may, or else from what the engine saves, once: they are kept in the cache.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from ....engine.connect import Engine
from ....engine.faults import fault
from ....engine.http import EngineHttp
from ....errors import CorruptImage, EngineUnavailable, PlatformNotFound
from ....storage import write_atomically
from ...blobs import BlobContent, BlobStore, Resolved, candidates, resolve
from ...digest import Digest, Platform
from ...manifest import INDEX_TYPES, MANIFEST_TYPES, MAX_DOCUMENT, Descriptor, parse_document
from ...offering import Offering
from ...reading import Content
from ...reference import Reference
from ..layout import DirectoryBlobs
from .saved import SavedContent
from .saving import Request, Saving, api_path

_SNAPSHOTTER = "io.containerd.snapshotter.v1"
_BLOBS = "io.containerd.content.v1.content"
_CONTAINERD = Path("/var/lib/containerd")
# Engines that know this version tell what an index offers, and save one platform of it.
_PLATFORMS_API = (1, 48)
_DOCUMENTS_LENGTH = 16 * 1024 * 1024


def keeps_whole_images(engine: Engine) -> bool:
    """Whether the engine keeps images in containerd, by the same sign as Docker's own command line."""
    return ["driver-type", _SNAPSHOTTER] in [list(pair) for pair in engine.info.get("DriverStatus") or ()]


class Documents:
    """A blob store of the JSON documents that were found in a saved image."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, bytes] = {}
        with suppress(OSError, ValueError, AttributeError):
            for text in json.loads(file.read_bytes()):
                self._known[_digest(text.encode())] = text.encode()

    def open(self, digest: Digest) -> AbstractContextManager[IO[bytes]]:
        if digest not in self._known:
            raise CorruptImage("the engine lacks this document of the image", blob=digest)
        return io.BytesIO(self._known[digest])

    def file(self, digest: Digest) -> None:
        return None

    def holds(self, digest: Digest) -> bool:
        return digest in self._known

    def length(self, digest: Digest) -> int:
        return len(self._known[digest])

    def read(self, saving: Saving, enough: Callable[[], bool]) -> None:
        """Look for documents in what the engine saves, until they are `enough`; raises EnvironmentFault."""
        before = len(self._known)
        with closing(saving.members()) as members:
            for member, content in members:
                if member.type != "0" or member.stored > MAX_DOCUMENT or content.peek()[:1] != b"{":
                    continue
                data = content.read_all()
                if _is_document(data) and sum(map(len, self._known.values())) + len(data) < _DOCUMENTS_LENGTH:
                    self._known[_digest(data)] = data
                    if enough():
                        break
        if len(self._known) > before:
            write_atomically(self._file, json.dumps([data.decode() for data in self._known.values()]).encode())


class ContainerdBlobs(DirectoryBlobs):
    """The engine's own blobs, read from containerd's directory."""

    def open(self, digest: Digest) -> AbstractContextManager[IO[bytes]]:
        if not self.holds(digest):
            raise EngineUnavailable(
                f"the blob {digest} was removed from the Docker Engine while the image was read",
                remedy="Let nothing prune or replace images during a run, and repeat it.",
            )
        return super().open(digest)

    def holds(self, digest: Digest) -> bool:
        return self.file(digest).is_file()

    def length(self, digest: Digest) -> int:
        return self.file(digest).stat().st_size


class StoredImage:
    """An image, by its ID, in an engine that keeps whole images; for one or more platforms."""

    def __init__(self, engine: Engine, identity: Digest, reference: Reference, cache: Path) -> None:
        self._engine = engine
        self._identity = identity
        self._reference = reference
        self._cache = cache
        self._documents = Documents(cache / "engine" / f"{identity.hex}.documents.json")
        self._blobs = _own_blobs(engine, identity)

    def platforms(self) -> Sequence[Platform]:
        """Those that the engine holds, which may be fewer than the index names."""
        if self._blobs is not None:
            offered: Sequence[Descriptor] | None = self._held(self._blobs)
        else:
            offered = self._told()
        if offered is None:
            self._documents.read(self._saving(None), lambda: False)
            offered = self._held(self._documents)
        return [descriptor.platform for descriptor in offered if descriptor.platform]

    def resolve(self, platform: Platform) -> tuple[Resolved, Content]:
        """The image for `platform`, and its layers. Raises PlatformNotFound, CorruptImage or EnvironmentFault."""
        if self._blobs is not None:
            resolved = self._chosen(self._blobs, self._held(self._blobs), platform)
            if all(self._blobs.holds(layer.digest) for layer in resolved.manifest.layers):
                return resolved, BlobContent(self._blobs)
        told = self._told()
        saving = self._saving(platform if told else None)
        resolved = self._known(told, platform) or self._read(saving, told, platform)
        return resolved, SavedContent(saving, resolved.config, self._cache, resolved.manifest)

    def offering(self) -> Offering | None:
        """What the image's index offers, as far as the engine holds it; None where the index isn't known."""
        store = self._blobs if self._blobs is not None else self._documents
        return Offering(store, [self._root(store)]) if store.holds(self._identity) else None

    def _known(self, told: list[Descriptor] | None, platform: Platform) -> Resolved | None:
        """The image, where its documents are known already. Raises PlatformNotFound where the engine tells that."""
        try:
            return self._chosen(self._documents, self._held(self._documents) if told is None else told, platform)
        except CorruptImage:
            return None
        except PlatformNotFound:
            if told is not None:
                raise
            return None  # what the engine holds is only known at the end of what it saves

    def _read(self, saving: Saving, told: list[Descriptor] | None, platform: Platform) -> Resolved:
        self._documents.read(saving, lambda: self._known(told, platform) is not None)
        return self._chosen(self._documents, self._held(self._documents) if told is None else told, platform)

    def _chosen(self, store: BlobStore, offered: Sequence[Descriptor], platform: Platform) -> Resolved:
        resolved = resolve(store, offered, self._reference.text, platform)
        return replace(resolved, index=None if resolved.manifest.digest == self._identity else self._identity)

    def _held(self, store: Documents | ContainerdBlobs) -> list[Descriptor]:
        """The images below the image ID whose manifests are in the store."""
        if not store.holds(self._identity):
            return []
        return [
            replace(descriptor, platform=platform)
            for platform, descriptor in candidates(store, [self._root(store)])
            if store.holds(descriptor.digest)
        ]

    def _root(self, store: Documents | ContainerdBlobs) -> Descriptor:
        """Of the image ID, whose document is in the store."""
        with store.open(self._identity) as file:
            document = parse_document(file.read(MAX_DOCUMENT + 1), blob=self._identity)
        kind = INDEX_TYPES[0] if "manifests" in document else MANIFEST_TYPES[0]
        return Descriptor(str(document.get("mediaType") or kind), self._identity, store.length(self._identity))

    def _told(self) -> list[Descriptor] | None:
        """The images that the engine says it holds, or None where it is too old to say."""
        if self._engine.api_version < _PLATFORMS_API:
            return None
        try:
            path = f"{api_path(self._engine)}/images/{self._identity}/json"
            told = EngineHttp(self._engine.endpoint).request("GET", path, manifests=1)
        except ValueError:  # over ssh
            return None
        except (OSError, http.client.HTTPException) as error:
            raise fault(f"inspect {self._reference.text}", error) from error
        listed = (told or {}).get("Manifests") or ()
        return [
            replace(Descriptor.from_json(item["Descriptor"], blob=self._identity), platform=_platform(item))
            for item in listed
            if item.get("Available") and item.get("Kind") == "image"
        ]

    def _saving(self, platform: Platform | None) -> Saving:
        query = {}
        if platform is not None:
            os, architecture, *variant = platform.split("/")
            named = {"os": os, "architecture": architecture, **({"variant": variant[0]} if variant else {})}
            query = {"platform": json.dumps(named)}
        request = Request(f"{api_path(self._engine)}/images/{self._identity}/get", query)
        return Saving(self._engine, self._identity, self._reference.text, [request])


def _platform(item: dict[str, Any]) -> Platform:
    told = item["ImageData"]["Platform"]
    return Platform.of(told["os"], told["architecture"], told.get("variant") or "")


def _own_blobs(engine: Engine, identity: Digest) -> ContainerdBlobs | None:
    """containerd's blobs, where the engine is on this machine, has the image there, and this process may read it."""
    if not engine.is_local:
        return None
    for folder in (Path(str(engine.info.get("DockerRootDir") or "")) / "containerd" / "daemon", _CONTAINERD):
        blobs = ContainerdBlobs(folder / _BLOBS)
        if os.access(blobs.file(identity), os.R_OK):
            return blobs
    return None


def _digest(data: bytes) -> Digest:
    return Digest(f"sha256:{hashlib.sha256(data).hexdigest()}")


def _is_document(data: bytes) -> bool:
    """Whether it is an index, a manifest or a configuration, and not an SBOM, say, that lies among them."""
    try:
        return not {"manifests", "layers", "rootfs"}.isdisjoint(json.loads(data.decode()))
    except (ValueError, RecursionError, TypeError):
        return False
