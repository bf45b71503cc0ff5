"""Writing to disk: whole files and directories or none; a full or forbidden disk is the environment's fault."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .errors import StorageFault
from .removal import remove_tree

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


@contextmanager
def whole_file(path: Path, *, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """A file to write to, which gets its name only when the block ends well. Raises OSError."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_atomically(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Readers see the old file or the new one; parents are made. Raises StorageFault."""
    with storage_faults(path.parent, any_kind=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path, mode=mode) as file:
            file.write(data)


def write_new(path: Path, data: bytes) -> None:
    """Write a file that isn't there yet; parents are made. Raises StorageFault, also where it is there."""
    with storage_faults(path.parent, any_kind=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(data)


def make_directory_once(final: Path, write: Callable[[Path], None]) -> Path:
    """`final`, filled by `write` in a directory that gets its name only when it is whole.

    Safe among processes; what a killed one left half made is removed by the next. Raises StorageFault, and whatever
    `write` raises.
    """
    if final.is_dir():
        return final
    with storage_faults(final.parent), final.with_name(f"{final.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # by now another process may have made it
        if final.is_dir():
            return final
        for left in final.parent.glob(f"{final.name}.partial-*"):  # its maker is dead: we hold the lock
            remove_tree(left)
        partial = Path(tempfile.mkdtemp(prefix=f"{final.name}.partial-", dir=final.parent))
        try:
            root = partial / "root"
            root.mkdir()
            root.chmod(0o755)
            write(root)
            mode = root.stat().st_mode
            root.chmod(0o755)  # moving a directory needs it writable
            root.rename(final)
            final.chmod(stat.S_IMODE(mode) | 0o700)  # or its owner could not remove the cache
        finally:
            remove_tree(partial)
    return final
