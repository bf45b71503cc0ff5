"""Files below a root directory whose contents aren't trusted: no link leads out of it.

A path is walked name by name with descriptors. A link is never followed by the kernel but read, and its
target walked from the root (absolute) or from where it lies (relative); `..` stops at the root.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

LINK_LIMIT = 40
"""As the kernel's: a path through more links than this is a loop."""
DEPTH_LIMIT = 256
"""Directories between root and file; each costs a descriptor while the path is walked."""

_DIRECTORY = os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC


@contextmanager
def open_root(path: str | Path) -> Iterator[int]:
    """A descriptor of `path`, a directory that may be the magic link `/proc/PID/root`."""
    descriptor = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def parent_of(root: int, path: str, *, create: Callable[[int, str], None] | None = None) -> Iterator[tuple[int, str]]:
    """The directory (a descriptor) and name that `path` means below `root`, links resolved, the last one too.

    The name is "." where the path is the root or ends in a directory's `..`; it need not exist.
    `create(parent, name)` makes a missing directory on the way; without it FileNotFoundError is raised.
    Raises OSError with ELOOP, ENOTDIR, or ENAMETOOLONG.
    """
    stack = [os.dup(root)]
    try:
        yield _walk(stack, path, create)
    finally:
        for descriptor in stack:
            os.close(descriptor)


def _walk(stack: list[int], path: str, create: Callable[[int, str], None] | None) -> tuple[int, str]:
    if "\0" in path:
        raise ValueError(f"a path can't hold a NUL: {path!r}")
    todo = _names(path)
    links = 0
    while todo:
        name = todo.pop()
        if name == "..":
            if len(stack) > 1:
                os.close(stack.pop())
            continue
        target = _link_target(stack[-1], name)
        if target is not None:
            links += 1
            if links > LINK_LIMIT:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            if target.startswith("/"):
                while len(stack) > 1:
                    os.close(stack.pop())
            todo += _names(target)
            continue
        if not todo:
            return stack[-1], name
        if len(stack) > DEPTH_LIMIT:
            raise OSError(errno.ENAMETOOLONG, "more than 256 directories deep", path)
        try:
            stack.append(os.open(name, _DIRECTORY, dir_fd=stack[-1]))
        except FileNotFoundError:
            if create is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from None
            create(stack[-1], name)
            stack.append(os.open(name, _DIRECTORY, dir_fd=stack[-1]))
    return stack[-1], "."


def _names(path: str) -> list[str]:
    """The names in a path, the first one last."""
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]


def _link_target(directory: int, name: str) -> str | None:
    try:
        return os.readlink(name, dir_fd=directory)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT):
            return None
        raise


def status(root: int, path: str) -> os.stat_result:
    """What `path` means below `root`; raises OSError as `parent_of`, FileNotFoundError where it isn't there."""
    with parent_of(root, path) as (directory, name):
        return os.stat(name, dir_fd=directory, follow_symlinks=False)


@contextmanager
def open_regular(root: int, path: str) -> Iterator[IO[bytes]]:
    """A regular file for reading.

    Raises FileNotFoundError, IsADirectoryError, or OSError with EINVAL for devices, pipes and sockets,
    which aren't even opened, since that alone may block or act.
    """
    with parent_of(root, path) as (directory, name):
        handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        with Path(f"/proc/self/fd/{handle}").open("rb") as file:
            yield file
    finally:
        os.close(handle)


def bytes_below(root: int, path: str) -> int:
    """Of all files below a directory, 0 where there is none. Links aren't followed, and file systems not crossed into
    by them; what can't be looked at, or vanishes meanwhile, doesn't count."""
    total = 0
    with suppress(OSError), parent_of(root, path) as (directory, name):
        top = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        try:
            for _, _, names, folder in os.fwalk(".", dir_fd=top):
                for file in names:
                    with suppress(OSError):
                        total += os.stat(file, dir_fd=folder, follow_symlinks=False).st_blocks * 512
        finally:
            os.close(top)
    return total


def read_text(root: int, path: str, *, limit: int) -> str:
    """The first `limit` bytes of a regular file as UTF-8, or "" where there is none."""
    try:
        with open_regular(root, path) as file:
            return file.read(limit).decode(errors="replace")
    except OSError:
        return ""


def make_directory(root: int, path: str, *, mode: int = 0o755) -> None:
    """Make a directory and those above it; one that is there is left as it is."""
    with parent_of(root, path, create=_maker(mode)) as (directory, name):
        _maker(mode)(directory, name)
        os.close(os.open(name, _DIRECTORY, dir_fd=directory))


def write_file(root: int, path: str, source: IO[bytes], *, mode: int) -> None:
    """Write a file, directories above it made.

    It takes the place of what was there only when it is whole, so nothing that is there is opened.
    Raises IsADirectoryError where a directory is there.
    """
    with parent_of(root, path, create=_maker(0o755)) as (directory, name):
        if name == "." or path.endswith("/"):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        with suppress(FileNotFoundError):
            if stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        partial = f".partial-{secrets.token_hex(8)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with _writable(directory):
            try:
                with os.fdopen(os.open(partial, flags, 0o600, dir_fd=directory), "wb") as file:
                    shutil.copyfileobj(source, file, 1 << 20)
                    os.fchmod(file.fileno(), mode)
                os.rename(partial, name, src_dir_fd=directory, dst_dir_fd=directory)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(partial, dir_fd=directory)
                raise


def _maker(mode: int) -> Callable[[int, str], None]:
    def make(directory: int, name: str) -> None:
        with suppress(FileExistsError):
            with _writable(directory):
                os.mkdir(name, mode, dir_fd=directory)
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
            try:
                os.fchmod(handle, mode)  # against the umask
            finally:
                os.close(handle)

    return make


@contextmanager
def _writable(directory: int) -> Iterator[None]:
    """Let the owner write in a directory for a while: `/` has mode 0555 in some images, and root wouldn't mind."""
    mode = stat.S_IMODE(os.fstat(directory).st_mode)
    if mode & 0o300 == 0o300:
        yield
        return
    handle = Path(f"/proc/self/fd/{directory}")  # fchmod refuses an O_PATH descriptor
    handle.chmod(mode | 0o300)
    try:
        yield
    finally:
        handle.chmod(mode)
