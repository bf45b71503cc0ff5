"""Images with indexes, attestations and odd manifests, and one check of `manifest.*` or `sbom.*` on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.registry import Registry, isolate, registry

from pytest_mediaimage.checks import manifest, reference, sbom
from pytest_mediaimage.checks.context import Context
from pytest_mediaimage.checks.registry import run_check
from pytest_mediaimage.checks.subject import Subject
from pytest_mediaimage.checks.workbench import Workbench
from pytest_mediaimage.image.build import BuiltLayer, Item, LayoutWriter, layer
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.policy import load_preset
from pytest_mediaimage.result import Result, Severity

AMD64, ARM64, ARM6, ARM7 = "linux/amd64", "linux/arm64", "linux/arm/v6", "linux/arm/v7"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
SLSA, SPDX = "https://slsa.dev/provenance/v0.2", "https://spdx.dev/Document"
CHECKS = {check.id: check for check in (*manifest.CHECKS, *reference.CHECKS, *sbom.CHECKS)}

Judge = Callable[..., Result]
Descriptor = dict[str, Any]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """`judge("manifest.platforms", LAYOUT, image_platforms=(...))`: the result, by the preset but for that."""

    def run(check: str, image: Path | str, *, platform: str = AMD64, read: bool = False, **policy: Any) -> Result:
        bench = Workbench(cache=tmp_path / "cache", runtime_name="auto", static=True, golden_folder=tmp_path / "golden")
        name = f"oci:{image}" if isinstance(image, Path) else image
        subject = Subject(bench, Reference.parse(name), Platform(platform))
        if read:
            subject.image.read()
        preset = load_preset("default", directory=tmp_path)
        return run_check(CHECKS[check], Context(subject, replace(preset, **policy)))

    return run


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A docker-registry, which has no list of referrers."""
    isolate(monkeypatch, tmp_path)
    folder = tmp_path / "registry"
    folder.mkdir()
    with registry(folder) as running:
        yield running


def one(data: bytes = b"1", created_by: str = "COPY app /opt", compression: str = "zstd") -> BuiltLayer:
    return layer([Item("opt/app", data)], created_by, compression=compression)


def layout(root: Path, *layers: BuiltLayer, **more: Any) -> Path:
    """One image, without an index."""
    root.mkdir(parents=True, exist_ok=True)
    writer = LayoutWriter(root)
    writer.image(layers or [one()], **more)
    return writer.finish()


def index(root: Path, images: Mapping[str, Mapping[str, Any]] | Sequence[str]) -> tuple[Path, dict[str, Descriptor]]:
    """An index over an image for each platform, with what `LayoutWriter.image` takes; and each one's descriptor."""
    root.mkdir(parents=True, exist_ok=True)
    writer = LayoutWriter(root)
    given = images if isinstance(images, Mapping) else {platform: {} for platform in images}
    made = {platform: image(writer, platform, **more) for platform, more in given.items()}
    writer.index(list(made.values()))
    return writer.finish(), made


def image(writer: LayoutWriter, platform: str, layers: Sequence[BuiltLayer] = (), **more: Any) -> Descriptor:
    built = list(layers) or [one(platform.encode())]
    return writer.image(built, platform=platform, listed=False, **more)


def attestation(writer: LayoutWriter, subject: str, *predicates: str) -> Descriptor:
    """What BuildKit puts beside a platform's image."""
    statements = [
        {
            **writer.blob(name.encode(), "application/vnd.in-toto+json"),
            "annotations": {"in-toto.io/predicate-type": name},
        }
        for name in predicates
    ]
    descriptor = artifact(writer, statements)
    return {
        **descriptor,
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": subject,
        },
    }


def artifact(writer: LayoutWriter, layers: Sequence[Descriptor], **more: Any) -> Descriptor:
    """A manifest that is no container image."""
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": writer.blob(b"{}", "application/vnd.oci.empty.v1+json"),
        "layers": list(layers),
        **more,
    }
    return writer.blob(json.dumps(document).encode(), OCI_MANIFEST)


def rewrite(root: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Change the only manifest of a layout."""
    listed = json.loads((root / "index.json").read_bytes())["manifests"][0]
    document = json.loads((root / "blobs" / listed["digest"].replace(":", "/")).read_bytes())
    change(document)
    writer = LayoutWriter(root)
    writer.list({**writer.blob(json.dumps(document).encode(), document["mediaType"]), "platform": listed["platform"]})
    return writer.finish()


def said(result: Result) -> list[tuple[str, str]]:
    """(severity, message) of each finding."""
    return [(str(finding.severity), finding.message) for finding in result.findings]


def errors(result: Result) -> list[str]:
    return [finding.message for finding in result.findings if finding.severity is Severity.ERROR]
