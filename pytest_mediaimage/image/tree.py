"""The tree that a container sees, put together from the layers, and what lies hidden below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from .layer import DIRECTORY, FILE, HARDLINK, OPAQUE, SYMLINK, WHITEOUT, Entry, LayerFacts

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


class Tree:
    """`nodes` maps each visible path (no leading slash) to its Node; `hidden` lists content that can't be seen."""

    def __init__(self, layers: Sequence[LayerFacts]) -> None:
        self.nodes: dict[str, Node] = {}
        self.hidden: list[Hidden] = []
        self._children: dict[str, set[str]] = {}
        self._links = 0
        self._linked: set[tuple[int, int]] = set()
        lost: dict[tuple[int, int], int] = {}
        for index, facts in enumerate(layers):
            self._apply(index, facts, lost)
        alive = {node.content for node in self.nodes.values()}
        for (layer, ordinal), by in lost.items():
            entry = layers[layer].entries[ordinal]
            if (layer, ordinal) not in alive and entry.type == FILE:
                self.hidden.append(Hidden(entry.path, entry, layer, ordinal, by))
        self.hidden.sort(key=lambda item: (item.layer, item.ordinal))

    @property
    def flattened_size(self) -> int:
        """Bytes of all visible file contents, hard links once."""
        return sum({node.content: node.entry.size for node in self.nodes.values() if node.type == FILE}.values())

    @property
    def wasted_size(self) -> int:
        """Bytes that could be saved by never adding them: what is hidden. The visible copy doesn't count."""
        return sum(item.entry.size for item in self.hidden)

    def files(self) -> Iterator[Node]:
        return (node for node in self.nodes.values() if node.type == FILE)

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
            node = self.nodes.get("/".join((*done, part)))
            if node is None:
                return None
            if node.type == SYMLINK:
                followed += 1
                if followed > _MAX_LINKS:
                    return None
                if node.entry.link.startswith("/"):
                    done.clear()
                todo.extend(p for p in reversed(node.entry.link.split("/")) if p not in ("", "."))
            else:
                done.append(part)
        return self.nodes.get("/".join(done))

    def _apply(self, index: int, facts: LayerFacts, lost: dict[tuple[int, int], int]) -> None:
        # Whiteouts act on the layers below only, wherever they stand in the tar.
        replaced = self._replaced_links(facts.entries)
        for entry in facts.entries:
            if entry.type == WHITEOUT:
                if not _below(entry.path.rpartition("/")[0], replaced):
                    self._remove(self._real(entry.path), index, lost)
            elif entry.type == OPAQUE and not _below(entry.path, replaced):
                directory = self._real(entry.path, last=True)
                for name in list(self._children.get(directory, ())):
                    self._remove(_join(directory, name), index, lost)
        for ordinal, entry in enumerate(facts.entries):
            if entry.type not in (WHITEOUT, OPAQUE):
                self._add(index, ordinal, entry, lost)

    def _replaced_links(self, entries: Sequence[Entry]) -> set[str]:
        """Links that become directories in this layer: what stands below them is not what the links led to."""
        if not self._links:
            return set()
        nodes = ((entry.path, self.nodes.get(self._real(entry.path))) for entry in entries if entry.type == DIRECTORY)
        return {path for path, node in nodes if node is not None and node.type == SYMLINK}

    def _add(self, index: int, ordinal: int, entry: Entry, lost: dict[tuple[int, int], int]) -> None:
        path = self._real(entry.path)
        node = Node(path, entry, index, (index, ordinal))
        if entry.type == HARDLINK:
            target = self.nodes.get(self._real(entry.link))
            if target is None or target.type == DIRECTORY:
                return  # nothing to link to: engines refuse such a layer
            if target.type == FILE:
                self._share_attributes(target, entry)
            node = Node(path, target.entry, index, target.content)
        old = self.nodes.get(path)
        if old is not None:
            if old.type == DIRECTORY and node.type == DIRECTORY:
                self.nodes[path] = node
                return
            if old.content == node.content:
                return
            self._remove(path, index, lost)
        self._make_parents(path, index, lost)
        self._put(path, node)

    def _share_attributes(self, target: Node, link: Entry) -> None:
        """Engines give the file what the hard link's own header says, and so all its names."""
        if target.content not in self._linked:
            self._linked.add(target.content)
            target.entry = replace(target.entry)  # the layer's facts stay as they are
        entry = target.entry
        entry.mode, entry.uid, entry.gid, entry.mtime = link.mode, link.uid, link.gid, link.mtime

    def _put(self, path: str, node: Node) -> None:
        self.nodes[path] = node
        parent, _, name = path.rpartition("/")
        if path:
            self._children.setdefault(parent, set()).add(name)
        if node.type == SYMLINK:
            self._links += 1

    def _make_parents(self, path: str, index: int, lost: dict[tuple[int, int], int]) -> None:
        missing: list[str] = []
        parent = path.rpartition("/")[0]
        while parent and ((node := self.nodes.get(parent)) is None or node.type != DIRECTORY):
            missing.append(parent)
            parent = parent.rpartition("/")[0]
        for parent in reversed(missing):
            if parent in self.nodes:
                self._remove(parent, index, lost)
            implied = Entry(parent, DIRECTORY, mode=0o755)
            self._put(parent, Node(parent, implied, index, (index, -1)))

    def _remove(self, path: str, by: int, lost: dict[tuple[int, int], int]) -> None:
        pending = [path]
        while pending:
            current = pending.pop()
            pending.extend(_join(current, name) for name in self._children.pop(current, ()))
            node = self.nodes.pop(current, None)
            if node is None:
                continue
            parent, _, name = current.rpartition("/")
            self._children.get(parent, set()).discard(name)
            if node.type == SYMLINK:
                self._links -= 1
            if node.type == FILE:
                lost.setdefault(node.content, by)

    def _real(self, path: str, *, last: bool = False) -> str:
        """`path` with links in its parents followed, as engines do; its last part only where `last`."""
        if not self._links:
            return path
        parent, slash, name = path.rpartition("/")
        if last:
            return self._real_directory(path)
        if not slash:
            return path
        known = self.nodes.get(parent)
        if known is not None and known.type == DIRECTORY:
            return path
        return _join(self._real_directory(parent), name)

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
            node = self.nodes.get("/".join((*done, part)))
            if node is not None and node.type == SYMLINK and followed < _MAX_LINKS:
                followed += 1
                if node.entry.link.startswith("/"):
                    done = []
                todo.extend(node.entry.link.split("/")[::-1])
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
