"""What an image is made of: syft's packages and FFmpeg builds in one CycloneDX BOM."""

from .bom import FoundBuild, Sbom, merge, release_number
from .coverage import names_ffmpeg
from .syft import SyftRun, find_syft, load_bom

__all__ = [
    "FoundBuild",
    "Sbom",
    "SyftRun",
    "find_syft",
    "load_bom",
    "merge",
    "names_ffmpeg",
    "release_number",
]
