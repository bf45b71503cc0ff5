"""What is kept of layers: read again only where it must be, and never believed when damaged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from image_helpers import make_image, open_layout, write_layout

from pytest_mediaimage.errors import StorageFault
from pytest_mediaimage.image.blobs import BlobContent
from pytest_mediaimage.image.build import Item, layer
from pytest_mediaimage.image.cache import FactsCache, default_cache_directory, prepare_cache_directory
from pytest_mediaimage.image.digest import Digest
from pytest_mediaimage.image.layer import FILE, Entry, LayerFacts
from pytest_mediaimage.image.scan import Analyser, Watcher
from pytest_mediaimage.storage import write_atomically

ZEROS = Digest("sha256:" + "0" * 64)


class Lengths:
    """Learns the length of each file."""

    def __init__(self, version: int = 1, name: str = "lengths") -> None:
        self.name = name
        self.version = version
        self.seen = 0

    def watch(self, entry: Entry, head: bytes) -> Watcher | None:
        self.seen += 1
        return _Length()


class _Length:
    def __init__(self) -> None:
        self._count = 0

    def feed(self, chunk: bytes) -> None:
        self._count += len(chunk)

    def finish(self) -> dict[str, int]:
        return {"bytes": self._count}


def some_facts() -> LayerFacts:
    entries = [Entry(f"d/{n}-\udcff🎬", FILE, n, 0o4755, 2**31, 5, -(2**40), "l") for n in range(30)]
    return LayerFacts(ZEROS, 10240, entries, [("/abs", "why")], {"media": {3: "a file", 7: {"a": [1]}}})


@pytest.fixture
def kept(tmp_path: Path) -> tuple[FactsCache, Path]:
    cache = FactsCache(tmp_path, [Lengths()])
    cache.store(some_facts())
    (path,) = (tmp_path / "layers").iterdir()
    return cache, path


def test_round_trip(kept: tuple[FactsCache, Path]) -> None:
    cache, path = kept
    assert cache.load(ZEROS) == some_facts()
    assert path.name.startswith("0" * 64)
    assert cache.load(Digest("sha256:" + "1" * 64)) is None


def test_every_damaged_byte_is_noticed(kept: tuple[FactsCache, Path]) -> None:
    cache, path = kept
    whole = path.read_bytes()
    for at in range(len(whole)):
        for change in (1, 0x80, 0xFF):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ change]) + whole[at + 1 :])
            assert cache.load(ZEROS) in (None, some_facts()), at
    for end in range(0, len(whole), 7):
        path.write_bytes(whole[:end])
        assert cache.load(ZEROS) is None


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        "text",
        {"diff_id": ZEROS},
        {"diff_id": "none", "tar_size": 1, "entries": [], "unsafe": [], "found": {}},
        {"diff_id": ZEROS, "tar_size": 1, "entries": None, "unsafe": [], "found": {}},
        {"diff_id": ZEROS, "tar_size": 1, "entries": [["a"]], "unsafe": [], "found": {}},
        {"diff_id": ZEROS, "tar_size": 1, "entries": [], "unsafe": [["one"]], "found": {}},
        {"diff_id": ZEROS, "tar_size": 1, "entries": [], "unsafe": [], "found": []},
        {"diff_id": ZEROS, "tar_size": 1, "entries": [], "unsafe": [], "found": {"a": {"no number": 1}}},
        {"diff_id": "sha256:" + "1" * 64, "tar_size": 1, "entries": [], "unsafe": [], "found": {}},
    ],
    ids=repr,
)
def test_other_content_is_ignored(document: object, kept: tuple[FactsCache, Path]) -> None:
    cache, path = kept
    path.write_bytes(zstandard.compress(json.dumps(document).encode()))
    assert cache.load(ZEROS) is None
    for data in (b"", b"text", zstandard.compress(b"no JSON"), zstandard.compress(b"[" * 100_000)):
        path.write_bytes(data)
        assert cache.load(ZEROS) is None
    path.unlink()
    path.mkdir()
    assert cache.load(ZEROS) is None


@pytest.fixture
def streamed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The layers that were read, as they are."""
    read: list[str] = []
    original = BlobContent.layer_streams

    def spy(self: BlobContent, layers, *, identified: bool) -> Iterator[object]:  # type: ignore[no-untyped-def]
        read.extend(item.created_by for item in layers)
        return original(self, layers, identified=identified)

    monkeypatch.setattr(BlobContent, "layer_streams", spy)
    return read


