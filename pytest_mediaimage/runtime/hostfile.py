"""Writes files on the host that a container's contents go to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ..storage import storage_faults


def write_whole(target: Path, chunks: Iterable[bytes]) -> None:
    """Write a file that appears under its name only when it is whole; StorageFault on a full disk."""
    with storage_faults(target.parent):
        handle, partial = tempfile.mkstemp(prefix=f".{target.name[:100]}-", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                os.fchmod(file.fileno(), 0o644)
            Path(partial).replace(target)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(partial).unlink()
            raise
