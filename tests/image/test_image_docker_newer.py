"""Images in a newer Docker: with its own store, which saves layouts, and with containerd's, which keeps all of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import pytest
from engine_images import NAME, WAYS, assert_same, layout_image, load_layout, load_plain, take, write_images
from image_helpers import AMD64
from support import other_engines

from pytest_mediaimage.errors import EngineUnavailable, PlatformNotFound
from pytest_mediaimage.image.blobs import BlobContent
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.image import Image
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, open_image, platforms_of
from pytest_mediaimage.image.sources.engine import files as engine_files
from pytest_mediaimage.image.sources.engine import store as engine_store
from pytest_mediaimage.image.sources.engine.files import FilesContent
from pytest_mediaimage.image.sources.engine.saved import SavedContent
from pytest_mediaimage.runtime.docker_images import EngineImages

ARM64 = Platform("linux/arm64")
pytestmark = pytest.mark.docker
Open = Callable[..., Image]


@pytest.fixture(scope="module")
def own_store() -> Iterator[str]:
    with other_engines.required(other_engines.newer_docker(containerd_store=False)) as host:
        yield host


@pytest.fixture(scope="module")
def containerd_store() -> Iterator[str]:
    with other_engines.required(other_engines.newer_docker(containerd_store=True)) as host:
        yield host


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("images") / "layout")


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    take(request.param, monkeypatch)
    return str(request.param)


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    def opened(name: str, platform: Platform = AMD64) -> Image:
        return open_image(Reference.parse(f"docker:{name}"), platform, Opening(tmp_path / "cache"))

    return opened


def load_some(host: str, root: Path, copy: Path, platform: str) -> None:
    """Load an index of which this engine gets one platform, as a pull gives it."""
    shutil.copytree(root, copy)
    (entry,) = json.loads((copy / "index.json").read_bytes())["manifests"]
    blobs = copy / "blobs" / "sha256"
    index = json.loads((blobs / entry["digest"].partition(":")[2]).read_bytes())
    documents = {m["platform"]["architecture"]: m["digest"].partition(":")[2] for m in index["manifests"]}
    manifests = {name: json.loads((blobs / digest).read_bytes()) for name, digest in documents.items()}
    wanted = {item["digest"] for item in manifests[platform]["layers"]}
    for name, manifest in manifests.items():
        if name != platform:
            for item in (manifest["config"], *manifest["layers"]):
                if item["digest"] not in wanted:
                    (blobs / item["digest"].partition(":")[2]).unlink(missing_ok=True)
            (blobs / documents[name]).unlink()
    with closing(docker.DockerClient(host)) as client:
        load_layout(client, copy)


@pytest.fixture
def emptied(containerd_store: str) -> Iterator[str]:
    yield containerd_store
    with closing(docker.DockerClient(containerd_store)) as client:
        for image in client.images.list():
            client.images.remove(image.id or "", force=True)


def test_own_store(own_store: str, layout: Path, way: str, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", own_store)
    expected = layout_image(layout)
    with closing(docker.DockerClient(own_store)) as client:
        identity = load_plain(client, expected)
    image = opened(identity)
    assert type(image._content) is (FilesContent if way == "directory" else SavedContent)
    assert_same(image, expected)
    assert image.digest == image.config_digest == identity
    assert (image.compressed_size, image.manifest, image.index_digest) == (None, None, None)


def test_own_store_needs_no_pass_to_tell_the_layers(
    own_store: str, layout: Path, opened: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From version 25 on the names in what is saved are the diffIDs."""
    monkeypatch.setenv("DOCKER_HOST", own_store)
    monkeypatch.setattr(engine_files, "_directory", lambda *_: None)
    with closing(docker.DockerClient(own_store)) as client:
        image = opened(load_plain(client, layout_image(layout)))
    streams = image._content.layer_streams(image.layers[2:3], identified=True)
    with next(streams) as stream:
        assert stream.diff_id == image.layers[2].diff_id
        stream.verify()
    assert list(streams) == []
    assert not (tmp_path / "cache" / "engine").exists()


