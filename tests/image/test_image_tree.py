"""The tree that a container sees, and what is hidden below it: each case against what was written by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpus_words import Case, Dir, Expected, File, Link, Special
from image_helpers import make_image

from pytest_mediaimage.image.build import Item
from pytest_mediaimage.image.image import Image


def tree_of(image: Image) -> Expected:
    """What the image says of itself, in the corpus' words."""
    found: Expected = {}
    for node in image.tree:
        path, entry = node.path, node.entry
        assert path not in found
        match node.type:
            case "file":
                found[path] = File(image.content_of(node).read(), entry.mode, entry.uid, entry.gid)
            case "directory":
                found[path] = Dir(entry.mode, entry.uid, entry.gid)
            case "symlink":
                found[path] = Link(entry.link)
            case other:
                found[path] = Special(other, entry.mode)
    return found


@pytest.fixture
def image(case: Case, tmp_path: Path) -> Image:
    return make_image(tmp_path / "layout", case.layers)


def test_visible(case: Case, image: Image) -> None:
    assert tree_of(image) == case.tree


def test_hidden(case: Case, image: Image) -> None:
    assert [(item.path, item.layer, item.by) for item in image.tree.hidden] == case.hidden


def test_sizes(case: Case, image: Image) -> None:
    assert (image.flattened_size, image.unpacked_size, image.tree.wasted_size) == case.sizes


def test_unsafe(case: Case, image: Image) -> None:
    unsafe = [(name, reason) for facts in image.layer_facts for name, reason in facts.unsafe]
    assert [name for name, _ in unsafe] == case.unsafe
    assert all(reason for _, reason in unsafe)


def test_linked(case: Case, image: Image) -> None:
    together: dict[tuple[int, int], set[str]] = {}
    for node in image.tree.files():
        together.setdefault(node.content, set()).add(node.path)
    assert [paths for paths in together.values() if len(paths) > 1] == case.linked


def test_parents_are_directories(case: Case, image: Image) -> None:
    nodes = {node.path: node for node in image.tree}
    for path in nodes:
        parent = path.rpartition("/")[0]
        assert not parent or nodes[parent].type == "directory", path


def test_files_are_absolute_and_sorted(tmp_path: Path) -> None:
    image = make_image(tmp_path / "layout", [[Item("b", b"12", mode=0o755, uid=5, gid=6)], [Item("a/c", b"1")]])
    assert [(f.path, f.size, f.mode, f.uid, f.gid, f.layer, f.type) for f in image.files] == [
        ("/a", 0, 0o755, 0, 0, 1, "directory"),
        ("/a/c", 1, 0o644, 0, 0, 1, "file"),
        ("/b", 2, 0o755, 5, 6, 0, "file"),
    ]


def test_open_follows_links_inside_the_image(tmp_path: Path) -> None:
    image = make_image(
        tmp_path / "layout",
        [
            [
                Item("etc/shadow", b"the image's own"),
                Item.symlink("a/up", "../../../../../etc"),
                Item.symlink("abs", "/etc/shadow"),
                Item.symlink("loop", "loop"),
                Item.symlink("dead", "nowhere"),
            ]
        ],
    )
    for path in ("/etc/shadow", "etc/shadow", "/a/up/shadow", "/abs", "a/./up/../etc/shadow", "/../../etc/shadow"):
        with image.open(path) as file:
            assert file.read() == b"the image's own", path
    for path in ("/loop", "/dead", "/loop/x", "/etc/shadow/x", "/none"):
        with pytest.raises(FileNotFoundError, match=r"isn't in"):
            image.open(path)
    with pytest.raises(IsADirectoryError, match="is a directory"):
        image.open("/etc")


def test_forty_links_and_no_more(tmp_path: Path) -> None:
    """Linux gives up at the 41st link of a path."""
    links = [Item.symlink(f"l{n}", f"l{n + 1}") for n in range(41)]
    image = make_image(tmp_path / "layout", [[*links, Item("l41", b"end")]])
    assert image.tree.resolve("l1") is not None
    assert image.tree.resolve("l0") is None


def test_file_below_a_loop_of_links(tmp_path: Path) -> None:
    """No engine can write it; the tree must still be one."""
    image = make_image(tmp_path / "layout", [[Item.symlink("a", "b"), Item.symlink("b", "a")], [Item("a/x", b"1")]])
    nodes = {node.path: node for node in image.tree}
    files = [path for path, node in nodes.items() if node.type == "file"]
    assert len(files) == 1
    assert nodes[files[0].rpartition("/")[0]].type == "directory"
