"""Manifests and configurations that aren't what they should be."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from image_helpers import open_layout
from registry_helpers import fails, pull, refusing, write
from support.registry import Call, Fake, isolate, serving, stall

from pytest_mediaimage.errors import CorruptImage, ImageNotFound, RegistryUnavailable
from pytest_mediaimage.image.manifest import MAX_DOCUMENT


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    isolate(monkeypatch, tmp_path)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("registry") / "layout")


def test_a_configuration_that_is_not_what_its_digest_says(layout: Path, tmp_path: Path) -> None:
    image = open_layout(layout)
    wrong = image.config.raw.replace(b"linux", b"LINUX")
    with serving(Fake(layout, {image.config_digest: lambda call: call.answer(200, wrong)})) as server:
        fails(server, tmp_path, CorruptImage, f" {image.config_digest}: the blob is damaged")
    with serving(Fake(layout)) as server:
        pull(server, tmp_path)  # nothing wrong was kept


def test_a_manifest_that_is_not_what_was_asked_for(layout: Path, tmp_path: Path) -> None:
    good = open_layout(layout)
    data = (layout / "blobs" / good.digest.replace(":", "/")).read_bytes()
    other = data.replace(b"{", b"{ ", 1)
    digest = f"sha256:{hashlib.sha256(other).hexdigest()}"

    def respond(call: Call) -> None:
        call.answer(200, other, Docker_Content_Digest=digest)

    with serving(Fake(layout, {"/manifests/": respond})) as server:
        fails(server, tmp_path, CorruptImage, f"{digest}, not the one asked for", f"x@{good.digest}")
        assert pull(server, tmp_path).digest == digest


def test_a_manifest_that_is_not_what_is_announced(layout: Path, tmp_path: Path) -> None:
    good = open_layout(layout)
    data = (layout / "blobs" / good.digest.replace(":", "/")).read_bytes()
    for announced in (f"sha256:{'0' * 64}", "rubbish"):
        with serving(
            Fake(
                layout, {"/manifests/": lambda call, said=announced: call.answer(200, data, Docker_Content_Digest=said)}
            )
        ) as server:
            fails(server, tmp_path, CorruptImage, f" {announced}: .*not the one announced")
    sha512 = f"sha512:{hashlib.sha512(data).hexdigest()}"
    with serving(Fake(layout, {"/manifests/": lambda c: c.answer(200, data, Docker_Content_Digest=sha512)})) as server:
        pull(server, tmp_path)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"rubbish", "no valid JSON"),
        (b"", "no valid JSON"),
        (b"[]", "is no object"),
        (b"[" * 100_000, "no valid JSON"),
        (b'{"schemaVersion": 1, "fsLayers": []}', "schema 1.*skopeo copy"),
        (b'{"manifests": [], "layers": [], "config": {}}', "both an index and a manifest"),
        (b'{"mediaType": "application/vnd.oci.image.index.v1+json", "layers": []}', "both an index and a manifest"),
        (b'{"mediaType": "application/vnd.oci.artifact.manifest.v1+json", "blobs": []}', "artifact.*neither an index"),
        (b'{"layers": {}}', "malformed|needs config"),
        (b'{"manifests": {}}', "malformed|needs manifests"),
        (b'{"manifests": [{"digest": "sha256:0"}]}', "a descriptor is malformed"),
    ],
)
def test_documents_that_are_none(body: bytes, words: str, layout: Path, tmp_path: Path) -> None:
    with serving(Fake(layout, {"/manifests/": lambda call: call.answer(200, body)})) as server:
        fails(server, tmp_path, CorruptImage, words)


def test_a_manifest_that_is_announced_too_large(layout: Path, tmp_path: Path) -> None:
    def respond(call: Call) -> None:
        call.begin(200, Content_Length=str(10**12))
        stall(call)

    with serving(Fake(layout, {"/manifests/": respond})) as server:
        fails(server, tmp_path, CorruptImage, f"a manifest of more than {MAX_DOCUMENT} bytes")


@pytest.mark.parametrize("part", ["/manifests/", "/blobs/"])
@pytest.mark.parametrize("status", [200, 404])
def test_a_web_page_is_no_answer(status: int, part: str, layout: Path, tmp_path: Path) -> None:
    page = b"<html>Please log in to the guest network</html>"
    with serving(
        Fake(layout, {part: lambda call: call.answer(status, page, Content_Type="text/html; charset=utf-8")})
    ) as server:
        fails(server, tmp_path, RegistryUnavailable, rf"web page \(status {status}\).*Is it a registry")


def test_a_plain_404_is_an_answer(layout: Path, tmp_path: Path) -> None:
    with serving(Fake(layout, {"/manifests/": refusing(404)})) as server:
        fails(server, tmp_path, ImageNotFound, "has no such")
