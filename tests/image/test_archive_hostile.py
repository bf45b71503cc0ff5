"""Archives that were cut off, changed or made to hurt: one clear error, little memory, nothing read elsewhere."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import subprocess
import tarfile
import tracemalloc
from pathlib import Path

import pytest
import zstandard
from archive_makers import (
    COMPRESSIONS,
    Made,
    contents,
    docker_20,
    example,
    layout_members,
    open_any_archive,
    open_docker_archive,
    sha256,
    skopeo,
    tar_folder,
    write_archive,
    write_layout,
)
from image_helpers import open_layout

from pytest_mediaimage.errors import CorruptImage, ImageNotFound
from pytest_mediaimage.image import compression
from pytest_mediaimage.image.build import Item, tar_of
from pytest_mediaimage.image.sources.archive import members
from pytest_mediaimage.image.sources.archive.members import TarMembers

IMAGE = example()


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return write_layout(IMAGE, tmp_path / "layout")


def test_cut_off(layout: Path, tmp_path: Path) -> None:
    """However much is missing: it is told at once, with the member and the byte."""
    whole = tar_of(layout_members(layout))
    with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
        last = max(m.offset_data + m.size for m in archive)
    for end in (0, 1, 300, 512, 700, 2000, len(whole) // 3, len(whole) // 2, last - 100_000, last - 1):
        path = tmp_path / "cut.tar"
        path.write_bytes(whole[:end])
        with pytest.raises((CorruptImage, ImageNotFound)) as caught:
            open_any_archive(path, tmp_path)
        if end > 2000:
            assert isinstance(caught.value, CorruptImage)
            assert "the archive ends in the middle of 'blobs/sha256/" in str(caught.value) or end == last - 1
            assert (caught.value.blob, caught.value.offset) == (str(path), end)
        else:
            assert any(words in str(caught.value) for words in ("ends in the middle", "it has no", "is empty")), end


@pytest.mark.parametrize("outer", [name for name in COMPRESSIONS if name != "none"])
def test_cut_off_and_compressed(outer: str, layout: Path, tmp_path: Path) -> None:
    path = write_archive(layout_members(layout), tmp_path / "image.bin", outer)
    whole = path.read_bytes()
    for end in (20, len(whole) // 2, len(whole) - 4000):
        path.write_bytes(whole[:end])
        with pytest.raises(CorruptImage, match=r"ends too soon|damaged|ends in the middle") as caught:
            open_any_archive(path, tmp_path)
        assert str(caught.value).startswith(f"{path} at byte ")


@pytest.mark.parametrize("outer", [name for name in COMPRESSIONS if name != "none"])
def test_changed_bytes_in_a_compressed_archive(outer: str, tmp_path: Path) -> None:
    """Found by the decompressor, the tar reader or the digests, never passed over."""
    good = contents(open_docker_archive(write_archive(docker_20(IMAGE), tmp_path / "good"), tmp_path / "good-cache"))
    whole = write_archive(docker_20(IMAGE), tmp_path / "image.bin", outer).read_bytes()
    for number, at in enumerate(range(20, len(whole) - 8, len(whole) // 12)):
        path = tmp_path / "changed"
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            found = contents(open_docker_archive(path, tmp_path / f"cache-{number}"))
        except (CorruptImage, ImageNotFound):
            continue
        assert found == good, at


def test_archive_that_changes_between_two_looks(tmp_path: Path) -> None:
    path = write_archive(docker_20(IMAGE), tmp_path / "image.tar", "gzip")
    image = open_docker_archive(path, tmp_path / "cache")
    write_archive(skopeo(IMAGE), path, "gzip")
    with pytest.raises(CorruptImage):
        _ = image.tree
    gone = open_docker_archive(path, tmp_path / "cache")
    path.unlink()
    with pytest.raises(CorruptImage, match="the archive can't be read: No such file"):
        _ = gone.tree


@pytest.mark.parametrize("outer", ["none", "gzip", "xz"])
def test_lengths_beyond_all_disks(outer: str, tmp_path: Path) -> None:
    info = tarfile.TarInfo("blob")
    info.size = 1 << 62
    path = tmp_path / "image.tar"
    path.write_bytes(COMPRESSIONS[outer](info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)))
    with pytest.raises(ImageNotFound, match="can't be read as a tar file"):
        open_any_archive(path, tmp_path)
    info.size = 1 << 59
    path.write_bytes(COMPRESSIONS[outer](info.tobuf(tarfile.GNU_FORMAT) * 20 + bytes(1024)))
    with pytest.raises(CorruptImage, match="at byte 11264: the archive ends in the middle of 'blob'"):
        open_any_archive(path, tmp_path)


def test_archive_with_holes(tmp_path: Path) -> None:
    root = write_layout(Made.of([tar_of([Item("f", bytes(1 << 20))])]), tmp_path / "layout", compression="none")
    for path in (root / "blobs" / "sha256").iterdir():
        subprocess.run(["fallocate", "--dig-holes", path], check=False)
    path = tar_folder(root, tmp_path / "image.tar", "--sparse")
    if path.stat().st_size > 1 << 20:
        pytest.skip("this file system keeps no holes")
    with pytest.raises(ImageNotFound, match="made with tar --sparse"):
        open_any_archive(path, tmp_path)


@pytest.mark.parametrize("outer", ["none", "zstd"])
def test_name_that_comes_twice(outer: str, layout: Path, tmp_path: Path) -> None:
    """The last one counts, as where the archive is unpacked; also a link after a file, and a file after a link."""
    expected = contents(open_layout(layout))
    good = layout_members(layout)
    bad = [Item(item.path, b"{}") for item in good]
    links = [Item.symlink(item.path, "/etc/passwd") for item in good]
    for order in ([*bad, *good], [*links, *good], [*bad, *links, *good]):
        path = write_archive(order, tmp_path / "image", outer)
        assert contents(open_any_archive(path, tmp_path / "cache")) == expected
    for order in ([*good, *bad], [*good, *links]):
        with pytest.raises(CorruptImage):
            open_any_archive(write_archive(order, tmp_path / "image", outer), tmp_path / "cache")


@pytest.mark.parametrize("outer", ["none", "zstd"])
def test_link_as_a_blob(outer: str, layout: Path, tmp_path: Path) -> None:
    """Inside of the archive it is as good as the blob; out of it, it leads nowhere."""
    good = layout_members(layout)
    largest = max(good, key=lambda item: item.data.stat().st_size)  # type: ignore[union-attr]
    rest = [item for item in good if item is not largest]
    moved = [*rest, Item("elsewhere", largest.data), Item.symlink(largest.path, "../../elsewhere")]
    path = write_archive(moved, tmp_path / "image", outer)
    assert contents(open_any_archive(path, tmp_path / "cache")) == contents(open_layout(layout))
    for target in (str(tmp_path / "secret"), "../../../secret", "gone"):
        (tmp_path / "secret").write_bytes(largest.data.read_bytes())  # type: ignore[union-attr]
        path = write_archive([*rest, Item.symlink(largest.path, target)], tmp_path / "image", outer)
        image = open_any_archive(path, tmp_path / "other")
        with pytest.raises(CorruptImage, match=r"link"):
            _ = image.tree


@pytest.mark.parametrize("outer", ["none", "zstd"])
@pytest.mark.parametrize(
    ("index", "words"),
    [
        (b'{"manifests": [' + b" " * (4 << 20) + b"]}", "index.json: the document is larger than 4194304 bytes"),
        (b'{"manifests": ' + b"[" * 100_000, "index.json: "),
        (b'{"a": ' * 50_000 + b"1" + b"}" * 50_000, "index.json: "),
        (b"[]", "index.json: the JSON document is no object"),
        (b"", "index.json: no valid JSON"),
    ],
    ids=["large", "lists", "objects", "list", "empty"],
)
def test_index_that_is_none(index: bytes, words: str, outer: str, layout: Path, tmp_path: Path) -> None:
    members = [*layout_members(layout), Item("index.json", index)]
    with pytest.raises(CorruptImage) as caught:
        open_any_archive(write_archive(members, tmp_path / "image", outer), tmp_path)
    assert words in str(caught.value)


def test_many_documents_are_not_all_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a compressed archive small documents are kept, up to a limit; those beyond it are read again."""
    monkeypatch.setattr(members, "_KEPT_LENGTH", 1000)
    *rest, document, repositories = docker_20(IMAGE)
    rubbish = [Item(f"r{n}", b"{" + b" " * 300 + b"}") for n in range(100)]
    path = write_archive([*rubbish, *rest, document, repositories], tmp_path / "image", "gzip")
    held = TarMembers.read(path)
    assert sum(held.kept(held.find(item.path)) is not None for item in rubbish) == 3
    assert held.kept(held.find("manifest.json")) is None
    assert contents(open_docker_archive(path, tmp_path / "cache"))


