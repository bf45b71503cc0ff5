"""The SBOM of an image: syft's, with our own finding of FFmpeg in it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ..storage import storage_faults

if TYPE_CHECKING:
    from ..ffmpeg import FFmpegIdentity
    from ..image.image import Image
    from ..sbom import Sbom, SyftRun

# syft takes 30 s for a Debian image in a Docker Engine on two slow cores; a large CUDA image takes minutes.
_TIMEOUT = 600.0


def syft_run(image: Image, *, cache: Path, work: Path) -> SyftRun:
    """syft on this image, not yet started. Raises StorageFault."""
    from ..sbom import SyftRun

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


def merged(image: Image, files: Iterable[tuple[str, int, FFmpegIdentity]], syft: SyftRun) -> Sbom:
    """Wait for syft, read what it wrote, and add the FFmpeg that we found: (path, layer, identity) of each file.

    Raises ToolUnavailable or StorageFault.
    """
    from ..sbom import FoundBuild, merge

    builds = [FoundBuild(((path, str(image.layers[layer].diff_id)),), identity) for path, layer, identity in files]
    document = json.loads(syft.result(timeout=_TIMEOUT).read_bytes())
    return merge(document, builds, image_name=image.name, image_digest=str(image.digest))
