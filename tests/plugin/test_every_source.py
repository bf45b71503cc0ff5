"""One image, wherever it comes from: a run says the same of it."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import pytest
from support import other_engines
from support import registry as registries
from support.runs import Outcome

from pytest_mediaimage.image.build import Item, LayoutWriter, layer
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, open_image
from pytest_mediaimage.media.samples import sample

if TYPE_CHECKING:
    from docker import DockerClient

NAME = "pytest-mediaimage-test/every-source:1"
OF_THE_SOURCE = (
    "reference.pinned",
    "size.compressed",
    "manifest.platforms",
    "manifest.compression",
    "manifest.attestations",
    "manifest.parity",
    "manifest.runtime-floor",
)
"""Checks that ask how the image is named and packed, which differs from source to source."""
POLICY = "size: {unpacked: 1MB, layer: 1MB}\nlayers: {count: 2, waste: 1%}\n"


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image with something wrong in every layer."""
    root = tmp_path_factory.mktemp("every") / "layout"
    writer = LayoutWriter(root)
    clip = sample("bars-384x216").read_bytes()
    layers = [
        layer([Item("etc/passwd", b"root:x:0:0::/:/bin/sh\n"), Item("srv/clip.mp4", clip)], "COPY etc srv /"),
        layer(
            [Item("lib/firmware/card.bin", b"f" * 900_000), Item("old", b"1" * 300_000)], "RUN get", compression="gzip"
        ),
        layer([Item(".wh.old"), Item("srv/.wh.clip.mp4"), Item("srv/again.mp4", clip)], "RUN rm", compression="gzip"),
    ]
    writer.image(layers, tag="1", config={"User": "0", "Env": ["A=b"], "Cmd": ["/none"]})
    return writer.finish()


@pytest.fixture(scope="module")
def archive(layout: Path) -> Path:
    """The same as `docker load` takes it."""
    image = open_image(Reference.parse(f"oci:{layout}"), Platform("linux/amd64"), Opening(layout.parent / "cache"))
    path = layout.parent / "docker.tar"
    with path.open("wb") as out:
        image.write_docker_archive(out)
    return path


@contextmanager
def loaded(client: DockerClient, archive: Path) -> Iterator[str]:
    """The ID of the image, in an engine that is given back without it."""
    (image,) = client.images.load(archive.read_bytes())
    assert image.id is not None
    try:
        yield image.id
    finally:
        client.images.remove(image.id, force=True)


@pytest.fixture
def of_docker(docker_engine: DockerClient, archive: Path) -> Iterator[str]:
    with loaded(docker_engine, archive) as name:
        yield f"docker:{name}"


@pytest.fixture
def of_podman(archive: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with other_engines.required(other_engines.podman()) as host, closing(docker.DockerClient(host)) as client:
        monkeypatch.setenv("CONTAINER_HOST", host)
        with loaded(client, archive) as name:
            yield f"podman:{name.removeprefix('sha256:')}"


@pytest.fixture
def of_registry(layout: Path, tmp_path: Path) -> Iterator[str]:
    with registries.registry(tmp_path) as registry:
        digest = registry.push(layout, "org/every", "1")
        yield f"registry:{registry.address}/org/every@{digest}"


@pytest.fixture
def of_oci_archive(layout: Path, tmp_path: Path) -> str:
    with tarfile.open(tmp_path / "oci.tar", "w") as out:
        out.add(layout, ".")
    return f"oci-archive:{tmp_path / 'oci.tar'}"


@pytest.fixture
def of_docker_archive(archive: Path) -> str:
    return f"docker-archive:{archive}"


@pytest.fixture
def of_compressed_archive(archive: Path, tmp_path: Path) -> str:
    """Named by its path alone."""
    (tmp_path / "image.tgz").write_bytes(gzip.compress(archive.read_bytes(), 1))
    return str(tmp_path / "image.tgz")


def said(outcome: Outcome) -> dict[str, Any]:
    """What a run says of the image, by check; the time that it took left out."""
    kept = ("status", "measured", "budget", "unit", "reason", "findings")
    return {
        result["check"]: {name: result[name] for name in kept}
        for result in outcome.report["results"]
        if result["check"] not in OF_THE_SOURCE
    }


@pytest.mark.parametrize(
    "source",
    [
        "of_oci_archive",
        "of_docker_archive",
        "of_compressed_archive",
        pytest.param("of_docker", marks=pytest.mark.docker),
        "of_podman",
        "of_registry",
    ],
)
def test_same_findings(
    source: str,
    layout: Path,
    media: Callable[..., Outcome],
    pytester: pytest.Pytester,
    request: pytest.FixtureRequest,
) -> None:
    (pytester.path / "mediaimage.yaml").write_text(POLICY)

    def run(image: str) -> Outcome:
        return media(image, "--media-static", f"--media-cache={pytester.path / 'cache' / image[:6]}", "-k", "not sbom")

    expected, found = run(f"oci:{layout}"), run(request.getfixturevalue(source))
    failed = {check for check, result in said(expected).items() if result["status"] == "failed"}
    assert expected.result("contents.media")["findings"]
    assert failed >= {"contents.kernel-drivers", "size.unpacked", "layers.count", "layers.waste"}
    assert said(found) == said(expected)
    images = [outcome.report["images"][0] for outcome in (found, expected)]
    for name in ("config_digest", "unpacked_size", "flattened_size", "platform"):
        assert images[0][name] == images[1][name], name
