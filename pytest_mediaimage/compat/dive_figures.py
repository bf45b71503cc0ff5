"""How dive measures waste, step by step as it does, its oddities included.

A path that stands in two layers or more, a whiteout being one of them, is inefficient, and all its copies are waste. A
file's whiteout weighs nothing, a directory's what the directory held. Opaque markers are passed over. Where a whiteout
deletes what isn't there, dive leaves the rest of that layer out.
"""

from __future__ import annotations

import heapq
import weakref
from collections.abc import Iterator
from dataclasses import dataclass

from ..image.entries import DIRECTORY, FILE, OPAQUE, WHITEOUT, Entries
from ..image.image import Image

_WHITEOUT = ".wh."


@dataclass(frozen=True, slots=True)
class Figures:
    """`efficiency` and `user_wasted` are ratios, `wasted` and `user` bytes; `user` is what lies above the base."""

    efficiency: float
    wasted: int
    user: int
    inefficient: tuple[tuple[int, int, str], ...]

    @property
    def user_wasted(self) -> float:
        """dive divides by zero where there is nothing above the first layer: NaN there, which passes; 0 here."""
        if not self.user:
            return float("inf") if self.wasted else 0.0
        return self.wasted / self.user

    def largest(self, count: int) -> list[tuple[int, int, str]]:
        """(bytes of all copies, copies, path) of the `count` that weigh most."""
        return heapq.nlargest(count, self.inefficient)


class _Node:
    """`length` in bytes; `directory` is False also for a directory that no entry makes."""

    __slots__ = ("children", "directory", "length")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.length = 0
        self.directory = False


_known: weakref.WeakKeyDictionary[Image, Figures] = weakref.WeakKeyDictionary()


def figures(image: Image) -> Figures:
    """Computed once for an image. Raises CorruptImage or EnvironmentFault as reading it does."""
    if image not in _known:
        _known[image] = _measure([facts.entries for facts in image.layer_facts])
    return _known[image]


def _measure(layers: list[Entries]) -> Figures:
    # Path to bytes of all copies, bytes of the smallest (-1 where dive found none), and how many there are.
    paths: dict[str, list[int]] = {}
    stacked = _Node()
    deleting = [index for index, entries in enumerate(layers) if next(entries.of_type(WHITEOUT), None) is not None]
    user = 0
    for index, entries in enumerate(layers):
        tree = _tree(entries)
        for path, node, is_whiteout in _leaves(tree):
            data = paths.setdefault(path, [0, -1, 0])
            length = node.length
            if is_whiteout:
                below = _find(stacked, path)
                if below is None:
                    break
                length = _weight(below) if below.directory else 0
            data[0] += length
            data[1] = length if data[1] < 0 else min(data[1], length)
            data[2] += 1
        user += entries.total_length() if index else 0
        if deleting and index < deleting[-1]:
            _stack(stacked, tree)
    discovered = sum(data[0] for data in paths.values())
    least = sum(data[1] for data in paths.values())
    inefficient = tuple((data[0], data[2], path) for path, data in paths.items() if data[2] > 1)
    return Figures(
        efficiency=least / discovered if discovered else 1.0,
        wasted=sum(length for length, _, _ in inefficient),
        user=user,
        inefficient=inefficient,
    )


def _tree(entries: Entries) -> _Node:
    root = _Node()
    for ordinal in range(len(entries)):
        kind = entries.type(ordinal)
        above, _, name = entries.path(ordinal).rpartition("/")
        if kind == OPAQUE:
            above, name = entries.path(ordinal), ""
        elif kind == WHITEOUT:
            name = _WHITEOUT + name
        node = root
        for part in (*above.split("/"), name):
            if part:
                node = node.children.setdefault(part, _Node())
        if kind != OPAQUE and node is not root:
            node.length = entries.length(ordinal) if kind == FILE else 0
            node.directory = kind == DIRECTORY
    return root


def _leaves(root: _Node) -> Iterator[tuple[str, _Node, bool]]:
    """Path, node and whether it is a whiteout, in dive's order."""
    open_nodes = [("", root)]
    while open_nodes:
        path, node = open_nodes.pop()
        if node.children:
            open_nodes += [(f"{path}/{name}", node.children[name]) for name in sorted(node.children, reverse=True)]
        elif node is not root:
            above, _, name = path.rpartition("/")
            is_whiteout = name.startswith(_WHITEOUT)
            yield f"{above}/{name.removeprefix(_WHITEOUT)}", node, is_whiteout


def _find(root: _Node, path: str) -> _Node | None:
    node: _Node | None = root
    for part in path.split("/"):
        if part and node is not None:
            node = node.children.get(part)
    return node


def _weight(node: _Node) -> int:
    total, pending = 0, [node]
    while pending:
        node = pending.pop()
        total += node.length
        pending += node.children.values()
    return total


def _stack(lower: _Node, upper: _Node) -> None:
    """Put a layer upon those below it: whiteouts delete, the rest is added, and children stay where a file comes."""
    pending = [(lower, upper)]
    while pending:
        below, above = pending.pop()
        for name in sorted(above.children):
            node = above.children[name]
            if name.startswith(_WHITEOUT):
                below.children.pop(name.removeprefix(_WHITEOUT), None)
                continue
            target = below.children.setdefault(name, _Node())
            target.length, target.directory = node.length, node.directory
            pending.append((target, node))
