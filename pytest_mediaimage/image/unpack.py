"""Writes an image's tree to disk, unprivileged, each file once and nothing outside the root.

The tree is known before the first byte is written, so directories are made from it and never through a link
that a layer planted. Owners and device nodes can't be made unprivileged: the facts keep them.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from ..errors import CorruptImage
from ..storage import storage_faults
from .entries import DIRECTORY, FIFO, SYMLINK
from .layer import Layer
from .layer_stream import LayerStream
from .scan import numbered
from .tar import Member, TarReader
from .tree import Node, Tree

# What a name or length is that no file system takes; an engine fails on it as well.
_IMPOSSIBLE = (errno.ENAMETOOLONG, errno.EFBIG, errno.EINVAL, errno.EILSEQ)

Streams = Callable[[Sequence[Layer]], Iterator[LayerStream]]
"""Streams of the layers asked for, in any order, each of which knows its diffID."""


def unpack(tree: Tree, layers: Sequence[Layer], streams: Streams, root: Path) -> None:
    """Write `tree` below `root`, an empty directory.

    Raises StorageFault where the disk is full, CorruptImage where a layer is damaged or holds what no file
    system takes.
    """
    with storage_faults(root):
        try:
            _unpack(tree, layers, streams, root)
        except OSError as error:
            if error.errno not in _IMPOSSIBLE:
                raise
            name = str(error.filename or "a file").removeprefix(f"{root}/")[:200]
            raise CorruptImage(f"{name!r} can't be written: {error.strerror}") from error


def _unpack(tree: Tree, layers: Sequence[Layer], streams: Streams, root: Path) -> None:
    for node in _all(tree, DIRECTORY):
        if node.path:
            (root / node.path).mkdir(mode=0o700)
    _write_files(tree, layers, streams, root)
    for node in _all(tree, SYMLINK):
        (root / node.path).symlink_to(node.entry.link)
    for node in _all(tree, FIFO):
        os.mkfifo(root / node.path)
        (root / node.path).chmod(node.entry.mode)
    # Modes last, deepest first: a directory without write permission would stop us. The owner keeps access,
    # or the cache could not be removed.
    for node in reversed(_all(tree, DIRECTORY)):
        (root / node.path).chmod(node.entry.mode | 0o700)


def _all(tree: Tree, kind: str) -> list[Node]:
    return [node for node in tree if node.type == kind]


def _write_files(tree: Tree, layers: Sequence[Layer], streams: Streams, root: Path) -> None:
    # A content can have several visible names: hard links.
    names: dict[int, dict[int, list[Node]]] = {}
    for node in tree.files():
        layer, ordinal = node.content
        names.setdefault(layer, {}).setdefault(ordinal, []).append(node)
    # A layer may stand in an image twice; its stream comes once and serves both.
    by_diff_id: dict[str, list[int]] = {}
    for index in names:
        by_diff_id.setdefault(layers[index].diff_id, []).append(index)
    wanted = [layers[indexes[0]] for indexes in by_diff_id.values()]
    for stream in streams(wanted):
        _write_layer(stream, [names[index] for index in by_diff_id.get(stream.diff_id or "", ())], root)
        stream.verify()


def _write_layer(stream: LayerStream, contents: list[dict[int, list[Node]]], root: Path) -> None:
    reader = TarReader(stream, where=stream.where)
    for ordinal, _, member in numbered(reader):
        nodes = [node for names in contents for node in names.get(ordinal, ())]
        if not nodes:
            continue
        first, *others = (root / node.path for node in nodes)
        with first.open("xb") as file:
            copy_content(reader, member, file)
            file.flush()  # a write takes the setuid bit away
            os.fchmod(file.fileno(), nodes[0].entry.mode)
        for other in others:
            os.link(first, other)


def copy_content(reader: TarReader, member: Member, file: IO[bytes]) -> None:
    """Write the reader's current member to `file`, holes and all."""
    if member.sparse is None:
        for chunk in reader.chunks():
            file.write(chunk)
    else:
        _write_sparse(file, reader, member.sparse, member.size)


def _write_sparse(file: IO[bytes], reader: TarReader, extents: list[tuple[int, int]], size: int) -> None:
    chunks = reader.chunks()
    rest = b""
    for start, length in extents:
        file.seek(start)
        while length:
            rest = rest or next(chunks)
            piece, rest = rest[:length], rest[length:]
            file.write(piece)
            length -= len(piece)
    file.truncate(size)
