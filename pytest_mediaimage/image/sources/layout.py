"""`oci:DIR`: an OCI image layout, as `docker buildx build --output type=oci,tar=false` or skopeo write it."""

from __future__ import annotations

import errno
import stat
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ...errors import CorruptImage, InvalidReference
from ..blobs import BlobContent, BlobStore, candidates, resolve
from ..digest import Digest, Platform
from ..image import Image
from ..manifest import MAX_DOCUMENT, Descriptor, Index, parse_document
from ..offering import Offering
from ..reading import Content
from ..reference import Reference
from .base import NotHere, Opening, local_path
from .listed import Listed, is_cosigns
from .names import means, names_of, several, tag_of


@dataclass(frozen=True, slots=True)
class DirectoryBlobs:
    """The `blobs` folder of a layout."""

    root: Path

    def file(self, digest: Digest) -> Path:
        return self.root / "blobs" / digest.algorithm / digest.hex

    def open(self, digest: Digest) -> AbstractContextManager[IO[bytes]]:
        try:
            return _open_regular(self.file(digest))
        except FileNotFoundError:
            raise CorruptImage(
                f"the layout {self.root} lacks this blob", blob=digest, remedy="Build or copy the image again."
            ) from None
        except OSError as error:
            raise CorruptImage(f"the blob can't be read: {error.strerror}", blob=digest) from error


def _open_regular(path: Path) -> IO[bytes]:
    """Raises OSError, also for what has no end, or waits for a writer: a device, a pipe."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    return path.open("rb")


class BlobSource:
    """A source whose images are documents and layers in a blob store; `find` tells which store, and where to begin."""

    transport: str

    def find(self, reference: Reference) -> tuple[BlobStore, list[Descriptor]]:
        """Raises NotHere, InvalidReference or CorruptImage."""
        raise NotImplementedError

    def content(self, store: BlobStore) -> Content:
        return BlobContent(store)

    def offering(self, store: BlobStore, roots: Sequence[Descriptor]) -> Offering:
        """What else there is of what `find` found."""
        return Offering(store, roots)

    def open(self, reference: Reference, platform: Platform, opening: Opening) -> Image:
        return self.image(reference, *self.find(reference), platform, opening)

    def image(
        self,
        reference: Reference,
        store: BlobStore,
        roots: Sequence[Descriptor],
        platform: Platform,
        opening: Opening,
    ) -> Image:
        """The image for `platform` among those that `find` found; raises PlatformNotFound or CorruptImage."""
        resolved = resolve(store, roots, reference.text, platform)
        return Image(
            reference,
            source=self.transport,
            config=resolved.config,
            content=self.content(store),
            cache=opening.cache,
            analysers=opening.analysers,
            manifest=resolved.manifest,
            index_digest=resolved.index,
            offering=self.offering(store, roots),
        )

    def platforms(self, reference: Reference, opening: Opening) -> Sequence[Platform]:
        return self.platforms_in(*self.find(reference))

    def platforms_in(self, store: BlobStore, roots: Sequence[Descriptor]) -> Sequence[Platform]:
        """The platforms of what `find` found."""
        return [platform for platform, _ in candidates(store, roots)]


class LayoutSource(BlobSource):
    """Reads layouts from a directory."""

    transport = "oci"

    def find(self, reference: Reference) -> tuple[BlobStore, list[Descriptor]]:
        root = local_path(reference)
        if not root.is_dir():
            raise NotHere("it isn't a directory")
        check_layout_marker(_small(root, "oci-layout"))
        store = DirectoryBlobs(root)
        return store, choose_roots(store, self._index(root), reference)

    def offering(self, store: BlobStore, roots: Sequence[Descriptor]) -> Offering:
        assert isinstance(store, DirectoryBlobs)
        return Offering(store, roots, attachments=Listed(store, self._index(store.root).manifests))

    @staticmethod
    def _index(root: Path) -> Index:
        return Index.from_bytes(_small(root, "index.json"), "index.json")


def _small(root: Path, name: str) -> bytes:
    try:
        with _open_regular(root / name) as file:
            return file.read(MAX_DOCUMENT + 1)
    except FileNotFoundError:
        hint = "; it is what skopeo calls dir: copy it to oci:" if (root / "version").is_file() else ""
        raise NotHere(f"it is a directory, but no OCI image layout (it has no file {name}){hint}") from None
    except OSError as error:
        raise NotHere(f"its {name} can't be read: {error.strerror}") from error


def _inside(store: BlobStore, index: Index, reference: Reference) -> list[Descriptor]:
    indexes = [d for d in index.manifests if d.is_index]
    with suppress(CorruptImage):  # whoever asks for one image isn't told what is wrong with others
        return [d for _, d in candidates(store, indexes) if d.digest == reference.digest]
    return []


def check_layout_marker(data: bytes) -> None:
    """Raises CorruptImage where `oci-layout` names a version that we don't know."""
    version = parse_document(data, blob="oci-layout").get("imageLayoutVersion")
    if not str(version).startswith("1."):
        raise CorruptImage(f"image layout version {version!r} where 1.0.0 is known", blob="oci-layout")


def choose_roots(store: BlobStore, index: Index, reference: Reference) -> list[Descriptor]:
    """The descriptors of index.json that the reference's tag or digest means; all, where it names none.

    By its digest an image is found inside of an index, too.

    Raises NotHere with the names that the layout holds, or InvalidReference where they are several images.
    """
    names: dict[Digest, set[str]] = {}
    for d in index.manifests:  # an image with two tags is listed twice
        names.setdefault(d.digest, set()).update(names_of(d))
    if reference.digest:
        chosen = [d for d in index.manifests if d.digest == reference.digest] or _inside(store, index, reference)
    elif reference.tag:
        chosen = [d for d in index.manifests if any(means(reference.tag, name) for name in names[d.digest])]
    else:
        chosen = list(index.manifests)
    if not chosen:
        wanted = reference.digest or (f"tag {reference.tag!r}" if reference.tag else "image")
        held = ", ".join(sorted({name for d in index.manifests for name in (*names[d.digest], d.digest)})) or "none"
        raise NotHere(f"the layout holds no {wanted}; it holds: {held}")
    images = {
        d.digest: d.platform for d in chosen if not d.is_attestation and not d.artifact_type and not is_cosigns(d)
    }
    if several(list(images.values()), [names.get(digest, ()) for digest in images]):
        tags = sorted({tag_of(name) for digest in images for name in names[digest]})
        example = f":{tags[0]}" if tags and not reference.tag else f"@{next(iter(images))}"
        place = reference.text.removesuffix(f":{reference.tag}")
        raise InvalidReference(
            f"{reference.text} holds several images: {', '.join(sorted(set().union(*names.values()) or images))}",
            remedy=f"Name one: {place}{example}, for instance.",
        )
    # One image may serve several platforms; listed without any, it's the same once more, with another tag.
    placed = {d.digest for d in chosen if d.platform}
    several_times = [d for d in chosen if d.digest in images and (d.platform or d.digest not in placed)]
    # What hangs beside an image, such as an index for lazy pulls, is no image to choose.
    return list({(d.digest, d.platform): d for d in several_times}.values()) or chosen
