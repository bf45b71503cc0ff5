"""Images in Podman, by its service."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest
from engine_images import NAME, WAYS, assert_same, layout_image, load_layout, take, write_images
from image_helpers import AMD64, open_layout
from image_helpers import write_layout as write_one
from support import other_engines

from pytest_mediaimage.errors import EngineUnavailable, ImageNotFound, PlatformNotFound
from pytest_mediaimage.image.build import Item, layer
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.image import Image
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, open_image, platforms_of
from pytest_mediaimage.image.sources.engine import files as engine_files
from pytest_mediaimage.image.sources.engine.files import FilesContent
from pytest_mediaimage.image.sources.engine.saved import SavedContent


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with other_engines.required(other_engines.podman()) as host:
        yield host


@pytest.fixture
def podman(service: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[docker.DockerClient]:
    """A client of a Podman that holds no images."""
    monkeypatch.setenv("CONTAINER_HOST", service)
    with closing(docker.DockerClient(service, version="1.40")) as client:
        yield client
        for image in client.images.list():
            client.images.remove(image.id or "", force=True)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    take(request.param, monkeypatch)
    return str(request.param)


def opened(name: str, cache: Path, platform: str = AMD64) -> Image:
    return open_image(Reference.parse(f"podman:{name}"), Platform(platform), Opening(cache))


def test_same_as_the_layout(podman: docker.DockerClient, way: str, tmp_path: Path) -> None:
    """A layer of it is zstd's, which Podman can't write into an archive of Docker's."""
    layout = write_images(tmp_path / "layout")
    load_layout(podman, layout)
    image, expected = opened(NAME, tmp_path / "cache"), layout_image(layout)
    assert type(image._content) is (FilesContent if way == "directory" else SavedContent)
    assert_same(image, expected)
    assert (image.source, image.compressed_size) == ("podman", None)
    assert image.digest == image.engine_name == expected.config_digest
    assert list(platforms_of(image.reference, Opening(tmp_path))) == [AMD64]
    with pytest.raises(PlatformNotFound, match="it has: linux/amd64"):
        opened(NAME, tmp_path, "linux/s390x")


def test_layers_are_known_by_name(podman: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_files, "_directory", lambda *_: None)
    root = write_one(tmp_path / "one", [layer([Item("a", b"1")], compression="gzip"), layer([Item("b", b"2")])])
    archive = io.BytesIO()
    open_layout(root).write_docker_archive(archive)
    (loaded,) = podman.images.load(archive.getvalue())
    image = opened(str(loaded.id), tmp_path / "cache")
    assert image.open("b").read() == b"2"
    assert not (tmp_path / "cache" / "engine").exists()


def test_what_was_built_here(podman: docker.DockerClient, tmp_path: Path) -> None:
    """`podman build -t mine` calls it localhost/mine."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, data in (("Dockerfile", b"FROM scratch\nCOPY a /\nENV B=c\nCOPY Dockerfile /\n"), ("a", b"1")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    podman.images.build(fileobj=io.BytesIO(archive.getvalue()), custom_context=True, tag="localhost/mine:1")
    image = opened("mine:1", tmp_path / "cache")
    assert [file.path for file in image.files] == ["/Dockerfile", "/a"]
    assert ["COPY" in item.created_by for item in image.layers] == [True, True]


def test_not_there(podman: docker.DockerClient, tmp_path: Path) -> None:
    with pytest.raises(ImageNotFound, match="podman: Podman has no such image"):
        opened("none:1", tmp_path)


def test_image_that_is_removed(podman: docker.DockerClient, way: str, tmp_path: Path) -> None:
    load_layout(podman, write_images(tmp_path / "layout"))
    image = opened(NAME, tmp_path / "cache")
    podman.images.remove(NAME, force=True)
    with pytest.raises(EngineUnavailable, match="was removed from Podman while it was read"):
        _ = image.layer_facts


def test_no_podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(EngineUnavailable, match=r"no Podman answers: .*none\.sock doesn't exist.*podman\.socket.*oci:"):
        opened("a:1", tmp_path)
