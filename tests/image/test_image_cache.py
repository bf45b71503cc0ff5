"""What is kept of layers: read again only where it must be, and never believed when damaged."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

import pytest
import zstandard
from image_helpers import make_image, open_layout, write_layout

from pytest_mediaimage.errors import StorageFault
from pytest_mediaimage.image import cache as image_cache
from pytest_mediaimage.image.blobs import BlobContent
from pytest_mediaimage.image.build import Item, layer
from pytest_mediaimage.image.cache import FactsCache, default_cache_directory, prepare_cache_directory
from pytest_mediaimage.image.digest import Digest
from pytest_mediaimage.image.entries import FILE, SYMLINK, Entries, Entry
from pytest_mediaimage.image.layer import Layer, LayerFacts
from pytest_mediaimage.image.layer_stream import LayerStream
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
    entries = Entries()
    for n in range(30):
        entries.append(Entry(f"d/{n}-\udcff🎬", FILE, n, 0o4755, 2**31 + n % 3, 5, -(2**40), "l"), 2**64 - 1 - n)
    entries.append(Entry("d/l", SYMLINK, link="\udcfftext"))
    found = {"media": {3: "a file", 7: {"a": [1]}}}
    return LayerFacts(ZEROS, 10240, entries, [("/abs", "why")], found, {4: {"security.capability": "00ff"}})


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
    for at in range(0, len(whole), 2):
        for change in (1, 0xFF):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ change]) + whole[at + 1 :])
            assert cache.load(ZEROS) in (None, some_facts()), at
    for end in range(0, len(whole), 7):
        path.write_bytes(whole[:end])
        assert cache.load(ZEROS) in (None, some_facts())  # the end of the checksum is all that may be missing
    path.write_bytes(whole[:-8])
    assert cache.load(ZEROS) is None


def test_other_content_is_ignored(kept: tuple[FactsCache, Path]) -> None:
    cache, path = kept
    head = b"[" * 100_000
    for data in (b"", b"text", b"no JSON", len(head).to_bytes(8, "little") + head, b"\xff" * 8 + b"{}"):
        for content in (data, zstandard.compress(data)):
            path.write_bytes(content)
            assert cache.load(ZEROS) is None
    path.unlink()
    path.mkdir()
    assert cache.load(ZEROS) is None


def test_other_fields_are_ignored(kept: tuple[FactsCache, Path]) -> None:
    """Whatever field is missing or of another shape, the facts count for nothing, and nothing is raised."""
    cache, path = kept
    data = zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())
    end = 8 + int.from_bytes(data[:8], "little")
    whole = json.loads(data[8:end])

    def load(head: object, columns: bytes = data[end:]) -> LayerFacts | None:
        text = json.dumps(head).encode()
        path.write_bytes(zstandard.compress(len(text).to_bytes(8, "little") + text + columns))
        return cache.load(ZEROS)

    assert load(whole) == some_facts()
    assert load(whole, data[end:] + b"x") is None
    assert load(whole, data[end:-1]) is None
    assert load({**whole, "diff_id": "sha256:" + "1" * 64}) is None
    for name in whole:
        assert load({key: value for key, value in whole.items() if key != name}) is None, name
        for value in (None, 7.5, "text", ["one"], [[1]], {"a": 1}):
            if name != "tar_size":
                assert load({**whole, name: value}) is None, (name, value)
    for change in ({"owners": []}, {"links": [["x", 1]]}, {"owners": [[1]]}):
        assert load({**whole, "entries": {**whole["entries"], **change}}) is None


def test_least_recently_used_go_first(tmp_path: Path) -> None:
    cache = FactsCache(tmp_path)
    ids = [Digest("sha256:" + f"{n}" * 64) for n in range(4)]
    for age, diff_id in enumerate(ids):
        facts = some_facts()
        facts.diff_id = diff_id
        cache.store(facts)
        (path,) = (tmp_path / "layers").glob(f"{diff_id.hex}*")
        os.utime(path, (1000 + age, 1000 + age))
    count, total = cache.usage()
    assert count == 4
    assert cache.load(ids[0]) is not None  # used now
    cache.prune(total)
    assert cache.usage() == (4, total)
    cache.prune(total * 6 // 10)
    assert [cache.load(diff_id) is not None for diff_id in ids] == [True, False, False, True]
    cache.prune(0)
    assert cache.usage() == (0, 0)


def test_what_a_killed_run_left_is_removed_after_a_while(tmp_path: Path) -> None:
    """A file that was begun and never got its name; one that a run writes now is let be."""
    (tmp_path / "layers").mkdir()
    old, new = tmp_path / "layers" / ".old.x", tmp_path / "layers" / ".new.x"
    for file in (old, new):
        file.write_bytes(b"1" * 100)
    os.utime(old, (1000, 1000))
    FactsCache(tmp_path).prune()
    assert not old.exists()
    assert new.exists()


def test_no_directory_is_an_empty_cache(tmp_path: Path) -> None:
    cache = FactsCache(tmp_path / "none")
    cache.prune()
    assert cache.usage() == (0, 0)


@pytest.fixture
def streamed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The layers that were read, as they are."""
    read: list[str] = []
    original = BlobContent.open_layer

    def spy(self: BlobContent, layer: Layer) -> AbstractContextManager[LayerStream]:
        read.append(layer.created_by)
        return original(self, layer)

    monkeypatch.setattr(BlobContent, "open_layer", spy)
    return read


def test_only_the_new_layer_is_read(tmp_path: Path, streamed: list[str]) -> None:
    """A release that changes the application is read at the cost of the application."""
    base = layer([Item("base", b"1" * 1000)], "base")
    cache = tmp_path / "l-cache"
    for number in range(2):
        root = write_layout(tmp_path / f"{number}" / "l", [base, layer([Item("app", b"%d" % number)], f"app {number}")])
        (root.parent / "l-cache").symlink_to(cache)
        cache.mkdir(exist_ok=True)
        assert [node.path for node in open_layout(root).tree] == ["app", "base"]
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


def test_a_cache_that_is_cleared_while_a_run_writes_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is learnt is forgotten, and the run goes on."""
    write = image_cache._write

    def cleared(facts: LayerFacts, file: IO[bytes]) -> None:
        write(facts, file)
        shutil.rmtree(tmp_path / "l-cache")

    monkeypatch.setattr(image_cache, "_write", cleared)
    image = make_image(tmp_path / "l", [[Item("a", b"1")], [Item("b", b"22")]])
    assert image.flattened_size == 3
    assert not list((tmp_path / "l-cache").rglob("*.zst"))
    monkeypatch.undo()
    assert open_layout(tmp_path / "l").flattened_size == 3
    assert len(list((tmp_path / "l-cache").rglob("*.zst"))) == 2


def test_a_directory_that_can_not_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not the file that was to be tried out there."""

    def refuse(**_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(tmp_path / "tmp1234"))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(StorageFault, match=f"^{tmp_path} can't be written: Read-only file system"):
        prepare_cache_directory(tmp_path)


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
