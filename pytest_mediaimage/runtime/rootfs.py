"""Unpacked images, kept below the cache: one directory an image, made once, whoever asks first."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from ..errors import StorageFault
from ..storage import make_directory_once, storage_faults
from .base import FOLDER, RunnableImage
from .elf import INIT, init_program


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
    return make_directory_once(private_directory(cache / "rootfs") / digest, image.unpack)


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
    return make_directory_once(private_directory(cache / "rootfs") / name, write)
