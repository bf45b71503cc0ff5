"""Hard and symbolic links, within a layer and across layers."""

from __future__ import annotations

from corpus_words import Case, Dir, File, Link, d, hard, link

from pytest_mediaimage.image.build import Item

CASES = [
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
        "hard-link-to-a-link",
        [[Item("f", b"12"), link("l", "f"), hard("m", "l", mode=0o777)]],
        {"f": File(b"12"), "l": Link("f"), "m": Link("f")},
        (2, 2, 0),
    ),
    Case(
        "hard-link-before-its-target",
        [[hard("g", "f"), Item("f", b"12")]],
        {"f": File(b"12")},
        (2, 2, 0),
        engine=False,
        why="refuses the layer",
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
        "same-layer-twice",
        [[Item("f", b"12"), Item("g", b"1")], [Item("f", b"345"), hard("h", "g")], [Item("f", b"12"), Item("g", b"1")]],
        {"f": File(b"12"), "g": File(b"1"), "h": File(b"1")},
        (4, 9, 5),
        [("f", 0, 1), ("f", 1, 2)],
        engine=False,
        why="refuses a hard link to a lower layer",
    ),
]
