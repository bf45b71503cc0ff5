"""Layer, and what one reading of it taught us."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .digest import Digest
from .manifest import Descriptor

FILE, DIRECTORY, SYMLINK, HARDLINK, CHAR, BLOCK, FIFO, WHITEOUT, OPAQUE = (
    "file",
    "directory",
    "symlink",
    "hardlink",
    "char",
    "block",
    "fifo",
    "whiteout",
    "opaque",
)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of an image. `descriptor` is None where the source has no compressed blobs (Docker's daemon)."""

    index: int
    diff_id: Digest
    descriptor: Descriptor | None
    created_by: str

    @property
    def compressed_size(self) -> int | None:
        return self.descriptor.length if self.descriptor else None


@dataclass(slots=True)
class Entry:
    """One member of a layer. `path` has no leading slash; `size` is the content's length in bytes, as stat shows it.

    For a whiteout `path` is what it deletes, for an opaque marker the directory; `link` is a symlink's text or a
    hard link's cleaned target.
    """

    path: str
    type: str
    size: int = 0
    mode: int = 0
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    link: str = ""

    def to_json(self) -> list[Any]:
        return [self.path, self.type, self.size, self.mode, self.uid, self.gid, self.mtime, self.link]


@dataclass(slots=True)
class LayerFacts:
    """What one pass over a layer found.

    `entries` are in the order of the tar; `unsafe` holds (name, reason) of members that were not followed;
    `found` maps an analyser's name to {ordinal in entries: its JSON}; `tar_size` is the length of the
    uncompressed stream.
    """

    diff_id: Digest
    tar_size: int
    entries: list[Entry]
    unsafe: list[tuple[str, str]] = field(default_factory=list)
    found: dict[str, dict[int, Any]] = field(default_factory=dict)

    @property
    def unpacked_size(self) -> int:
        """Bytes of all file contents in the layer, hard links once."""
        return sum(entry.size for entry in self.entries if entry.type == FILE)

    def to_json(self) -> dict[str, Any]:
        return {
            "diff_id": self.diff_id,
            "tar_size": self.tar_size,
            "entries": [entry.to_json() for entry in self.entries],
            "unsafe": self.unsafe,
            "found": self.found,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> LayerFacts:
        return cls(
            diff_id=Digest(data["diff_id"]),
            tar_size=data["tar_size"],
            entries=[Entry(*item) for item in data["entries"]],
            unsafe=[(name, reason) for name, reason in data["unsafe"]],
            found={name: {int(k): v for k, v in items.items()} for name, items in data["found"].items()},
        )
