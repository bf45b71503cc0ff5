"""Writing to disk: whole files or none, and a full or forbidden disk told as the environment's fault."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import StorageFault

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_WRONG_KIND = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST)


@contextmanager
def storage_faults(place: Path, *, any_kind: bool = False) -> Iterator[None]:
    """Turns the system's words on a full or forbidden disk into StorageFault, naming the file or `place`.

    With `any_kind` also that a file stands where a directory should, or the other way round.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFault(
                f"no space left in {place}", remedy="Free some space, or pass --media-cache DIR."
            ) from error
        if error.errno in _FORBIDDEN or (any_kind and error.errno in _WRONG_KIND):
            raise StorageFault(
                f"{error.filename or place} can't be written: {error.strerror}",
                remedy="Pass --media-cache DIR with a writable directory.",
            ) from error
        raise


def write_atomically(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Readers see the old file or the new one; parents are made. Raises StorageFault."""
    with storage_faults(path.parent, any_kind=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(temporary).chmod(mode)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
