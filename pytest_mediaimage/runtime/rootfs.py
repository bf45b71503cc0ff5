"""Unpacked images, kept below the cache: one directory an image, made once, whoever asks first."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..errors import StorageFault
from ..storage import storage_faults
from .base import RunnableImage
from .elf import FOLDER, INIT, init_program
from .removal import remove_tree


def private_directory(path: Path) -> Path:
    """Make a directory that only this user enters: what it holds may have setuid bits.

    Raises StorageFault where it can't be written or belongs to someone else: an overlay over another
    user's files refuses every write with EOVERFLOW.
    """
    with storage_faults(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = path.stat().st_uid
        if owner != os.geteuid():
            raise StorageFault(
                f"{path} belongs to user {owner}, not to {os.geteuid()} who runs pytest",
                remedy="Pass --media-cache DIR with a directory of your own.",
            )
        path.chmod(0o700)
    return path


def unpacked(image: RunnableImage, cache: Path) -> Path:
    """The directory with the image's flattened tree, unpacked if no one has yet.

    Raises StorageFault on a full disk, and whatever `image.unpack` raises; either way nothing stays behind.
    """
    algorithm, _, digest = image.digest.partition(":")
    if not re.fullmatch(r"[a-z0-9]+", algorithm) or not re.fullmatch(r"[0-9a-f]{32,}", digest):
        raise ValueError(f"not a digest: {image.digest!r}")
    return _make_once(private_directory(cache / "rootfs"), digest, image.unpack)


def skeleton(cache: Path, machine: str) -> Path:
    """The layer that lies over every image: `init`, and real directories to mount on.

    Without it a link in the image, such as `/proc -> /oldroot/home`, would choose where bubblewrap mounts.
    """
    program = init_program(machine)

    def write(root: Path) -> None:
        for name in ("proc", "dev", "sys", FOLDER.strip("/")):
            (root / name).mkdir()
            (root / name).chmod(0o755)
        target = root / INIT.strip("/")
        target.write_bytes(program)
        target.chmod(0o755)

    name = f"skeleton-{hashlib.sha256(program).hexdigest()[:16]}"
    return _make_once(private_directory(cache / "rootfs"), name, write)


def _make_once(parent: Path, name: str, write: Callable[[Path], None]) -> Path:
    """`parent/name`, filled by `write` in a directory that gets its name only when it is whole."""
    final = parent / name
    if final.is_dir():
        return final
    with storage_faults(parent), (parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # by now another process may have made it
        if final.is_dir():
            return final
        for left in parent.glob(f"{name}.partial-*"):  # its maker is dead: we hold the lock
            remove_tree(left)
        partial = Path(tempfile.mkdtemp(prefix=f"{name}.partial-", dir=parent))
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
