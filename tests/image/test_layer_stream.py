"""Layers as they travel: what is compressed how, what is damaged, and that the image says which layer it was."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import random
import tarfile
import zlib
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from image_helpers import make_image, open_layout, write_layout

from pytest_mediaimage.errors import CorruptImage
from pytest_mediaimage.image.build import BuiltLayer, Item, LayoutWriter, layer, tar_of
from pytest_mediaimage.image.compression import compression_of
from pytest_mediaimage.image.digest import Digest
from pytest_mediaimage.image.layer_stream import LayerStream

PLAIN = tar_of([Item("f", random.Random(1).randbytes(5000)), Item("g", b"g" * 300_000)])
OCI = "application/vnd.oci.image.layer.v1.tar"


def digest(data: bytes, algorithm: str = "sha256") -> Digest:
    return Digest(f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}")


def zstd_frames(*parts: bytes) -> bytes:
    compressor = zstandard.ZstdCompressor()
    return b"".join(compressor.compress(part) for part in parts)


def skippable(content: bytes) -> bytes:
    """A frame that zstd passes over; zstd:chunked and eStargz-like tools keep their tables there."""
    return b"\x50\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content


HALF = len(PLAIN) // 2
GOOD = {
    "gzip": (gzip.compress(PLAIN), "gzip"),
    "gzip-members": (gzip.compress(PLAIN[:HALF]) + gzip.compress(b"") + gzip.compress(PLAIN[HALF:]), "gzip"),
    "gzip-with-a-name": (b"", "gzip"),  # filled below
    "zstd": (zstd_frames(PLAIN), "zstd"),
    "zstd-frames": (zstd_frames(PLAIN[:1000], b"", PLAIN[1000:]), "zstd"),
    "zstd-skippable-first": (skippable(b"table") + zstd_frames(PLAIN), "zstd"),
    "zstd-skippable-last": (zstd_frames(PLAIN) + skippable(b"table" * 900), "zstd"),
    "zstd-without-length": (zstandard.ZstdCompressor(write_content_size=False).compress(PLAIN), "zstd"),
    "none": (PLAIN, "none"),
}
_named = io.BytesIO()
with gzip.GzipFile("layer.tar", "wb", fileobj=_named) as _file:
    _file.write(PLAIN)
GOOD["gzip-with-a-name"] = (_named.getvalue(), "gzip")


class Dribble:
    """A stream that gives little at a time."""

    def __init__(self, data: bytes, most: int) -> None:
        self._file = io.BytesIO(data)
        self._most = most

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read(self._most if size < 0 else min(size, self._most))


@pytest.mark.parametrize("most", [1, 5, 7, 4096, 1 << 20])
@pytest.mark.parametrize("name", GOOD)
def test_reads(name: str, most: int) -> None:
    data, kind = GOOD[name]
    stream = LayerStream(Dribble(data, most), where="it", compressed=(digest(data), len(data)), diff_id=digest(PLAIN))
    assert stream.compression == kind
    pieces = []
    while piece := stream.read(10_000):
        assert len(piece) <= 10_000
        pieces.append(piece)
    assert b"".join(pieces) == PLAIN
    assert stream.verify() == digest(PLAIN)
    assert stream.uncompressed_length == len(PLAIN)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_both_digest_algorithms(algorithm: str) -> None:
    data = gzip.compress(PLAIN)
    expected = digest(PLAIN, algorithm)
    stream = LayerStream(
        io.BytesIO(data), where="it", compressed=(digest(data, algorithm), len(data)), diff_id=expected
    )
    assert stream.verify() == expected


@pytest.mark.parametrize("name", [name for name in GOOD if name != "none"])
def test_cut_off(name: str) -> None:
    """Wherever the blob ends: never a tree, always one error that names the layer."""
    data, _ = GOOD[name]
    for end in (len(data) - 1, len(data) - 9, len(data) // 2, 40, 7, 1, 0):
        with pytest.raises(CorruptImage, match=r"^it"):
            LayerStream(
                io.BytesIO(data[:end]), where="it", compressed=(digest(data), len(data)), diff_id=digest(PLAIN)
            ).verify()


@given(st.sampled_from(sorted(GOOD)), st.integers(0, 2**20), st.integers(1, 255), st.booleans())
@settings(max_examples=300, deadline=None)
def test_changed_byte(name: str, at: int, change: int, known: bool) -> None:
    """A flipped byte is always found out, by the digest where not by the decompressor."""
    data = bytearray(GOOD[name][0])
    whole = digest(bytes(data))
    data[at % len(data)] ^= change
    expected = digest(PLAIN) if known else None
    with pytest.raises(CorruptImage, match=r"^it"):
        LayerStream(io.BytesIO(data), where="it", compressed=(whole, len(data)), diff_id=expected).verify()


@given(st.sampled_from([b"\x1f\x8b\x08\0", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18", b""]), st.binary())
@settings(max_examples=300, deadline=None)
def test_any_bytes(magic: bytes, rest: bytes) -> None:
    try:
        LayerStream(io.BytesIO(magic + rest), where="it").verify()
    except CorruptImage as error:
        assert str(error).startswith("it")


@pytest.mark.parametrize(("data", "kind"), [(bz2.compress(PLAIN), "bzip2"), (lzma.compress(PLAIN), "xz")])
def test_what_no_engine_reads(data: bytes, kind: str) -> None:
    with pytest.raises(CorruptImage, match=f"compressed with {kind}, which no container engine reads") as caught:
        LayerStream(io.BytesIO(data), where="it").verify()
    assert "gzip or zstd" in caught.value.remedy


def test_rubbish_behind_gzip() -> None:
    data = gzip.compress(PLAIN) + b"rubbish"
    with pytest.raises(CorruptImage):
        LayerStream(io.BytesIO(data), where="it").verify()


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x1f\x8b\x08\0\0\0", "gzip"),
        (b"\x28\xb5\x2f\xfd\0\0", "zstd"),
        (b"\x5f\x2a\x4d\x18\0\0", "zstd"),
        (b"\x60\x2a\x4d\x18\0\0", "none"),
        (b"BZh91A", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"f\0\0\0\0\0", "none"),
        (b"", "none"),
    ],
)
def test_compression_of(head: bytes, kind: str) -> None:
    assert compression_of(head) == kind


def built(data: bytes, plain: bytes, media_type: str) -> BuiltLayer:
    return BuiltLayer(data, digest(plain), media_type, "step")


@pytest.mark.parametrize("data", [zstd_frames(PLAIN), gzip.compress(PLAIN), PLAIN], ids=["zstd", "gzip", "none"])
@pytest.mark.parametrize("declared", ["+gzip", "+zstd", ""])
def test_content_counts_not_the_label(data: bytes, declared: str, tmp_path: Path) -> None:
    """zstd labelled gzip, and every other mixture."""
    image = open_layout(write_layout(tmp_path / "l", [built(data, PLAIN, OCI + declared)]))
    assert [node.path for node in image.tree] == ["f", "g"]
    assert image.layers[0].descriptor is not None
    assert image.layers[0].descriptor.media_type == OCI + declared
    assert image.compressed_size == len(data) + image.manifest.config.length  # type: ignore[union-attr]


def damage(root: Path, change: bytes | None, *, blob: Digest) -> None:
    path = root / "blobs" / blob.algorithm / blob.hex
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change)


def test_damaged_layer_is_named(tmp_path: Path) -> None:
    """Truncated, exchanged, longer, gone: the message has the layer's number and digest, and comes again the same."""
    first, second = layer([Item("a", b"1")], "one"), layer([Item("b", b"22" * 5000)], "two", compression="none")
    name = f"layer 2 ({digest(second.data)[:19]})"
    for change, words in {
        second.data[:-700]: "bytes where its descriptor says",
        second.data[:3000]: "the layer ends in the middle of a member",
        b"x" + second.data[1:]: "no tar header here",
        second.data[:600] + b"z" + second.data[601:]: "its content has the digest sha256:",
        second.data + bytes(512): f"more bytes than the {len(second.data)} that its descriptor says",
        gzip.compress(second.data): "bytes where its descriptor says",
    }.items():
        root = tmp_path / hashlib.sha256(change).hexdigest()
        write_layout(root, [first, second])
        damage(root, change, blob=digest(second.data))
        image = open_layout(root)
        with pytest.raises(CorruptImage) as caught:
            _ = image.layer_facts
        assert name in str(caught.value), caught.value
        assert words in str(caught.value)
        with pytest.raises(CorruptImage) as again:
            _ = image.tree
        assert again.value is caught.value
        kept = (tmp_path / f"{root.name}-cache").rglob(f"{second.diff_id.hex}*")
        assert not list(kept), "facts of a damaged layer were kept"


