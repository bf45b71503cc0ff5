"""No link leads out of a root."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_mediaimage.runtime import inroot


@pytest.fixture
def tree(tmp_path) -> Path:
    """`root`, and beside it `secret`, which no path below root may reach."""
    (tmp_path / "secret").write_text("outside")
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "passwd").write_text("inside")
    return root


def read(root: Path, path: str) -> str:
    with inroot.open_root(root) as descriptor, inroot.open_regular(descriptor, path) as file:
        return file.read().decode()


def write(root: Path, path: str, text: str = "new") -> None:
    with inroot.open_root(root) as descriptor:
        inroot.write_file(descriptor, path, io.BytesIO(text.encode()), mode=0o640)


@pytest.mark.parametrize(
    ("link", "target", "path"),
    [
        ("a", "/etc/passwd", "/a"),
        ("a", "etc/passwd", "a"),
        ("a", "../../../../etc/passwd", "/a"),
        ("etc/a", "../etc/./passwd", "/etc/a"),
        ("a", "/etc", "/a/passwd"),
        ("a", "/etc/", "//a//passwd"),
        ("a", "/../..", "/a/etc/passwd"),
        ("a", ".", "/a/a/a/etc/passwd"),
    ],
)
def test_links_mean_the_roots_own(tree, link, target, path):
    (tree / link).symlink_to(target)
    assert read(tree, path) == "inside"


def test_nothing_outside_is_read(tree):
    (tree / "absolute").symlink_to(tree.parent / "secret")
    (tree / "relative").symlink_to("../secret")
    (tree / "folder").symlink_to("..")
    for path in ("/absolute", "/relative", "/folder/secret", "/../secret", "/etc/../../secret"):
        with pytest.raises(FileNotFoundError):
            read(tree, path)


def test_nothing_outside_is_written(tree):
    before = sorted(tree.parent.iterdir())
    (tree / "absolute").symlink_to(tree.parent / "secret")
    (tree / "folder").symlink_to("../..")
    for path in ("/absolute", "/folder/planted", "/../planted", "/folder/new/planted"):
        write(tree, path)
    assert sorted(tree.parent.iterdir()) == before
    assert (tree.parent / "secret").read_text() == "outside"
    assert read(tree, "/planted") == "new"
    assert read(tree, "/new/planted") == "new"


@pytest.mark.parametrize("count", [1, 2, 40, 41])
def test_loops_and_long_chains(tree, count):
    for index in range(count):
        (tree / f"link{index}").symlink_to(f"link{(index + 1)}")
    (tree / f"link{count}").write_text("end")
    if count <= inroot.LINK_LIMIT:
        assert read(tree, "link0") == "end"
    (tree / f"link{count}").unlink()
    (tree / f"link{count}").symlink_to("link0")
    with pytest.raises(OSError, match="symbolic links") as caught:
        read(tree, "link0")
    assert caught.value.errno == errno.ELOOP


def test_what_is_no_regular_file(tree):
    os.mkfifo(tree / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        read(tree, "/pipe")  # opening it would block
    for path in ("/etc", "/", "..", ""):
        with pytest.raises(IsADirectoryError):
            read(tree, path)
    with pytest.raises(NotADirectoryError):
        read(tree, "/etc/passwd/x")
    with pytest.raises(ValueError, match="NUL"):
        read(tree, "/etc\0/passwd")


def test_write_replaces_without_opening(tree):
    os.mkfifo(tree / "pipe")
    write(tree, "/pipe", "file now")
    assert read(tree, "/pipe") == "file now"
    assert (tree / "pipe").stat().st_mode & 0o777 == 0o640
    for path in ("/etc", "/etc/", "/", "/new/"):
        with pytest.raises(IsADirectoryError):
            write(tree, path)
    assert not list(tree.rglob(".partial*"))


def test_failed_write_leaves_the_old_file(tree):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise OSError(errno.EIO, "broken")

    with inroot.open_root(tree) as root, pytest.raises(OSError, match="broken"):
        inroot.write_file(root, "/etc/passwd", Broken(), mode=0o644)
    assert read(tree, "/etc/passwd") == "inside"
    assert [path.name for path in (tree / "etc").iterdir()] == ["passwd"]


def test_directories_without_write_permission(tree):
    (tree / "closed").mkdir(mode=0o555)
    (tree / "closed").chmod(0o555)
    write(tree, "/closed/new/file")
    assert read(tree, "/closed/new/file") == "new"
    assert (tree / "closed").stat().st_mode & 0o777 == 0o555


def test_modes_of_new_directories(tree):
    old = os.umask(0o077)
    try:
        write(tree, "/a/b/c")
    finally:
        os.umask(old)
    assert [(tree / name).stat().st_mode & 0o777 for name in ("a", "a/b")] == [0o755, 0o755]


def test_make_directory(tree):
    with inroot.open_root(tree) as root:
        inroot.make_directory(root, "/srv/x y")
        inroot.make_directory(root, "/srv/x y")
        inroot.make_directory(root, "/")
        with pytest.raises(NotADirectoryError):
            inroot.make_directory(root, "/etc/passwd")
    assert (tree / "srv/x y").is_dir()


def test_too_deep(tree):
    with pytest.raises(OSError, match="256"):
        write(tree, "/d" * 400)


def test_descriptors_are_closed(tree):
    (tree / "loop").symlink_to("loop")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in ("/etc/passwd", "/loop", "/nope/x", "/etc"):
        with inroot.open_root(tree) as root:
            try:
                inroot.status(root, path)
                with inroot.open_regular(root, path):
                    pass
            except OSError:
                pass
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    target=st.lists(st.sampled_from(["..", ".", "etc", "a", "b", "", "passwd", "secret"]), min_size=1).map("/".join),
    path=st.lists(st.sampled_from(["..", "a", "b", "etc", "secret"]), min_size=1).map("/".join),
)
def test_any_path_stays_inside(tree, target, path):
    for name in ("a", "etc/b"):
        (tree / name).unlink(missing_ok=True)
        if target:
            (tree / name).symlink_to(target)
    with inroot.open_root(tree) as root:
        try:
            status = inroot.status(root, path)
        except OSError:
            return
    inside = {(found.lstat().st_dev, found.lstat().st_ino) for found in (tree, *tree.rglob("*"))}
    assert (status.st_dev, status.st_ino) in inside
