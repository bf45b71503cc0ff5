"""The members of a layer, kept in columns: a layer may have a million of them."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

FILE, DIRECTORY, SYMLINK, HARDLINK, CHAR, BLOCK, FIFO, WHITEOUT, OPAQUE = TYPES = (
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
_CODES = {name: code for code, name in enumerate(TYPES)}
_FILE = _CODES[FILE]
# What 64 bits hold; a time beyond them is as good as the last of them.
_MOST = (1 << 63) - 1


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


class Entries(Sequence[Entry]):
    """A list of entries, in about 40 bytes each and their paths. What is taken out is a copy.

    Each file has a `fingerprint`, XXH3 (64 bits) of its stored bytes: equal contents have equal ones. It is no
    protection against forgery.
    """

    def __init__(self) -> None:
        # Paths stand between NULs, so that one can be found by a plain search.
        self._paths = bytearray(b"\0")
        self._ends = array("Q")
        self._types = bytearray()
        self._modes = array("H")
        self._sizes = array("q")
        self._mtimes = array("q")
        self._fingerprints = array("Q")
        self._owner = array("I")
        self._owners: list[tuple[int, int]] = []
        self._owner_index: dict[tuple[int, int], int] = {}
        self._links: dict[int, str] = {}

    def append(self, entry: Entry, fingerprint: int = 0) -> None:
        self._paths += entry.path.encode("utf-8", "surrogateescape")
        self._ends.append(len(self._paths))
        self._paths.append(0)
        self._types.append(_CODES[entry.type])
        self._modes.append(entry.mode & 0xFFFF)
        self._sizes.append(entry.size)
        self._mtimes.append(max(-_MOST, min(entry.mtime, _MOST)))
        self._fingerprints.append(fingerprint)
        owner = (entry.uid, entry.gid)
        index = self._owner_index.get(owner)
        if index is None:
            index = self._owner_index[owner] = len(self._owners)
            self._owners.append(owner)
        self._owner.append(index)
        if entry.link:
            self._links[len(self._types) - 1] = entry.link

    def __len__(self) -> int:
        return len(self._types)

    @overload
    def __getitem__(self, ordinal: int, /) -> Entry: ...
    @overload
    def __getitem__(self, ordinal: slice, /) -> list[Entry]: ...
    def __getitem__(self, ordinal: int | slice, /) -> Entry | list[Entry]:
        if isinstance(ordinal, slice):
            return [self[index] for index in range(*ordinal.indices(len(self)))]
        if ordinal < 0:
            ordinal += len(self)
        uid, gid = self._owners[self._owner[ordinal]]
        return Entry(
            self.path(ordinal),
            TYPES[self._types[ordinal]],
            self._sizes[ordinal],
            self._modes[ordinal],
            uid,
            gid,
            self._mtimes[ordinal],
            self._links.get(ordinal, ""),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Entries):
            return NotImplemented
        return self.columns() == other.columns() and self.rest() == other.rest()

    __hash__ = None  # type: ignore[assignment]

    def path(self, ordinal: int) -> str:
        start = self._ends[ordinal - 1] + 1 if ordinal else 1
        return self._paths[start : self._ends[ordinal]].decode("utf-8", "surrogateescape")

    def type(self, ordinal: int) -> str:
        return TYPES[self._types[ordinal]]

    def link(self, ordinal: int) -> str:
        return self._links.get(ordinal, "")

    def length(self, ordinal: int) -> int:
        """The length in bytes of the entry's content."""
        return self._sizes[ordinal]

    def fingerprint(self, ordinal: int) -> int:
        return self._fingerprints[ordinal]

    def total_length(self) -> int:
        """Bytes of all file contents, hard links once."""
        return sum(size for kind, size in zip(self._types, self._sizes, strict=True) if kind == _FILE)

    def of_type(self, *types: str) -> Iterator[int]:
        """The ordinals of the entries that are of these types."""
        codes = {_CODES[name] for name in types}
        if not any(code in self._types for code in codes):
            return
        yield from (ordinal for ordinal, code in enumerate(self._types) if code in codes)

    def hold(self, path: str) -> bool:
        """Whether an entry has this path."""
        return b"\0%b\0" % path.encode("utf-8", "surrogateescape") in self._paths

    def columns(self) -> tuple[bytearray | array[int], ...]:
        """What `restore` takes back, with `rest`."""
        return (
            self._paths,
            self._ends,
            self._types,
            self._modes,
            self._sizes,
            self._mtimes,
            self._fingerprints,
            self._owner,
        )

    def rest(self) -> dict[str, Any]:
        """What isn't in the columns, as JSON."""
        return {"owners": [list(owner) for owner in self._owners], "links": list(self._links.items())}

    def restore(self, rest: dict[str, Any]) -> None:
        """Take back what `rest` gave, the columns being filled. Raises ValueError where they don't fit together."""
        self._owners = [(uid, gid) for uid, gid in rest["owners"]]
        self._owner_index = {owner: index for index, owner in enumerate(self._owners)}
        self._links = {int(ordinal): str(link) for ordinal, link in rest["links"]}
        lengths = {len(column) for column in self.columns()[1:]}
        if len(lengths) != 1 or len(self._paths) != (self._ends[-1] if self._ends else 0) + 1:
            raise ValueError("columns of different lengths")
        if self._owner and max(self._owner) >= len(self._owners):
            raise ValueError("an owner that isn't there")
