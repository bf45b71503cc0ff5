"""Layers put together from what an engine keeps: its record of a tar, and the files."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import tarfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from engine_images import odd_tar

from pytest_mediaimage.errors import CorruptImage
from pytest_mediaimage.image.build import Item, layer, tar_of
from pytest_mediaimage.image.digest import Digest
from pytest_mediaimage.image.layer import Layer
from pytest_mediaimage.image.layer_stream import LayerStream
from pytest_mediaimage.image.sources.engine import files as engine_files
from pytest_mediaimage.image.sources.engine.files import FilesContent, Place
from pytest_mediaimage.image.tar.split import SplitTar

BIG = bytes(range(256)) * 10_000
PLAIN = tar_of([Item.directory("d"), Item("d/big", BIG), Item("d/e/f", b"deep"), Item("last", b"1" * 600)])


def split(tar: bytes, folder: Path) -> Place:
    """What an engine keeps of a tar, written by the rules of tar-split's README."""
    place = Place(folder / "record.gz", folder / "files")
    place.files.mkdir(parents=True)
    lines: list[dict[str, Any]] = []

    def segment(data: bytes) -> None:
        if data:
            lines.append({"type": 2, "payload": base64.b64encode(data).decode(), "position": len(lines)})

    end = 0
    with tarfile.open(fileobj=io.BytesIO(tar), errors="surrogateescape") as archive:
        for member in archive:
            segment(tar[end : member.offset_data])
            end = member.offset_data
            name = member.name.encode(errors="surrogateescape")
            entry: dict[str, Any] = {"type": 1, "payload": None, "position": len(lines)}
            try:
                entry["name"] = name.decode()
            except UnicodeDecodeError:
                entry |= {"name": name.decode(errors="replace"), "name_raw": base64.b64encode(name).decode()}
            if member.isreg() and member.size:
                entry["size"] = member.size
                end += member.size
                path = os.path.join(os.fsencode(place.files), name)  # noqa: PTH118
                os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
                with open(path, "wb") as file:  # noqa: PTH123
                    file.write(tar[member.offset_data : end])
            lines.append(entry)
    segment(tar[end:])
    write_record(place, lines)
    return place


def write_record(place: Place, lines: list[Any]) -> None:
    place.record.write_bytes(gzip.compress(b"".join(json.dumps(line).encode() + b"\n" for line in lines)))


def read_record(place: Place) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(place.record.read_bytes()).splitlines()]


def whole(place: Place, size: int = 1 << 20) -> bytes:
    with closing(SplitTar(place.record, place.files)) as tar:
        pieces = []
        while piece := tar.read(size):
            assert len(piece) <= size
            pieces.append(piece)
        return b"".join(pieces)


@pytest.fixture
def kept(tmp_path: Path) -> Place:
    return split(PLAIN, tmp_path / "kept")


@pytest.mark.parametrize("size", [1 << 20, 4096, 513])
@pytest.mark.parametrize("tar", [PLAIN, odd_tar(), bytes(1024)], ids=["plain", "odd", "empty"])
def test_same_bytes(tar: bytes, size: int, tmp_path: Path) -> None:
    assert whole(split(tar, tmp_path / "kept"), size) == tar


def replace_by_link(place: Place) -> None:
    (place.files / "d" / "big").rename(place.files / "elsewhere")
    (place.files / "d" / "big").symlink_to("../elsewhere")


def replace_parent_by_link(place: Place) -> None:
    (place.files / "d").rename(place.files / "elsewhere")
    (place.files / "d").symlink_to("elsewhere")


def replace_by_pipe(place: Place) -> None:
    (place.files / "d" / "big").unlink()
    os.mkfifo(place.files / "d" / "big")


def rename_in_record(name: str) -> Callable[[Place], None]:
    def change(place: Place) -> None:
        write_record(place, [line | ({"name": name} if line.get("size") else {}) for line in read_record(place)])

    return change


def rewrite(data: bytes) -> Callable[[Place], None]:
    return lambda place: place.record.write_bytes(data) and None


