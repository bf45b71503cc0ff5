"""Removes directory trees that a container has written: locked modes and any depth."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path


def remove_tree(path: Path) -> None:
    """Remove a directory and all below it, without following links; nothing happens where there is none.

    Directories get mode 0700 first (overlayfs leaves `work/work` with mode 000). Each one is moved to the
    top before it is emptied, so that depth costs neither descriptors nor stack. Raises OSError.
    """
    try:
        path.chmod(0o700)
        top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        moved, prefix = 0, f".removed-{secrets.token_hex(8)}"
        while names := os.listdir(top):  # noqa: PTH208
            for name in names:
                if not _is_directory(top, name):
                    _unlink(top, name)
                    continue
                directory = _open_directory(top, name)
                try:
                    for child in os.listdir(directory):  # noqa: PTH208
                        if _is_directory(directory, child):
                            # Moving a directory rewrites its "..", so it must be writable itself.
                            os.close(_open_directory(directory, child))
                            moved += 1
                            os.rename(child, f"{prefix}-{moved}", src_dir_fd=directory, dst_dir_fd=top)
                        else:
                            _unlink(directory, child)
                finally:
                    os.close(directory)
                os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    with suppress(FileNotFoundError):
        path.rmdir()


def _is_directory(parent: int, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _unlink(parent: int, name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=parent)


def _open_directory(parent: int, name: str) -> int:
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=parent)
    try:
        Path(f"/proc/self/fd/{handle}").chmod(0o700)  # fchmod refuses an O_PATH descriptor
        return os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    finally:
        os.close(handle)
