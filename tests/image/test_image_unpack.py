"""Unpacking: the expected tree byte for byte, and not a byte outside of it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from corpus_words import Case, Dir, Expected, File, Layers, Link, Special, hard, link
from image_helpers import make_image
from layer_corpus import CASES

from pytest_mediaimage.errors import CorruptImage, StorageFault
from pytest_mediaimage.image.build import Item

REPOSITORY = Path(__file__).parents[2]
STRANGER = 65534


def on_disk(root: Path) -> Expected:
    """What lies below `root`, links not followed. Owners are not kept when unpacking, so they aren't told."""
    tree: Expected = {}
    for folder, directories, files in os.walk(os.fsencode(root)):
        for name in directories + files:
            path = os.path.join(folder, name)  # noqa: PTH118
            key = os.fsdecode(os.path.relpath(path, os.fsencode(root)))
            status = os.lstat(path)
            mode = stat.S_IMODE(status.st_mode)
            match stat.S_IFMT(status.st_mode):
                case stat.S_IFREG:
                    os.chmod(path, mode | 0o400)  # noqa: PTH101
                    tree[key] = File(Path(os.fsdecode(path)).read_bytes(), mode)
                case stat.S_IFDIR:
                    tree[key] = Dir(mode)
                case stat.S_IFLNK:
                    tree[key] = Link(os.fsdecode(os.readlink(path)))  # noqa: PTH115
                case stat.S_IFIFO:
                    tree[key] = Special("fifo", mode)
                case other:
                    raise AssertionError(f"{key}: {other:o}")
    return tree


def unpacked(tree: Expected) -> Expected:
    """What unpacking keeps: no owners, no devices, and directories that their owner can enter and clear."""
    kept: Expected = {}
    for path, value in tree.items():
        match value:
            case File(data, mode):
                kept[path] = File(data, mode)
            case Dir(mode):
                kept[path] = Dir(mode | 0o700)
            case Special("fifo") | Link():
                kept[path] = value
    return {path: value for path, value in kept.items() if path}


def test_same_tree_on_disk(case: Case, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    make_image(tmp_path / "layout", case.layers).unpack(root)
    assert on_disk(root) == unpacked(case.tree)
    for paths in case.linked:
        assert len({(root / path).stat().st_ino for path in paths}) == 1
    assert {path.name for path in tmp_path.iterdir()} <= {"layout", "layout-cache", "root"}


_UNPACK = """\
import sys
from pathlib import Path
from image_helpers import make_image
from layer_corpus import CASES
from test_image_unpack import on_disk, unpacked
for case in CASES:
    folder = Path(sys.argv[1]) / case.name
    (folder / "root").mkdir(parents=True)
    make_image(folder / "layout", case.layers).unpack(folder / "root")
    assert on_disk(folder / "root") == unpacked(case.tree), case.name
print(len(CASES))
"""


def test_by_an_unprivileged_user(strangers_folder: Path) -> None:
    """The whole corpus, setuid files, devices and closed directories among it."""
    if os.geteuid() != 0:
        pytest.skip("all these tests run as an unprivileged user")
    paths = [str(REPOSITORY), str(Path(__file__).parent), *(path for path in sys.path if path.endswith("-packages"))]
    environment = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}

    def as_stranger(*argv: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(word) for word in argv],
            env=environment,
            user=STRANGER,
            group=STRANGER,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )

    for python in (sys.executable, "/usr/bin/python3"):
        try:
            if as_stranger(python, "-c", "import test_image_unpack").returncode == 0:
                break
        except OSError:
            continue
    else:
        pytest.skip("no Python here can be started by an unprivileged user")
    done = as_stranger(python, "-c", _UNPACK, strangers_folder)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(CASES)


