"""The SBOM of an image: syft's, with our own finding of FFmpeg in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..sbom import Sbom, SyftRun
    from .subject import Subject

# syft takes 30 s for a Debian image in a Docker Engine on two slow cores; a large CUDA image takes minutes.
_TIMEOUT = 600.0


def syft_run(subject: Subject) -> SyftRun:
    """syft on this image, not yet started. Raises ToolUnavailable where there is none."""
    from ..sbom import SyftRun

    image, work = subject.image, subject.bench.work
    if image.engine_name:
        target = f"docker:{image.config_digest}"
    else:
        target = f"oci-dir:{image.write_layout(work / f'layout-{image.digest.hex[:16]}')}"
    return SyftRun(target, platform=str(image.platform), cache=subject.bench.cache, key=image.digest.hex, work=work)


def merged(subject: Subject, syft: SyftRun) -> Sbom:
    """Wait for syft, read what it wrote, and add the FFmpeg that we found."""
    from ..sbom import FoundBuild, merge

    builds = [
        FoundBuild(((found.path, str(subject.image.layers[found.layer].diff_id)),), found.identity)
        for found in subject.ffmpeg_files
    ]
    document = json.loads(syft.result(timeout=_TIMEOUT).read_bytes())
    return merge(document, builds, image_name=subject.label, image_digest=str(subject.image.digest))