def test_missing_blob(tmp_path: Path) -> None:
    only = layer([Item("a", b"1")])
    root = write_layout(tmp_path / "l", [only])
    damage(root, None, blob=digest(only.data))
    with pytest.raises(CorruptImage, match=f"^{digest(only.data)}: the layout .* lacks this blob. Build or copy"):
        _ = open_layout(root).tree


def test_every_blob_is_checked_also_where_two_claim_the_same_content(tmp_path: Path) -> None:
    """A layer as gzip and the same once more, it's said, as zstd."""
    one = layer([Item("a", b"1")], compression="gzip")
    for claims in ([one, BuiltLayer(b"z" * 5000, one.diff_id, OCI, "")], [BuiltLayer(b"z", one.diff_id, OCI, ""), one]):
        root = write_layout(tmp_path / digest(claims[0].data)[7:], claims)
        with pytest.raises(CorruptImage, match=r"no tar header|ends in the middle"):
            _ = open_layout(root).tree


def test_the_same_layer_in_two_compressions(tmp_path: Path) -> None:
    items = [Item("a", b"1" * 1000)]
    root = write_layout(tmp_path / "l", [layer(items, compression=way) for way in ("gzip", "zstd", "none")])
    image = open_layout(root)
    assert image.unpacked_size == 3000
    assert image.packings == ("gzip", "zstd", "none")
    assert open_layout(root).flattened_size == 1000


