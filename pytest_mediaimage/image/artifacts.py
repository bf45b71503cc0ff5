"""Files kept as OCI artifacts in a registry, as ORAS pushes them: `oras:NAME@sha256:...`, or `...#FILE` of several."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path

from ..errors import CorruptImage, ImageNotFound, InvalidReference, StorageFault
from ..storage import storage_faults
from .digest import Digest
from .manifest import Descriptor, Manifest
from .reference import Reference
from .registry.blob_cache import BlobCache
from .registry.client import RegistryClient
from .registry.repository import Repository
from .sources.base import NotHere
from .sources.registry import RegistryBlobs

PREFIX = "oras:"
LARGEST = 4 * 10**9
"""Bytes of one file: more is a film, not a sample."""
_TITLE = "org.opencontainers.image.title"
"""Where ORAS keeps a file's name: https://github.com/opencontainers/image-spec/blob/main/annotations.md"""
_NAME = re.compile(r"[\w][\w. +-]{0,199}")
_READ = 1024 * 1024


def fetch(text: str, cache: Path) -> Path:
    """The file of an artifact, fetched once, verified by its digest, and kept below `cache` under its own name.

    Raises InvalidReference where it isn't pinned by digest or names no such file, ImageNotFound, CorruptImage, or an
    EnvironmentFault.
    """
    name, _, wanted = text.removeprefix(PREFIX).partition("#")
    reference = Reference.parse(f"registry:{name}")
    if not reference.digest:
        raise InvalidReference(
            f"{text} isn't pinned: what a tag means can change, and golden values with it",
            remedy=f"Write {PREFIX}{name.rpartition(':')[0] or name}@sha256:..., the digest that `oras push` printed.",
        )
    blobs = RegistryBlobs(RegistryClient(Repository.of(reference)), BlobCache(cache / "blobs"), keep=True)
    try:
        root = blobs.root(reference)
    except NotHere as reason:
        raise ImageNotFound(text, [("registry", str(reason))], what="sample") from None
    if root.is_index:
        raise InvalidReference(f"{text} is an index, and no artifact", remedy="Name one of its manifests.")
    with blobs.open(root.digest) as stream:
        manifest = Manifest.from_bytes(stream.read(), root.digest)
    file, title = _chosen(manifest, text, wanted)
    return _named(_kept(blobs, file, cache), cache / "artifacts" / file.digest.hex, title)


def _chosen(manifest: Manifest, text: str, wanted: str) -> tuple[Descriptor, str]:
    files = {layer.annotations.get(_TITLE, "").rpartition("/")[2]: layer for layer in manifest.layers}
    there = ", ".join(sorted(name for name in files if name)[:20]) or "none with a name"
    if wanted not in files and (wanted or len(manifest.layers) != 1):
        raise InvalidReference(
            f"{text}: " + (f"the artifact has no file {wanted!r}" if wanted else f"it has {len(files)} files"),
            remedy=f"Write {PREFIX}NAME@DIGEST#FILE; its files: {there}.",
        )
    title, layer = (wanted, files[wanted]) if wanted else next(iter(files.items()))
    if layer.length > LARGEST:
        raise CorruptImage(f"a sample of {layer.length} bytes, more than {LARGEST}", blob=layer.digest)
    return layer, title if _NAME.fullmatch(title) else "artifact"


def _kept(blobs: RegistryBlobs, file: Descriptor, cache: Path) -> Path:
    """The blob's file in the cache. Raises CorruptImage for another digest or length, StorageFault."""
    found = blobs.file(file.digest)
    if found is not None:
        return found
    digest, length = hashlib.new(file.digest.algorithm), 0
    with blobs.open(file.digest) as stream:
        while data := stream.read(_READ):
            digest.update(data)
            length += len(data)
            if length > file.length:
                break
    if Digest(f"{file.digest.algorithm}:{digest.hexdigest()}") != file.digest:
        raise CorruptImage(
            "the registry sends another file than the artifact's manifest names",
            blob=file.digest,
            remedy="The registry, or a proxy before it, is at fault: push the artifact again.",
        )
    found = blobs.file(file.digest)
    if found is None:
        raise StorageFault(f"the sample can't be kept in {cache}", remedy="Free some space, or pass --media-cache DIR.")
    return found


def _named(blob: Path, folder: Path, title: str) -> Path:
    """The blob under the file's own name: tools go by suffixes."""
    target = folder / title
    if target.is_file() and target.stat().st_size == blob.stat().st_size:
        return target
    with storage_faults(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = folder / f".{os.getpid()}.partial"
        partial.unlink(missing_ok=True)
        try:
            os.link(blob, partial)
        except OSError:  # a file system without hard links
            shutil.copyfile(blob, partial)
        partial.replace(target)
    return target
