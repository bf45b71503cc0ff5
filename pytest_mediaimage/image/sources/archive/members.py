"""The files in a tar archive of an image: one pass over the headers tells where each lies, and the rest is read there.

A plain archive is read at any place, by several readers at once. A compressed one can only be read from its beginning:
its small documents are kept from the first pass, and layers are best read in the order of the archive (see forward.py).
"""

from __future__ import annotations

import io
import posixpath
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from ....errors import CorruptImage
from ...limits import MAX_DOCUMENT
from ...reference import Reference
from ...scan import clean_path
from ...tar import BLOCK, Member, TarReader
from ..base import NotHere, local_path
from .plain import compression_of_file, plain_bytes

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Bounds on memory. `docker save` of 127 layers makes some 500 members, and the longest name that a layout has is
# that of a sha512 blob, 141 characters.
_MAX_MEMBERS = 100_000
_MAX_NAME = 255
_MAX_LINKS = 16
_KEPT_LENGTH = 32 * 1024 * 1024
_BUFFER = 256 * 1024

Opener = Callable[["Place"], AbstractContextManager[IO[bytes]]]
"""Opens what lies at a place in an archive."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file's content lies in the uncompressed archive, in bytes."""

    offset: int
    length: int


class Input(Protocol):
    """The uncompressed archive, from some place on."""

    position: int

    def read(self, length: int, /) -> bytes: ...
    def skip(self, length: int) -> None:
        """Pass over bytes; over the end, as far as there are any."""

    def close(self) -> None: ...


class Plain:
    """A file that can be read at any place."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._length = self._file.seek(0, io.SEEK_END)
        self._file.seek(0)
        self.position = 0

    def read(self, length: int, /) -> bytes:
        data = self._file.read(length) or b""
        self.position += len(data)
        return data

    def skip(self, length: int) -> None:
        self.position = self._file.seek(min(self.position + length, self._length))

    def close(self) -> None:
        self._file.close()


class Unpacked:
    """A compressed file, as it is uncompressed."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._blocks = plain_bytes(self._file, compression_of_file(self._file), str(path))
        self._block = b""
        self._at = 0
        self.position = 0

    def read(self, length: int, /) -> bytes:
        while self._at >= len(self._block):
            self._block, self._at = next(self._blocks, b""), 0
            if not self._block:
                return b""
        piece = self._block[self._at : self._at + length]
        self._at += len(piece)
        self.position += len(piece)
        return piece

    def skip(self, length: int) -> None:
        while length and (piece := self.read(length)):
            length -= len(piece)

    def close(self) -> None:
        self._file.close()


class _Content(io.RawIOBase):
    """A part of an archive, read as a file of its own."""

    def __init__(self, source: Input, length: int, *, owned: bool) -> None:
        self._source = source
        self._left = length
        self._owned = owned

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self._source.read(min(len(view), self._left))
        view[: len(data)] = data
        self._left -= len(data)
        return len(data)

    def close(self) -> None:
        if self._owned:
            self._source.close()
        super().close()


def content_at(source: Input, place: Place, *, owned: bool) -> io.BufferedReader:
    """The content at `place`, where `source` stands; closing it closes an `owned` source."""
    return io.BufferedReader(_Content(source, place.length, owned=owned), _BUFFER)


class _Headers:
    """Hands the tar reader a header at a time, so that the input stands where the reader is."""

    def __init__(self, source: Input, where: str) -> None:
        self._source = source
        self._where = where
        self._name = ""
        self._end = 0

    def enter(self, name: str, place: Place) -> None:
        """Say which member is being read, for the error."""
        self._name, self._end = name, place.offset + place.length

    def read(self, length: int, /) -> bytes:
        data = self._source.read(min(length, BLOCK))
        if not data:
            self._check()
        return data

    def skip(self, length: int) -> None:
        self._source.skip(length)
        self._check()

    def _check(self) -> None:
        if self._source.position < self._end:
            raise CorruptImage(
                f"the archive ends in the middle of {self._name!r}",
                blob=self._where,
                offset=self._source.position,
                remedy="Make or copy the archive again.",
            )


