"""Where what was learnt is kept: the user's cache directory, and the facts of layers in it."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import zstandard

from ..errors import InvalidReference
from ..storage import storage_faults, whole_file
from .digest import Digest
from .entries import Entries
from .layer import LayerFacts
from .scan import Analyser

_DAMAGE = (
    zstandard.ZstdError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
    InvalidReference,
    MemoryError,  # what the length in a damaged frame asks for
)
# Raise it when LayerFacts, its form in a file, or the reading of tar members changes.
_FACTS_VERSION = 4
FACTS_LIMIT = 500 * 10**6
"""Bytes of facts that are kept. A distribution's layer takes some 300 kB, a million files 30 MB."""
_PIECE = 1 << 20
_ABANDONED = 3600
"""Seconds after which a file that has no name yet can't be in the writing any more."""


def default_cache_directory() -> Path:
    """`$XDG_CACHE_HOME/pytest-mediaimage`, by the XDG base directory specification."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "pytest-mediaimage"


def prepare_cache_directory(path: Path) -> Path:
    """Make the directory, for this user alone. Raises StorageFault where it can't be written."""
    with storage_faults(path, any_kind=True):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with tempfile.TemporaryFile(dir=path):
                pass
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from error  # and not the file in it
    return path.resolve()


class FactsCache:
    """Keeps LayerFacts by diffID and by the analysers that made them, each in a file of its own.

    Files are written whole or not at all, and only read otherwise, so that any number of processes may share them.
    """

    def __init__(self, directory: Path, analysers: Sequence[Analyser] = ()) -> None:
        self._directory = directory / "layers"
        self._suffix = "-".join([str(_FACTS_VERSION), *(f"{a.name}{a.version}" for a in analysers)])

    def _path(self, diff_id: Digest) -> Path:
        return self._directory / f"{diff_id.hex}-{self._suffix}.zst"

    def load(self, diff_id: Digest) -> LayerFacts | None:
        path = self._path(diff_id)
        try:
            with path.open("rb") as file:
                facts = _read(file)
        except OSError:
            return None
        except _DAMAGE:
            return None  # damaged: the layer is read again
        if facts.diff_id != diff_id:
            return None
        with suppress(OSError):
            os.utime(path)  # the least recently used go first
        return facts

    def store(self, facts: LayerFacts) -> None:
        """Raises StorageFault."""
        # Whoever clears the cache meanwhile takes this file with it; then the layer is read again some day.
        with suppress(FileNotFoundError), storage_faults(self._directory, any_kind=True):
            self._directory.mkdir(parents=True, exist_ok=True)
            with whole_file(self._path(facts.diff_id)) as file:
                _write(facts, file)

    def usage(self) -> tuple[int, int]:
        """How many layers are known, and the bytes that it takes."""
        lengths = [length for _, length, _ in self._files()]
        return len(lengths), sum(lengths)

    def prune(self, limit: int = FACTS_LIMIT) -> None:
        """Remove what was used least recently, until all that is left has `limit` bytes at the most.

        And what killed runs began to write.
        """
        files = sorted(self._files())
        begun = [item for item in files if item[2].name.startswith(".") and item[0] < time.time() - _ABANDONED]
        for item in begun:
            files.remove(item)
            with suppress(OSError):
                item[2].unlink()
        total = sum(length for _, length, _ in files)
        for _, length, path in files:
            if total <= limit:
                return
            with suppress(OSError):
                path.unlink()
                total -= length

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """When it was used last, its length and its path, for each file."""
        with suppress(OSError), os.scandir(self._directory) as files:
            for file in files:
                with suppress(OSError):
                    stat = file.stat(follow_symlinks=False)
                    yield stat.st_mtime, stat.st_size, Path(file.path)


def _write(facts: LayerFacts, file: IO[bytes]) -> None:
    """The columns in pieces: a million entries shall not be in memory twice."""
    columns = facts.entries.columns()
    head: dict[str, Any] = {
        "diff_id": facts.diff_id,
        "tar_size": facts.tar_size,
        "columns": [len(column) for column in columns],
        "entries": facts.entries.rest(),
        "unsafe": facts.unsafe,
        "found": {name: list(items.items()) for name, items in facts.found.items()},
        "xattrs": list(facts.xattrs.items()),
    }
    text = json.dumps(head, separators=(",", ":")).encode()
    compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
    with compressor.stream_writer(file, closefd=False) as out:
        out.write(len(text).to_bytes(8, "little"))
        out.write(text)
        for column in columns:
            view = memoryview(column).cast("B")
            for at in range(0, len(view), _PIECE):
                out.write(view[at : at + _PIECE])


def _read(file: IO[bytes]) -> LayerFacts:
    with zstandard.ZstdDecompressor().stream_reader(file) as reader:
        head = json.loads(_exactly(reader, int.from_bytes(_exactly(reader, 8), "little")))
        entries = Entries()
        for column, length in zip(entries.columns(), head["columns"], strict=True):
            if isinstance(column, bytearray):
                column[:] = _exactly(reader, length)
            else:
                column.frombytes(_exactly(reader, length * column.itemsize))
        if reader.read(1):
            raise ValueError("more than there should be")
    entries.restore(head["entries"])
    return LayerFacts(
        diff_id=Digest(head["diff_id"]),
        tar_size=head["tar_size"],
        entries=entries,
        unsafe=[(name, reason) for name, reason in head["unsafe"]],
        found={name: {int(ordinal): fact for ordinal, fact in items} for name, items in head["found"].items()},
        xattrs={int(ordinal): attributes for ordinal, attributes in head["xattrs"]},
    )


def _exactly(reader: zstandard.ZstdDecompressionReader, length: int) -> bytes:
    pieces = []
    while length:
        piece = reader.read(min(length, _PIECE))
        if not piece:
            raise ValueError("it ends too soon")
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)
