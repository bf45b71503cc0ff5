"""Audio and video files inside zip and tar archives."""

from __future__ import annotations

from typing import Any

from ..entries import Entry
from .archive_walk import Member, Walk
from .media import media_kind

NAME = "archived-media"

# Nobody hides films under these names, and archives are full of them.
_NEVER = (".class", ".py", ".pyc", ".pyi", ".h", ".hpp", ".c", ".cc", ".js", ".map", ".json", ".html", ".css", ".md")
# What members go by that can't be read: encrypted ones, or in a compression other than deflate.
_NAMES = (".mp4", ".m4v", ".m4a", ".mov", ".mkv", ".webm", ".avi", ".flv", ".mxf", ".m2ts", ".mpg", ".mp3", ".wav")
_SMALLEST = 1000  # bytes: a shorter member is no clip worth a word
_LONGEST_NAME = 200


class ArchivedMedia:
    """Finds them by their first bytes, in one pass.

    The fact is a dict: how many `members` are media, the `bytes` that they take in the archive, the `name` of the one
    that takes most, and `what` that is.
    """

    name = NAME
    version = 1

    def watch(self, entry: Entry, head: bytes) -> _Gatherer | None:
        if head[:4] == b"PK\x03\x04":
            return _Gatherer("zip")
        if head[257:262] == b"ustar":
            return _Gatherer("tar")
        if head[:3] == b"\x1f\x8b\x08" and entry.path.endswith((".tar.gz", ".tgz")):
            return _Gatherer("tar.gz")
        return None


class _Gatherer(Walk):
    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self._count = 0
        self._bytes = 0
        self._largest = (0, "", "")

    def wants(self, name: str) -> bool:
        return not name.endswith(_NEVER)

    def member(self, member: Member) -> None:
        if member.length < _SMALLEST or not self.wants(member.name):
            return
        if member.head is not None:
            what = media_kind(member.head, member.length)
        else:
            what = "a media file by its name" if member.name.lower().endswith(_NAMES) else None
        if what:
            self._count += 1
            self._bytes += member.stored
            self._largest = max(self._largest, (member.stored, member.name[:_LONGEST_NAME], what))

    def finish(self) -> dict[str, Any] | None:
        if not self._count:
            return None
        _, name, what = self._largest
        return {"members": self._count, "bytes": self._bytes, "name": name, "what": what}
