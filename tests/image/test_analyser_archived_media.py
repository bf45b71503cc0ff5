"""Films inside archives: real archives, cut anywhere, and those that only claim to be some."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mediaimage.image.analysers.archived_media import ArchivedMedia
from pytest_mediaimage.image.entries import FILE, Entry

NOISE = random.Random(3).randbytes(50_000)
FILM = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + NOISE
CLIP = b"RIFF\x00\x10\x00\x00WAVEfmt " + bytes(3000)
MEMBERS = {"a/readme.txt": b"a text\n" * 200, "a/film.bin": FILM, "a/tone": CLIP, "a/empty": b""}
FILMS = {"members": 2, "name": "a/film.bin", "what": "an MP4 file (ISO base media)"}


class Unseekable(io.RawIOBase):
    """What a zip is written to that comes out of a pipe: lengths stand behind the members."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += bytes(data)
        return len(data)


def zipped(method: int, members: dict[str, bytes] = MEMBERS, *, piped: bool = False) -> bytes:
    pipe, out = Unseekable(), io.BytesIO()
    with zipfile.ZipFile(pipe if piped else out, "w", method) as archive:  # type: ignore[arg-type]
        for name, data in members.items():
            archive.writestr(name, data)
    return pipe.data if piped else out.getvalue()


def tarred(format: int, members: dict[str, bytes] = MEMBERS) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def look(data: bytes, path: str = "opt/x", piece: int = 1 << 16) -> dict[str, Any] | None:
    watcher = ArchivedMedia().watch(Entry(path, FILE, len(data)), data[:4096])
    if watcher is None:
        return None
    for at in range(0, len(data), piece):
        watcher.feed(data[at : at + piece])
    return watcher.finish()


ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "stored": (lambda: zipped(zipfile.ZIP_STORED), "opt/x"),
    "deflated": (lambda: zipped(zipfile.ZIP_DEFLATED), "opt/x.whl"),
    "stored-through-a-pipe": (lambda: zipped(zipfile.ZIP_STORED, piped=True), "opt/x"),
    "deflated-through-a-pipe": (lambda: zipped(zipfile.ZIP_DEFLATED, piped=True), "opt/x.jar"),
    "tar": (lambda: tarred(tarfile.USTAR_FORMAT), "opt/x"),
    "tar-pax": (lambda: tarred(tarfile.PAX_FORMAT), "opt/x"),
    "tar-gnu": (lambda: tarred(tarfile.GNU_FORMAT), "opt/x"),
    "tar-gz": (lambda: gzip.compress(tarred(tarfile.USTAR_FORMAT)), "opt/x.tar.gz"),
}


@pytest.mark.parametrize("name", ARCHIVES)
@pytest.mark.parametrize("piece", [1 << 16, 4097, 13])
def test_films_in_archives(name: str, piece: int) -> None:
    make, path = ARCHIVES[name]
    fact = look(make(), path, piece)
    assert fact is not None
    taken = fact.pop("bytes")
    assert fact == FILMS
    # random bytes can't be deflated; the tone is zeros and can
    assert len(FILM) <= taken <= len(FILM) + len(CLIP) + 100


def test_long_names_of_gnu_tar() -> None:
    name = "folder/" * 30 + "film.bin"
    fact = look(tarred(tarfile.GNU_FORMAT, {name: FILM}))
    assert fact is not None and fact["name"] == name[:200]


def test_members_that_cant_be_read_go_by_their_name() -> None:
    fact = look(zipped(zipfile.ZIP_BZIP2, {"film.mp4": FILM, "data.bin": FILM}))
    assert fact is not None and (fact["members"], fact["what"]) == (1, "a media file by its name")


NOTHING: dict[str, tuple[bytes, str]] = {
    "zip-of-texts": (zipped(zipfile.ZIP_DEFLATED, {"film.mp4": b"not a film\n" * 500, "b.h": b"int a;\n" * 400}), "x"),
    "wheel-of-code": (zipped(zipfile.ZIP_DEFLATED, {"a/b.py": b"ftyp = 1\n" * 500}), "x.whl"),
    "tiny-clips": (zipped(zipfile.ZIP_STORED, {"beep.wav": CLIP[:900]}), "x"),
    "tar-of-texts": (tarred(tarfile.PAX_FORMAT, {"a.mp4": b"text\n" * 500}), "x.tar"),
    "a-zip-that-is-cut": (zipped(zipfile.ZIP_STORED)[:1000], "x"),
    "only-the-signature": (b"PK\x03\x04" + bytes(2000), "x"),
    "gzip-that-is-no-tar": (gzip.compress(FILM), "x.gz"),
    "gzip-named-tar": (gzip.compress(FILM), "x.tar.gz"),
    "damaged-gzip": (gzip.compress(tarred(tarfile.USTAR_FORMAT))[:60] + b"damage" * 99, "x.tar.gz"),
}


@pytest.mark.parametrize("name", NOTHING)
def test_no_films(name: str) -> None:
    assert look(*NOTHING[name]) is None


def test_a_bomb_costs_little() -> None:
    bomb = gzip.compress(tarred(tarfile.USTAR_FORMAT, {"zeros": bytes(200_000_000)}), 1)
    tracemalloc.start()
    look(bomb, "x.tar.gz")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8_000_000


@settings(max_examples=150)
@given(st.data())
def test_any_bytes_and_any_cutting(data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from([make() for make, _ in list(ARCHIVES.values())[:5]])))
    for _ in range(data.draw(st.integers(0, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    facts = [look(bytes(whole), piece=piece) for piece in (data.draw(st.integers(500, 9000)), 1 << 20)]
    assert facts[0] == facts[1]