class Endless:
    """A blob without end, and how much of it was read."""

    def __init__(self, head: bytes) -> None:
        self._head = head
        self.count = 0

    def read(self, size: int, /) -> bytes:
        data, self._head = (self._head or bytes(size))[:size], self._head[size:]
        self.count += len(data)
        return data


@pytest.mark.parametrize("way", ["gzip", "zstd", "none"])
def test_what_is_longer_than_its_descriptor_says_is_not_read_on(way: str) -> None:
    """Zeros after the end are padding, and a device gives them for ever."""
    only = layer([Item("a", os.urandom(5000))], compression=way)
    blob = Endless(only.data)
    with (
        LayerStream(blob, where="here", compressed=(digest(only.data), len(only.data))) as stream,
        pytest.raises(CorruptImage, match=f"more bytes than the {len(only.data)} that its descriptor says"),
    ):
        stream.verify()
    assert blob.count < 20_000_000


def test_wrong_diff_id(tmp_path: Path) -> None:
    other = digest(b"other")
    root = write_layout(tmp_path / "l", [BuiltLayer(zstd_frames(PLAIN), other, OCI + "+zstd", "")])
    with pytest.raises(CorruptImage, match=f"its uncompressed content is {digest(PLAIN)}, the diffID is {other}"):
        _ = open_layout(root).tree


def test_damage_found_after_the_tree_is_known(tmp_path: Path) -> None:
    """Facts come from the cache; the content is checked whenever it is read."""
    only = layer([Item("a", b"1" * 100), Item("b", b"22")], compression="none")
    root = write_layout(tmp_path / "l", [only])
    assert len(open_layout(root).tree) == 2
    damage(root, only.data.replace(b"22", b"23"), blob=digest(only.data))
    again = open_layout(root)
    assert len(again.tree) == 2
    with pytest.raises(CorruptImage, match="layer 1 "):
        again.open("a")
    (tmp_path / "root").mkdir()
    with pytest.raises(CorruptImage, match="layer 1 "):
        again.unpack(tmp_path / "root")


def test_nydus_is_told(tmp_path: Path) -> None:
    media_type = "application/vnd.oci.image.layer.nydus.blob.v1"
    root = write_layout(tmp_path / "l", [built(PLAIN, PLAIN, media_type)])
    with pytest.raises(CorruptImage, match="a nydus layer is no tar"):
        _ = open_layout(root).tree


def test_docker_archive_is_what_docker_reads(tmp_path: Path) -> None:
    """Layers uncompressed under their diffID, named in order by manifest.json, a layer used twice stored once."""
    twice, between = layer([Item("a", b"1")], "x", compression="gzip"), layer([Item(".wh.a")], "y")
    image = open_layout(write_layout(tmp_path / "l", [twice, between, twice]))
    out = io.BytesIO()
    image.write_docker_archive(out)
    out.seek(0)
    with tarfile.open(fileobj=out) as archive:
        members = {m.name: archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]
    manifest = json.loads(members.pop("manifest.json"))
    names = [f"{item.diff_id.hex}.tar" for item in (twice, between, twice)]
    assert manifest == [{"Config": f"{image.config.digest.hex}.json", "RepoTags": None, "Layers": names}]
    assert members.pop(manifest[0]["Config"]) == image.config.raw
    assert {name: digest(data).hex + ".tar" for name, data in members.items()} == {name: name for name in set(names)}


def test_exported_layout_is_the_same_image(tmp_path: Path) -> None:
    writer = LayoutWriter(tmp_path / "many")
    (tmp_path / "many").mkdir()
    for platform in ("linux/amd64", "linux/arm64/v9"):
        writer.image([layer([Item("who", platform.encode())])], platform=platform, tag=platform.replace("/", "-"))
    writer.finish()
    image = open_layout(tmp_path / "many", suffix=":linux-arm64-v9", platform="linux/arm64/v9")
    alone = image.write_layout(tmp_path / "alone")
    again = open_layout(alone, platform="linux/arm64/v9")
    assert (again.digest, again.platform) == (image.digest, image.platform)
    assert again.open("who").read() == b"linux/arm64/v9"
    assert len(list((alone / "blobs" / "sha256").iterdir())) == 3


def test_zlib_alone_is_no_layer() -> None:
    with pytest.raises(CorruptImage):
        make = LayerStream(io.BytesIO(zlib.compress(PLAIN)), where="it", diff_id=digest(PLAIN))
        make.verify()


def test_layer_used_thrice_is_kept_once(tmp_path: Path) -> None:
    image = make_image(tmp_path / "l", [[Item("f", b"1")]] * 3)
    assert len(image.layer_facts) == 3
    assert len(list((tmp_path / "l-cache" / "layers").iterdir())) == 1
