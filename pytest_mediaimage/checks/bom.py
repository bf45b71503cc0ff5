"""The SBOM of an image: syft's, with our own finding of FFmpeg and its libraries in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import EnvironmentFault
from ..storage import storage_faults

if TYPE_CHECKING:
    from ..image.image import Image
    from ..policy import Policy
    from ..sbom import Sbom, SyftRun
    from .subject import FoundFFmpeg, Subject

# syft takes 30 s for a Debian image in a Docker Engine on two slow cores; a large CUDA image takes minutes.
_TIMEOUT = 600.0


def syft_run(image: Image, *, cache: Path, work: Path) -> SyftRun:
    """syft on this image, not yet started. Raises ToolUnavailable where there is no syft, StorageFault."""
    from ..sbom import SyftRun, find_syft

    find_syft()  # before an image is written out for nobody
    if image.engine_name:
        target = f"{image.source}:{image.engine_name}"
    elif image.manifest is None:
        archive = work / f"archive-{image.digest.hex[:16]}.tar"
        with storage_faults(work), archive.open("wb") as out:
            image.write_docker_archive(out)
        target = f"docker-archive:{archive}"
    else:
        target = f"oci-dir:{image.write_layout(work / f'layout-{image.digest.hex[:16]}')}"
    return SyftRun(target, platform=str(image.platform), cache=cache, key=image.digest.hex, work=work)


def merged(
    image: Image, files: Sequence[FoundFFmpeg], syft: Callable[[], SyftRun]
) -> tuple[Sbom, EnvironmentFault | None]:
    """Wait for syft, read what it wrote, and add the FFmpeg that we found.

    Where syft is missing, fails or hangs the SBOM has our own components alone, and says so; the fault is the reason.
    """
    from ..sbom import FoundBuild, merge

    builds = [FoundBuild(((found.path, str(image.layers[found.layer].diff_id)),), found.build) for found in files]
    packages: dict[str, Any] | None = None
    made_by = ""
    lacking: EnvironmentFault | None = None
    try:
        run = syft()
        packages = json.loads(run.result(timeout=_TIMEOUT).read_bytes())
        _reduce_licenses(image, files, packages)
        made_by = f"syft {run.version}"
    except EnvironmentFault as fault:
        lacking = fault
    sbom = merge(
        packages,
        builds,
        image_name=image.name,
        image_digest=str(image.digest),
        image_purl=_purl(image),
        packages=made_by,
        missing=_reason(lacking) if lacking else "",
    )
    return sbom, lacking


def _reduce_licenses(image: Image, files: Sequence[FoundFFmpeg], document: dict[str, Any]) -> None:
    """Give each distribution's package the one expression that its own files come to, beside syft's flat list."""
    from ..sbom.bom import LICENSE, LICENSE_SOURCE
    from .license.builds import image_builds
    from .license.items import package_license

    builds = image_builds(files)
    for component in document.get("components", ()):
        if not str(component.get("purl", "")).startswith(("pkg:deb/", "pkg:apk/")):
            continue
        found = package_license(image, component, builds)
        if found and (expression := found[0].main):
            added = [{"name": LICENSE, "value": expression}, {"name": LICENSE_SOURCE, "value": found[1]}]
            component["properties"] = [*component.get("properties", ()), *added]


def bom_of(policy: Policy, subject: Subject, version: str) -> Sbom:
    """The SBOM in a version of CycloneDX: 1.6, or 1.7 with what the policy's patent data says of the codecs in it.

    Raises as `Subject.sbom` does, and PolicyError where the patent data is wrong.
    """
    sbom = subject.sbom()
    if version != "1.7":
        return sbom
    from ..sbom.patented import with_patents
    from .license.patent_file import patent_data

    return with_patents(sbom, patent_data(policy))


def _purl(image: Image) -> str:
    """That of an image in a registry (purl-spec, type oci); empty for an image whose address nobody else knows."""
    if image.source != "registry":
        return ""
    from packageurl import PackageURL

    location = image.reference.location
    qualifiers = {"arch": image.platform.architecture, "repository_url": location}
    name = location.rpartition("/")[2].lower()
    return str(PackageURL("oci", None, name, str(image.digest), qualifiers).to_string())


def _reason(fault: EnvironmentFault) -> str:
    """What is told of it in a document that others read: not what syft printed, which names this machine's paths."""
    return " ".join(fault.message.partition(": ")[0].split())[:300]
