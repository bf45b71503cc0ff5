"""`oci-archive:FILE`: an OCI image layout in a tar file, as `docker buildx build --output type=oci` writes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from typing import IO

from ....errors import CorruptImage
from ...blobs import BlobContent, BlobStore
from ...digest import Digest
from ...layer import Layer
from ...layer_stream import LayerStream
from ...manifest import Descriptor, Index
from ...offering import Offering
from ...reading import Content, opened_in_turn
from ...reference import Reference
from ..base import NotHere
from ..layout import BlobSource, check_layout_marker, choose_roots
from ..listed import Listed
from .forward import Forward
from .members import Opener, Place, TarMembers


@dataclass(frozen=True, slots=True)
class ArchiveBlobs:
    """The `blobs` folder of a layout in a tar file."""

    members: TarMembers
    opener: Opener

    def place(self, digest: Digest) -> Place:
        name = f"blobs/{digest.algorithm}/{digest.hex}"
        if name not in self.members:
            raise CorruptImage(f"the archive {self.members.path} lacks this blob", blob=digest)
        return self.members.find(name)

    def open(self, digest: Digest) -> AbstractContextManager[IO[bytes]]:
        return self.opener(self.place(digest))

    def file(self, digest: Digest) -> None:
        return None


@dataclass(frozen=True, slots=True)
class InOrder:
    """The layers of a compressed archive, in the order in which they lie there: one reading serves all."""

    store: ArchiveBlobs

    def layer_streams(self, layers: Sequence[Layer], *, identified: bool) -> Iterator[LayerStream]:
        with closing(Forward(self.store.members)) as forward:
            content = BlobContent(ArchiveBlobs(self.store.members, forward.open))
            yield from opened_in_turn(content, sorted(layers, key=self._offset))

    def _offset(self, layer: Layer) -> int:
        assert layer.descriptor is not None
        return self.store.place(layer.descriptor.digest).offset


class ArchiveSource(BlobSource):
    """Reads layouts from a tar file, without unpacking it."""

    transport = "oci-archive"

    def find(self, reference: Reference) -> tuple[BlobStore, list[Descriptor]]:
        members = TarMembers.of(reference)
        for name in ("oci-layout", "index.json"):
            if name not in members:
                raise NotHere(f"it is a tar file, but no OCI image layout (it has no {name})")
        check_layout_marker(members.document("oci-layout"))
        store = ArchiveBlobs(members, members.open)
        return store, choose_roots(store, self._index(members), reference)

    def offering(self, store: BlobStore, roots: Sequence[Descriptor]) -> Offering:
        assert isinstance(store, ArchiveBlobs)
        return Offering(store, roots, attachments=Listed(store, self._index(store.members).manifests))

    @staticmethod
    def _index(members: TarMembers) -> Index:
        return Index.from_bytes(members.document("index.json"), "index.json")

    def content(self, store: BlobStore) -> Content:
        assert isinstance(store, ArchiveBlobs)
        return BlobContent(store) if store.members.seekable else InOrder(store)
