"""One pass over a layer: its entries, and whatever the analysers learn from the contents on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

from xxhash import xxh3_64, xxh3_64_intdigest

from .entries import (
    BLOCK,
    CHAR,
    DIRECTORY,
    FIFO,
    FILE,
    HARDLINK,
    OPAQUE,
    SYMLINK,
    WHITEOUT,
    Entries,
    Entry,
)
from .layer import LayerFacts
from .layer_stream import LayerStream
from .limits import MAX_PATH_LENGTH
from .tar import Member, TarReader

# Enough for every signature we look for: three packets of an MPEG transport stream are the longest.
HEAD = 4096
_TYPES = {"0": FILE, "1": HARDLINK, "2": SYMLINK, "3": CHAR, "4": BLOCK, "5": DIRECTORY, "6": FIFO}
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


class Watcher(Protocol):
    """Sees the content of one file, piece by piece from its first byte."""

    def feed(self, chunk: bytes) -> None: ...
    def finish(self) -> Any:
        """JSON to keep, or None for nothing; or a Future of either, where it takes long to tell (see `beside`)."""


class Analyser(Protocol):
    """Learns something from the files of a layer. Facts are kept by name and version: raise it when they change."""

    name: str
    version: int

    def watch(self, entry: Entry, head: bytes) -> Watcher | None:
        """A watcher for this regular file, or None. `head` is its first bytes, HEAD at the most."""


def scan_layer(stream: LayerStream, analysers: Sequence[Analyser]) -> LayerFacts:
    """Read the layer to its end, check it, and tell what is in it. Raises CorruptImage."""
    reader = TarReader(stream, where=stream.where)
    entries = Entries()
    unsafe: list[tuple[str, str]] = []
    found: dict[str, dict[int, Any]] = {}
    xattrs: dict[int, dict[str, str]] = {}
    for ordinal, entry, member in numbered(reader, unsafe):
        fingerprint = 0
        if entry.type == FILE and entry.size:
            fingerprint, facts = _analyse(entry, reader, analysers)
            for name, fact in facts:
                found.setdefault(name, {})[ordinal] = fact
        if member.pax and (attributes := _xattrs(member.pax)):
            xattrs[ordinal] = attributes
        entries.append(entry, fingerprint)
    diff_id = stream.verify()
    length = stream.uncompressed_length
    return LayerFacts(diff_id, length, entries, unsafe, _settled(found), xattrs, stream.packing)


def _settled(found: dict[str, dict[int, Any]]) -> dict[str, dict[int, Any]]:
    """The facts, when those that were worked out beside the reading are there as well."""
    settled: dict[str, dict[int, Any]] = {}
    for name, facts in found.items():
        for ordinal, fact in facts.items():
            known = fact.result() if isinstance(fact, Future) else fact
            if known is not None:
                settled.setdefault(name, {})[ordinal] = known
    return settled


def _analyse(entry: Entry, reader: TarReader, analysers: Sequence[Analyser]) -> tuple[int, list[tuple[str, Any]]]:
    """The content's fingerprint, and what each analyser that has something to say found."""
    chunks = reader.chunks()
    first = next(chunks, b"")
    while len(first) < HEAD and (more := next(chunks, b"")):
        first += more
    head = first[:HEAD]
    watchers = [(a.name, watcher) for a in analysers if (watcher := a.watch(entry, head)) is not None]
    for _, watcher in watchers:
        watcher.feed(first)
    second = next(chunks, None)
    if second is None:
        fingerprint = xxh3_64_intdigest(first)
    else:
        content = xxh3_64(first)
        while second is not None:
            content.update(second)
            for _, watcher in watchers:
                watcher.feed(second)
            second = next(chunks, None)
        fingerprint = content.intdigest()
    return fingerprint, [(name, fact) for name, watcher in watchers if (fact := watcher.finish()) is not None]


_XATTR = "SCHILY.xattr."


def _xattrs(pax: Mapping[str, bytes]) -> dict[str, str]:
    return {key[len(_XATTR) :]: value.hex() for key, value in pax.items() if key.startswith(_XATTR)}


def numbered(reader: TarReader, unsafe: list[tuple[str, str]] | None = None) -> Iterator[tuple[int, Entry, Member]]:
    """The entries that count, with their ordinals; what must not be followed goes to `unsafe`."""
    ordinal = 0
    for member in reader:
        entry = entry_of(member)
        if isinstance(entry, Entry):
            yield ordinal, entry, member
            ordinal += 1
        elif unsafe is not None:
            unsafe.append((member.name[:MAX_PATH_LENGTH], entry))


def entry_of(member: Member) -> Entry | str:
    """The entry that a tar member stands for, or why it is unsafe and must not be followed."""
    path = clean_path(member.name)
    if path is None:
        return "an absolute name or one with '..'"
    if _too_long(member.name) or _too_long(member.linkname):
        return f"a path or link of more than {MAX_PATH_LENGTH} bytes"
    kind = _TYPES.get(member.type)
    if kind is None:
        return f"a tar member of the unknown type {member.type!r}"
    if not path and kind != DIRECTORY:
        return "something else in place of the root directory"
    if _WHITEOUT in path and (mark := _mark_of(path, member.mtime)) is not None:
        return mark
    link = member.linkname
    if kind == HARDLINK:
        cleaned = clean_path(link)
        if cleaned is None:
            return "a hard link to an absolute name" if link.startswith("/") else "a hard link to a name with '..'"
        link = cleaned
    elif kind == SYMLINK and (not link or "\0" in link):
        return "a symbolic link to nothing"
    return Entry(path, kind, member.size, member.mode, member.uid, member.gid, member.mtime, link)


def _mark_of(path: str, mtime: int) -> Entry | str | None:
    """The whiteout or opaque marker that a path is; None for any other path."""
    parent, _, name = path.rpartition("/")
    if name == _OPAQUE:
        return Entry(parent, OPAQUE, mtime=mtime)
    if not name.startswith(_WHITEOUT):
        return None
    target = name[len(_WHITEOUT) :]
    if target in ("", ".", ".."):
        return "a whiteout that names nothing"
    if target.startswith(_WHITEOUT):
        return "a name of AUFS' own"
    return Entry(f"{parent}/{target}" if parent else target, WHITEOUT, mtime=mtime)


def _too_long(path: str) -> bool:
    return len(path) > MAX_PATH_LENGTH or (
        len(path) * 4 > MAX_PATH_LENGTH and len(path.encode("utf-8", "surrogateescape")) > MAX_PATH_LENGTH
    )


def clean_path(name: str) -> str | None:
    """`name` without `./` and doubled slashes, `""` for the root itself; None where it is absolute or has `..`."""
    # Nearly every name is one of these; there may be a million of them.
    path = name[2:] if name.startswith("./") else name
    if path.endswith("/"):
        path = path[:-1]
    if path and path[0] not in "/." and path[-1] != "/" and "//" not in path and "/." not in path and "\0" not in path:
        return path
    if name.startswith("/") or "\0" in name:
        return None
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return None if ".." in parts else "/".join(parts)
