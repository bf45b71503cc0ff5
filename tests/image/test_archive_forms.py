"""One image in every form of a file in which tools write images: it is the same each time."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from archive_makers import (
    COMPRESSIONS,
    NAME,
    Made,
    bazel,
    contents,
    docker_20,
    docker_25,
    example,
    kaniko,
    layout_members,
    open_any_archive,
    open_docker_archive,
    sha256,
    skopeo,
    tar_folder,
    write_archive,
    write_layout,
)
from image_helpers import AMD64, open_layout

from pytest_mediaimage.image.build import Item, tar_of
from pytest_mediaimage.image.digest import Digest
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, open_image, platforms_of
from pytest_mediaimage.image.sources.archive import members
from pytest_mediaimage.image.sources.archive.members import TarMembers

IMAGE = example()
DOCKER: dict[str, Callable[[Made, Path], list[Item]]] = {
    "docker 20": lambda made, _: docker_20(made),
    "docker 25": docker_25,
    "skopeo": lambda made, _: skopeo(made),
    "kaniko": lambda made, _: kaniko(made),
    "bazel": lambda made, _: bazel(made),
}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> object:
    return contents(open_layout(write_layout(IMAGE, tmp_path_factory.mktemp("expected") / "layout")))


@pytest.mark.parametrize("outer", COMPRESSIONS)
@pytest.mark.parametrize("form", DOCKER)
def test_docker_archive(form: str, outer: str, expected: object, tmp_path: Path) -> None:
    path = write_archive(DOCKER[form](IMAGE, tmp_path), tmp_path / "image.bin", outer)
    image = open_docker_archive(path, tmp_path / "cache")
    assert contents(image) == expected
    assert (image.source, image.manifest, image.compressed_size) == ("docker-archive", None, None)
    assert image.digest == image.config_digest == f"sha256:{sha256(IMAGE.config)}"


@pytest.mark.parametrize("outer", COMPRESSIONS)
@pytest.mark.parametrize("inner", ["zstd", "gzip", "none"])
def test_oci_archive(inner: str, outer: str, expected: object, tmp_path: Path) -> None:
    root = write_layout(IMAGE, tmp_path / "layout", compression=inner)
    path = write_archive(layout_members(root), tmp_path / "image.bin", outer)
    directory = open_layout(root)
    for text in (f"oci-archive:{path}", f"oci-archive:{path}:7.1", str(path)):
        image = open_image(Reference.parse(text), AMD64, Opening(tmp_path / "cache"))
        assert contents(image) == expected
        assert image.source == "oci-archive"
        assert (image.manifest, image.compressed_size) == (directory.manifest, directory.compressed_size)
        assert list(platforms_of(Reference.parse(text), Opening(tmp_path))) == ["linux/amd64"]


@pytest.mark.parametrize("outer", COMPRESSIONS)
def test_a_path_alone_is_recognised(outer: str, expected: object, tmp_path: Path) -> None:
    """By what is in the file. An archive that is both is read as a layout, which says more."""
    for form, make in DOCKER.items():
        image = open_any_archive(write_archive(make(IMAGE, tmp_path), tmp_path / form, outer), tmp_path / "cache")
        assert image.source == ("oci-archive" if form == "docker 25" else "docker-archive")
        assert image.name == str(tmp_path / form)
        assert contents(image) == expected


def test_other_makes_of_tar(expected: object, tmp_path: Path) -> None:
    """Names with a dot before them, directories among the members, long names in each dialect, hard links."""
    root = write_layout(IMAGE, tmp_path / "layout")
    (tmp_path / "linked").mkdir()
    for path in root.rglob("*"):
        if path.is_file():
            (tmp_path / "linked" / path.name).hardlink_to(path)
    (tmp_path / "linked").rename(root / "another name first")
    for options in (["--format=gnu"], ["--format=posix"], ["--format=ustar"], ["--format=v7"]):
        path = tar_folder(root, tmp_path / "image.tar", *options)
        assert contents(open_any_archive(path, tmp_path / "cache")) == expected
    with tarfile.open(tmp_path / "image.tar") as archive:
        assert any(member.islnk() for member in archive)


@pytest.mark.parametrize("order", [1, -1])
def test_layers_are_read_in_one_pass(order: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is begun once to learn what is in it and once for the layers, in whatever order they lie there."""
    image = open_docker_archive(write_archive(skopeo(IMAGE)[::order], tmp_path / "image", "zstd"), tmp_path / "cache")
    starts = []
    original = TarMembers.start

    def start(self: TarMembers) -> object:
        starts.append(self.path.name)
        return original(self)

    monkeypatch.setattr(TarMembers, "start", start)
    assert len(image.layer_facts) == 3
    assert starts == ["image"]


