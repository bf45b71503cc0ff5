"""The words in which the corpus tells layers and the tree expected of them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_mediaimage.image.build import Item

d, link, hard = Item.directory, Item.symlink, Item.hardlink


@dataclass(frozen=True)
class File:
    data: bytes
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class Dir:
    mode: int = 0o755
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class Link:
    target: str


@dataclass(frozen=True)
class Special:
    """A device or fifo."""

    type: str
    mode: int = 0o644


Expected = dict[str, File | Dir | Link | Special]
Layers = list[list[Item] | bytes]


@dataclass(frozen=True)
class Case:
    """`hidden` lists (path, layer that holds it, layer that hides it); `sizes` is (flattened, unpacked, wasted).

    `linked` are paths that share their content as hard links. `engine` tells whether Docker's overlay2 driver
    makes the same tree of these layers; where it doesn't, `why` says what it does instead.
    """

    name: str
    layers: Layers
    tree: Expected
    sizes: tuple[int, int, int]
    hidden: list[tuple[str, int, int]] = field(default_factory=list)
    unsafe: list[str] = field(default_factory=list)
    linked: list[set[str]] = field(default_factory=list)
    engine: bool = True
    why: str = ""


def raw_tar(add: Callable[[tarfile.TarFile], None], format: int = tarfile.PAX_FORMAT, **options: object) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format, **options) as archive:  # type: ignore[call-overload]
        add(archive)
    return out.getvalue()
