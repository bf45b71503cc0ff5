"""Blobs that are kept: whole ones only, within a limit, and never at the cost of the reading."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pytest_mediaimage.errors import CorruptImage
from pytest_mediaimage.image import layer_stream
from pytest_mediaimage.image.digest import Digest
from pytest_mediaimage.image.pipeline import Hasher
from pytest_mediaimage.image.registry import blob_cache
from pytest_mediaimage.image.registry.blob_cache import BlobCache
from pytest_mediaimage.image.registry.stream import ReadStream

DATA = os.urandom(300_000)


class Pieces(ReadStream):
    """A stream of 100 000 bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def next_bytes(self, count: int) -> bytes:
        return self._data.read(min(count, 100_000))


@pytest.fixture(autouse=True)
def a_new_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has used no blob yet."""
    monkeypatch.setattr(blob_cache, "_used", set())


def digest_of(data: bytes, algorithm: str = "sha256") -> Digest:
    return Digest(f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}")


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def old(path: Path, hours: float) -> None:
    then = time.time() - hours * 3600
    os.utime(path, (then, then))


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("length", [len(DATA), None])
def test_kept_once_it_is_whole(length: int | None, algorithm: str, tmp_path: Path) -> None:
    cache, digest = BlobCache(tmp_path), digest_of(DATA, algorithm)
    with cache.keeping(Pieces(DATA), digest, length) as stream:
        assert stream.read(1000) == DATA[:1000]
        assert cache.find(digest) is None
        assert stream.read() == DATA[1000:]
    path = cache.find(digest)
    assert path == tmp_path / algorithm / digest.hex
    assert path.read_bytes() == DATA
    assert names(tmp_path) == [f"{algorithm}/{digest.hex}"]


@pytest.mark.parametrize("place", ["tmp_path", "tiny_disk"])
@pytest.mark.parametrize("data", [DATA, DATA[:-1] + b"\0"])
def test_what_is_kept_is_hashed_once(
    data: bytes, place: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads it checks it by the hash that decides whether it's kept, also where the disk fills up on the way."""
    made: list[str] = []

    class Counted(Hasher):
        def __init__(self, algorithm: str) -> None:
            made.append(algorithm)
            super().__init__(algorithm)

    monkeypatch.setattr(blob_cache, "Hasher", Counted)
    monkeypatch.setattr(layer_stream, "Hasher", Counted)
    cache, blob = BlobCache(request.getfixturevalue(place)), gzip.compress(data, mtime=0)
    digest = digest_of(gzip.compress(DATA, mtime=0))
    with (
        cache.keeping(Pieces(blob), digest, len(blob)) as source,
        layer_stream.LayerStream(source, where="it", compressed=(digest, len(blob))) as stream,
    ):
        if data == DATA:
            assert stream.verify() == digest_of(DATA)
        else:
            with pytest.raises(CorruptImage, match=f"its content has the digest {digest_of(blob)}"):
                stream.verify()
    assert made == ["sha256", "sha256"]  # of the blob, and of what it holds
    assert (cache.find(digest) is not None) == (data == DATA and place == "tmp_path")


def test_kept_at_its_last_byte(tmp_path: Path) -> None:
    """Who knows the length needn't ask for the end."""
    with BlobCache(tmp_path).keeping(Pieces(DATA), digest_of(DATA), len(DATA)) as stream:
        assert stream.readinto(bytearray(250_000)) == 100_000
        assert len(stream.read(200_000)) + len(stream.read(200_000)) == 200_000
    assert names(tmp_path) == [f"sha256/{digest_of(DATA).hex}"]


@pytest.mark.parametrize("data", [DATA[:-1], DATA + b"1", DATA[:-1] + b"\0", b""])
def test_what_is_not_its_digest_is_not_kept(data: bytes, tmp_path: Path) -> None:
    with BlobCache(tmp_path).keeping(Pieces(data), digest_of(DATA), len(DATA)) as stream:
        assert stream.read() == data
    assert names(tmp_path) == []


def test_what_is_not_read_to_its_end_is_not_kept(tmp_path: Path) -> None:
    stream = BlobCache(tmp_path).keeping(Pieces(DATA), digest_of(DATA), len(DATA))
    stream.read(150_000)
    assert len(names(tmp_path)) == 1
    del stream
    assert names(tmp_path) == []


_KEEP = """\
import sys, time
from pathlib import Path
from pytest_mediaimage.image.digest import Digest
from pytest_mediaimage.image.registry.blob_cache import BlobCache
from pytest_mediaimage.image.registry.stream import ReadStream
class Slow(ReadStream):
    def next_bytes(self, count):
        return b"x" * count
stream = BlobCache(Path(sys.argv[1])).keeping(Slow(), Digest("sha256:" + "0" * 64), None)
stream.read(1000)
print("reading", flush=True)
time.sleep(60)
"""