@pytest.mark.parametrize("platform", [AMD64, ARM64])
def test_containerd_store(
    emptied: str, layout: Path, way: str, platform: Platform, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Manifest, index and compressed lengths are known, as in the layout itself."""
    monkeypatch.setenv("DOCKER_HOST", emptied)
    with closing(docker.DockerClient(emptied)) as client:
        load_layout(client, layout)
    expected = layout_image(layout, platform)
    for _ in range(2):  # the second time what was learnt is in the cache
        image = opened(NAME, platform)
        assert type(image._content) is (BlobContent if way == "directory" else SavedContent)
        assert_same(image, expected)
        assert image.manifest == expected.manifest and image.manifest is not None
        assert (image.digest, image.index_digest) == (expected.digest, expected.index_digest)
        assert image.compressed_size == expected.compressed_size
        assert [item.compressed_size for item in image.layers] == [item.compressed_size for item in expected.layers]
        assert image.config.raw == expected.config.raw
        assert image.engine_name == image.index_digest


def test_the_runtime_loads_no_image_that_the_engine_has(
    emptied: str, layout: Path, opened: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The engine knows an image of several platforms by its index alone, and runs the one for its machine."""
    monkeypatch.setenv("DOCKER_HOST", emptied)
    with closing(docker.DockerClient(emptied)) as client:
        load_layout(client, layout)
        host = client.version()["Arch"]
        for platform in (AMD64, ARM64):
            for image in (opened(NAME, platform), layout_image(layout, platform)):
                held = EngineImages(client, "1-test")
                identity = held.hold(image)
                assert (identity == image.index_digest) == (platform == f"linux/{host}")
                assert client.api.inspect_image(identity)["Architecture"] == image.platform.rpartition("/")[2]
                held.close()
                assert [image.tags for image in client.images.list()] == [[NAME.removeprefix("docker.io/")]]


def test_documents_are_saved_for_once(
    emptied: str, layout: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", emptied)
    monkeypatch.setattr(engine_store, "_own_blobs", lambda *_: None)
    with closing(docker.DockerClient(emptied)) as client:
        load_layout(client, layout)
    first = opened(NAME)
    monkeypatch.setattr(engine_store.Documents, "read", None)
    assert opened(NAME).manifest == first.manifest


def test_platforms_that_the_engine_holds(
    emptied: str, layout: Path, way: str, opened: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An index may name more than was pulled."""
    monkeypatch.setenv("DOCKER_HOST", emptied)
    load_some(emptied, layout, tmp_path / "some", "amd64")
    reference, opening = Reference.parse(f"docker:{NAME}"), Opening(tmp_path / "cache")
    assert list(platforms_of(reference, opening)) == [AMD64]
    with pytest.raises(PlatformNotFound, match="it has: linux/amd64"):
        opened(NAME, ARM64)
    assert_same(opened(NAME), layout_image(layout))
    with closing(docker.DockerClient(emptied)) as client:
        load_layout(client, layout)
    assert list(platforms_of(reference, opening)) == [AMD64, ARM64]
    assert opened(NAME, ARM64).platform == ARM64


def test_image_for_another_machine(
    emptied: str, layout: Path, way: str, opened: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Docker 26 doesn't save what isn't for this machine, later ones do; the directory holds it all the same."""
    monkeypatch.setenv("DOCKER_HOST", emptied)
    load_some(emptied, layout, tmp_path / "some", "arm64")
    with closing(docker.DockerClient(emptied)) as client:
        older = version_of(client) < engine_store._PLATFORMS_API
    if way == "saved" and older:
        with pytest.raises(EngineUnavailable, match="the Docker Engine failed to save"):
            opened(NAME, ARM64)
    else:
        assert_same(opened(NAME, ARM64), layout_image(layout, ARM64))


@pytest.mark.parametrize("platform", [AMD64, ARM64])
def test_engine_that_tells_its_platforms(
    emptied: str, layout: Path, platform: Platform, opened: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From version 1.48 of the API on; here an older engine is made to say what Docker 28 says."""
    monkeypatch.setenv("DOCKER_HOST", emptied)
    take("saved", monkeypatch)
    with closing(docker.DockerClient(emptied)) as client:
        load_layout(client, layout)
        monkeypatch.setattr(engine_store, "_PLATFORMS_API", version_of(client))
    monkeypatch.setattr(engine_store.EngineHttp, "request", lambda *_, **__: {"Manifests": told(layout)})
    image = opened(NAME, platform)
    expected = layout_image(layout, platform)
    assert_same(image, expected)
    assert (image.digest, image.index_digest) == (expected.digest, expected.index_digest)
    assert list(platforms_of(image.reference, Opening(tmp_path / "cache"))) == [AMD64, ARM64]
    with pytest.raises(PlatformNotFound, match="it has: linux/amd64, linux/arm64"):
        opened(NAME, Platform("linux/s390x"))


def version_of(client: docker.DockerClient) -> tuple[int, ...]:
    return tuple(int(part) for part in str(client.version()["ApiVersion"]).split("."))


def told(layout: Path) -> list[dict[str, Any]]:
    """`Manifests` as Docker 28.5 answers with `manifests=1`: an index's images, and what else hangs there."""
    (root,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    index = json.loads((layout / "blobs" / "sha256" / root["digest"].partition(":")[2]).read_bytes())
    images = [
        {"Descriptor": item, "Available": True, "Kind": "image", "ImageData": {"Platform": item["platform"]}}
        for item in index["manifests"]
    ]
    absent = {"os": "linux", "architecture": "s390x"}
    return [
        *images,
        {**images[0], "Available": False, "ImageData": {"Platform": absent}},
        {**images[0], "Kind": "attestation", "ImageData": None, "AttestationData": {"For": root["digest"]}},
    ]


def test_layout_for_those_who_want_one(
    emptied: str, layout: Path, opened: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", emptied)
    with closing(docker.DockerClient(emptied)) as client:
        load_layout(client, layout)
    (tmp_path / "written").mkdir()
    written = opened(NAME).write_layout(tmp_path / "written")
    assert layout_image(written).manifest == layout_image(layout).manifest


def test_image_that_is_removed(
    emptied: str, layout: Path, way: str, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", emptied)
    with closing(docker.DockerClient(emptied)) as client:
        load_layout(client, layout)
        image = opened(NAME)
        client.images.remove(NAME, force=True)
    with pytest.raises(EngineUnavailable, match=r"removed from the Docker Engine while .* read.*repeat"):
        _ = image.layer_facts
