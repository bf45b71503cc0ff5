"""Every form in which a layer may travel, built in code: read as the tar that it holds, or refused by name."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import itertools
import json
import lzma
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from image_helpers import open_layout, write_layout

from pytest_mediaimage.errors import CorruptImage
from pytest_mediaimage.image.build import BuiltLayer, Item, LayoutWriter, layer, tar_of
from pytest_mediaimage.image.digest import Digest
from pytest_mediaimage.image.image import Image
from pytest_mediaimage.image.layer_stream import LayerStream

PLAIN = tar_of([Item("f", bytes(range(256)) * 700), Item("g", b"g" * 300_000)])
OCI = "application/vnd.oci.image.layer.v1.tar"
DOCKER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def digest(data: bytes) -> Digest:
    return Digest(f"sha256:{hashlib.sha256(data).hexdigest()}")


def read(data: bytes) -> tuple[bytes, str]:
    """The uncompressed bytes, and how they were compressed."""
    with LayerStream(io.BytesIO(data), where="it", compressed=(digest(data), len(data))) as stream:
        plain = b"".join(iter(lambda: stream.read(100_000), b""))
        assert stream.verify() == digest(plain)
        return plain, stream.compression


def opened(
    root: Path, data: bytes, plain: bytes = PLAIN, media_type: str = OCI, annotations: dict[str, str] | None = None
) -> Image:
    """An image with this layer alone, whose descriptor has the annotations."""
    root.mkdir(parents=True, exist_ok=True)
    writer = LayoutWriter(root)
    config = {
        "os": "linux",
        "architecture": "amd64",
        "rootfs": {"type": "layers", "diff_ids": [digest(plain)]},
        "history": [{"created_by": "step"}],
    }
    manifest_type = "application/vnd.oci.image.manifest.v1+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": manifest_type,
        "config": writer.blob(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
        "layers": [{**writer.blob(data, media_type), "annotations": annotations or {}}],
    }
    writer.list(writer.blob(json.dumps(manifest).encode(), manifest_type))
    return open_layout(writer.finish())


def skippable(content: bytes, number: int = 0) -> bytes:
    """One of the sixteen frames that zstd passes over (RFC 8878, 3.1.2)."""
    return struct.pack("<II", 0x184D2A50 + number, len(content)) + content


# --- gzip


def test_gzip_of_many_members() -> None:
    """As pigz and eStargz write it, with empty members between."""
    pieces = [PLAIN[at : at + 4096] for at in range(0, len(PLAIN), 4096)]
    assert read(b"".join(gzip.compress(piece) + gzip.compress(b"") for piece in pieces)) == (PLAIN, "gzip")


@pytest.mark.parametrize("count", [1, 511, 512, 3_000_000])
def test_zeros_after_gzip_are_padding(count: int) -> None:
    """As on a tape. GNU gzip and pigz pass over them, with which Docker unpacks; Go's own reader does not."""
    assert read(gzip.compress(PLAIN) + bytes(count)) == (PLAIN, "gzip")


@pytest.mark.parametrize(
    "rest", [b"garbage", b"\0\0garbage", b"\x1f\x8b", gzip.compress(b"x")[:-1], zstandard.compress(b"x")], ids=repr
)
def test_garbage_after_gzip_is_damage(rest: bytes) -> None:
    """gzip warns of it, Go's reader, and so containerd, refuses it."""
    with pytest.raises(CorruptImage, match=r"^it at byte \d+: the gzip stream is damaged"):
        read(gzip.compress(PLAIN) + rest)


# --- zstd


@pytest.mark.parametrize("number", range(16))
def test_skippable_frames_anywhere(number: int) -> None:
    half = len(PLAIN) // 2
    first, second = zstandard.compress(PLAIN[:half]), zstandard.compress(PLAIN[half:])
    for frames in (
        skippable(b"", number) + first + second,
        first + skippable(b"x" * 100_000, number) + second,
        first + second + skippable(b"x" * 100_000, number) * 3,
        skippable(first, number) + first + skippable(second, number) + second,
    ):
        assert read(frames) == (PLAIN, "zstd")


