"""Writes files on the host that a container's contents go to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..storage import storage_faults, whole_file


def write_whole(target: Path, chunks: Iterable[bytes]) -> None:
    """Write a file that appears under its name only when it is whole; StorageFault on a full disk."""
    with storage_faults(target.parent), whole_file(target, mode=0o644) as file:
        for chunk in chunks:
            file.write(chunk)
