"""Names, owners and kinds of members, as the formats of tar write them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable

from corpus_words import Case, Dir, File, Link, Special, d, hard, link, raw_tar

from pytest_mediaimage.image.build import Item, tar_of


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
        "absolute-names",
        [[Item("/srv/f", b"12"), d("//srv"), hard("h", "/f"), d("///"), Item("f", b"1")]],
        {"f": File(b"1")},
        (1, 1, 0),
        unsafe=["/srv/f", "//srv/", "h", "///"],
        engine=False,
        why="takes them as if they began at the image's root",
    ),
    Case(
        "names-of-any-bytes",
        [
            [
                Item("a.", b"1"),
                Item("a ", b"2"),
                Item("A", b"3"),
                Item("-rf", b"4"),
                Item("*", b"5"),
                Item("\t\r\x7f\x01", b"6"),
                Item("n" * 255, b"7"),
                Item("\udc80\udcff", b"8"),
            ]
        ],
        {
            "a.": File(b"1"),
            "a ": File(b"2"),
            "A": File(b"3"),
            "-rf": File(b"4"),
            "*": File(b"5"),
            "\t\r\x7f\x01": File(b"6"),
            "n" * 255: File(b"7"),
            "\udc80\udcff": File(b"8"),
        },
        (8, 8, 0),
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
]
