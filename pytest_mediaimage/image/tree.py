"""The tree that a container sees, put together from the layers, and what lies hidden below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .entries import DIRECTORY, FILE, HARDLINK, OPAQUE, SYMLINK, WHITEOUT, Entries, Entry
from .layer import LayerFacts

_MAX_LINKS = 40  # Linux's own limit for links in a path


@dataclass(slots=True)
class Node:
    """A path that is visible. `content` is (layer index, ordinal of the entry that holds the bytes)."""

    path: str
    entry: Entry
    layer: int
    content: tuple[int, int]

    @property
    def type(self) -> str:
        return self.entry.type


@dataclass(frozen=True, slots=True)
class Hidden:
    """A file's content that still travels but can't be seen: replaced or deleted by layer `by`."""

    path: str
    entry: Entry
    layer: int
    ordinal: int
    by: int


_MOST_DANGLING = 1000
# A leaf is one number, since there may be a million: the layer that shows it, and the layer and ordinal of its content.
_ORDINAL, _LAYER = 32, 14
_CONTENT = (1 << _ORDINAL + _LAYER) - 1
_IMPLIED = (1 << _ORDINAL) - 1  # the ordinal of a directory that no entry makes


def _leaf(layer: int, content_layer: int, ordinal: int) -> int:
    return (layer << _LAYER | content_layer) << _ORDINAL | ordinal


class _Directory:
    __slots__ = ("children", "leaf")

    def __init__(self, leaf: int) -> None:
        self.leaf = leaf
        self.children: dict[str, _Directory | int] = {}


class Tree:
    """Every visible path, and `hidden`: content that can't be seen.

    Costs some 150 bytes for a path; nodes are made when they are asked for.
    """

    def __init__(self, layers: Sequence[LayerFacts]) -> None:
        self._layers = [facts.entries for facts in layers]
        self._root = _Directory(_leaf(0, 0, _IMPLIED))
        self._links = 0
        self._shared: dict[int, Entry] = {}
        """Contents with several names, and the attributes that they share."""
        self._lost: dict[int, int] = {}
        self.dangling: list[tuple[int, int]] = []
        """(layer, ordinal) of hard links whose target wasn't there, the first thousand."""
        self._last: tuple[str, _Directory] | None = None
        for index, entries in enumerate(self._layers):
            self._apply(index, entries)
        if self._lost:
            for _, leaf in self._leaves():
                self._lost.pop(leaf & _CONTENT, None)

    def __len__(self) -> int:
        count = int(self._root.leaf & _IMPLIED != _IMPLIED)
        pending = [self._root]
        while pending:
            children = pending.pop().children
            count += len(children)
            pending.extend(item for item in children.values() if isinstance(item, _Directory))
        return count

    @property
    def hidden(self) -> list[Hidden]:
        """In the order of layers and entries."""
        return [self._hidden(content) for content in sorted(self._lost)]

    def hidden_by(self, layer: int, ordinal: int) -> int | None:
        """The layer that hides the content of an entry, None where it is visible."""
        return self._lost.get(layer << _ORDINAL | ordinal)

    def _hidden(self, content: int) -> Hidden:
        layer, ordinal = content >> _ORDINAL, content & _IMPLIED
        entry = self._layers[layer][ordinal]
        return Hidden(entry.path, entry, layer, ordinal, self._lost[content])

    @property
    def flattened_size(self) -> int:
        """Bytes of all visible file contents, hard links once."""
        total = 0
        shared: set[int] = set()
        for _, leaf in self._leaves():
            content = leaf & _CONTENT
            if leaf & _IMPLIED == _IMPLIED or content in shared or self._type(content) != FILE:
                continue
            if content in self._shared:
                shared.add(content)
            total += self._length(content)
        return total

    @property
    def wasted_size(self) -> int:
        """Bytes that could be saved by never adding them: what is hidden. The visible copy doesn't count."""
        return sum(map(self._length, self._lost))

    def __iter__(self) -> Iterator[Node]:
        """Every node, sorted by its path's parts: a directory before what is in it."""
        if self._root.leaf & _IMPLIED != _IMPLIED:
            yield self._node("", self._root.leaf)
        open_directories = [("", self._root, iter(sorted(self._root.children)))]
        while open_directories:
            above, directory, names = open_directories[-1]
            name = next(names, None)
            if name is None:
                open_directories.pop()
                continue
            path, item = _join(above, name), directory.children[name]
            if isinstance(item, _Directory):
                yield self._node(path, item.leaf)
                open_directories.append((path, item, iter(sorted(item.children))))
            else:
                yield self._node(path, item)

    def files(self) -> Iterator[Node]:
        """The regular files, sorted."""
        return (node for node in self if node.type == FILE)

    def paths_of(self, wanted: set[tuple[int, int]]) -> dict[tuple[int, int], str]:
        """One visible path of each of the contents `wanted` that is visible."""
        found: dict[tuple[int, int], str] = {}
        for path, leaf in self._leaves():
            content = (leaf & _CONTENT) >> _ORDINAL, leaf & _IMPLIED
            if content in wanted:
                found.setdefault(content, path)
        return found

    def layers_with(self, path: str) -> tuple[int, ...]:
        """The layers that have an entry of this name: what it became in each stands in their entries."""
        return tuple(index for index, entries in enumerate(self._layers) if entries.hold(path.strip("/")))

    def get(self, path: str) -> Node | None:
        """The node at `path`, links not followed."""
        path = path.strip("/")
        item = self._find(path)
        if item is None or (item is self._root and self._root.leaf & _IMPLIED == _IMPLIED):
            return None
        return self._node(path, item.leaf if isinstance(item, _Directory) else item)

    def resolve(self, path: str) -> Node | None:
        """The node at `path` with every link followed inside the image, or None (missing, or a loop)."""
        todo = [part for part in reversed(path.split("/")) if part not in ("", ".")]
        done: list[str] = []
        followed = 0
        while todo:
            part = todo.pop()
            if part == "..":
                if done:
                    done.pop()
                continue
            item = self._find("/".join((*done, part)))
            if item is None:
                return None
            link = self._link_of(item)
            if link is None:
                done.append(part)
                continue
            followed += 1
            if followed > _MAX_LINKS:
                return None
            if link.startswith("/"):
                done.clear()
            todo.extend(p for p in reversed(link.split("/")) if p not in ("", "."))
        return self.get("/".join(done))

    # What a leaf stands for.

    def _type(self, content: int) -> str:
        return self._layers[content >> _ORDINAL].type(content & _IMPLIED)

    def _length(self, content: int) -> int:
        return self._layers[content >> _ORDINAL].length(content & _IMPLIED)

    def _link_of(self, item: _Directory | int) -> str | None:
        """The text of a symbolic link, None for anything else."""
        if isinstance(item, _Directory):
            return None
        content = item & _CONTENT
        if self._type(content) != SYMLINK:
            return None
        return self._layers[content >> _ORDINAL].link(content & _IMPLIED)

    def _node(self, path: str, leaf: int) -> Node:
        layer = leaf >> _ORDINAL + _LAYER
        content_layer, ordinal = (leaf & _CONTENT) >> _ORDINAL, leaf & _IMPLIED
        if ordinal == _IMPLIED:
            return Node(path, Entry(path, DIRECTORY, mode=0o755), layer, (layer, -1))
        entry = self._shared.get(leaf & _CONTENT) or self._layers[content_layer][ordinal]
        return Node(path, entry, layer, (content_layer, ordinal))

    def _leaves(self) -> Iterator[tuple[str, int]]:
        """Path and leaf of everything but directories."""
        pending = [("", self._root)]
        while pending:
            path, directory = pending.pop()
            for name, item in directory.children.items():
                if isinstance(item, int):
                    yield _join(path, name), item
                else:
                    pending.append((_join(path, name), item))

    # How layers are put on each other.

    def _apply(self, index: int, entries: Entries) -> None:
        # Whiteouts act on the layers below only, wherever they stand in the tar.
        marks = list(entries.of_type(WHITEOUT, OPAQUE))
        replaced = self._replaced_links(entries) if marks else set()
        for ordinal in marks:
            path = entries.path(ordinal)
            if entries.type(ordinal) == WHITEOUT:
                if not _below(path.rpartition("/")[0], replaced):
                    self._remove(self._real(path), index)
            elif not _below(path, replaced):
                directory = self._find(self._real(path, last=True))
                if isinstance(directory, _Directory):
                    for name in list(directory.children):
                        self._lose(directory.children.pop(name), index)
        self._last = None
        for ordinal in range(len(entries)):
            kind = entries.type(ordinal)
            if kind not in (WHITEOUT, OPAQUE):
                self._add(index, ordinal, kind, entries)

    def _replaced_links(self, entries: Entries) -> set[str]:
        """Links that become directories in this layer: what stands below them is not what the links led to."""
        if not self._links:
            return set()
        found = set()
        for ordinal in entries.of_type(DIRECTORY):
            path = entries.path(ordinal)
            item = self._find(self._real(path))
            if item is not None and self._link_of(item) is not None:
                found.add(path)
        return found

    def _add(self, index: int, ordinal: int, kind: str, entries: Entries) -> None:
        path = entries.path(ordinal)
        leaf = _leaf(index, index, ordinal)
        if kind == HARDLINK:
            target = self._find(self._real(entries.link(ordinal)))
            if target is None or isinstance(target, _Directory):
                if len(self.dangling) < _MOST_DANGLING:
                    self.dangling.append((index, ordinal))
                return  # nothing to link to: engines refuse such a layer
            content = target & _CONTENT
            if self._type(content) == FILE:
                self._share_attributes(content, entries[ordinal])
            leaf = index << _ORDINAL + _LAYER | content
        if not path:
            self._root.leaf = leaf
            return
        parent, name = self._parent(path, index)
        old = parent.children.get(name)
        if isinstance(old, _Directory) and kind == DIRECTORY:
            old.leaf = leaf
            return
        if isinstance(old, int) and old & _CONTENT == leaf & _CONTENT:
            return
        if old is not None:
            self._lose(old, index)
            self._last = None
        if kind == DIRECTORY:
            parent.children[name] = _Directory(leaf)
        else:
            parent.children[name] = leaf
            if self._type(leaf & _CONTENT) == SYMLINK:
                self._links += 1

    def _share_attributes(self, content: int, link: Entry) -> None:
        """Engines give the file what the hard link's own header says, and so all its names."""
        known = self._shared.get(content) or self._layers[content >> _ORDINAL][content & _IMPLIED]
        self._shared[content] = replace(known, mode=link.mode, uid=link.uid, gid=link.gid, mtime=link.mtime)

    def _parent(self, path: str, index: int) -> tuple[_Directory, str]:
        """The directory that `path` stands in, links followed, made where it is missing; and its name there."""
        above, _, name = path.rpartition("/")
        # Tars are sorted by directories.
        if self._last is None or self._last[0] != above:
            self._last = above, self._directory(above, index)
        return self._last[1], name

    def _directory(self, path: str, index: int) -> _Directory:
        known = self._find(path)
        if isinstance(known, _Directory):
            return known
        directory = self._root
        for part in self._real(path, last=True).split("/"):
            child = directory.children.get(part)
            if not isinstance(child, _Directory):
                if child is not None:
                    self._lose(child, index)
                child = directory.children[part] = _Directory(_leaf(index, index, _IMPLIED))
            directory = child
        return directory

    def _remove(self, path: str, by: int) -> None:
        above, _, name = path.rpartition("/")
        parent = self._find(above)
        if isinstance(parent, _Directory) and name in parent.children:
            self._lose(parent.children.pop(name), by)

    def _lose(self, item: _Directory | int, by: int) -> None:
        """Note what can't be seen any more."""
        pending = [item]
        while pending:
            item = pending.pop()
            if isinstance(item, _Directory):
                pending.extend(item.children.values())
                continue
            content = item & _CONTENT
            kind = self._type(content)
            if kind == SYMLINK:
                self._links -= 1
            elif kind == FILE:
                self._lost.setdefault(content, by)

    def _find(self, path: str) -> _Directory | int | None:
        item: _Directory | int | None = self._root
        for part in path.split("/") if path else ():
            if not isinstance(item, _Directory):
                return None
            item = item.children.get(part)
        return item

    def _real(self, path: str, *, last: bool = False) -> str:
        """`path` with links in its parents followed, as engines do; its last part only where `last`."""
        if not self._links:
            return path
        if last:
            return self._real_directory(path)
        parent, slash, name = path.rpartition("/")
        return _join(self._real_directory(parent), name) if slash else path

    def _real_directory(self, path: str) -> str:
        """Follow links as far as the path exists; the rest stays as it is."""
        done: list[str] = []
        todo = path.split("/")[::-1]
        followed = 0
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                done = done[:-1]
                continue
            item = self._find("/".join((*done, part)))
            link = self._link_of(item) if item is not None else None
            if link is not None and followed < _MAX_LINKS:
                followed += 1
                if link.startswith("/"):
                    done = []
                todo.extend(link.split("/")[::-1])
            else:
                done.append(part)
        return "/".join(done)


def _below(directory: str, links: set[str]) -> bool:
    while links and directory:
        if directory in links:
            return True
        directory = directory.rpartition("/")[0]
    return False


def _join(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name