def test_zstd_without_content_length_and_checksum() -> None:
    compressor = zstandard.ZstdCompressor(write_content_size=False, write_checksum=False)
    assert read(compressor.compress(PLAIN)) == (PLAIN, "zstd")
    stream = zstandard.ZstdCompressor().compressobj()
    assert read(stream.compress(PLAIN) + stream.flush()) == (PLAIN, "zstd")


def test_largest_window_that_zstd_allows() -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=27)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    assert read(compressor.compress(PLAIN) + compressor.flush()) == (PLAIN, "zstd")


def with_dictionary() -> bytes:
    dictionary = zstandard.train_dictionary(1024, [b"%d some text %d" % (n, n * 7) for n in range(2000)])
    return zstandard.ZstdCompressor(dict_data=dictionary).compress(PLAIN)


def with_large_window() -> bytes:
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=28)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return compressor.compress(PLAIN) + compressor.flush()


@pytest.mark.parametrize(
    ("make", "words"),
    [(with_dictionary, "needs a dictionary, which no"), (with_large_window, "a window of more than 128 MiB")],
    ids=["dictionary", "window"],
)
@pytest.mark.parametrize("before", [b"", zstandard.compress(b""), skippable(b"x")], ids=["", "frame", "skippable"])
def test_zstd_that_no_engine_reads(make: Callable[[], bytes], words: str, before: bytes) -> None:
    with pytest.raises(CorruptImage, match=words):
        read(before + make())


# --- formats for lazy pulls, which are tars in gzip or zstd all the same


def estargz(items: list[Item]) -> tuple[bytes, bytes]:
    """The compressed layer and its tar (containerd/stargz-snapshotter, docs/estargz.md).

    Each file is a gzip member of its own. The table of contents is a file, and the footer an empty member whose extra
    field tells where that lies.
    """
    entries = [{"name": item.path, "type": "reg", "size": len(item.data)} for item in items]  # type: ignore[arg-type]
    table = Item("stargz.index.json", json.dumps({"version": 1, "entries": entries}).encode())
    landmark = Item(".prefetch.landmark", b"\x0f")
    whole = tar_of([items[0], landmark, *items[1:], table])
    members, at = [], 0
    for item in (items[0], landmark, *items[1:]):
        end = at + len(tar_of([item]).rstrip(b"\0"))
        end += -end % 512
        members.append(gzip.compress(whole[at:end], mtime=0))
        at = end
    offset = sum(map(len, members))
    members.append(gzip.compress(whole[at:], mtime=0))
    extra = b"SG" + struct.pack("<H", 22) + b"%016xSTARGZ" % offset
    footer = b"\x1f\x8b\x08\x04" + bytes(4) + b"\0\xff" + struct.pack("<H", len(extra)) + extra
    footer += b"\x01\0\0\xff\xff" + bytes(8)
    assert len(footer) == 51
    return b"".join(members) + footer, whole


def test_estargz(tmp_path: Path) -> None:
    data, plain = estargz([Item("usr/bin/ffmpeg", b"\x7fELF" * 1000), Item("etc/passwd", b"root" * 9)])
    assert read(data) == (plain, "gzip")
    annotations = {"containerd.io/snapshot/stargz/toc.digest": digest(b"table")}
    image = opened(tmp_path / "l", data, plain, OCI + "+gzip", annotations)
    assert {f.path for f in image.files if f.type == "file"} == {
        "/usr/bin/ffmpeg",
        "/etc/passwd",
        "/.prefetch.landmark",
        "/stargz.index.json",
    }
    assert image.layers[0].descriptor is not None
    assert image.layers[0].descriptor.annotations == annotations


def test_zstd_chunked(tmp_path: Path) -> None:
    """A frame for each file, then a table and a footer in frames that are passed over (containers/storage)."""
    cuts = [0, 512, 90_000, len(PLAIN)]
    frames = b"".join(zstandard.compress(PLAIN[a:b]) for a, b in itertools.pairwise(cuts))
    table = zstandard.compress(b'{"version":1,"entries":[]}')
    footer = struct.pack("<QQQQ", len(frames) + 8, len(table), 26, 1) + b"GNUlInUx"
    data = frames + skippable(table) + skippable(footer)
    assert read(data) == (PLAIN, "zstd")
    annotations = {
        "io.github.containers.zstd-chunked.manifest-checksum": digest(table),
        "io.github.containers.zstd-chunked.manifest-position": f"{len(frames) + 8}:{len(table)}:26:1",
    }
    image = opened(tmp_path / "l", data, media_type=OCI + "+zstd", annotations=annotations)
    assert [f.path for f in image.files] == ["/f", "/g"]
    assert image.compressed_size == len(data) + image.manifest.config.length  # type: ignore[union-attr]


