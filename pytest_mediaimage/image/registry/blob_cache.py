"""BlobCache: blobs that came over the network, kept by digest below the cache directory.

A blob has its name only once it is whole and its digest is right. While it is written it has another one, and is locked
(flock), so that a later run can tell what a killed one has left from what another is writing.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import logging
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..digest import Digest
from ..pipeline import Hasher
from .stream import ReadStream

LIMIT = 20 * 10**9
"""Bytes: some thirty releases of an image of 650 MB, and less than the disks of the smallest CI runners."""

# What another process has used this lately it may still be using, or have linked to.
_SPARED_SECONDS = 3600
_PARTIAL = ".partial"
_READ = 1024 * 1024
_log = logging.getLogger(__name__)

_used: set[Path] = set()
"""What this process has read, and so has checked. It may have given the path away, so it is never removed."""
_used_lock = threading.Lock()


class BlobCache:
    """Blobs in `folder`. It is only a cache: a disk that is full or can't be written is logged, and no error."""

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self._folder = folder
        self._limit = limit

    def find(self, digest: Digest) -> Path | None:
        """The file of a blob, which lies there for as long as this process runs; None where there is none.

        Before its first use the file is read and checked; one that is damaged is removed.
        """
        path = self._path(digest)
        with _used_lock:
            known = path in _used
        try:
            if not known and _digest_of(path, digest.algorithm) != digest:
                _log.warning("a damaged blob was removed from the cache: %s", path)
                path.unlink()
                return None
            os.utime(path)
        except PermissionError:
            pass  # a cache that we may only read: then its owner's use counts, not ours
        except OSError:
            return None
        with _used_lock:
            _used.add(path)
        return path

    def store(self, digest: Digest, data: bytes) -> None:
        """Keep a whole blob whose digest has been checked."""
        partial = self._begin(digest)
        if partial is not None:
            partial.write(data)
            partial.commit(f"{digest.algorithm}:{hashlib.new(digest.algorithm, data).hexdigest()}")

    def keeping(self, source: ReadStream, digest: Digest, length: int | None) -> ReadStream:
        """`source`, kept while it is read to its end. Closing it closes the source."""
        if self.prune(length or 0) + (length or 0) > self._limit:
            return source
        partial = self._begin(digest)
        return source if partial is None else _Keeping(source, partial, digest.algorithm, length)

    def prune(self, room: int = 0) -> int:
        """Remove what killed runs have left, and the blobs that were used least lately until `room` bytes are free.

        Returns how many bytes are kept then.
        """
        self._remove_abandoned()
        found = []
        for path in self._files():
            with suppress(OSError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        kept = sum(length for _, length, _ in found)
        spared = time.time() - _SPARED_SECONDS
        for used, length, path in sorted(found):
            if kept + room <= self._limit or used > spared:
                break
            with _used_lock:
                if path in _used:
                    continue
            with suppress(OSError):
                path.unlink()
                kept -= length
        return kept

    def _path(self, digest: Digest) -> Path:
        return self._folder / digest.algorithm / digest.hex

    def _begin(self, digest: Digest) -> _Partial | None:
        path = self._path(digest)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            return _Partial(path, digest)
        except OSError as error:
            _log.warning("a blob isn't kept in %s: %s", path.parent, error.strerror)
            return None

    def _files(self, *, partial: bool = False) -> Iterator[Path]:
        for folder in (self._folder / "sha256", self._folder / "sha512"):
            with suppress(OSError):
                yield from (path for path in folder.iterdir() if path.name.endswith(_PARTIAL) == partial)

    def _remove_abandoned(self) -> None:
        for path in self._files(partial=True):
            with suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails as long as its writer lives
                path.unlink()


class _Partial:
    """A blob that is being written. After the first error there is nothing any more, and nothing is raised."""

    def __init__(self, path: Path, digest: Digest) -> None:
        """Raises OSError."""
        self._path = path
        self._digest = digest
        while True:
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{digest.hex[:16]}.", suffix=_PARTIAL)
            self._file = io.FileIO(handle, "w")
            self._name = Path(name)
            fcntl.flock(handle, fcntl.LOCK_EX)
            if os.fstat(handle).st_nlink:
                return
            self._file.close()  # another process took it for abandoned before it was locked

    def write(self, data: bytes) -> None:
        if self._file.closed:
            return
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            _log.warning("a blob isn't kept in %s: %s", self._path.parent, error.strerror)
            self.abandon()

    def commit(self, digest: str) -> None:
        """Give the blob its name, if `digest`, of what was written, is right."""
        if self._file.closed:
            return
        if digest == self._digest:
            with suppress(OSError):
                self._name.replace(self._path)
                with _used_lock:
                    _used.add(self._path)
        self.abandon()

    def abandon(self) -> None:
        if not self._file.closed:
            with suppress(OSError):
                self._name.unlink(missing_ok=True)
            self._file.close()


class _Keeping(ReadStream):
    """Passes a stream on, and writes it to a partial blob on the way, and hashes it for both (a HashedStream)."""

    def __init__(self, source: ReadStream, partial: _Partial, algorithm: str, length: int | None) -> None:
        self._source = source
        self._partial = partial
        self._hash = Hasher(algorithm)
        self._left = length

    def next_bytes(self, count: int) -> bytes:
        data = self._source.read(count)
        self._hash.update(data)
        self._partial.write(data)
        if self._left is not None:
            self._left -= len(data)
        if self._left == 0 or not data:
            self._partial.commit(self._hash.digest())
        return data

    def digest_of_all(self) -> str:
        return self._hash.digest()

    def close(self) -> None:
        self._partial.abandon()
        self._hash.close()
        self._source.close()
        super().close()


def _digest_of(path: Path, algorithm: str) -> str:
    with path.open("rb", buffering=0) as file:
        return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"
