"""Samples kept as artifacts in a real registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.registry import Registry, isolate, registry

from pytest_mediaimage.errors import CorruptImage, ImageNotFound, InvalidReference, RegistryUnavailable
from pytest_mediaimage.image.artifacts import fetch
from pytest_mediaimage.image.build import LayoutWriter

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
TITLE = "org.opencontainers.image.title"


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    isolate(monkeypatch, tmp_path)
    folder = tmp_path / "registry"
    folder.mkdir()
    with registry(folder) as running:
        yield running


def push(live: Registry, root: Path, files: dict[str, bytes]) -> str:
    """As `oras push` does it: an empty configuration, a layer for each file with its name. Gives the reference."""
    root.mkdir()
    writer = LayoutWriter(root)
    layers = [{**writer.blob(data, "video/mp4"), "annotations": {TITLE: name}} for name, data in files.items()]
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": "application/vnd.example.sample",
        "config": writer.blob(b"{}", EMPTY),
        "layers": layers,
    }
    writer.list(writer.blob(json.dumps(manifest).encode(), MANIFEST))
    digest = live.push(writer.finish(), "org/samples", "1")
    return f"oras:{live.address}/org/samples@{digest}"


def test_a_file_is_fetched_once_and_keeps_its_name(live: Registry, tmp_path: Path) -> None:
    reference, cache = push(live, tmp_path / "a", {"clips/our clip.mp4": b"clip"}), tmp_path / "cache"
    with live.watched() as asked:
        path = fetch(reference, cache)
    assert (path.name, path.read_bytes()) == ("our clip.mp4", b"clip")
    assert path.is_relative_to(cache) and any("/blobs/" in access.path for access in asked)
    with live.watched() as again:
        assert fetch(reference, cache) == path
    assert again == []


def test_one_of_several_files(live: Registry, tmp_path: Path) -> None:
    reference = push(live, tmp_path / "a", {"a.mp4": b"a", "b.mp4": b"b"})
    assert fetch(f"{reference}#b.mp4", tmp_path / "cache").read_bytes() == b"b"
    with pytest.raises(InvalidReference, match=r"it has 2 files[\s\S]*a\.mp4, b\.mp4"):
        fetch(reference, tmp_path / "cache")
    with pytest.raises(InvalidReference, match=r"has no file 'c\.mp4'"):
        fetch(f"{reference}#c.mp4", tmp_path / "cache")


def test_a_name_that_leads_elsewhere_is_not_taken(live: Registry, tmp_path: Path) -> None:
    path = fetch(push(live, tmp_path / "a", {"../../../.bashrc": b"x"}), tmp_path / "cache")
    assert path.name == "artifact" and path.is_relative_to(tmp_path / "cache")


def test_what_is_not_pinned_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidReference, match=r"isn't pinned"):
        fetch("oras:registry.example.com/org/samples:1", tmp_path)


def test_what_is_not_there(live: Registry, tmp_path: Path) -> None:
    with pytest.raises(ImageNotFound, match=r"^sample .* was not found"):
        fetch(f"oras:{live.address}/org/samples@sha256:{'0' * 64}", tmp_path / "cache")
    with pytest.raises(RegistryUnavailable):
        fetch(f"oras:127.0.0.1:1/org/samples@sha256:{'0' * 64}", tmp_path / "cache")


def test_a_registry_that_sends_another_file(live: Registry, tmp_path: Path) -> None:
    reference = push(live, tmp_path / "a", {"a.mp4": b"right"})
    blob = next(
        path for path in (tmp_path / "registry").rglob("data") if path.is_file() and path.read_bytes() == b"right"
    )
    blob.write_bytes(b"wrong")
    with pytest.raises(CorruptImage):
        fetch(reference, tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.read_bytes() == b"wrong"]
