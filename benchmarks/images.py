"""Images for the benchmarks: the same bytes each time, written as a stream, and kept for the next run.

They are OCI layouts in the cache directory of the tests (tests/support/debian.py), which may be deleted at any time.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import random
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import zstandard

from pytest_mediaimage.image.build import LayoutWriter

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "support"))
import debian

MB = 10**6
_MIB = 1 << 20
_VERSION = 1  # raise it when other bytes are made
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"

Member = tuple[tarfile.TarInfo, Iterable[bytes]]
"""A tar member, and its content in pieces of a MiB at the most."""


class _Packer(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


def folder() -> Path:
    """Where the layouts are kept."""
    folder = debian.cache_directory() / "layouts"
    folder.mkdir(exist_ok=True)
    return folder


def kept(name: str, build: Callable[[Path], None]) -> Path:
    """The layout of this name. Of several processes that want it, one makes it."""
    layout = folder() / f"{name}-{_VERSION}"
    with (layout.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not layout.exists():
            print(f"making {layout}", file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory(dir=layout.parent) as new:
                build(Path(new, "layout"))
                Path(new, "layout").rename(layout)
    return layout


def file(path: str, pieces: Sequence[bytes]) -> Member:
    info = tarfile.TarInfo(path)
    info.size = sum(map(len, pieces))
    return info, pieces


def hard_link(path: str, target: str) -> Member:
    info = tarfile.TarInfo(path)
    info.type, info.linkname = tarfile.LNKTYPE, target
    return info, ()


def tar_of(members: Iterable[Member]) -> Iterator[bytes]:
    """The tar in blocks of about a MiB."""
    block = bytearray()
    for info, pieces in members:
        block += info.tobuf(tarfile.USTAR_FORMAT)
        for piece in pieces:
            block += piece
            if len(block) >= _MIB:
                yield bytes(block)
                block.clear()
        block += bytes(-info.size % tarfile.BLOCKSIZE)
    yield bytes(block) + bytes(2 * tarfile.BLOCKSIZE)


def add_layer(root: Path, tar: Iterable[bytes], compression: str = "zstd") -> tuple[str, dict[str, Any]]:
    """Write a layer to the layout at `root`; its diffID and descriptor. gzip is at level 6, as `docker push` has it."""
    packer: _Packer = (
        zlib.compressobj(6, wbits=31)
        if compression == "gzip"
        else zstandard.ZstdCompressor(level=3, write_checksum=True).compressobj()
    )
    blobs = root / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    plain, packed, length = hashlib.sha256(), hashlib.sha256(), 0
    with (blobs / "new").open("wb") as out:

        def put(data: bytes) -> None:
            nonlocal length
            packed.update(data)
            length += out.write(data)

        for block in tar:
            plain.update(block)
            put(packer.compress(block))
        put(packer.flush())
    (blobs / "new").rename(blobs / packed.hexdigest())
    descriptor = {"mediaType": f"{_LAYER}+{compression}", "digest": f"sha256:{packed.hexdigest()}", "size": length}
    return f"sha256:{plain.hexdigest()}", descriptor


def add_image(writer: LayoutWriter, config: dict[str, Any], layers: Sequence[dict[str, Any]], tag: str = "") -> None:
    """Write the documents over layers that lie in the layout."""
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": writer.blob(json.dumps(config).encode(), _CONFIG),
        "layers": list(layers),
    }
    writer.list(writer.blob(json.dumps(manifest).encode(), _MANIFEST), tag)


def simple(root: Path, layers: Iterable[Iterable[Member]]) -> None:
    """A layout with one image of these layers."""
    made = [add_layer(root, tar_of(members)) for members in layers]
    config = {
        "os": "linux",
        "architecture": "amd64",
        "config": {"User": "10001:10001"},
        "rootfs": {"type": "layers", "diff_ids": [diff_id for diff_id, _ in made]},
        "history": [{"created_by": f"COPY part{index} /"} for index in range(len(made))],
    }
    writer = LayoutWriter(root)
    add_image(writer, config, [descriptor for _, descriptor in made])
    writer.finish()


def debian_ffmpeg() -> Path:
    """The tests' Debian image, tags `gzip` and `zstd`, and `gzip-next` and `zstd-next` with another top layer."""
    import docker

    client = docker.from_env(timeout=600)
    image = client.images.get(debian.build(client))

    def build(root: Path) -> None:
        saved = root.with_name("saved.tar")
        with saved.open("wb") as out:
            for chunk in image.save(chunk_size=_MIB):
                out.write(chunk)
        writer = LayoutWriter(root)
        with tarfile.open(saved) as archive:
            listing = json.loads(b"".join(_blocks(archive, "manifest.json")))[0]
            config = json.loads(b"".join(_blocks(archive, listing["Config"])))
            for compression in ("gzip", "zstd"):
                layers = [add_layer(root, _blocks(archive, name), compression) for name in listing["Layers"]]
                add_image(writer, config, [descriptor for _, descriptor in layers], compression)
                app = file("usr/local/bin/encode", [random.Random(compression).randbytes(MB)])
                layers[-1] = add_layer(root, tar_of([app]), compression)
                rootfs = {"type": "layers", "diff_ids": [diff_id for diff_id, _ in layers]}
                add_image(writer, {**config, "rootfs": rootfs}, [d for _, d in layers], f"{compression}-next")
        writer.finish()

    return kept(f"debian-ffmpeg-{str(image.id).removeprefix('sha256:')[:12]}", build)


