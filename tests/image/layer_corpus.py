"""Tiny images that show every doubt a layer can raise, each with the tree that a container sees, written by hand."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field

from pytest_mediaimage.image.build import Item, tar_of

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


def _device(archive: tarfile.TarFile) -> None:
    for name, kind in (("null", tarfile.CHRTYPE), ("disk", tarfile.BLKTYPE), ("pipe", tarfile.FIFOTYPE)):
        info = tarfile.TarInfo(f"nodes/{name}")
        info.type, info.mode, info.devmajor, info.devminor = kind, 0o622, 1, 3
        archive.addfile(info)


def _plain(*files: tuple[str, bytes]) -> Callable[[tarfile.TarFile], None]:
    def add(archive: tarfile.TarFile) -> None:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))

    return add


LONG = "n" * 200
DEEP = "/".join(["directory-with-a-long-name"] * 14)  # 377 bytes: neither ustar's 100 nor its 256 are enough

CASES = [
    Case(
        "whiteout",
        [[d("a"), Item("a/keep", b"12345"), Item("a/gone", b"1234567")], [Item("a/.wh.gone")]],
        {"a": Dir(), "a/keep": File(b"12345")},
        (5, 12, 7),
        [("a/gone", 0, 1)],
    ),
    Case(
        "whiteout-of-a-directory",
        [
            [d("a"), d("a/b"), Item("a/b/x", b"123"), d("a/b/c"), Item("a/b/c/y", b"1234"), Item("a/z", b"1")],
            [Item("a/.wh.b")],
        ],
        {"a": Dir(), "a/z": File(b"1")},
        (1, 8, 7),
        [("a/b/x", 0, 1), ("a/b/c/y", 0, 1)],
    ),
    Case(
        "whiteout-of-nothing",
        [[Item("f", b"1")], [Item(".wh.other"), Item("no/where/.wh.x")]],
        {"f": File(b"1")},
        (1, 1, 0),
        engine=False,
        why="makes the directories no/where",
    ),
    Case(
        "whiteout-of-a-link",
        [[d("t"), Item("t/f", b"12"), link("l", "t")], [Item(".wh.l")]],
        {"t": Dir(), "t/f": File(b"12")},
        (2, 2, 0),
    ),
    Case(
        "opaque",
        [
            [d("a"), Item("a/x", b"123"), d("a/y"), Item("a/y/z", b"1234"), Item("b", b"1")],
            [d("a"), Item("a/.wh..wh..opq"), Item("a/new", b"12345678")],
        ],
        {"a": Dir(), "a/new": File(b"12345678"), "b": File(b"1")},
        (9, 16, 7),
        [("a/x", 0, 1), ("a/y/z", 0, 1)],
    ),
    Case(
        "opaque-marker-last",
        [[d("a"), Item("a/x", b"123")], [d("a"), Item("a/new", b"12"), d("a/d"), Item("a/.wh..wh..opq")]],
        {"a": Dir(), "a/new": File(b"12"), "a/d": Dir()},
        (2, 5, 3),
        [("a/x", 0, 1)],
    ),
    Case(
        "opaque-root",
        [[d("a"), Item("a/x", b"123"), Item("b", b"1")], [Item(".wh..wh..opq"), Item("c", b"12")]],
        {"c": File(b"12")},
        (2, 6, 4),
        [("a/x", 0, 1), ("b", 0, 1)],
        engine=False,
        why="overlayfs takes no opaque root",
    ),
    Case(
        "opaque-directory-in-place-of-a-link",
        [
            [d("real"), Item("real/f", b"1234"), link("way", "real")],
            [d("way"), Item("way/.wh..wh..opq"), Item("way/n", b"12")],
        ],
        {"real": Dir(), "real/f": File(b"1234"), "way": Dir(), "way/n": File(b"12")},
        (6, 6, 0),
    ),
    Case(
        "opaque-through-a-link",
        [[d("real"), Item("real/f", b"1234"), link("way", "real")], [Item("way/.wh..wh..opq"), Item("way/n", b"12")]],
        {"real": Dir(), "real/n": File(b"12"), "way": Link("real")},
        (2, 6, 4),
        [("real/f", 0, 1)],
        engine=False,
        why="applies layers to an empty directory, where there is no link to follow",
    ),
    Case(
        "opaque-through-a-link-to-the-root",
        [[Item("f", b"1234"), link("way", "/")], [Item("way/.wh..wh..opq"), Item("way/n", b"12")]],
        {"way": Dir(), "way/n": File(b"12")},
        (2, 6, 4),
        [("f", 0, 1)],
        engine=False,
        why="applies layers to an empty directory, where there is no link to follow",
    ),
    Case(
        "deleted-and-made-anew",
        [[Item("f", b"old")], [Item(".wh.f")], [Item("f", b"newer")]],
        {"f": File(b"newer")},
        (5, 8, 3),
        [("f", 0, 1)],
    ),
    Case(
        "whiteout-and-file-in-one-layer",
        [[Item("f", b"old"), Item("g", b"old")], [Item(".wh.f"), Item("f", b"newer"), Item("g", b"n"), Item(".wh.g")]],
        {"f": File(b"newer"), "g": File(b"n")},
        (6, 12, 6),
        [("f", 0, 1), ("g", 0, 1)],
        engine=False,
        why="refuses a layer whose whiteout comes after the file of that name",
    ),
    Case(
        "directory-deleted-and-made-anew-in-one-layer",
        [[d("a"), Item("a/x", b"123")], [Item(".wh.a"), d("a", mode=0o700), Item("a/n", b"1")]],
        {"a": Dir(0o700), "a/n": File(b"1")},
        (1, 4, 3),
        [("a/x", 0, 1)],
        engine=False,
        why="merges the new directory with the old one",
    ),
    Case(
        "bare-whiteout",
        [[d("a"), Item("a/f", b"123")], [Item("a/.wh."), Item("a/.wh.."), Item("a/.wh..."), Item(".wh.")]],
        {"a": Dir(), "a/f": File(b"123")},
        (3, 3, 0),
        unsafe=["a/.wh.", "a/.wh..", "a/.wh...", ".wh."],
        engine=False,
        why="refuses the layer, or deletes the whole directory",
    ),
    Case(
        "aufs-own-names",
        [[Item("f", b"1"), d(".wh..wh.plnk"), Item(".wh..wh.aufs", b"123")]],
        {"f": File(b"1")},
        (1, 1, 0),
        unsafe=[".wh..wh.plnk/", ".wh..wh.aufs"],
    ),
    Case(
        "twice-in-one-layer",
        [[Item("f", b"first"), Item("f", b"2nd", mode=0o755)]],
        {"f": File(b"2nd", 0o755)},
        (3, 8, 5),
        [("f", 0, 0)],
        engine=False,
        why="refuses the layer; containerd takes it",
    ),
    Case(
        "file-becomes-directory",
        [[Item("x", b"1234")], [d("x"), Item("x/y", b"12")]],
        {"x": Dir(), "x/y": File(b"12")},
        (2, 6, 4),
        [("x", 0, 1)],
    ),
    Case(
        "file-becomes-parent",
        [[Item("x", b"1234")], [Item("x/y/z", b"12")]],
        {"x": Dir(), "x/y": Dir(), "x/y/z": File(b"12")},
        (2, 6, 4),
        [("x", 0, 1)],
    ),
    Case(
        "directory-becomes-file",
        [[d("x"), d("x/y"), Item("x/y/z", b"12"), Item("x/w", b"1")], [Item("x", b"1234")]],
        {"x": File(b"1234")},
        (4, 7, 3),
        [("x/y/z", 0, 1), ("x/w", 0, 1)],
    ),
    Case(
        "directory-becomes-link-and-back",
        [
            [d("t"), d("x"), Item("x/f", b"12")],
            [link("x", "t")],
            [d("x", mode=0o711), Item("x/n", b"1")],
        ],
        {"t": Dir(), "x": Dir(0o711), "x/n": File(b"1")},
        (1, 3, 2),
        [("x/f", 0, 1)],
    ),
    Case(
        "directory-again-keeps-its-children",
        [[d("a"), Item("a/f", b"123")], [d("a", mode=0o2770, uid=7, gid=8)]],
        {"a": Dir(0o2770, 7, 8), "a/f": File(b"123")},
        (3, 3, 0),
    ),
    Case(
        "dotted-names",
        [[d("./"), d("./a/"), Item("./a//b", b"12"), Item("a/./c", b"1"), d("./a/d/.")]],
        {"": Dir(), "a": Dir(), "a/b": File(b"12"), "a/c": File(b"1"), "a/d": Dir()},
        (3, 3, 0),
    ),
    Case(
        "unsafe-names",
        [
            [
                Item("/srv/f", b"12"),
                Item("../up", b"123"),
                Item("a/../b", b"1"),
                hard("h", "/srv/f"),
                hard("i", "a/../../f"),
                Item("fine", b"1"),
            ]
        ],
        {"fine": File(b"1")},
        (1, 1, 0),
        unsafe=["/srv/f", "../up", "a/../b", "h", "i"],
        engine=False,
        why="refuses the layer",
    ),
    Case(
        "root-as-something-else",
        [[Item("f", b"12")], [link("./", "/tmp"), Item(".", b"123"), hard("./.", "f")]],
        {"f": File(b"12")},
        (2, 2, 0),
        unsafe=["./", ".", "./."],
        engine=False,
        why="refuses the layer",
    ),
    Case(
        "hard-link-in-one-layer",
        [[Item("f", b"1234", mode=0o755), hard("g", "f", mode=0o755), d("a"), hard("a/h", "./f", mode=0o755)]],
        {"f": File(b"1234", 0o755), "g": File(b"1234", 0o755), "a": Dir(), "a/h": File(b"1234", 0o755)},
        (4, 4, 0),
        linked=[{"f", "g", "a/h"}],
    ),
    Case(
        "hard-link-with-a-mode-of-its-own",
        [[Item("f", b"12"), hard("g", "f"), hard("h", "g", mode=0o4755)], [Item(".wh.h")]],
        {"f": File(b"12", 0o4755), "g": File(b"12", 0o4755)},
        (2, 2, 0),
        linked=[{"f", "g"}],
    ),
    Case(
        "hard-link-to-a-lower-layer",
        [[Item("f", b"1234")], [hard("g", "f")]],
        {"f": File(b"1234"), "g": File(b"1234")},
        (4, 4, 0),
        linked=[{"f", "g"}],
        engine=False,
        why="refuses the layer: it applies layers to an empty directory",
    ),
    Case(
        "hard-link-outlives-its-target",
        [[Item("f", b"old!"), hard("g", "f"), Item("k", b"12"), hard("l", "k")], [Item("f", b"new"), Item(".wh.k")]],
        {"f": File(b"new"), "g": File(b"old!"), "l": File(b"12")},
        (9, 9, 0),
    ),
    Case(
        "all-hard-links-gone",
        [[Item("f", b"1234"), hard("g", "f")], [Item(".wh.f")], [Item("g", b"1")]],
        {"g": File(b"1")},
        (1, 5, 4),
        [("f", 0, 1)],
    ),
    Case(
        "hard-link-to-nothing",
        [[Item("f", b"1"), hard("g", "missing"), d("a"), hard("h", "a"), hard("i", "f/x")]],
        {"f": File(b"1"), "a": Dir()},
        (1, 1, 0),
        engine=False,
        why="refuses the layer",
    ),
    Case(
        "hard-link-to-itself-and-to-a-link",
        [[Item("f", b"12"), hard("f", "f"), link("l", "f"), hard("m", "l")]],
        {"f": File(b"12"), "l": Link("f"), "m": Link("f")},
        (2, 2, 0),
        engine=False,
        why="refuses a hard link to itself",
    ),
    Case(
        "file-below-a-link",
        [[d("usr"), d("usr/lib"), link("lib", "usr/lib")], [Item("lib/x", b"123")], [Item("lib/.wh.x")]],
        {"usr": Dir(), "usr/lib": Dir(), "lib": Link("usr/lib")},
        (0, 3, 3),
        [("lib/x", 1, 2)],
        engine=False,
        why="applies layers to an empty directory, where there is no link to follow",
    ),
    Case(
        "links-in-a-row",
        [
            [link("a", "/./b//"), link("b", "c/./d"), d("c"), d("c/d"), Item("c/d/old", b"1")],
            [Item("a/f", b"12"), Item("b/old", b"123"), hard("a/g", "b/f")],
        ],
        {
            "a": Link("/./b//"),
            "b": Link("c/./d"),
            "c": Dir(),
            "c/d": Dir(),
            "c/d/f": File(b"12"),
            "c/d/g": File(b"12"),
            "c/d/old": File(b"123"),
        },
        (5, 6, 1),
        [("c/d/old", 0, 1)],
        linked=[{"c/d/f", "c/d/g"}],
        engine=False,
        why="applies layers to an empty directory, where there is no link to follow",
    ),
    Case(
        "link-out-of-the-root",
        [
            [d("a"), link("a/out", "../../../../../srv"), link("abs", "/srv")],
            [Item("a/out/f", b"1"), Item("abs/g", b"2")],
        ],
        {
            "a": Dir(),
            "a/out": Link("../../../../../srv"),
            "abs": Link("/srv"),
            "srv": Dir(),
            "srv/f": File(b"1"),
            "srv/g": File(b"2"),
        },
        (2, 2, 0),
        engine=False,
        why="applies layers to an empty directory, where there is no link to follow",
    ),
    Case(
        "link-to-a-later-layer",
        [[link("l", "later/f")], [d("later"), Item("later/f", b"12")]],
        {"l": Link("later/f"), "later": Dir(), "later/f": File(b"12")},
        (2, 2, 0),
    ),
    Case(
        "dead-links-and-loops",
        [[link("dead", "no/where"), link("self", "self"), link("p", "q"), link("q", "/p"), Item("f", b"1")]],
        {"dead": Link("no/where"), "self": Link("self"), "p": Link("q"), "q": Link("/p"), "f": File(b"1")},
        (1, 1, 0),
    ),
    Case(
        "devices-and-pipes",
        [raw_tar(_device), [Item("f", b"1")]],
        {
            "f": File(b"1"),
            "nodes": Dir(),
            "nodes/null": Special("char", 0o622),
            "nodes/disk": Special("block", 0o622),
            "nodes/pipe": Special("fifo", 0o622),
        },
        (1, 1, 0),
    ),
    Case(
        "odd-owners-and-modes",
        [
            [
                Item("big", b"1", uid=4_000_000_000, gid=2_097_152, mode=0o4755),
                Item("none", b"", mode=0, uid=65534, gid=65534),
                d("sticky", mode=0o1777, uid=12, gid=34),
                d("shut", mode=0o000),
                Item("shut/in", b"12", mode=0o2711),
            ]
        ],
        {
            "big": File(b"1", 0o4755, 4_000_000_000, 2_097_152),
            "none": File(b"", 0, 65534, 65534),
            "sticky": Dir(0o1777, 12, 34),
            "shut": Dir(0o000),
            "shut/in": File(b"12", 0o2711),
        },
        (3, 3, 0),
    ),
    Case(
        "odd-names",
        [
            [
                d("🎬"),
                Item("🎬/клип e\u0301 .mp4", b"1"),
                Item(LONG, b"12"),
                Item(f"{DEEP}/{LONG}", b"123"),
                Item(f"{DEEP}/.wh.gone"),
                Item("back\\slash\nand newline", b"4"),
                link("🔗", f"{DEEP}/{LONG}"),
                Item("...", b"5"),
                Item(".wh", b"6"),
            ]
        ],
        {
            "🎬": Dir(),
            "🎬/клип e\u0301 .mp4": File(b"1"),
            LONG: File(b"12"),
            **{DEEP[: 27 * n - 1]: Dir() for n in range(1, 15)},
            f"{DEEP}/{LONG}": File(b"123"),
            "back\\slash\nand newline": File(b"4"),
            "🔗": Link(f"{DEEP}/{LONG}"),
            "...": File(b"5"),
            ".wh": File(b"6"),
        },
        (9, 9, 0),
    ),
    Case(
        "names-in-the-gnu-format",
        [raw_tar(_plain((f"{DEEP}/{LONG}", b"12"), ("клип", b"1"), ("\udcff\udcfe", b"3")), tarfile.GNU_FORMAT)],
        {
            **{DEEP[: 27 * n - 1]: Dir() for n in range(1, 15)},
            f"{DEEP}/{LONG}": File(b"12"),
            "клип": File(b"1"),
            "\udcff\udcfe": File(b"3"),
        },
        (4, 4, 0),
    ),
    Case(
        "names-in-the-ustar-format",
        [raw_tar(_plain(("d" * 150 + "/" + "f" * 90, b"12"), ("e" * 100, b"1")), tarfile.USTAR_FORMAT)],
        {"d" * 150: Dir(), "d" * 150 + "/" + "f" * 90: File(b"12"), "e" * 100: File(b"1")},
        (3, 3, 0),
    ),
    Case(
        "global-header",
        [raw_tar(_plain(("f", b"12")), pax_headers={"path": "other", "uid": "77", "comment": "of git archive"})],
        {"f": File(b"12")},
        (2, 2, 0),
    ),
    Case(
        "implied-parents",
        [[Item("a/b/c", b"1")], [d("a/b/d/e"), d("a", mode=0o700)]],
        {"a": Dir(0o700), "a/b": Dir(), "a/b/c": File(b"1"), "a/b/d": Dir(), "a/b/d/e": Dir()},
        (1, 1, 0),
    ),
    Case("no-layers", [], {}, (0, 0, 0), engine=False, why="can't start what has no files"),
    Case("empty-layers", [[Item("f", b"1")], tar_of([]), b""], {"f": File(b"1")}, (1, 1, 0)),
    Case(
        "same-layer-twice",
        [[Item("f", b"12"), Item("g", b"1")], [Item("f", b"345"), hard("h", "g")], [Item("f", b"12"), Item("g", b"1")]],
        {"f": File(b"12"), "g": File(b"1"), "h": File(b"1")},
        (4, 9, 5),
        [("f", 0, 1), ("f", 1, 2)],
        engine=False,
        why="refuses a hard link to a lower layer",
    ),
]
