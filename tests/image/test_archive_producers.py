"""Archives that the real tools write: skopeo, podman and Docker, each read as the image that they were made from."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from archive_makers import (
    COMPRESSIONS,
    NAME,
    Made,
    contents,
    example,
    open_any_archive,
    open_docker_archive,
    skopeo,
    write_archive,
    write_layout,
)
from image_helpers import open_layout

from pytest_mediaimage.image.image import Image

if TYPE_CHECKING:
    from docker import DockerClient


def without_padding(made: Made) -> Made:
    """Tars as Go writes them: two blocks of zeros at the end, and no more.

    skopeo to 1.13 or so drops the rest of the padding when it makes zstd:chunked of a layer.
    """
    tars = [tar.rstrip(b"\0") for tar in made.layers]
    return Made.of([tar + bytes(-len(tar) % 512 + 1024) for tar in tars])


IMAGE = without_padding(example())


@pytest.fixture
def expected(tmp_path: Path) -> object:
    return contents(open_layout(write_layout(IMAGE, tmp_path / "expected")))


def what_a_tool_keeps(image: Image) -> object:
    """Tools write the configuration anew: its bytes are others then, what it says is the same."""
    config, _, *rest = contents(image)  # type: ignore[misc]
    return config.platform, config.labels, config.diff_ids, rest


@pytest.fixture
def run_skopeo(tmp_path: Path) -> Callable[..., None]:
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo isn't installed")
    source = write_layout(IMAGE, tmp_path / "source", name="it")

    def run(*arguments: object) -> None:
        target = [str(argument) for argument in arguments]
        argv = ["skopeo", "--insecure-policy", "--tmpdir", str(tmp_path), "copy", f"oci:{source}:it", *target]
        subprocess.run(argv, check=True, capture_output=True)

    return run


@pytest.mark.parametrize("outer", COMPRESSIONS)
def test_skopeo_docker_archive(outer: str, run_skopeo: Callable[..., None], expected: object, tmp_path: Path) -> None:
    run_skopeo(f"docker-archive:{tmp_path}/image.tar:{NAME}")
    path = tmp_path / "image"
    path.write_bytes(COMPRESSIONS[outer]((tmp_path / "image.tar").read_bytes()))
    for image in (open_any_archive(path, tmp_path / "cache"), open_docker_archive(path, tmp_path / "cache", tag=NAME)):
        assert image.source == "docker-archive"
        assert contents(image) == expected


@pytest.mark.parametrize("outer", COMPRESSIONS)
def test_skopeo_oci_archive(outer: str, run_skopeo: Callable[..., None], expected: object, tmp_path: Path) -> None:
    run_skopeo(f"oci-archive:{tmp_path}/image.tar:{NAME}")
    path = tmp_path / "image"
    path.write_bytes(COMPRESSIONS[outer]((tmp_path / "image.tar").read_bytes()))
    assert contents(open_any_archive(path, tmp_path / "cache")) == expected


@pytest.mark.parametrize("compression", ["gzip", "zstd", "zstd:chunked"])
def test_skopeo_layout(compression: str, run_skopeo: Callable[..., None], expected: object, tmp_path: Path) -> None:
    run_skopeo("--dest-compress-format", compression, f"oci:{tmp_path}/made:it")
    image = open_layout(tmp_path / "made")
    assert contents(image) == expected
    descriptors = [layer.descriptor for layer in image.layers if layer.descriptor]
    assert {descriptor.media_type.rpartition("+")[2] for descriptor in descriptors} == {compression.partition(":")[0]}
    chunked = [any("zstd-chunked" in key for key in descriptor.annotations) for descriptor in descriptors]
    assert chunked == [compression == "zstd:chunked"] * 3


@pytest.fixture
def run_podman(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Podman with a store of its own, which holds the image as skopeo would have saved it."""
    if shutil.which("podman") is None or os.geteuid() != 0:
        pytest.skip("podman isn't installed, or this isn't root")
    settings = tmp_path / "containers.conf"
    limits = 'default_ulimits=["nofile=20000:20000","nproc=32768:32768"]'
    settings.write_text(f'[containers]\n{limits}\n[engine]\ncgroup_manager="cgroupfs"\n')
    environment = {**os.environ, "CONTAINERS_CONF": str(settings), "TMPDIR": str(tmp_path)}
    with tempfile.TemporaryDirectory(prefix="pod-") as folder:  # its paths may have 50 characters
        store = ["--root", f"{folder}/store", "--runroot", f"{folder}/run", "--storage-driver", "vfs"]

        def run(*arguments: object) -> None:
            argv = ["podman", *store, *(str(argument) for argument in arguments)]
            done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
            if arguments[0] == "load" and done.returncode:
                pytest.skip(f"podman can't be used here: {done.stderr.strip()[-300:]}")
            assert done.returncode == 0, done.stderr

        run("load", "--input", write_archive(skopeo(IMAGE), tmp_path / "loaded.tar"))
        yield run
        run("rmi", "--all", "--force")


def test_podman_save(run_podman: Callable[..., None], expected: object, tmp_path: Path) -> None:
    """Each form that it knows, but docker-dir, which is no form of ours."""
    other = "registry.example.com/org/other:1"
    run_podman("tag", NAME, other)
    for form in ("docker-archive", "oci-archive", "oci-dir"):
        run_podman("save", "--format", form, "--output", tmp_path / form, NAME)
    run_podman("save", "--multi-image-archive", "--output", tmp_path / "several", NAME, other)
    assert contents(open_any_archive(tmp_path / "docker-archive", tmp_path / "cache")) == expected
    for tag in (NAME, other):
        assert contents(open_docker_archive(tmp_path / "several", tmp_path / "cache", tag=tag)) == expected
    wanted = what_a_tool_keeps(open_docker_archive(tmp_path / "several", tmp_path / "cache"))
    for image in (open_any_archive(tmp_path / "oci-archive", tmp_path / "cache"), open_layout(tmp_path / "oci-dir")):
        assert what_a_tool_keeps(image) == wanted
        assert image.compressed_size


def test_docker_save(docker_engine: DockerClient, tmp_path: Path) -> None:
    """What the engine here writes, plain and compressed; the same layer twice, which engines to 24 save as a link."""
    name = f"registry.example.com/org/test-saved:{os.getpid()}"
    made = Made.of([*IMAGE.layers, IMAGE.layers[1]], title=name)
    docker_engine.images.load(write_archive(skopeo(made, name), tmp_path / "loaded.tar").read_bytes())
    try:
        data = b"".join(docker_engine.images.get(name).save(named=True))
    finally:
        docker_engine.images.remove(name, force=True)
    expected = contents(open_layout(write_layout(made, tmp_path / "expected")))
    cache = tmp_path / "cache"
    for path, written in ((tmp_path / "plain", data), (tmp_path / "gzip", gzip.compress(data))):
        path.write_bytes(written)
        for image in (open_any_archive(path, cache), open_docker_archive(path, cache, tag=name)):
            assert contents(image) == expected