def test_soci_index_beside_the_image(tmp_path: Path) -> None:
    """An artifact of its own that points to the image as its subject: the image reads as usual."""
    (tmp_path / "l").mkdir()
    writer = LayoutWriter(tmp_path / "l")
    subject = writer.image([layer(PLAIN, compression="gzip")])
    media_type = "application/vnd.oci.image.manifest.v1+json"
    soci = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "artifactType": "application/vnd.amazon.soci.index.v1+json",
        "config": writer.blob(b"{}", "application/vnd.oci.empty.v1+json"),
        "layers": [writer.blob(b"ztoc", "application/octet-stream")],
        "subject": subject,
    }
    descriptor = writer.blob(json.dumps(soci).encode(), media_type)
    writer.list({**descriptor, "artifactType": soci["artifactType"]})
    image = open_layout(writer.finish())
    assert image.digest == subject["digest"]
    assert [f.path for f in image.files] == ["/f", "/g"]


# --- what is no tar


def test_nydus_blob_is_refused(tmp_path: Path) -> None:
    image = opened(tmp_path / "l", PLAIN, media_type="application/vnd.oci.image.layer.nydus.blob.v1")
    with pytest.raises(CorruptImage, match="nydus"):
        _ = image.tree


def test_nydus_bootstrap_is_refused(tmp_path: Path) -> None:
    """It is a tar, of a file that describes the others."""
    annotations = {"containerd.io/snapshot/nydus-bootstrap": "true"}
    image = opened(tmp_path / "l", gzip.compress(PLAIN), media_type=OCI + "+gzip", annotations=annotations)
    with pytest.raises(CorruptImage, match="a nydus layer is no tar"):
        _ = image.tree


@pytest.mark.parametrize(
    ("offset", "magic", "name"),
    [(0, b"SFAR", "RAFS"), (1024, b"\xe2\xe1\xf5\xe0", "EROFS"), (0, b"hsqs", "squashfs")],
)
def test_file_system_in_place_of_a_tar(offset: int, magic: bytes, name: str, tmp_path: Path) -> None:
    data = bytes(offset) + magic + bytes(range(256)) * 20
    with pytest.raises(CorruptImage, match=f"layer 1 .*a {name} file system"):
        _ = opened(tmp_path / "l", data, data).tree


@pytest.mark.parametrize("suffix", ["+encrypted", "+gzip+encrypted", "+zstd+encrypted"])
def test_encrypted_layer_is_refused(suffix: str, tmp_path: Path) -> None:
    image = opened(tmp_path / "l", b"\x93secret" * 1000, media_type=OCI + suffix)
    with pytest.raises(CorruptImage, match="the layer is encrypted") as caught:
        _ = image.tree
    assert "decrypt" in caught.value.remedy


def test_a_layer_that_can_not_be_read_is_refused_also_where_its_content_is_known(tmp_path: Path) -> None:
    """What a run says doesn't depend on what ran before."""
    root = tmp_path / "l"
    assert opened(root, PLAIN, media_type=OCI).tree is not None
    shutil.rmtree(root)
    with pytest.raises(CorruptImage, match="the layer is encrypted"):
        _ = opened(root, PLAIN, media_type=OCI + "+encrypted").tree


def test_soci_index_in_the_image_index(tmp_path: Path) -> None:
    """Version 2 of SOCI lists it there, for the same platform."""
    (tmp_path / "l").mkdir()
    writer = LayoutWriter(tmp_path / "l")
    image = writer.image([layer(PLAIN, compression="gzip")], listed=False)
    soci = writer.blob(b'{"schemaVersion":2,"config":{},"layers":[]}', "application/vnd.oci.image.manifest.v1+json")
    soci |= {"artifactType": "application/vnd.amazon.soci.index.v2+json", "platform": image["platform"]}
    writer.index([soci, image])
    assert open_layout(writer.finish()).digest == image["digest"]