DAMAGE: dict[str, tuple[Callable[[Place], object], str]] = {
    "gone": (lambda place: (place.files / "d" / "big").unlink(), "isn't there any more"),
    "directory-gone": (lambda place: (place.files / "d").rename(place.files / "x"), "isn't there any more"),
    "shorter": (lambda place: os.truncate(place.files / "d" / "big", 100), "isn't what it was"),
    "longer": (lambda place: (place.files / "last").write_bytes(b"1" * 601), "isn't what it was"),
    "link": (replace_by_link, "no regular file"),
    "parent-is-a-link": (replace_parent_by_link, "isn't there any more"),
    "pipe": (replace_by_pipe, "no regular file"),
    "leaves-the-directory": (rename_in_record("../kept/files/last"), "no name of a file"),
    "names-nothing": (rename_in_record("./"), "no name of a file"),
    "zero-in-the-name": (rename_in_record("d/\0"), "isn't there any more"),
    "very-deep": (rename_in_record("d/" * 300 + "f"), "no name of a file"),
    "no-gzip": (rewrite(b"{}\n"), "record of the layer is damaged"),
    "half": (lambda place: os.truncate(place.record, 150), "record of the layer is damaged"),
    "no-json": (rewrite(gzip.compress(b"{]\n")), "record of the layer is damaged"),
    "no-object": (rewrite(gzip.compress(b"[1]\n")), "record of the layer is damaged"),
    "unknown-type": (rewrite(gzip.compress(b'{"type": 3, "size": 7, "name": "last"}\n')), "record .* is malformed"),
    "no-length": (rewrite(gzip.compress(b'{"type": 1, "size": "7", "name": "last"}\n')), "record .* is malformed"),
    "no-name": (rewrite(gzip.compress(b'{"type": 1, "size": 7}\n')), "record .* is malformed"),
    "no-base64": (rewrite(gzip.compress(b'{"type": 2, "payload": "a"}\n')), "record .* is malformed"),
    "one-endless-line": (rewrite(gzip.compress(b'{"type": 2, "payload": "' + b"A" * (17 << 20))), "is damaged"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_what_is_no_longer_as_it_was(name: str, kept: Place) -> None:
    change, words = DAMAGE[name]
    change(kept)
    with pytest.raises(CorruptImage, match=words):
        whole(kept)


def test_other_content_of_the_same_length(kept: Place) -> None:
    """Only the layer's diffID tells."""
    diff_id = layer(PLAIN).diff_id
    (kept.files / "last").write_bytes(b"2" * 600)
    with (
        closing(SplitTar(kept.record, kept.files)) as tar,
        LayerStream(tar, where="x", diff_id=diff_id) as stream,
        pytest.raises(CorruptImage, match="the diffID is"),
    ):
        stream.verify()


def test_closed_while_it_is_read(kept: Place) -> None:
    tar = SplitTar(kept.record, kept.files)
    assert tar.read(3000)
    tar.close()
    assert tar.read(3000) == b""
    tar.close()


def test_nothing_stays_open(kept: Place) -> None:
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208
    whole(kept)
    (kept.files / "last").unlink()
    with pytest.raises(CorruptImage):
        whole(kept)
    with pytest.raises(FileNotFoundError):
        SplitTar(kept.record.with_name("none"), kept.files)
    assert set(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def layer_of(tar: bytes) -> Layer:
    return Layer(0, layer(tar).diff_id, None, "")


class Saved:
    """Stands for the engine's stream, and counts how often it is asked for."""

    def __init__(self, tar: bytes) -> None:
        self.tar = tar
        self.asked = 0

    def layer_streams(self, layers: list[Layer], *, identified: bool) -> Iterator[LayerStream]:
        self.asked += 1
        for item in layers:
            yield LayerStream(io.BytesIO(self.tar), where="saved", diff_id=item.diff_id)


def content_of(place: Place, saved: Saved) -> FilesContent:
    return FilesContent({layer(saved.tar).diff_id: place}, saved)  # type: ignore[arg-type]


def read_layer(content: FilesContent, item: Layer) -> Digest:
    with content.open_layer(item) as stream, stream:
        return stream.verify()


def test_damaged_layer_is_saved_by_the_engine(kept: Place) -> None:
    saved, item = Saved(PLAIN), layer_of(PLAIN)
    content = content_of(kept, saved)
    assert read_layer(content, item) == item.diff_id
    (kept.files / "last").write_bytes(b"2" * 600)
    with pytest.raises(CorruptImage, match="the diffID is"):
        read_layer(content, item)
    assert saved.asked == 0
    assert content.reads_otherwise(item)
    assert read_layer(content, item) == item.diff_id
    assert saved.asked == 1
    assert not content.reads_otherwise(item)  # what the engine itself gives is all that there is


def test_layer_that_can_not_be_opened_is_saved_by_the_engine(kept: Place) -> None:
    saved = Saved(PLAIN)
    kept.record.unlink()
    assert read_layer(content_of(kept, saved), layer_of(PLAIN)) == layer(PLAIN).diff_id
    assert saved.asked == 1


def test_several_at_once(tmp_path: Path) -> None:
    tars = [tar_of([Item(f"d/{n}/{m}", bytes([n]) * 50_000) for m in range(40)]) for n in range(6)]
    places = {layer(tar).diff_id: split(tar, tmp_path / str(n)) for n, tar in enumerate(tars)}
    content = FilesContent(places, Saved(b""))  # type: ignore[arg-type]
    ready = threading.Barrier(len(tars))

    def read(tar: bytes) -> bool:
        item = layer_of(tar)
        with content.open_layer(item) as stream, stream:
            ready.wait(20)
            return stream.verify() == item.diff_id

    with ThreadPoolExecutor(len(tars)) as pool:
        assert all(pool.map(read, tars))


INFO = {
    "Driver": "overlay2",
    "DriverStatus": [["Native Overlay Diff", "true"], ["Using metacopy", "false"]],
    "SecurityOptions": ["name=seccomp,profile=default"],
}


@pytest.mark.parametrize(
    ("change", "local", "used"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"Driver": "btrfs"}, True, False),
        ({"DriverStatus": None}, True, False),
        ({"DriverStatus": [["Native Overlay Diff", "false"]]}, True, False),
        ({"DriverStatus": [["Native Overlay Diff", "true"], ["Using metacopy", "true"]]}, True, False),
        ({"SecurityOptions": ["name=rootless"]}, True, False),
        ({"Rootless": True}, True, False),
        ({"DockerRootDir": "/no/such/directory"}, True, False),
        ({"DockerRootDir": ""}, True, False),
    ],
)
def test_engines_whose_directory_is_read(change: dict[str, Any], local: bool, used: bool, tmp_path: Path) -> None:
    engine: Any = SimpleNamespace(is_local=local, info={**INFO, "DockerRootDir": str(tmp_path), **change})
    assert engine_files._directory(engine, "overlay2") == (tmp_path if used else None)


def docker_directory(root: Path, tars: list[bytes]) -> list[Digest]:
    """Docker's directory with these layers one upon the other; returns their diffIDs."""
    chain, diff_ids = "", [layer(tar).diff_id for tar in tars]
    for n, (tar, diff_id) in enumerate(zip(tars, diff_ids, strict=True)):
        chain = sha256(f"sha256:{chain} {diff_id}".encode()).hexdigest() if chain else diff_id.hex
        kept = root / "image" / "overlay2" / "layerdb" / "sha256" / chain
        kept.mkdir(parents=True)
        place = split(tar, root / "overlay2" / str(n))
        place.files.rename(place.files.with_name("diff"))
        place.record.rename(kept / "tar-split.json.gz")
        (kept / "diff").write_text(diff_id)
        (kept / "cache-id").write_text(str(n))
    return diff_ids


def test_where_docker_keeps_layers(tmp_path: Path) -> None:
    engine: Any = SimpleNamespace(is_local=True, info={**INFO, "DockerRootDir": str(tmp_path)})
    tars = [PLAIN, odd_tar(), tar_of([Item("x", b"1")])]
    diff_ids = docker_directory(tmp_path, tars)
    places = engine_files.docker_places(engine, diff_ids)
    assert places is not None
    for diff_id, tar in zip(diff_ids, tars, strict=True):
        assert whole(places[diff_id]) == tar
    # One layer that isn't there, and the engine is asked for all.
    for record in tmp_path.glob("image/overlay2/layerdb/sha256/*/tar-split.json.gz"):
        record.rename(record.with_name("away"))
        assert engine_files.docker_places(engine, diff_ids) is None
        record.with_name("away").rename(record)
    assert engine_files.docker_places(engine, diff_ids) is not None
    assert engine_files.docker_places(engine, diff_ids[1:]) is None