def test_only_the_new_layer_is_read(tmp_path: Path, streamed: list[str]) -> None:
    """A release that changes the application is read at the cost of the application."""
    base = layer([Item("base", b"1" * 1000)], "base")
    cache = tmp_path / "l-cache"
    for number in range(2):
        root = write_layout(tmp_path / f"{number}" / "l", [base, layer([Item("app", b"%d" % number)], f"app {number}")])
        (root.parent / "l-cache").symlink_to(cache)
        cache.mkdir(exist_ok=True)
        assert open_layout(root).tree.nodes.keys() == {"base", "app"}
    assert streamed == ["base", "app 0", "app 1"]


def test_facts_of_other_analysers_are_not_used(tmp_path: Path, streamed: list[str]) -> None:
    root = make_image(tmp_path / "l", [[Item("f", b"12345")]]).reference.location
    sets: list[list[Analyser]] = [[], [Lengths(1)], [Lengths(2)], [Lengths(1), Lengths(1, "other")], [Lengths(1)]]
    found = [open_layout(Path(root), analysers=analysers).layer_facts[0].found for analysers in sets]
    fact = {0: {"bytes": 5}}
    assert found == [{}, {"lengths": fact}, {"lengths": fact}, {"lengths": fact, "other": fact}, {"lengths": fact}]
    assert len(streamed) == 4


def test_damaged_facts_are_replaced(tmp_path: Path, streamed: list[str]) -> None:
    root = Path(make_image(tmp_path / "l", [[Item("f", b"12345")]]).reference.location)
    first = open_layout(root).layer_facts
    (path,) = (tmp_path / "l-cache" / "layers").iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert open_layout(root).layer_facts == first
    assert path.read_bytes() == whole
    assert len(streamed) == 2


_STORE = """\
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_image_cache import Lengths, some_facts
from pytest_mediaimage.image.cache import FactsCache
cache = FactsCache(Path(sys.argv[2]), [Lengths()])
end = time.monotonic() + 1.5
while time.monotonic() < end:
    cache.store(some_facts())
    assert cache.load(some_facts().diff_id) == some_facts()
"""


def test_two_processes_at_once(tmp_path: Path) -> None:
    """Readers see the whole file at any time, and nothing else is left."""
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(here.parents[1]), *sys.path])}
    argv = [sys.executable, "-c", _STORE, str(here), str(tmp_path)]
    writers = [subprocess.Popen(argv, env=environment) for _ in range(2)]
    cache, read = FactsCache(tmp_path, [Lengths()]), 0
    while any(writer.poll() is None for writer in writers):
        facts = cache.load(ZEROS)
        assert facts == some_facts() or (facts is None and not read)
        read += facts is not None
        time.sleep(0.001)
    assert [writer.wait() for writer in writers] == [0, 0]
    assert read > 10
    assert len(list((tmp_path / "layers").iterdir())) == 1


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(StorageFault):
        write_atomically(target, b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFault, match="can't be written") as caught:
        prepare_cache_directory(tmp_path / "file" / "cache")
    assert "--media-cache" in caught.value.remedy


def test_default_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By the XDG base directory specification a relative path there counts for nothing."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for value, expected in {"/x": "/x", "relative": f"{tmp_path}/.cache", "": f"{tmp_path}/.cache"}.items():
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert str(default_cache_directory()) == f"{expected}/pytest-mediaimage"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache_directory() == tmp_path / ".cache" / "pytest-mediaimage"


def test_prepared_for_this_user_alone(tmp_path: Path) -> None:
    made = prepare_cache_directory(tmp_path / "a" / "b")
    assert made.stat().st_mode & 0o777 == 0o700
    assert list(made.iterdir()) == []
