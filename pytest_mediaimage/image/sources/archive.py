"""`oci-archive:FILE`: an OCI image layout in a tar file, as `docker buildx build --output type=oci` writes it."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ...errors import CorruptImage
from ..blobs import BlobStore
from ..compression import compression_of
from ..digest import Digest
from ..manifest import MAX_DOCUMENT, Descriptor, Index
from ..reference import Reference
from ..scan import clean_path
from ..tar import BLOCK, TarReader
from .base import NotHere, local_path
from .layout import BlobSource, check_layout_marker, choose_roots

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class _Window(io.RawIOBase):
    """A part of a file, read as a file of its own."""

    def __init__(self, path: Path, start: int, length: int) -> None:
        self._file = path.open("rb")
        self._file.seek(start)
        self._left = length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        count = self._file.readinto(view[: self._left])
        self._left -= count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class _Blocks:
    """Hands out a block at a time, so that the file stands where the tar reader is."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int, /) -> bytes:
        return self._file.read(min(size, BLOCK))

    def skip(self, count: int) -> None:
        self._file.seek(count, io.SEEK_CUR)


@dataclass(slots=True)
class ArchiveBlobs:
    """Blobs that lie in a tar file, by name: (offset, length)."""

    path: Path
    members: dict[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> ArchiveBlobs:
        """Raises NotHere where the file is no tar of a layout."""
        blobs = cls(path)
        with path.open("rb") as file:
            head = file.read(6)
            if (kind := compression_of(head)) != "none":
                raise NotHere(f"the archive is compressed with {kind}; decompress it first")
            length = file.seek(0, io.SEEK_END)
            file.seek(0)
            blocks = _Blocks(file)
            for member in TarReader(blocks, where=str(path), skip=blocks.skip):
                if file.tell() + member.stored > length:
                    raise CorruptImage("the archive ends in the middle of a member", blob=str(path), offset=length)
                name = clean_path(member.name)
                if member.sparse is not None:
                    raise NotHere("the archive was made with tar --sparse; make it without")
                if member.type == "0" and name is not None:
                    blobs.members[name] = (file.tell(), member.stored)
        return blobs

    def open(self, digest: Digest) -> AbstractContextManager[IO[bytes]]:
        try:
            start, length = self.members[f"blobs/{digest.algorithm}/{digest.hex}"]
        except KeyError:
            raise CorruptImage(f"the archive {self.path} lacks this blob", blob=digest) from None
        return io.BufferedReader(_Window(self.path, start, length), 1 << 18)

    def file(self, digest: Digest) -> None:
        return None

    def small(self, name: str) -> bytes:
        if name not in self.members:
            raise NotHere(f"it is a tar file, but no OCI image layout (it has no {name})")
        start, length = self.members[name]
        with _Window(self.path, start, min(length, MAX_DOCUMENT + 1)) as window:
            return window.read()


class ArchiveSource(BlobSource):
    """Reads layouts from a tar file, without unpacking it."""

    transport = "oci-archive"

    def find(self, reference: Reference) -> tuple[BlobStore, list[Descriptor]]:
        path = local_path(reference)
        if not path.is_file():
            raise NotHere("it isn't a file")
        try:
            blobs = ArchiveBlobs.read(path)
        except OSError as error:
            raise NotHere(f"it can't be read: {error.strerror}") from error
        except CorruptImage as error:
            raise NotHere(f"it can't be read as a tar file: {error}") from error
        check_layout_marker(blobs.small("oci-layout"))
        return blobs, choose_roots(Index.from_bytes(blobs.small("index.json"), "index.json"), reference)