def test_endless_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "_MAX_MEMBERS", 100)
    path = write_archive([Item(f"f{n}") for n in range(101)], tmp_path / "image")
    with pytest.raises(CorruptImage, match="more than 100 members"):
        open_any_archive(path, tmp_path)


@pytest.mark.parametrize("outer", ["gzip", "zstd", "xz", "bzip2"])
def test_bomb(outer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gigabyte of zeros may be; what goes on at such a ratio is refused, in little memory."""
    monkeypatch.setattr(compression, "MAX_UNQUESTIONED_LENGTH", 1 << 20)
    monkeypatch.setattr(compression, "MAX_COMPRESSION_RATIO", 50)
    info = tarfile.TarInfo("zeros")
    info.size = 64 << 20
    path = tmp_path / "image"
    path.write_bytes(COMPRESSIONS[outer](info.tobuf() + bytes(info.size)))
    tracemalloc.start()
    try:
        with pytest.raises(CorruptImage, match="a decompression bomb"):
            open_any_archive(path, tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_xz_that_asks_for_memory(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 512 << 20}]
    path = tmp_path / "image"
    path.write_bytes(lzma.compress(tar_of(docker_20(IMAGE)), filters=filters))
    with pytest.raises(CorruptImage, match="Memory usage limit"):
        open_any_archive(path, tmp_path)


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(tar_of([Item("a")])[:600]) + gzip.compress(tar_of([Item("a")])[600:]),
        bz2.compress(tar_of([Item("a")])[:600]) + bz2.compress(tar_of([Item("a")])[600:]),
        lzma.compress(tar_of([Item("a")])[:600]) + bytes(8) + lzma.compress(tar_of([Item("a")])[600:]) + bytes(4),
        zstandard.compress(tar_of([Item("a")])[:600]) + zstandard.compress(tar_of([Item("a")])[600:]),
    ],
    ids=["gzip", "bzip2", "xz", "zstd"],
)
def test_several_streams_in_a_row(data: bytes, tmp_path: Path) -> None:
    """As pixz, pbzip2 and pigz write them."""
    path = tmp_path / "image"
    path.write_bytes(data)
    assert "a" in TarMembers.read(path)


def test_what_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "image"
    for data in (b"", b"no tar at all\n" * 100, gzip.compress(b"no tar\n" * 100), gzip.compress(b""), b"\x1f\x8b"):
        path.write_bytes(data)
        with pytest.raises((ImageNotFound, CorruptImage)) as caught:
            open_any_archive(path, tmp_path)
        assert ("the file is empty" in str(caught.value)) == (not data)


def test_damaged_layer_in_a_compressed_archive_is_named(layout: Path, tmp_path: Path) -> None:
    layers = open_layout(layout).layers
    assert layers[1].descriptor is not None
    name = f"blobs/sha256/{layers[1].descriptor.digest.hex}"
    changed = [Item(item.path, b"x" * 5000) if item.path == name else item for item in layout_members(layout)]
    image = open_any_archive(write_archive(changed, tmp_path / "image", "zstd"), tmp_path / "cache")
    with pytest.raises(CorruptImage, match=f"^layer 2 .{layers[1].descriptor.digest[:19]}"):
        _ = image.tree
    missing = [item for item in layout_members(layout) if item.path != name]
    image = open_any_archive(write_archive(missing, tmp_path / "image", "zstd"), tmp_path / "cache")
    with pytest.raises(CorruptImage, match=f"^{layers[1].descriptor.digest}: the archive .* lacks this blob"):
        _ = image.tree


def test_config_digest_is_that_of_the_content(tmp_path: Path) -> None:
    assert open_docker_archive(
        write_archive(docker_20(IMAGE), tmp_path / "image", "xz"), tmp_path
    ).config_digest.hex == sha256(IMAGE.config)
