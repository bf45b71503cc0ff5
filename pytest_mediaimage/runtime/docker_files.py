"""Files in a Docker container by the engine's archive requests, which resolve links inside the container."""

from __future__ import annotations

import base64
import errno
import io
import json
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from docker.errors import NotFound
from docker.models.containers import Container

from ..engine.faults import engine_faults
from ..errors import EnvironmentFault
from .docker_engine import api_of
from .hostfile import write_whole
from .users import User

_GO_DIRECTORY, _GO_LINK = 1 << 31, 1 << 27
_GO_SPECIAL = 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19
"""Bits of Go's os.FileMode; the special ones are device, pipe, socket, character device, irregular."""
_LINK_LIMIT = 40


def resolve(container: Container, path: str) -> tuple[str, int | None]:
    """(path without a link at its end, Go's mode, or None where nothing is there).

    Raises OSError with ELOOP, or EINVAL where the engine can't look it up (a file on the way, a loop).
    """
    path, found = _look(container, path)
    return path, int(found["mode"]) if found else None


def length_of(container: Container, path: str) -> int | None:
    """Bytes of a regular file, None where there is none."""
    try:
        _, found = _look(container, path)
    except OSError:
        return None
    return None if found is None or found["mode"] & (_GO_DIRECTORY | _GO_SPECIAL) else int(found["size"])


def bytes_written(container: Container) -> int:
    """Of all that was written in the container, what is mounted in it left out."""
    with engine_faults("tell how much was written in a container"):
        api = api_of(container)
        found = api._result(api._get(api._url("/containers/{0}/json", container.id), params={"size": "1"}), json=True)
    return int(found.get("SizeRw") or 0)


def _look(container: Container, path: str) -> tuple[str, dict[str, Any] | None]:
    path = str(PurePosixPath("/", path))
    for _ in range(_LINK_LIMIT):
        with engine_faults(f"look for {path}"):
            api = api_of(container)
            answer = api.head(api._url("/containers/{0}/archive", container.id), params={"path": path})
        if answer.status_code == 404:
            return path, None
        if not answer.ok:
            raise OSError(errno.EINVAL, "can't be looked up: a file on the way, or a loop of links", path)
        found: dict[str, Any] = json.loads(base64.b64decode(answer.headers["X-Docker-Container-Path-Stat"]))
        if not found["mode"] & _GO_LINK:
            return path, found
        path = str(PurePosixPath(path).parent / found["linkTarget"])
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def read(container: Container, path: str) -> Iterator[bytes]:
    """The bytes of a regular file in chunks.

    Raises FileNotFoundError, IsADirectoryError, or another OSError where it isn't a regular file.
    """
    path, mode = resolve(container, path)
    if mode is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    if mode & _GO_DIRECTORY:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if mode & _GO_SPECIAL:
        raise OSError(errno.EINVAL, "not a regular file", path)
    try:
        with engine_faults(f"read {path}"):
            chunks, _ = container.get_archive(path, chunk_size=1 << 20)
            with tarfile.open(fileobj=_Stream(chunks), mode="r|") as archive:
                member = archive.next()
                if member is None or not member.isreg():
                    raise OSError(errno.EINVAL, "changed while it was read", path)
                file = archive.extractfile(member)
                assert file is not None
                while chunk := file.read(1 << 20):
                    yield chunk
    except EnvironmentFault as fault:
        if isinstance(fault.__cause__, NotFound):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from fault
        raise
    except tarfile.TarError as error:
        raise EnvironmentFault(f"the Docker Engine sent a broken archive of {path}: {error}") from error


def read_text(container: Container, path: str, *, limit: int) -> str:
    """The first `limit` bytes of a regular file as UTF-8, or "" where there is none."""
    text = bytearray()
    try:
        for chunk in read(container, path):
            text += chunk
            if len(text) >= limit:
                break
    except OSError:
        return ""
    return bytes(text[:limit]).decode(errors="replace")


def copy_out(container: Container, source: str, target: Path) -> None:
    """Copy a regular file to the host."""
    write_whole(target, read(container, source))


def copy_in(container: Container, source: Path, target: str, owner: User) -> None:
    """Copy a file into the container; it and the directories made on the way belong to `owner`."""
    if target.endswith("/"):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), target)
    target, mode = resolve(container, target)
    if mode is not None and mode & _GO_DIRECTORY:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), target)
    missing: list[str] = []
    parent = PurePosixPath(target).parent
    while True:
        place, mode = resolve(container, str(parent))
        if mode is not None:
            break
        missing.insert(0, parent.name)
        parent = parent.parent
    if not mode & _GO_DIRECTORY:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(parent))
    with source.open("rb") as file, engine_faults(f"copy to {target}"):
        container.put_archive(place, _archive(file, missing, PurePosixPath(target).name, owner))


def _archive(file: IO[bytes], directories: list[str], name: str, owner: User) -> Iterator[bytes]:
    """A tar archive in chunks: the directories, one in the other, and in the last the file."""
    status = os.fstat(file.fileno())
    path = PurePosixPath()
    for directory in directories:
        path /= directory
        yield _header(tarfile.TarInfo(str(path)), tarfile.DIRTYPE, 0o755, owner, status.st_mtime)
    info = tarfile.TarInfo(str(path / name))
    info.size = status.st_size
    yield _header(info, tarfile.REGTYPE, stat.S_IMODE(status.st_mode) & 0o777 | 0o400, owner, status.st_mtime)
    left = info.size
    while left and (chunk := file.read(min(left, 1 << 20))):
        left -= len(chunk)
        yield chunk
    if left:
        raise OSError(errno.EIO, "became shorter while it was read", file.name)
    yield bytes(-info.size % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)


def _header(info: tarfile.TarInfo, kind: bytes, mode: int, owner: User, mtime: float) -> bytes:
    info.type, info.mode, info.mtime = kind, mode, int(mtime)
    info.uid, info.gid = owner.uid, owner.gid
    return info.tobuf(tarfile.PAX_FORMAT)


class _Stream(io.RawIOBase):
    """Chunks as a file that can only be read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts: list[bytes] = []
        wanted = size
        while wanted:
            if not self._rest:
                self._rest = next(self._chunks, b"")
                if not self._rest:
                    break
            part = self._rest if wanted < 0 else self._rest[:wanted]
            self._rest = self._rest[len(part) :]
            parts.append(part)
            wanted -= len(part) if wanted > 0 else 0
        return b"".join(parts)
