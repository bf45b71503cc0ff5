"""An engine that loses the image, or itself, while it is read: the environment's fault, with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from engine_images import load_plain, take
from image_helpers import AMD64, open_layout, write_layout
from support.cut import Cut, cut

from pytest_mediaimage.engine.connect import Engine
from pytest_mediaimage.engine.http import Refused
from pytest_mediaimage.errors import EngineUnavailable, EnvironmentFault, StorageFault
from pytest_mediaimage.image.build import Item, layer
from pytest_mediaimage.image.image import Image
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, open_image
from pytest_mediaimage.image.sources.engine.docker import connect
from pytest_mediaimage.image.sources.engine.files import FilesContent
from pytest_mediaimage.image.sources.engine.saving import Saving

if TYPE_CHECKING:
    from docker import DockerClient

LONG = 3_000_000
"""Bytes of an image that an answer to anything else doesn't have."""


@pytest.fixture
def image(docker_engine: DockerClient, tmp_path: Path) -> Iterator[str]:
    root = write_layout(tmp_path / "layout", [layer([Item("a", bytes(LONG))]), layer([Item("b", bytes(LONG))])])
    identity = load_plain(docker_engine, open_layout(root))
    yield identity
    if any(one.id == identity for one in docker_engine.images.list()):
        docker_engine.images.remove(identity, force=True)


@pytest.fixture
def way(docker_engine: DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cut]:
    """A way to the engine that the test may cut."""
    host = str(connect().endpoint["host"])
    if not host.startswith("unix://"):
        pytest.skip("the engine isn't at a socket")
    with cut(tmp_path / "cut.sock", host) as server:
        monkeypatch.setenv("DOCKER_HOST", server.host)
        yield server


def opened(identity: str, cache: Path) -> Image:
    return open_image(Reference.parse(f"docker:{identity}"), AMD64, Opening(cache))


def test_image_that_is_removed_before(docker_engine: DockerClient, image: str, tmp_path: Path) -> None:
    ours = opened(image, tmp_path / "cache")
    docker_engine.images.remove(image, force=True)
    with pytest.raises(EngineUnavailable, match=r"was removed from the Docker Engine while it was read\. Let nothing"):
        _ = ours.layer_facts


def test_image_whose_files_go_while_it_is_read(
    docker_engine: DockerClient, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take("directory", monkeypatch)
    ours = opened(image, tmp_path / "cache")
    content = ours._content
    assert isinstance(content, FilesContent)
    with content.open_layer(ours.layers[0]) as stream, stream:
        assert stream.read(1000)
        docker_engine.images.remove(image, force=True)
        try:
            assert stream.verify() == ours.layers[0].diff_id  # the file stays as long as it is open
        except EnvironmentFault:
            pytest.fail("a file that is open can't go")
    with pytest.raises(EngineUnavailable, match="was removed"), content.open_layer(ours.layers[1]):
        pass


def test_image_that_is_removed_in_the_middle(
    docker_engine: DockerClient, image: str, way: Cut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take("saved", monkeypatch)
    ours = opened(image, tmp_path / "cache")
    way.limit, way.before_the_end = 100_000, lambda: docker_engine.images.remove(image, force=True)
    with pytest.raises(EngineUnavailable, match="was removed from the Docker Engine while it was read"):
        _ = ours.layer_facts


def test_engine_that_dies_in_the_middle(image: str, way: Cut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take("saved", monkeypatch)
    ours = opened(image, tmp_path / "cache")
    way.limit, way.before_the_end = 100_000, lambda: setattr(way, "closed", True)
    words = r"the Docker Engine stopped answering while docker:sha256:\w+ was read from it: .*start it again"
    with pytest.raises(EngineUnavailable, match=words):
        _ = ours.layer_facts


def test_engine_that_breaks_off(image: str, way: Cut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take("saved", monkeypatch)
    ours = opened(image, tmp_path / "cache")
    way.limit = 100_000
    with pytest.raises(EngineUnavailable, match=r"broke off while it saved docker:sha256:\w+: .*ends in the middle"):
        _ = ours.layer_facts


def test_engine_that_is_gone_when_it_is_asked(
    image: str, way: Cut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take("saved", monkeypatch)
    ours = opened(image, tmp_path / "cache")
    way.closed = True
    with pytest.raises(EngineUnavailable, match="stopped answering"):
        _ = ours.layer_facts


def test_engine_without_room_for_what_it_saves(image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Saving, request: object) -> None:
        raise Refused(500, "write /var/lib/docker/tmp/x: no space left on device")

    take("saved", monkeypatch)
    ours = opened(image, tmp_path / "cache")
    monkeypatch.setattr(Saving, "_ask", full)
    with pytest.raises(StorageFault, match=r"no space left where it keeps its data.*docker system prune"):
        _ = ours.layer_facts


def test_engine_that_only_docker_py_reaches(image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As over ssh: the image comes by docker-py's own stream."""
    expected = opened(image, tmp_path / "cache").layer_facts
    monkeypatch.setattr(Engine, "is_local", False)
    ours = opened(image, tmp_path / "other")
    ours._content._saving._engine.endpoint["host"] = "ssh://nowhere"  # type: ignore[attr-defined]
    assert ours.layer_facts == expected