def test_plain_archives_are_read_by_many_at_once(tmp_path: Path) -> None:
    path = write_archive(skopeo(IMAGE), tmp_path / "image.tar")
    held = TarMembers.read(path)
    places = [held.find(f"{sha256(tar)}.tar") for tar in IMAGE.layers]
    with held.open(places[0]) as one, held.open(places[1]) as other, held.open(places[0]) as third:
        assert one.read(1000) + other.read(1000) == IMAGE.layers[0][:1000] + IMAGE.layers[1][:1000]
        assert (one.read(), other.read(), third.read()) == (
            IMAGE.layers[0][1000:],
            IMAGE.layers[1][1000:],
            IMAGE.layers[0],
        )


def test_opening_a_plain_archive_reads_headers_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the image lies a member of 8 GB, a hole in the file that is passed over."""
    big = tarfile.TarInfo(f"{'0' * 64}.tar")
    big.size = 8 << 30
    path = tmp_path / "image.tar"
    with path.open("wb") as file:
        file.write(big.tobuf(tarfile.GNU_FORMAT))
        file.seek(big.size, io.SEEK_CUR)
        file.write(tar_of(skopeo(IMAGE)))
    lengths = []
    original = members.Plain.read

    def read(self: members.Plain, length: int, /) -> bytes:
        data = original(self, length)
        lengths.append(len(data))
        return data

    monkeypatch.setattr(members.Plain, "read", read)
    assert open_docker_archive(path, tmp_path / "cache").config_digest == f"sha256:{sha256(IMAGE.config)}"
    assert sum(lengths) < 20_000


@pytest.mark.parametrize("outer", ["none", "xz"])
def test_unpacked_exported_and_saved(outer: str, expected: object, tmp_path: Path) -> None:
    """What engines and other tools get of it is the same image again."""
    path = write_archive(docker_20(IMAGE), tmp_path / "image.tar", outer)
    image = open_docker_archive(path, tmp_path / "cache")
    (tmp_path / "root").mkdir()
    image.unpack(tmp_path / "root")
    assert (tmp_path / "root" / "d" / "b").read_bytes() == b"1" * 3000
    with (tmp_path / "again.tar").open("wb") as out:
        image.write_docker_archive(out)
    assert contents(open_docker_archive(tmp_path / "again.tar", tmp_path / "other")) == expected
    with pytest.raises(ValueError, match="has no manifest"):
        image.write_layout(tmp_path / "alone")


def test_blob_by_sha512(tmp_path: Path) -> None:
    """The longest names that a layout has."""
    digest = Digest("sha512:" + "0" * 128)
    path = write_archive([Item(f"blobs/sha512/{digest.hex}", b"x")], tmp_path / "image.tar")
    assert TarMembers.read(path).find(f"blobs/sha512/{digest.hex}").length == 1


def test_name_with_which_it_was_saved(tmp_path: Path) -> None:
    image = open_docker_archive(write_archive(skopeo(IMAGE), tmp_path / "image.tar"), tmp_path, tag=NAME)
    assert image.name == f"docker-archive:{tmp_path}/image.tar:{NAME}"
