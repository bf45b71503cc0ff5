"""How the blobs of layers are really compressed, by their first bytes: kept, since a known layer isn't read again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ..errors import InvalidReference
from ..storage import write_atomically
from .compression import ByteStream, compression_of
from .digest import Digest

_HEAD = 6
# 90 bytes each. Beyond that the oldest go; what was forgotten is looked up again, by six bytes of the blob.
_MOST = 5000


class PackingCache:
    """One small file for all blobs. Where two processes write at once, one of them forgets what it learnt."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "packing.json"

    def load(self) -> dict[Digest, str]:
        """Blob digest to `zstd`, `gzip`, `bzip2`, `xz` or `none`; the oldest first."""
        with suppress(OSError, ValueError, RecursionError, AttributeError, InvalidReference):
            return {Digest(digest): str(packing) for digest, packing in json.loads(self._file.read_bytes()).items()}
        return {}

    def add(self, learnt: Mapping[Digest, str]) -> None:
        """Raises StorageFault."""
        known = self.load()
        if all(known.get(digest) == packing for digest, packing in learnt.items()):
            return
        together = list({**known, **learnt}.items())
        with suppress(FileNotFoundError):  # the cache is being cleared
            write_atomically(self._file, json.dumps(dict(together[-_MOST:]), separators=(",", ":")).encode())


def packing_of(blob: ByteStream) -> str:
    """How a blob is compressed, from the first bytes that are read of it."""
    head = b""
    while len(head) < _HEAD and (more := blob.read(_HEAD - len(head))):
        head += more
    return compression_of(head)