def _blocks(archive: tarfile.TarFile, name: str) -> Iterator[bytes]:
    content = archive.extractfile(name)
    assert content is not None
    while block := content.read(_MIB):
        yield block


def eight_gigabytes() -> Path:
    """16 layers of ten files of 50 MB. Compressed they are a twentieth: each random MB comes 20 times in a row."""

    def layer(index: int) -> Iterator[Member]:
        for number in range(10):
            units = [random.Random(f"{index} {number} {unit}").randbytes(MB) for unit in range(3)]
            yield file(f"opt/models/part{index}/weights{number}.bin", [units[piece // 20] for piece in range(50)])

    return kept("eight-gigabytes", lambda root: simple(root, map(layer, range(16))))


def million_files() -> Path:
    """Four layers of 250,000 files of 48 bytes, as package managers lay them."""
    return kept("million-files", lambda root: simple(root, (_tiny_files(250_000, index, 48) for index in range(4))))


def small_files(count: int) -> Path:
    """One layer of files of 500 bytes."""
    return kept(f"small-files-{count}", lambda root: simple(root, [_tiny_files(count, 0, 500)]))


def _tiny_files(count: int, seed: int, length: int) -> Iterator[Member]:
    source = random.Random(seed)
    for number in range(count):
        path = f"srv/app{seed}/node_modules/package{number // 200:05}/lib/module{number % 200:03}.js"
        yield file(path, [source.randbytes(length)])


def hard_links(count: int) -> Path:
    """One layer of a file and hard links to it."""

    def members() -> Iterator[Member]:
        yield file("data/file", [random.Random(0).randbytes(1000)])
        for number in range(count):
            yield hard_link(f"data/links{number // 100:04}/link{number % 100:02}", "data/file")

    return kept(f"hard-links-{count}", lambda root: simple(root, [members()]))


def layers(count: int) -> Path:
    """Layers of 100 files of 500 bytes; half of the files replace those of the layer below."""

    def members(index: int) -> Iterator[Member]:
        source = random.Random(index)
        for number in range(100):
            place = "same" if number % 2 else f"own{index}"
            yield file(f"srv/{place}/file{number}", [source.randbytes(500)])

    return kept(f"layers-{count}", lambda root: simple(root, map(members, range(count))))


def few_fat(megabytes: int) -> Path:
    """Layers of one file of 64 MB; half of it is random."""
    return _halves("few-fat", megabytes, 64)


def many_thin(megabytes: int) -> Path:
    """Layers of one file of 2 MB; half of it is random."""
    return _halves("many-thin", megabytes, 2)


def _halves(name: str, megabytes: int, each: int) -> Path:
    def layer(index: int) -> Iterator[Member]:
        pieces = [random.Random(f"{index} {number // 2}").randbytes(MB) for number in range(each)]
        yield file(f"opt/part{index}.bin", pieces)

    return kept(f"{name}-{megabytes}", lambda root: simple(root, map(layer, range(megabytes // each))))
