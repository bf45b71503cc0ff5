"""`oci:DIR`: an OCI image layout, as `docker buildx build --output type=oci,tar=false` or skopeo write it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ...errors import CorruptImage, InvalidReference
from ..blobs import BlobContent, BlobStore, candidates, resolve
from ..digest import Digest, Platform
from ..image import Image
from ..manifest import MAX_DOCUMENT, Descriptor, Index, parse_document
from ..reference import Reference
from .base import NotHere, Opening, local_path

_REF_NAME = "org.opencontainers.image.ref.name"
_CONTAINERD_NAME = "io.containerd.image.name"


@dataclass(frozen=True, slots=True)
class DirectoryBlobs:
    """The `blobs` folder of a layout."""

    root: Path

    def file(self, digest: Digest) -> Path:
        return self.root / "blobs" / digest.algorithm / digest.hex

    def open(self, digest: Digest) -> AbstractContextManager[IO[bytes]]:
        try:
            return self.file(digest).open("rb")
        except FileNotFoundError:
            raise CorruptImage(f"the layout {self.root} lacks this blob", blob=digest) from None
        except OSError as error:
            raise CorruptImage(f"the blob can't be read: {error.strerror}", blob=digest) from error


class BlobSource:
    """A source whose images are documents and layers in a blob store; `find` tells which store, and where to begin."""

    transport: str

    def find(self, reference: Reference) -> tuple[BlobStore, list[Descriptor]]:
        """Raises NotHere, InvalidReference or CorruptImage."""
        raise NotImplementedError

    def open(self, reference: Reference, platform: Platform, opening: Opening) -> Image:
        store, roots = self.find(reference)
        resolved = resolve(store, roots, reference.text, platform)
        return Image(
            reference,
            source=self.transport,
            config=resolved.config,
            content=BlobContent(store),
            cache=opening.cache,
            analysers=opening.analysers,
            manifest=resolved.manifest,
            index_digest=resolved.index,
        )

    def platforms(self, reference: Reference, opening: Opening) -> Sequence[Platform]:
        return [platform for platform, _ in candidates(*self.find(reference))]


class LayoutSource(BlobSource):
    """Reads layouts from a directory."""

    transport = "oci"

    def find(self, reference: Reference) -> tuple[BlobStore, list[Descriptor]]:
        root = local_path(reference)
        if not root.is_dir():
            raise NotHere("it isn't a directory")
        check_layout_marker(_small(root, "oci-layout"))
        return DirectoryBlobs(root), choose_roots(Index.from_bytes(_small(root, "index.json"), "index.json"), reference)


def _small(root: Path, name: str) -> bytes:
    try:
        with (root / name).open("rb") as file:
            return file.read(MAX_DOCUMENT + 1)
    except FileNotFoundError:
        raise NotHere(f"it is a directory, but no OCI image layout (it has no file {name})") from None
    except OSError as error:
        raise NotHere(f"its {name} can't be read: {error.strerror}") from error


def check_layout_marker(data: bytes) -> None:
    """Raises CorruptImage where `oci-layout` names a version that we don't know."""
    version = parse_document(data, blob="oci-layout").get("imageLayoutVersion")
    if not str(version).startswith("1."):
        raise CorruptImage(f"image layout version {version!r} where 1.0.0 is known", blob="oci-layout")


def choose_roots(index: Index, reference: Reference) -> list[Descriptor]:
    """The descriptors of index.json that the reference's tag or digest means; all, where it names none.

    Raises InvalidReference with the names that the layout holds.
    """
    names: dict[Digest, set[str]] = {}
    for d in index.manifests:  # an image with two tags is listed twice
        names.setdefault(d.digest, set()).update(_names(d))
    if reference.digest:
        chosen = [d for d in index.manifests if d.digest == reference.digest]
        wanted = reference.digest
    elif reference.tag:
        chosen = [d for d in index.manifests if reference.tag in names[d.digest]]
        wanted = f"tag {reference.tag!r}"
    else:
        chosen = list(index.manifests)
        tagged = sorted({name for d in chosen for name in names[d.digest]})
        images = {d.digest: d.platform for d in chosen if not d.is_attestation and not d.artifact_type}
        if (len(tagged) > 1 and len(names) > 1) or len(set(images.values())) < len(images):
            example = f":{tagged[0]}" if tagged else f"@{next(iter(images))}"
            raise InvalidReference(
                f"{reference.text} holds several images",
                remedy=f"Name one: {reference.text}{example}, for instance.",
            )
        wanted = "image"
    if not chosen:
        held = ", ".join(sorted({name for d in index.manifests for name in (*names[d.digest], d.digest)})) or "none"
        raise NotHere(f"the layout holds no {wanted}; it holds: {held}")
    return list({d.digest: d for d in chosen}.values())


def _names(descriptor: Descriptor) -> set[str]:
    """Tools write a tag, or the whole reference, in one of two annotations."""
    written = {descriptor.annotations.get(key, "") for key in (_REF_NAME, _CONTAINERD_NAME)} - {""}
    return {name.rpartition(":")[2] if "/" in name or ":" in name else name for name in written}