HOSTILE: dict[str, Layers] = {
    "file-below-a-link-to-outside": [[link("out", "{outside}"), Item("out/new", b"bad")]],
    "file-below-a-link-of-a-lower-layer": [[link("out", "{outside}")], [Item("out/new", b"bad")]],
    "file-over-a-link-to-a-file": [[link("f", "{outside}/victim")], [Item("f", b"bad")]],
    "file-over-a-link-in-one-layer": [[link("f", "{outside}/victim"), Item("f", b"bad")]],
    "climbing-link": [[Item.directory("a"), link("a/up", "../../../{outside}")], [Item("a/up/new", b"bad")]],
    "link-chain": [[link("a", "b"), link("b", "../.."), link("c", "a/{outside}")], [Item("c/new", b"bad")]],
    "hard-link-to-outside": [[hard("h", "{outside}/victim"), Item("h", b"bad")]],
    "hard-link-that-climbs": [[hard("h", "../../..{outside}/victim"), Item("h", b"bad")]],
    "hard-link-through-a-link": [[link("out", "{outside}"), hard("h", "out/victim"), Item("h", b"bad")]],
    "hard-link-to-a-link": [[link("l", "{outside}/victim"), hard("h", "l"), Item("h/../l", b"bad")]],
    "directory-over-a-link": [[link("d", "{outside}"), Item.directory("d", mode=0o777), Item("d/new", b"bad")]],
    "climbing-name": [[Item("../outside/new", b"bad"), Item("a/../../outside/new", b"bad")]],
    "absolute-name": [[Item("{outside}/new", b"bad"), Item("{outside}/victim", b"bad")]],
    "whiteout-through-a-link": [[link("out", "{outside}")], [Item("out/.wh.victim"), Item("out/.wh..wh..opq")]],
    "directory-mode-through-a-link": [[link("out", "{outside}"), Item.directory("out/sub", mode=0o777)]],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_outside_is_touched(name: str, tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir(mode=0o711)
    root.mkdir()
    (outside / "victim").write_bytes(b"untouched")
    (outside / "victim").chmod(0o640)
    (outside / "sub").mkdir(mode=0o700)
    layers: Layers = [
        [
            Item(
                item.path.format(outside=outside),
                item.data,
                mode=item.mode,
                type=item.type,
                link=item.link.format(outside=outside),
            )
            for item in items
            if isinstance(item, Item)
        ]
        for items in layers_of(name)
    ]
    before = on_disk(outside)
    make_image(tmp_path / "layout", layers).unpack(root)
    assert on_disk(outside) == before
    assert stat.S_IMODE(outside.stat().st_mode) == 0o711
    assert (outside / "victim").stat().st_nlink == 1


def layers_of(name: str) -> list[list[Item]]:
    return [items for items in HOSTILE[name] if isinstance(items, list)]


@pytest.mark.parametrize(
    ("layer", "word"),
    [
        ([Item("n" * 256, b"x")], "File name too long"),
        ([Item.directory("n" * 256)], "File name too long"),
        ([Item("/".join(["d" * 250] * 16 + ["f" * 79]), b"x")], "File name too long"),
        ([link("n" * 256, "x")], "File name too long"),
        ([link("l", "x" * 4096)], "File name too long"),
    ],
    ids=["file", "directory", "path", "link", "link-target"],
)
def test_name_that_no_file_system_takes(layer: list[Item], word: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with pytest.raises(CorruptImage, match=word):
        make_image(tmp_path / "layout", [layer]).unpack(root)


def test_no_space_left(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("a small file system can only be mounted by root")
    image = make_image(tmp_path / "layout", [[Item("f", os.urandom(3_000_000))]])
    _ = image.tree
    root = tmp_path / "small"
    root.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "none", root], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        with pytest.raises(StorageFault, match="no space left") as caught:
            image.unpack(root)
    finally:
        subprocess.run(["umount", root], check=True)
    assert "--media-cache" in caught.value.remedy


def test_odd_links_are_unsafe_not_fatal(tmp_path: Path) -> None:
    """A symbolic link to nothing at all, and paths longer than Linux knows, thousands of directories deep."""
    deep = "/".join(["d"] * 3000)
    root = tmp_path / "root"
    root.mkdir()
    image = make_image(tmp_path / "layout", [[link("l", ""), Item(deep, b"1"), link("m", deep), Item("f", b"1")]])
    image.unpack(root)
    assert on_disk(root) == {"f": File(b"1")}
    assert [name for name, _ in image.layer_facts[0].unsafe] == ["l", deep[:4096], "m"]


def test_deepest_path_that_linux_knows(tmp_path: Path) -> None:
    deep = "/".join(["d"] * 2048)
    image = make_image(tmp_path / "layout", [[Item(deep, b"1")]])
    assert len(image.tree) == 2048
    assert image.open(deep).read() == b"1"