# --- labels and content


@pytest.mark.parametrize(
    ("media_type", "data", "kind"),
    [
        (OCI + "+gzip", zstandard.compress(PLAIN), "zstd"),
        (OCI + "+zstd", gzip.compress(PLAIN), "gzip"),
        (OCI, gzip.compress(PLAIN), "gzip"),
        (OCI + "+gzip", PLAIN, "none"),
        (DOCKER, zstandard.compress(PLAIN), "zstd"),
        ("application/vnd.docker.image.rootfs.diff.tar", PLAIN, "none"),
        ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", gzip.compress(PLAIN), "gzip"),
        ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", gzip.compress(PLAIN), "gzip"),
    ],
)
def test_the_content_tells_the_compression(media_type: str, data: bytes, kind: str, tmp_path: Path) -> None:
    """A label is kept as it stands, so that the two can be compared."""
    image = opened(tmp_path / "l", data, media_type=media_type)
    assert [f.path for f in image.files] == ["/f", "/g"]
    assert image.layers[0].descriptor is not None
    assert image.layers[0].descriptor.media_type == media_type
    assert read(data)[1] == kind


@pytest.mark.parametrize(("data", "kind"), [(bz2.compress(PLAIN), "bzip2"), (lzma.compress(PLAIN), "xz")])
def test_compressions_that_no_engine_pulls(data: bytes, kind: str, tmp_path: Path) -> None:
    with pytest.raises(CorruptImage, match=f"layer 1 .*compressed with {kind}, which no container engine reads"):
        _ = opened(tmp_path / "l", data).tree


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    ],
)
def test_foreign_layer_that_is_not_there(media_type: str, tmp_path: Path) -> None:
    image = opened(tmp_path / "l", PLAIN, media_type=media_type)
    (tmp_path / "l" / "blobs" / "sha256" / digest(PLAIN).hex).unlink()
    with pytest.raises(CorruptImage, match=r"may not be distributed, and isn't here: .* lacks this blob") as caught:
        _ = image.tree
    assert "Copy the image with it" in caught.value.remedy


# --- the tar inside


@pytest.mark.parametrize("compression", ["zstd", "gzip", "none"])
@pytest.mark.parametrize("plain", [bytes(1024), bytes(10240), bytes(512), b""], ids=["1024", "10240", "512", "0"])
def test_empty_layer(plain: bytes, compression: str, tmp_path: Path) -> None:
    built = layer(plain, compression=compression)
    image = open_layout(write_layout(tmp_path / "l", [built]))
    assert (len(image.layer_facts[0].entries), image.unpacked_size) == (0, 0)
    assert image.layer_facts[0].tar_size == len(plain)


@pytest.mark.parametrize("compression", ["zstd", "gzip", "none"])
@pytest.mark.parametrize("rest", [bytes(100_000), b"garbage" * 100, tar_of([Item("hidden", b"h")])])
def test_what_follows_the_end_of_the_tar(rest: bytes, compression: str, tmp_path: Path) -> None:
    """Engines stop at two blocks of zeros; the rest is part of the digests and of nothing else."""
    plain = tar_of([Item("seen", b"s")]) + rest
    built = layer(plain, compression=compression)
    image = open_layout(write_layout(tmp_path / "l", [built]))
    assert [f.path for f in image.files] == ["/seen"]
    assert image.layer_facts[0].diff_id == digest(plain)
    assert image.layer_facts[0].tar_size == len(plain)


def test_layers_of_every_form_in_one_image(tmp_path: Path) -> None:
    stargz, stargz_plain = estargz([Item("a", b"a" * 5000), Item("b", b"b")])
    built = [
        BuiltLayer(stargz, digest(stargz_plain), OCI + "+gzip", "estargz"),
        layer([Item("c", b"c" * 100_000)], "zstd", compression="zstd"),
        layer([Item(".wh.stargz.index.json"), Item(".wh..prefetch.landmark")], "gzip", compression="gzip"),
        layer(bytes(1024), "empty", compression="none"),
        layer([Item("d", b"d")], "none", compression="none"),
    ]
    image = open_layout(write_layout(tmp_path / "l", built))
    assert [f.path for f in image.files] == ["/a", "/b", "/c", "/d"]
