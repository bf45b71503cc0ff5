"""The text of a few small files that checks ask for by name: accounts and the release."""

from __future__ import annotations

import re

from ..entries import Entry

NAME = "small-files"
LONGEST = 64 * 1024
"""Bytes of a file that is kept at the most; longer ones aren't."""

# Below `etc` of the image, or of a package that another path links to, as in images made by Nix.
_ETC = re.compile(r"(?:.*/)?etc/(?:passwd|group|os-release)", re.DOTALL)
# os-release(5): /etc/os-release is mostly a link to the other.
_OTHERS = frozenset({"usr/lib/os-release"})


class SmallFiles:
    """Keeps them whole. The fact is the text, as UTF-8 with surrogates for other bytes."""

    name = NAME
    version = 1

    def watch(self, entry: Entry, head: bytes) -> _Kept | None:
        path = entry.path
        if entry.size > LONGEST or ("etc/" not in path and path not in _OTHERS):
            return None
        return _Kept() if path in _OTHERS or _ETC.fullmatch(path) else None


class _Kept:
    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        self._chunks.append(chunk)

    def finish(self) -> str:
        return b"".join(self._chunks).decode("utf-8", "surrogateescape")
