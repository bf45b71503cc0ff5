"""Where the dynamic loader looks: ld.so.conf and what it includes, ld.so.cache, and musl's ld-musl-ARCH.path."""

from __future__ import annotations

import re

from ..entries import Entry

NAME = "loader-config"
_LONGEST = 64 << 10
_CACHE = "etc/ld.so.cache"
_LONGEST_CACHE = 1 << 20  # 100 kB in a Debian with a desktop's libraries
# glibc, sysdeps/generic/dl-cache.h: names and paths stand at its end, each ended by a NUL.
_CACHED = re.compile(rb"(?<=\0)(/[ -~]+)/[ -~]+?(?=\0)")


class LoaderConfigs:
    """The fact is the file's text, and for ld.so.cache the directories in it, a line for each.

    A file of more than 64 KiB, or a cache of more than 1 MiB, gets none.
    """

    name = NAME
    version = 1

    def watch(self, entry: Entry, head: bytes) -> _Text | None:
        path = entry.path
        if not path.startswith("etc/ld"):
            return None
        if path == _CACHE:
            return _Cache() if entry.size <= _LONGEST_CACHE else None
        return _Text() if _is_config(path) and entry.size <= _LONGEST else None


def _is_config(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    if folder == "etc":
        return name == "ld.so.conf" or (name.startswith("ld-musl-") and name.endswith(".path"))
    return folder == "etc/ld.so.conf.d" and name.endswith(".conf")


class _Text:
    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        self._parts.append(chunk)

    def finish(self) -> str:
        return b"".join(self._parts).decode("utf-8", "surrogateescape")


class _Cache(_Text):
    def finish(self) -> str:
        folders = {match[1].decode() for match in _CACHED.finditer(b"".join(self._parts))}
        return "\n".join(sorted(folders))
