"""Images with SBOMs attached by the real tools, in both kinds of registry and in a layout."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest
from manifest_images import AMD64, ARM64, image
from support import attaching, other_engines
from support.attaching import Tools
from support.registry import Registry, isolate, registry

from pytest_mediaimage.image.build import Item, LayoutWriter, layer

CYCLONEDX, SPDX = "application/vnd.cyclonedx+json", "application/spdx+json"
NAME = "org/ffmpeg"


def cyclonedx(*packages: tuple[str, str], subject: str = "") -> dict[str, Any]:
    """(name, version) of Debian packages, and the digest that the document says it is about."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": "image", "version": subject}},
        "components": [
            {"type": "library", "name": name, "version": version, "purl": f"pkg:deb/debian/{name}@{version}?arch=amd64"}
            for name, version in packages
        ],
    }


def spdx(*packages: tuple[str, str]) -> dict[str, Any]:
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "image",
        "documentNamespace": "https://registry.example.com/image",
        "creationInfo": {"created": "2026-01-01T00:00:00Z", "creators": ["Tool: test"]},
        "packages": [
            {
                "SPDXID": f"SPDXRef-{index}",
                "name": name,
                "versionInfo": version,
                "downloadLocation": "NOASSERTION",
                "externalRefs": [
                    {
                        "referenceCategory": "PACKAGE-MANAGER",
                        "referenceType": "purl",
                        "referenceLocator": f"pkg:deb/debian/{name}@{version}",
                    }
                ],
            }
            for index, (name, version) in enumerate(packages)
        ],
    }


@dataclass
class Pushed:
    """An index of two platforms in a registry."""

    live: Registry
    index: str
    images: Mapping[str, str]

    @property
    def repository(self) -> str:
        return f"{self.live.address}/{NAME}"

    @property
    def name(self) -> str:
        """For `judge`."""
        return f"registry:{self.repository}@{self.index}"

    def at(self, digest: str) -> str:
        """For the tools."""
        return f"{self.repository}@{digest}"


@contextmanager
def running(kind: str, folder: Path) -> Iterator[Registry]:
    """`plain` lists no referrers, `listing` does."""
    folder.mkdir(exist_ok=True)
    with attaching.listing_registry(folder) if kind == "listing" else registry(folder) as live:
        yield live


def write(root: Path) -> tuple[Path, Mapping[str, str]]:
    """A layout with an index of two platforms; and each one's digest."""
    root.mkdir(parents=True, exist_ok=True)
    writer = LayoutWriter(root)
    made = {platform: image(writer, platform) for platform in (AMD64, ARM64)}
    writer.index(list(made.values()), tag="1")
    return writer.finish(), {platform: str(item["digest"]) for platform, item in made.items()}


@pytest.fixture(params=["plain", "listing"])
def pushed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pushed]:
    """In a registry that lists no referrers, and in one that does."""
    layout, images = write(tmp_path / "pushed")
    home = tmp_path / "home"
    home.mkdir()
    with running(request.param, tmp_path / "registry") as live:
        isolate(monkeypatch, home)
        yield Pushed(live, live.push(layout, NAME, "1"), images)


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    # Before a test isolates its home, in which the tools are kept.
    home = tmp_path / "tools"
    home.mkdir()
    return attaching.tools(home)


# What BuildKit starts to make an SBOM: https://github.com/moby/buildkit/blob/master/docs/attestations/sbom-protocol.md
_SCANNER = """\
#!/bin/sh
set -e
printf '{"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document"' > /out
printf ', "predicate": ' >> /out
cat /sbom.json >> /out
printf '}' >> /out
cp /out "$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json"
"""


def built_with_sbom(tools: Tools, document: Mapping[str, Any], root: Path | None = None) -> Path:
    """An OCI archive that `docker buildx build --attest type=sbom` wrote, with this document as the SBOM.

    The image holds what lies below `root`.
    """
    scanner = tools.home / "scanner"
    scanner.mkdir()
    writer = LayoutWriter(scanner)
    programs = [Item.symlink(f"bin/{name}", "busybox") for name in ("sh", "cat", "cp", "printf")]
    busybox = Path("/bin/busybox")
    if not busybox.exists():
        pytest.skip("busybox-static isn't installed")
    items = [
        Item.directory("bin"),
        Item("bin/busybox", busybox, mode=0o755),
        *programs,
        Item("scan", _SCANNER.encode(), mode=0o755),
        Item("sbom.json", json.dumps(document).encode()),
    ]
    writer.image([layer(items)], tag="docker.io/library/scanner:1", config={"Entrypoint": ["/scan"]})
    writer.finish()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(scanner, ".")
    context = tools.home / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\nCOPY root /\n")
    if root is None:
        (context / "root").mkdir()
        (context / "root" / "app").write_text("app")
    else:
        shutil.copytree(root, context / "root")
    with other_engines.required(other_engines.newer_docker(containerd_store=True, bridge=True)) as host:
        client = docker.DockerClient(host, version="1.40")
        client.images.load(archive.getvalue())
        client.close()
        sbom = "--attest=type=sbom,generator=docker.io/library/scanner:1"
        output = f"--output=type=oci,dest={tools.home}/built.tar"
        tools.run("docker-buildx", "build", "--builder=default", sbom, output, "context", DOCKER_HOST=host)
    return tools.home / "built.tar"


def syft_sbom(target: str, form: str, folder: Path) -> dict[str, Any]:
    """What syft says of an image, in `cyclonedx-json` or `spdx-json`; without syft the test skips."""
    from pytest_mediaimage.errors import ToolUnavailable
    from pytest_mediaimage.sbom import find_syft

    try:
        program = find_syft()
    except ToolUnavailable as error:
        pytest.skip(str(error))
    environment = {**os.environ, "SYFT_CHECK_FOR_APP_UPDATE": "false", "HOME": str(folder)}
    done = subprocess.run([program, "scan", target, "-o", form], capture_output=True, check=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
