"""Images in a real registry: Debian's docker-registry on this machine."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from image_helpers import AMD64, open_layout, write_layout
from support.registry import Access, Registry, isolate, registry

from pytest_mediaimage.errors import (
    CorruptImage,
    EngineUnavailable,
    ImageNotFound,
    PlatformNotFound,
    RegistryUnavailable,
)
from pytest_mediaimage.image.build import BuiltLayer, Item, LayoutWriter, layer
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.image import Image
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, open_image, platforms_of

BASE = layer([Item("base", os.urandom(300_000)), Item.directory("d"), Item.hardlink("d/linked", "base")], "base")
TOOL = layer([Item("bin/ffmpeg", os.urandom(200_000), mode=0o755)], "tool", compression="gzip")
ARM64 = Platform("linux/arm64")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry(tmp_path_factory.mktemp("registry")) as started:
        yield started


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    isolate(monkeypatch, tmp_path)


def app(text: str) -> BuiltLayer:
    return layer([Item("app/version", text.encode()), Item("d/.wh.linked")], "app", compression="none")


def open_from(running: Registry, name: str, cache: Path, platform: Platform = AMD64, **options: Any) -> Image:
    return open_image(Reference.parse(f"registry:{running.address}/{name}"), platform, Opening(cache, **options))


def summary(image: Image) -> object:
    files = [(file, image.open(file.path).read() if file.type == "file" else b"") for file in image.files]
    return image.digest, image.config, image.layers, files, image.tree.hidden, image.compressed_size


def blobs(accesses: list[Access]) -> list[str]:
    return [access.path.rpartition("/")[2] for access in accesses if "/blobs/" in access.path]


def digests(image: Image) -> list[str]:
    assert image.manifest is not None
    return [item.digest for item in image.manifest.layers]


def kept(cache: Path) -> set[str]:
    return {path.name for path in (cache / "blobs").rglob("*") if path.is_file()}


def test_the_same_image_as_in_its_layout(running: Registry, tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", [BASE, TOOL, app("1")])
    running.push(layout, "org/media/ffmpeg", "7.1")
    image = open_from(running, "org/media/ffmpeg:7.1", tmp_path / "cache")
    assert (image.source, image.index_digest) == ("registry", None)
    assert summary(image) == summary(open_layout(layout))


def test_no_tag_means_latest(running: Registry, tmp_path: Path) -> None:
    digest = running.push(write_layout(tmp_path / "layout", [TOOL]), "latest-only", "latest")
    assert open_from(running, "latest-only", tmp_path / "cache").digest == digest


@pytest.fixture
def many(running: Registry, tmp_path: Path) -> dict[str, Any]:
    """An index in an index: two platforms and an attestation, tagged `many:1`."""
    writer = LayoutWriter(tmp_path / "layout")
    children = [writer.image([BASE, app(p)], platform=p, listed=False) for p in ("linux/amd64", "linux/arm64/v8")]
    attestation = writer.image([TOOL], listed=False)
    del attestation["platform"]
    attestation["annotations"] = {"vnd.docker.reference.type": "attestation-manifest"}
    inner = writer.index(children, listed=False)
    outer = writer.index([inner, attestation])
    running.push(writer.finish(), "many", "1")
    return {"outer": outer["digest"], "amd64": children[0]["digest"], "arm64": children[1]["digest"]}


def test_the_platform_is_chosen_from_the_index(running: Registry, many: dict[str, Any], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for platform, digest in ((AMD64, many["amd64"]), (ARM64, many["arm64"])):
        image = open_from(running, "many:1", cache, platform)
        assert (image.digest, image.index_digest, image.platform) == (digest, many["outer"], platform)
        assert image.open("/app/version").read().decode().startswith(platform)
    reference = Reference.parse(f"registry:{running.address}/many:1")
    assert list(platforms_of(reference, Opening(cache))) == [AMD64, ARM64]
    with pytest.raises(PlatformNotFound) as missing:
        open_from(running, "many:1", cache, Platform("linux/s390x"))
    assert missing.value.available == (AMD64, ARM64)


def test_a_digest_beats_the_tag_beside_it(running: Registry, many: dict[str, Any], tmp_path: Path) -> None:
    for name in (f"many@{many['outer']}", f"many:1@{many['outer']}", f"many:gone@{many['outer']}"):
        image = open_from(running, name, tmp_path / "cache")
        assert (image.digest, image.index_digest) == (many["amd64"], many["outer"])
    child = open_from(running, f"many@{many['arm64']}", tmp_path / "cache", ARM64)
    assert (child.digest, child.index_digest) == (many["arm64"], None)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("absent:1", "NAME_UNKNOWN|MANIFEST_UNKNOWN"),
        ("many:absent", "MANIFEST_UNKNOWN"),
        (f"many@sha256:{'0' * 64}", "MANIFEST_UNKNOWN"),
    ],
)
def test_what_the_registry_lacks(
    name: str, words: str, running: Registry, many: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(ImageNotFound, match=words) as caught:
        open_from(running, name, tmp_path / "cache")
    assert [source for source, _ in caught.value.tried] == ["registry"]
    assert f"{running.address} has no such" in str(caught.value)


def test_an_image_id_is_no_name(running: Registry, tmp_path: Path) -> None:
    with pytest.raises(ImageNotFound, match="the ID of an image in an engine"):
        open_image(Reference.parse(f"registry:{'0' * 64}"), AMD64, Opening(tmp_path))


def test_a_layer_that_the_registry_has_lost(running: Registry, tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", [layer([Item("lost", os.urandom(100))], "lost")])
    running.push(layout, "lossy", "1")
    lost = digests(open_layout(layout))[0]
    running.delete("lossy", lost, "blobs")
    with pytest.raises(CorruptImage, match=f"{lost}: {running.address} has no such.*BLOB_UNKNOWN"):
        _ = open_from(running, "lossy:1", tmp_path / "cache").tree


def test_an_artifact_is_no_image(running: Registry, tmp_path: Path) -> None:
    writer = LayoutWriter(tmp_path / "layout")
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": writer.blob(b"{}", "application/vnd.cncf.helm.config.v1+json"),
        "layers": [writer.blob(b"chart", "application/vnd.cncf.helm.chart.content.v1.tar+gzip")],
    }
    writer.list(writer.blob(json.dumps(manifest).encode(), str(manifest["mediaType"])))
    running.push(writer.finish(), "chart", "1")
    with pytest.raises(CorruptImage, match=r"an artifact of type application/vnd\.cncf\.helm"):
        open_from(running, "chart:1", tmp_path / "cache")


def test_only_the_layer_that_changed_is_fetched(running: Registry, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    running.push(write_layout(tmp_path / "one", [BASE, TOOL, app("1")]), "release", "1")
    _ = open_from(running, "release:1", cache).tree
    running.push(write_layout(tmp_path / "two", [BASE, TOOL, app("2")]), "release", "2")
    with running.watched() as accesses:
        image = open_from(running, "release:2", cache)
        assert image.flattened_size > 500_000
    assert image.manifest is not None
    assert blobs(accesses) == [image.manifest.config.digest, digests(image)[2]]
    assert sum(access.length for access in accesses if access.method == "GET") < 20_000


def test_the_second_run_asks_what_the_tag_means(running: Registry, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    running.push(write_layout(tmp_path / "layout", [BASE]), "again", "1")
    expected = [file.path for file in open_from(running, "again:1", cache).files]
    with running.watched() as accesses:
        assert [file.path for file in open_from(running, "again:1", cache).files] == expected
    assert [(access.method, access.path) for access in accesses] == [("HEAD", "/v2/again/manifests/1")]


def test_a_moved_tag_is_seen(running: Registry, tmp_path: Path) -> None:
    for text in ("1", "2", "1"):
        running.push(write_layout(tmp_path / f"layout{text}", [app(text)]), "moved", "latest")
        assert open_from(running, "moved", tmp_path / "cache").open("/app/version").read() == text.encode()


def test_a_digest_that_is_known_needs_no_registry(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (tmp_path / "registry").mkdir()
    with registry(tmp_path / "registry") as started:
        digest = started.push(write_layout(tmp_path / "layout", [BASE, app("1")]), "org/pinned", "1")
        online = open_from(started, f"org/pinned@{digest}", cache, keep_blobs=True)
        expected = summary(online)
    assert summary(open_from(started, f"org/pinned@{digest}", cache)) == expected
    with pytest.raises(RegistryUnavailable, match="refused"):
        open_from(started, "org/pinned:1", cache)


def test_nothing_but_documents_is_kept_unasked(running: Registry, tmp_path: Path) -> None:
    running.push(write_layout(tmp_path / "layout", [BASE, TOOL]), "unkept", "1")
    image = open_from(running, "unkept:1", tmp_path / "cache")
    _ = image.tree
    assert kept(tmp_path / "cache") == {image.digest.partition(":")[2], image.config_digest.partition(":")[2]}


def test_layers_are_kept_while_they_are_read(running: Registry, tmp_path: Path) -> None:
    """Afterwards they come from the cache: to be unpacked, and to be linked into a layout."""
    cache = tmp_path / "cache"
    running.push(write_layout(tmp_path / "layout", [BASE, TOOL, app("1")]), "kept", "1")
    image = open_from(running, "kept:1", cache, keep_blobs=True)
    _ = image.tree
    assert {digest.partition(":")[2] for digest in digests(image)} < kept(cache)
    with running.watched() as accesses:
        (tmp_path / "root").mkdir()
        image.unpack(tmp_path / "root")
        exported = image.write_layout(tmp_path / "exported")
        again = open_from(running, "kept:1", cache)
        assert (tmp_path / "root" / "base").read_bytes() == again.open("/base").read()
    assert blobs(accesses) == []
    linked = [path for path in exported.rglob("*") if path.is_symlink()]
    assert {path.name for path in linked} == kept(cache)
    assert all(path.resolve().is_relative_to(cache.resolve()) for path in linked)


def test_a_layout_is_written_without_keeping(running: Registry, tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", [BASE, TOOL])
    running.push(layout, "exported", "1")
    exported = open_from(running, "exported:1", tmp_path / "cache").write_layout(tmp_path / "exported")
    assert summary(open_layout(exported)) == summary(open_layout(layout))


def test_layers_may_be_read_at_once(running: Registry, tmp_path: Path) -> None:
    layers = [layer([Item(str(n), os.urandom(400_000))], str(n)) for n in range(6)]
    layout = write_layout(tmp_path / "layout", layers)
    running.push(layout, "wide", "1")
    image = open_from(running, "wide:1", tmp_path / "cache", keep_blobs=True)
    store = image._content.store  # type: ignore[attr-defined]
    barrier, read = threading.Barrier(len(layers)), {}

    def fetch(digest: str) -> None:
        with store.open(digest) as stream:
            first = stream.read(1000)
            barrier.wait(30)  # all are open
            read[digest] = first + stream.read()

    threads = [threading.Thread(target=fetch, args=(digest,)) for digest in digests(image)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == {d: (layout / "blobs" / d.replace(":", "/")).read_bytes() for d in digests(image)}


def test_a_bare_name_needs_no_engine(running: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    digest = running.push(write_layout(tmp_path / "layout", [TOOL]), "org/bare", "1")
    name = f"{running.address}/org/bare"
    for text in (f"{name}:1", f"{name}@{digest}", f"registry:{name}:1"):
        assert open_image(Reference.parse(text), AMD64, Opening(tmp_path / "cache")).source == "registry"


def test_every_place_that_was_tried_is_named(
    running: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that should be there and isn't may hold the image: that is no answer about the image."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(EngineUnavailable, match=r"(?s)can't be looked up.*- docker: .*- registry: .*_UNKNOWN"):
        open_image(Reference.parse(f"{running.address}/absent"), AMD64, Opening(tmp_path))
    with pytest.raises(RegistryUnavailable, match=r"(?s)can't be looked up.*- docker: .*- registry: .*refused") as both:
        open_image(Reference.parse("127.0.0.1:1/absent"), AMD64, Opening(tmp_path))
    assert "DOCKER_HOST" in both.value.remedy


def test_an_engine_that_this_machine_lacks_is_no_fault(
    running: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_mediaimage.image import sources

    def no_engine(*_: object) -> Image:
        raise EngineUnavailable("no Docker Engine answers: there is no socket")

    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(sources, "_DOCKER_SOCKET", tmp_path / "docker.sock")
    monkeypatch.setattr(sources, "_PODMAN_SOCKET", tmp_path / "podman.sock")
    monkeypatch.setattr("pytest_mediaimage.image.sources.engine.docker.DockerSource.open", no_engine)
    with pytest.raises(ImageNotFound) as caught:
        open_image(Reference.parse(f"{running.address}/absent"), AMD64, Opening(tmp_path))
    assert [source for source, _ in caught.value.tried] == ["docker", "registry"]


def test_podman_is_asked_where_its_socket_is(
    running: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_mediaimage.image import sources

    def tried() -> str:
        with pytest.raises(EngineUnavailable) as caught:
            open_image(Reference.parse(f"{running.address}/absent"), AMD64, Opening(tmp_path))
        return str(caught.value)

    monkeypatch.delenv("CONTAINER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setattr(sources, "_PODMAN_SOCKET", tmp_path / "podman.sock")
    assert "- podman: " not in tried()
    with socket.socket(socket.AF_UNIX) as own:
        (tmp_path / "run" / "podman").mkdir(parents=True)
        own.bind(str(tmp_path / "run" / "podman" / "podman.sock"))  # nobody listens
        places = tried()
    assert re.search(r"(?s)- docker: .*- podman: .*connection refused.*- registry: ", places)