@dataclass(slots=True)
class TarMembers:
    """The regular files of the archive at `path`, by cleaned name. Where a name comes twice, the last one counts."""

    path: Path
    compression: str
    _places: dict[str, Place] = field(default_factory=dict)
    _links: dict[str, str | None] = field(default_factory=dict)
    _kept: dict[Place, bytes] = field(default_factory=dict)
    _kept_length: int = 0

    @classmethod
    def of(cls, reference: Reference) -> TarMembers:
        """Those of the archive that the reference's path means.

        Raises NotHere where it is no tar or can't be read, CorruptImage where it is damaged further on.
        """
        path = local_path(reference)
        if not path.is_file():
            raise NotHere("it isn't a file")
        now = path.stat()
        if not now.st_size:
            raise NotHere("the file is empty")
        return _read(path, (now.st_ino, now.st_size, now.st_mtime_ns))

    @classmethod
    def read(cls, path: Path) -> TarMembers:
        """Raises as `of` does."""
        try:
            with path.open("rb") as file:
                members = cls(path, compression_of_file(file))
            source = members._input()
        except OSError as error:
            raise NotHere(f"it can't be read: {error.strerror}") from error
        try:
            members._index(source)
        finally:
            source.close()
        return members

    @property
    def seekable(self) -> bool:
        """Whether a file can be read without reading all that comes before it."""
        return self.compression == "none"

    def find(self, name: str) -> Place:
        """Where the file `name` lies, links followed inside the archive. Raises CorruptImage where there is none."""
        asked, at = name, clean_path(name)
        for _ in range(_MAX_LINKS):
            if at is None:
                break
            if at in self._places:
                return self._places[at]
            if at not in self._links:
                link = "" if at == clean_path(asked) else f" (it is a link to {at!r}, which is missing)"
                raise CorruptImage(f"the archive lacks {asked!r}{link}", blob=str(self.path))
            at = self._links[at]
        raise CorruptImage(f"{asked!r} is no name inside of the archive, or a link to none", blob=str(self.path))

    def __contains__(self, name: str) -> bool:
        return name in self._places or name in self._links

    def open(self, place: Place) -> AbstractContextManager[IO[bytes]]:
        """The content at `place`, read by a handle of its own. Raises CorruptImage where the file is gone."""
        if (kept := self.kept(place)) is not None:
            return io.BytesIO(kept)
        source = self.start()
        source.skip(place.offset)
        return content_at(source, place, owned=True)

    def kept(self, place: Place) -> bytes | None:
        """What lies at `place`, if it was kept from the first pass."""
        return self._kept.get(place)

    def start(self) -> Input:
        """The uncompressed archive from its beginning. Raises CorruptImage where the file is gone."""
        try:
            return self._input()
        except OSError as error:
            raise CorruptImage(f"the archive can't be read: {error.strerror}", blob=str(self.path)) from error

    def document(self, name: str) -> bytes:
        """A small file; of one that is larger than MAX_DOCUMENT bytes, a byte more than that. Raises CorruptImage."""
        with self.open(self.find(name)) as file:
            return file.read(MAX_DOCUMENT + 1)

    def _input(self) -> Input:
        return Plain(self.path) if self.seekable else Unpacked(self.path)

    def _index(self, source: Input) -> None:
        where = str(self.path)
        headers = _Headers(source, where)
        reader = TarReader(headers, where=where, skip=headers.skip)
        members = iter(reader)
        count = 0
        while True:
            try:
                member = next(members, None)
            except CorruptImage as error:
                damaged = not self.seekable and source.position < BLOCK  # there is no header to judge by
                if count or damaged:
                    raise
                raise NotHere(f"it can't be read as a tar file: {error}") from error
            if member is None:
                return
            count += 1
            if count > _MAX_MEMBERS:
                raise CorruptImage(f"more than {_MAX_MEMBERS} members, which no image has", blob=where)
            headers.enter(member.name[:_MAX_NAME], Place(source.position, member.stored if member.type == "0" else 0))
            self._note(member, source.position, reader)

    def _note(self, member: Member, offset: int, reader: TarReader) -> None:
        name = clean_path(member.name)
        if not name or len(name) > _MAX_NAME or len(member.linkname) > _MAX_NAME:
            return
        if member.type in ("1", "2"):
            start = posixpath.dirname(name) if member.type == "2" else ""
            target = posixpath.normpath(posixpath.join(start, member.linkname))
            self._places.pop(name, None)
            self._links[name] = None if f"{target}/".startswith(("/", "../")) else target
        elif member.type == "0":
            if member.sparse is not None:
                raise NotHere("the archive was made with tar --sparse; make it without")
            self._links.pop(name, None)
            self._places[name] = place = Place(offset, member.stored)
            if not self.seekable and member.stored <= MAX_DOCUMENT:
                self._keep(place, reader)

    def _keep(self, place: Place, reader: TarReader) -> None:
        """Manifests and configurations lie among the layers, in any order: what looks like JSON is kept."""
        if self._kept_length + place.length > _KEPT_LENGTH:
            return
        chunks = reader.chunks()
        head = next(chunks, b"")
        if head[:1] in (b"{", b"[") and head[257:262] != b"ustar":
            self._kept[place] = b"".join([head, *chunks])
            self._kept_length += place.length


# A run asks for an archive several times: for its platforms, for each of them, and as the one form of archive and as
# the other. A compressed one would be read from end to end each time.
@lru_cache(maxsize=4)
def _read(path: Path, version: tuple[int, int, int]) -> TarMembers:
    return TarMembers.read(path)
