"""Trees that a container wrote."""

from __future__ import annotations

import os
from pathlib import Path

from pytest_mediaimage.removal import remove_tree


def test_links_are_not_followed(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("kept")
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "link").symlink_to(kept)
    (tree / "link").symlink_to(kept / "file")
    remove_tree(tree)
    assert not tree.exists()
    assert (kept / "file").read_text() == "kept"


def test_nothing_there(tmp_path):
    remove_tree(tmp_path / "none")


def test_any_depth(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    descriptor = os.open(tree, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=descriptor)
        below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)
    remove_tree(tree)
    assert not tree.exists()


def test_locked_modes(tmp_path):
    tree = tmp_path / "tree"
    locked = tree / "work" / "work"
    (locked / "deep").mkdir(parents=True)
    (locked / "deep" / "file").write_text("x")
    os.mkfifo(tree / "pipe")
    for path, mode in ((locked / "deep", 0o500), (locked, 0o000), (tree, 0o555)):
        path.chmod(mode)
    remove_tree(tree)
    assert not tree.exists()


def test_names_of_any_bytes(tmp_path):
    tree = tmp_path / "tree"
    Path(os.fsdecode(os.fsencode(tree) + b"/\xff\xfe/.removed-0-1")).mkdir(parents=True)
    remove_tree(tree)
    assert list(Path(tmp_path).iterdir()) == []