def test_what_a_killed_run_left_is_removed_and_what_is_written_is_not(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _KEEP, tmp_path], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "reading\n"
            BlobCache(tmp_path).prune()
            assert len(names(tmp_path)) == 1
        finally:
            process.send_signal(signal.SIGKILL)
    assert len(names(tmp_path)) == 1
    BlobCache(tmp_path).store(digest_of(DATA), DATA)
    assert len(names(tmp_path)) == 2
    with BlobCache(tmp_path).keeping(Pieces(DATA), digest_of(b"other"), None):
        assert len(names(tmp_path)) == 2
    assert names(tmp_path) == [f"sha256/{digest_of(DATA).hex}"]


def test_taken_for_abandoned_before_it_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run may come between the making of a file and its lock."""
    removed: list[Path] = []
    flock = fcntl.flock

    def late(file: int, how: int) -> None:
        if not removed:
            removed.extend((tmp_path / "sha256").iterdir())
            removed[0].unlink()
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with BlobCache(tmp_path).keeping(Pieces(DATA), digest_of(DATA), len(DATA)) as stream:
        stream.read()
    assert len(removed) == 1
    assert names(tmp_path) == [f"sha256/{digest_of(DATA).hex}"]


def test_a_damaged_blob_is_no_hit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, digest = BlobCache(tmp_path), digest_of(DATA)
    cache.store(digest, DATA)
    path = cache.find(digest)
    assert path is not None
    path.write_bytes(DATA[:-1] + b"\0")
    monkeypatch.setattr(blob_cache, "_used", set())
    assert cache.find(digest) is None
    assert names(tmp_path) == []


def test_the_least_lately_used_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = [os.urandom(1000) for _ in range(5)]
    cache = BlobCache(tmp_path, limit=5000)
    for hours, data in enumerate(blobs, 2):
        cache.store(digest_of(data), data)
        old(tmp_path / "sha256" / digest_of(data).hex, hours)
    monkeypatch.setattr(blob_cache, "_used", set())
    assert cache.prune() == 5000
    assert cache.find(digest_of(blobs[4])) is not None  # from now on it is in use
    assert cache.prune(2000) == 3000
    assert {name.rpartition("/")[2] for name in names(tmp_path)} == {digest_of(blobs[n]).hex for n in (0, 1, 4)}
    old(tmp_path / "sha256" / digest_of(blobs[4]).hex, 99)
    assert cache.prune(5000) == 1000
    assert names(tmp_path) == [f"sha256/{digest_of(blobs[4]).hex}"]


def test_what_others_have_just_used_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = BlobCache(tmp_path, limit=len(DATA))
    cache.store(digest_of(DATA), DATA)
    monkeypatch.setattr(blob_cache, "_used", set())
    other = bytes(reversed(DATA))
    with cache.keeping(Pieces(other), digest_of(other), len(other)) as stream:
        assert stream.read() == other  # read all the same
    assert names(tmp_path) == [f"sha256/{digest_of(DATA).hex}"]


def test_room_is_made_before_a_blob_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = BlobCache(tmp_path, limit=len(DATA) + 1000)
    cache.store(digest_of(DATA), DATA)
    old(tmp_path / "sha256" / digest_of(DATA).hex, 2)
    monkeypatch.setattr(blob_cache, "_used", set())
    other = bytes(reversed(DATA))
    with cache.keeping(Pieces(other), digest_of(other), len(other)) as stream:
        assert names(tmp_path)[0].endswith(".partial")
        stream.read()
    assert names(tmp_path) == [f"sha256/{digest_of(other).hex}"]


def test_a_blob_over_the_limit_is_read_and_not_kept(tmp_path: Path) -> None:
    with BlobCache(tmp_path, limit=1000).keeping(Pieces(DATA), digest_of(DATA), len(DATA)) as stream:
        assert stream.read() == DATA
    assert names(tmp_path) == []


@pytest.fixture
def tiny_disk(tmp_path: Path) -> object:
    """A file system of 200 kB; without the right to mount one the test skips."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system can't be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_ends_only_the_keeping(tiny_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = BlobCache(tiny_disk)
    with cache.keeping(Pieces(DATA), digest_of(DATA), len(DATA)) as stream:
        assert stream.read() == DATA
    assert names(tiny_disk) == []
    assert f"a blob isn't kept in {tiny_disk}/sha256: No space left on device" in caplog.text
    cache.store(digest_of(DATA), DATA)
    assert names(tiny_disk) == []


def test_a_place_that_is_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    cache = BlobCache(tmp_path / "file" / "blobs")
    with cache.keeping(Pieces(DATA), digest_of(DATA), len(DATA)) as stream:
        assert stream.read() == DATA
    assert "isn't kept" in caplog.text
    assert cache.find(digest_of(DATA)) is None
    assert cache.prune() == 0


def test_the_same_blob_twice_at_once(tmp_path: Path) -> None:
    cache, barrier = BlobCache(tmp_path), threading.Barrier(4)
    read: list[bytes] = []

    def keep() -> None:
        with cache.keeping(Pieces(DATA), digest_of(DATA), len(DATA)) as stream:
            barrier.wait(30)
            read.append(stream.read())

    threads = [threading.Thread(target=keep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == [DATA] * 4
    assert names(tmp_path) == [f"sha256/{digest_of(DATA).hex}"]
