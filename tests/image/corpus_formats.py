"""Archives in every dialect of tar, and those that two readers could take for different ones.

The trees are what Docker makes of them, by Go's archive/tar.
"""

from __future__ import annotations

from corpus_words import Case, Dir, File
from tar_pieces import END, long_name, member, old_sparse, pax, put

_CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")  # cap_net_raw=ep, version 2
_ODD_NUMBERS = pax(("uid", b"4294967296"), ("gid", b"-1")) + member("root", b"1", edit=put(100, b"0004755\0"))


def _star(data: bytearray) -> None:
    """star's own format: 131 bytes of prefix, and times behind them."""
    put(257, b"ustar\x0000" + bytes(80) + b"p" * 131 + b"00000000017 00000000017 ")(data)
    put(508, b"tar\0")(data)


def _stale_size(data: bytearray) -> None:
    """A hard link to f that notes a size, as some writers do."""
    put(124, b"00000000777\0")(data)
    put(157, b"f")(data)


CASES = [
    Case(
        "gnu-long-name-wins-over-pax",
        [
            long_name(b"gnu")
            + pax(("path", b"pax"))
            + member()
            + pax(("path", b"pax"))
            + long_name(b"2")
            + member()
            + END
        ],
        {"gnu": File(b""), "2": File(b"")},
        (0, 0, 0),
    ),
    Case(
        "global-header-ends-what-came-before",
        [pax(("path", b"other")) + pax(("comment", b"c"), kind=b"g") + member(data=b"12") + END],
        {"f": File(b"12")},
        (2, 2, 0),
    ),
    Case(
        "last-pax-header-counts",
        [pax(("path", b"other")) + pax(("uid", b"7"), ("gid", b"8"), ("gid", b"9")) + member(data=b"12") + END],
        {"f": File(b"12", uid=7, gid=9)},
        (2, 2, 0),
    ),
    Case(
        "empty-pax-values",
        [pax(("path", b""), ("uid", b""), ("size", b""), ("SCHILY.xattr.trusted.x", b"")) + member(data=b"12") + END],
        {"f": File(b"12")},
        (2, 2, 0),
    ),
    Case(
        "v7-directories",
        [member("d/", kind=b"\0") + member("d/f", b"1", kind=b"\0") + pax(("path", b"e/")) + member(kind=b"\0") + END],
        {"d": Dir(0o644), "d/f": File(b"1"), "e": Dir(0o644)},
        (1, 1, 0),
    ),
    Case(
        "file-named-like-a-directory",
        [member("f/", b"123") + END],
        {"f": File(b"123")},
        (3, 3, 0),
    ),
    Case(
        "sizes-of-what-has-no-content",
        [
            pax(("size", b"9999"))
            + member("d", kind=b"5")
            + member("f", b"1")
            + member("h", kind=b"1", edit=_stale_size)
            + member("g", b"2")
            + END
        ],
        {"d": Dir(0o644), "f": File(b"1"), "h": File(b"1"), "g": File(b"2")},
        (2, 2, 0),
        linked=[{"f", "h"}],
    ),
    Case(
        "prefix-of-star",
        [member(data=b"1", edit=_star) + END],
        {"p" * 131: Dir(), "p" * 131 + "/f": File(b"1")},
        (1, 1, 0),
    ),
    Case(
        "prefix-in-the-gnu-format",
        [
            member(data=b"1", edit=put(345, b"dir"))
            + member("g", b"2", edit=put(345, b"00000000017\000000000017\0"))
            + END
        ],
        {"dir": Dir(), "dir/f": File(b"1"), "g": File(b"2")},
        (2, 2, 0),
    ),
    Case(
        "padding-left-out",
        [member(data=b"12") + member("g", b"345")[: 512 + 3]],
        {"f": File(b"12"), "g": File(b"345")},
        (5, 5, 0),
    ),
    Case(
        "one-zero-block",
        [member(data=b"12") + bytes(512)],
        {"f": File(b"12")},
        (2, 2, 0),
    ),
    Case(
        "members-behind-the-end",
        [member(data=b"12") + END + member("ghost", b"345") + END],
        {"f": File(b"12")},
        (2, 2, 0),
    ),
    Case(
        "owners-beyond-32-bits",
        [
            _ODD_NUMBERS + pax(("uid", b"4294967301"), ("gid", b"-2")) + member("five", b"2") + END,
            member("binary", b"3", edit=put(108, b"\xff" * 8 + b"\x80\0\0\0\0\0\0\7")) + END,
        ],
        {
            "root": File(b"1", 0o4755),
            "five": File(b"2", uid=5, gid=4_294_967_294),
            "binary": File(b"3", gid=7),
        },
        (3, 3, 0),
    ),
    Case(
        "times-before-the-epoch",
        [pax(("mtime", b"-1.5")) + member(data=b"1") + member("g", b"2", edit=put(136, b"\xff" * 11 + b"\xfb")) + END],
        {"f": File(b"1"), "g": File(b"2")},
        (2, 2, 0),
    ),
    Case(
        "capability",
        [pax(("SCHILY.xattr.security.capability", _CAPABILITY)) + member(data=b"1", edit=put(100, b"0000755\0")) + END],
        {"f": File(b"1", 0o755)},
        (1, 1, 0),
    ),
    Case(
        "sparse-0.0",
        [
            pax(
                ("GNU.sparse.size", b"9"),
                ("GNU.sparse.numblocks", b"2"),
                ("GNU.sparse.offset", b"1"),
                ("GNU.sparse.numbytes", b"2"),
                ("GNU.sparse.offset", b"7"),
                ("GNU.sparse.numbytes", b"1"),
            )
            + member(data=b"abc")
            + member("g", b"1")
            + END
        ],
        {"f": File(b"\0ab\0\0\0\0c\0"), "g": File(b"1")},
        (10, 10, 0),
    ),
    Case(
        "sparse-0.1",
        [
            pax(
                ("GNU.sparse.name", b"name"),
                ("GNU.sparse.size", b"9"),
                ("GNU.sparse.numblocks", b"2"),
                ("GNU.sparse.map", b"1,2,7,1"),
            )
            + member(data=b"abc")
            + END
        ],
        {"name": File(b"\0ab\0\0\0\0c\0")},
        (9, 9, 0),
    ),
    Case(
        "sparse-1.0",
        [
            pax(
                ("GNU.sparse.major", b"1"),
                ("GNU.sparse.minor", b"0"),
                ("GNU.sparse.name", b"name"),
                ("GNU.sparse.realsize", b"9"),
            )
            + member(data=b"2\n1\n2\n7\n1\n".ljust(512, b"\0") + b"abc")
            + END
        ],
        {"name": File(b"\0ab\0\0\0\0c\0")},
        (9, 9, 0),
    ),
    Case(
        "sparse-of-a-later-version",
        [
            pax(("GNU.sparse.major", b"2"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.name", b"name"))
            + member(data=b"abc")
            + END
        ],
        {"f": File(b"abc")},
        (3, 3, 0),
    ),
    Case(
        "sparse-in-the-old-gnu-format",
        [old_sparse([(b"1", b"2"), (b"7", b"1")], b"%o" % 9, 3) + b"abc".ljust(512, b"\0") + END],
        {"f": File(b"\0ab\0\0\0\0c\0")},
        (9, 9, 0),
        engine=False,
        why="refuses the type",
    ),
    Case(
        "contiguous-file",
        [member(data=b"1", kind=b"7") + END],
        {"f": File(b"1")},
        (1, 1, 0),
        engine=False,
        why="refuses the type",
    ),
    Case(
        "members-of-other-systems",
        [
            b"".join(member(f"of-{kind.decode()}", b"123", kind=kind) for kind in (b"V", b"M", b"D", b"N", b"X"))
            + member()
            + END
        ],
        {"f": File(b"")},
        (0, 0, 0),
        unsafe=["of-V", "of-M", "of-D", "of-N", "of-X"],
        engine=False,
        why="refuses the types",
    ),
]
