"""A layer's tar, put together again from the files that an engine extracted and its record of the rest.

Docker and Podman don't keep the tar of a layer. They keep its files, and by github.com/vbatts/tar-split a record of
all other bytes of the tar in their order, with which they make the same tar again. So do we, without the engine.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from isal import igzip

from ...errors import CorruptImage

# A record's longest lines hold pax headers, which Go limits to 1 MiB, or the padding behind the last member.
_LONGEST_LINE = 16 * 1024 * 1024
_FILE, _SEGMENT = 1, 2
_DEEPEST = 256
"""Directories that may be open at once for one layer; deeper files aren't read."""
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class SplitTar:
    """The stream of the tar whose record is the file `record` (gzip) and whose files lie below `root`. Close it.

    What it gives has to be checked against the layer's diffID: only that proves that both are still what they were.
    Links are never followed, and nothing but regular files is opened.
    """

    def __init__(self, record: Path, root: Path) -> None:
        """Raises OSError where either isn't there or may not be read."""
        self._directories = _Directories(root)
        self._where = str(record)
        self._lock = threading.Lock()
        self._closed = False
        self._file = -1
        self._left = 0  # of the file that is being read
        self._rest = b""  # of a segment
        try:
            self._lines = igzip.open(record, "rb")  # type: ignore[no-untyped-call]
        except BaseException:
            self._directories.close()
            raise
        self._entries = self._read_entries()

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; fewer only at the end. Raises CorruptImage where files and record don't fit."""
        pieces: list[bytes] = []
        missing = size
        # Closing a descriptor that another thread reads could make it read another file.
        with self._lock:
            while missing and not self._closed and (piece := self._some(missing)):
                pieces.append(piece)
                missing -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """May be called while another thread reads; what is read after it is empty."""
        with self._lock:
            self._closed = True
            self._end_file()
            self._directories.close()
            self._lines.close()

    def _some(self, most: int) -> bytes:
        while not self._rest and not self._left:
            entry = next(self._entries, None)
            if entry is None:
                return b""
            self._begin(entry)
        if self._rest:
            piece, self._rest = self._rest[:most], self._rest[most:]
            return piece
        try:
            piece = os.read(self._file, min(most, self._left))
        except OSError as error:
            raise self._broken(f"a file of the layer can't be read: {error.strerror}") from error
        if not piece:
            raise self._broken("a file of the layer is shorter than it was")
        self._left -= len(piece)
        if not self._left:
            self._end_file()
        return piece

    def _begin(self, entry: dict[str, Any]) -> None:
        try:
            if entry["type"] == _SEGMENT:
                self._rest = base64.b64decode(entry["payload"])
                return
            length = entry.get("size", 0)
            if entry["type"] != _FILE or type(length) is not int or length < 0:
                raise ValueError(entry["type"])
            if not length:
                return
            # Names that aren't UTF-8 are written twice, and only in base64 as they are.
            raw = entry.get("name_raw")
            name = base64.b64decode(raw) if raw else entry["name"].encode()
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as error:
            raise self._broken("the engine's record of the layer is malformed") from error
        try:
            self._file = self._directories.open(name)
            found = os.fstat(self._file)
        except (OSError, ValueError) as error:
            raise self._broken(f"a file of the layer isn't there any more ({error})") from error
        if found.st_size != length or not stat.S_ISREG(found.st_mode):
            raise self._broken("a file of the layer isn't what it was")
        self._left = length

    def _end_file(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _read_entries(self) -> Iterator[dict[str, Any]]:
        try:
            while line := self._lines.readline(_LONGEST_LINE):
                entry = json.loads(line)
                if not isinstance(entry, dict):
                    raise ValueError("no object")
                yield entry
        except (OSError, EOFError, ValueError, RecursionError, igzip.BadGzipFile) as error:
            raise self._broken("the engine's record of the layer is damaged") from error

    def _broken(self, message: str) -> CorruptImage:
        return CorruptImage(message, blob=self._where, remedy="Remove the image from the engine, and pull it again.")


class _Directories:
    """Opens files below a directory, and keeps the way to the last one open: a tar's members stand together."""

    def __init__(self, root: Path) -> None:
        self._names: list[bytes] = []
        self._handles = [os.open(root, _FLAGS | os.O_DIRECTORY)]

    def open(self, name: bytes) -> int:
        """A descriptor of the regular file `name`. Raises OSError, or ValueError where it is something else."""
        *parents, last = [part for part in name.split(b"/") if part not in (b"", b".")] or [b""]
        if not last or b".." in (*parents, last) or len(parents) > _DEEPEST:
            raise ValueError("no name of a file")
        if parents != self._names:
            self._enter(parents)
        directory = self._handles[-1]
        # Looked at before it is opened, since opening a device may do something; and opened so that a pipe can't block.
        if not stat.S_ISREG(os.stat(last, dir_fd=directory, follow_symlinks=False).st_mode):
            raise ValueError("no regular file")
        return os.open(last, _FLAGS | os.O_NONBLOCK, dir_fd=directory)

    def _enter(self, names: list[bytes]) -> None:
        same = 0
        while same < min(len(names), len(self._names)) and names[same] == self._names[same]:
            same += 1
        self._leave(same)
        for name in names[same:]:
            self._handles.append(os.open(name, _FLAGS | os.O_DIRECTORY, dir_fd=self._handles[-1]))
            self._names.append(name)

    def _leave(self, depth: int) -> None:
        while len(self._names) > depth:
            self._names.pop()
            os.close(self._handles.pop())

    def close(self) -> None:
        self._leave(0)
        while self._handles:
            os.close(self._handles.pop())
