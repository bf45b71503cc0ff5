"""Writes files on the host that a container's contents go to."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from pathlib import Path

from ..storage import storage_faults, whole_file

LARGEST = 4 * 10**9
"""Bytes of a file out of a container: what runs in it may write without end, and must not fill this machine's disk."""


def write_whole(target: Path, chunks: Iterable[bytes]) -> None:
    """Write a file that appears under its name only when it is whole.

    Raises StorageFault on a full disk, OSError (EFBIG) beyond LARGEST bytes.
    """
    length = 0
    with storage_faults(target.parent), whole_file(target, mode=0o644) as file:
        for chunk in chunks:
            length += len(chunk)
            if length > LARGEST:
                raise OSError(errno.EFBIG, f"more than {LARGEST} bytes", str(target))
            file.write(chunk)
